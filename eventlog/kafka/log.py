"""The log on Apache Kafka: `KafkaLog` is the port's adapter, `KafkaReader` reads at positions that are ours.

`Appender` is an idempotent producer, which keeps the order within each partition through its own retries.

`Fetched` is what a fetch brought of one partition, handed out as the records that aiokafka decodes in C. aiokafka makes
a second object of every record, in Python, with eleven fields of which we read four: two thirds of the time of reading.
The first one has all that `schemas.fields.Record` asks for, so batches are handed out as they decode. There is no
public way to that: `Fetched` is put into the place of aiokafka's own class, for every consumer of this process, and
does what that does. `tests/eventlog/kafka/test_log.py` compares the two, and fails where a release has other private
parts; so pyproject.toml has an upper bound.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
)

from eventlog.kafka.administration import Security
from eventlog.kafka.connection import Connection, start_consumer, stop_consumer, stop_producer
from eventlog.kafka.membership import KafkaMembership
from eventlog.kafka.topics import Topics
from eventlog.port import Batch, Entry, Topic, TopicFinding, check_entries, partition_of
from schemas.errors import PositionLost, RecordTooLarge, UnknownTopic
from schemas.fields import Record

_log: Final = logging.getLogger(__name__)

APPEND_DEADLINE_S: Final = 30.0
"""Seconds after which an append has failed: a leader's election, or the restart of a broker, takes less."""

MAX_BATCH_BYTES: Final = 512 * 1024
"""Bytes of a batch for one partition: 1,000 tallies of 300 bytes in one, and half of Kafka's own limit."""

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""Above every topic's limit, which is the one that counts; below the 100 MiB that a broker accepts."""

_RECORD_OVERHEAD_BYTES: Final = 32
"""Variable integers around a record's key and value, at most."""

FEW_ENTRIES: Final = 16
"""Up to so many entries are sent one by one, so that concurrent small appends share a batch; more fill their own."""


class Appender:
    """Appends through a producer that the first append starts, and that is replaced after it failed.

    An idempotent producer numbers its batches; where one failed, Kafka refuses every later number of that producer.
    Batches that were not acknowledged within the deadline stay with the producer, which goes on retrying. Later appends
    wait for them: that is the back-pressure which keeps the order, and an outage from piling up copies.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._enqueueing: dict[str, asyncio.Lock] = {}
        self._overdue: set[asyncio.Future[object]] = set()

    async def append(self, topic: Topic, entries: Sequence[Entry]) -> None:
        """Append the entries. Call order: `check_entries()` first. Raises `LogUnavailable` after the deadline."""
        producer: AIOKafkaProducer | None = None
        try:
            async with self._connection.translated():
                async with asyncio.timeout(APPEND_DEADLINE_S):
                    await self._wait_for_overdue()
                    producer = await self._started()
                    await self._deliver(producer, topic, entries)
        except Exception as error:
            cause = error.__cause__
            # After a timeout the producer goes on retrying its batches; any other failure leaves a gap in its numbers.
            if producer is not None and isinstance(cause, KafkaError) and not isinstance(cause, KafkaTimeoutError):
                await self._replace(producer)
            if isinstance(cause, MessageSizeTooLargeError):  # the topic's limit was lowered since it was looked up
                largest = max(len(entry.key) + len(entry.value) for entry in entries)
                raise RecordTooLarge(topic.name, largest, topic.max_record_bytes) from cause
            raise

    async def close(self) -> None:
        """Flush the producer for a few seconds at most, and stop it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer)

    async def _wait_for_overdue(self) -> None:
        if self._overdue:
            await asyncio.wait(self._overdue)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection.options,
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=MAX_REQUEST_BYTES,
                )
                try:
                    await self._connection.begin(producer.start())
                except BaseException:
                    await stop_producer(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _deliver(self, producer: AIOKafkaProducer, topic: Topic, entries: Sequence[Entry]) -> None:
        futures: list[asyncio.Future[object]] = []
        try:
            if len(entries) <= FEW_ENTRIES:
                await _send_each(producer, topic, entries, futures)
            else:
                # A large append awaits room between its batches: another must not put its own in between.
                async with self._enqueueing.setdefault(topic.name, asyncio.Lock()):
                    await _send_batches(producer, topic, entries, futures)
            await asyncio.wait(futures)
        finally:
            for future in futures:
                if not future.done():
                    self._overdue.add(future)
                future.add_done_callback(self._settled)
        for future in futures:
            future.result()

    def _settled(self, future: asyncio.Future[object]) -> None:
        self._overdue.discard(future)
        if not future.cancelled():
            future.exception()  # looked at, so that asyncio does not log it: its append has raised, or was cancelled

    async def _replace(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            await stop_producer(producer)


async def _send_each(
    producer: AIOKafkaProducer, topic: Topic, entries: Sequence[Entry], futures: list[asyncio.Future[object]]
) -> None:
    for entry in entries:
        partition = partition_of(entry.key, topic.partitions) if entry.partition is None else entry.partition
        futures.append(await producer.send(topic.name, entry.value, entry.key, partition, entry.appended_ms))


async def _send_batches(
    producer: AIOKafkaProducer, topic: Topic, entries: Sequence[Entry], futures: list[asyncio.Future[object]]
) -> None:
    by_partition: dict[int, list[Entry]] = {}
    for entry in entries:
        partition = partition_of(entry.key, topic.partitions) if entry.partition is None else entry.partition
        by_partition.setdefault(partition, []).append(entry)
    limit_bytes = min(MAX_BATCH_BYTES, topic.max_record_bytes)
    for partition, mine in by_partition.items():
        batch, size_bytes = producer.create_batch(), 0
        for entry in mine:
            entry_bytes = len(entry.key) + len(entry.value) + _RECORD_OVERHEAD_BYTES
            if size_bytes and size_bytes + entry_bytes > limit_bytes:
                futures.append(await _send(producer, batch, topic.name, partition))
                batch, size_bytes = producer.create_batch(), 0
            batch.append(key=entry.key, value=entry.value, timestamp=entry.appended_ms)
            size_bytes += entry_bytes
        futures.append(await _send(producer, batch, topic.name, partition))


async def _send(producer: AIOKafkaProducer, batch: object, topic: str, partition: int) -> asyncio.Future[object]:
    batch.close()  # type: ignore[attr-defined]  # aiokafka has no types
    future: asyncio.Future[object] = await producer.send_batch(batch, topic, partition=partition)
    return future


class KafkaLog:
    """An event log on a Kafka cluster; see the port for what it promises. `servers` is `HOST:PORT[,HOST:PORT]`.

    While the cluster is away, appends and requests raise `LogUnavailable` after their deadlines, and readers wait. All
    of them work again once it is back.
    """

    def __init__(self, servers: str, *, security: Security | None = None) -> None:
        self._servers = servers
        self._security = security or Security()
        self._open: _Clients | None = None

    async def __aenter__(self) -> Self:
        clients = _Clients(Connection(self._servers, self._security))
        await clients.topics.start()
        self._open = clients
        return self

    async def __aexit__(self, *_: object) -> None:
        clients, self._open = self._open, None
        if clients is not None:
            await clients.close()

    @property
    def _clients(self) -> "_Clients":
        if self._open is None:
            raise RuntimeError("the log is not open")
        return self._open

    async def create(self, topics: Sequence[Topic]) -> None:
        await self._clients.topics.create(topics)

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        return await self._clients.topics.check(topics)

    async def open_for_restore(self, topics: Sequence[Topic]) -> None:
        await self._clients.topics.open_for_restore(topics)

    async def close_restore(self, topics: Sequence[Topic]) -> None:
        await self._clients.topics.close_restore(topics)

    async def exists(self, topic: str) -> bool:
        try:
            await self._clients.topics.find(topic)
        except UnknownTopic:
            return False
        return True

    async def partitions(self, topic: str) -> int:
        return (await self._clients.topics.find(topic)).partitions

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        known = await self._clients.topics.find(topic)
        if not entries:
            return
        check_entries(known, entries)
        await self._clients.appender.append(known, entries)

    def reader(self, topic: str, positions: Mapping[int, int]) -> "KafkaReader":
        return KafkaReader(self._clients.connection, self._clients.topics, topic, positions)

    def member(self, topic: str, group: str, name: str | None = None) -> KafkaMembership:
        return KafkaMembership(self._clients.connection, self._clients.topics, topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        where = await self._where(topic)
        consumer = await self._clients.asking()
        async with self._clients.connection.translated():
            ends = await consumer.end_offsets(where)
        return {one.partition: ends[one] for one in where}

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        where = await self._where(topic)
        consumer = await self._clients.asking()
        async with self._clients.connection.translated():
            found = await consumer.offsets_for_times(dict.fromkeys(where, timestamp))
            ends = await consumer.end_offsets(where)
        return {one.partition: ends[one] if found[one] is None else found[one].offset for one in where}

    def partition_of(self, key: bytes, partitions: int) -> int:
        return partition_of(key, partitions)

    async def _where(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for partition in range(await self.partitions(topic))]


class _Clients:
    """The clients of an open log."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.topics = Topics(connection)
        self.appender = Appender(connection)
        self._asking: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def asking(self) -> AIOKafkaConsumer:
        """Return a consumer that reads nothing: only consumers can ask for offsets. The first call starts it."""
        async with self._starting:
            if self._asking is None:
                consumer = AIOKafkaConsumer(**self.connection.options, enable_auto_commit=False)
                await start_consumer(consumer, self.connection)
                self._asking = consumer
            return self._asking

    async def close(self) -> None:
        """Close all of them, the topics' client last."""
        try:
            await self.appender.close()
            if self._asking is not None:
                await stop_consumer(self._asking)
        finally:
            await self.topics.close()


MAX_FETCH_BYTES: Final = 32 * 1024 * 1024
"""Bytes of all partitions in one fetch."""

MAX_PARTITION_FETCH_BYTES: Final = 2 * 1024 * 1024
"""Bytes of one partition in one fetch; a single larger batch is fetched all the same (KIP-74)."""


class KafkaReader:
    """Reads one topic by long polling: the broker holds a fetch until records come."""

    def __init__(self, connection: Connection, topics: Topics, topic: str, positions: Mapping[int, int]) -> None:
        self._connection = connection
        self._topics = topics
        self._topic = topic
        self._positions = dict(positions)
        self._consumer: AIOKafkaConsumer | None = None
        self._entered = False

    async def __aenter__(self) -> Self:
        topic = await self._topics.find(self._topic)
        for partition, position in self._positions.items():
            if not 0 <= partition < topic.partitions or position < 0:
                raise PositionLost(self._topic, partition, position)
        self._entered = True
        if self._positions:  # a member of a group to which no partition is assigned has none
            self._consumer = await self._started()
        return self

    async def __aexit__(self, *_: object) -> None:
        consumer, self._consumer, self._entered = self._consumer, None, False
        if consumer is not None:
            await stop_consumer(consumer)

    @property
    def positions(self) -> Mapping[int, int]:
        return MappingProxyType(self._positions)

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        if not self._entered:
            raise RuntimeError("the reader is not open")
        if not self._positions:
            await asyncio.sleep(wait_ms / 1000)
            return []
        consumer = await self._fetching()
        try:
            async with self._connection.translated():
                got = await consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
        except Exception as error:
            if isinstance(error.__cause__, OffsetOutOfRangeError):
                partition, offset = next((tp.partition, at) for tp, at in error.__cause__.args[0].items())
                raise PositionLost(self._topic, partition, offset) from error
            self._go_back(consumer)
            raise
        for partition in self._positions:  # behind a broker's marks of transactions, too, which are no records
            self._positions[partition] = await consumer.position(TopicPartition(self._topic, partition))
        return [Batch(where.partition, records) for where, records in got.items() if records]

    async def _fetching(self) -> AIOKafkaConsumer:
        """Return the consumer; a new one where a task of aiokafka's has ended, without which it brings nothing more."""
        consumer = self._consumer
        if consumer is None or has_stopped_fetching(consumer):
            self._consumer = None
            if consumer is not None:
                _log.warning("A reader of topic %r has stopped fetching. Beginning anew.", self._topic)
                await stop_consumer(consumer)
            self._consumer = consumer = await self._started()
        return consumer

    async def _started(self) -> AIOKafkaConsumer:
        """Return a new consumer that reads on from the positions. Raises `LogError`; then none is left behind."""
        consumer = AIOKafkaConsumer(
            **self._connection.options,
            auto_offset_reset="none",
            enable_auto_commit=False,
            fetch_max_bytes=MAX_FETCH_BYTES,
            max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
        )
        await start_consumer(consumer, self._connection)
        try:
            async with self._connection.translated():
                await self._seek(consumer)
        except BaseException:
            await stop_consumer(consumer)
            raise
        return consumer

    def _go_back(self, consumer: AIOKafkaConsumer) -> None:
        """Read on from what was handed out: a damaged batch takes along what the call had of other partitions."""
        for partition, position in self._positions.items():
            consumer.seek(TopicPartition(self._topic, partition), position)

    async def _seek(self, consumer: AIOKafkaConsumer) -> None:
        partitions = {partition: TopicPartition(self._topic, partition) for partition in self._positions}
        consumer.assign(list(partitions.values()))
        beginnings = await consumer.beginning_offsets(list(partitions.values()))
        for partition, where in partitions.items():
            if self._positions[partition] == 0:
                self._positions[partition] = beginnings[where]
            consumer.seek(where, self._positions[partition])


def has_stopped_fetching(consumer: AIOKafkaConsumer) -> bool:
    """Whether a task has ended by which a consumer fetches or knows whom to ask. It may do so without an error."""
    fetching = getattr(getattr(consumer, "_fetcher", None), "_fetch_task", None)
    looking = getattr(getattr(consumer, "_client", None), "_sync_task", None)
    return any(isinstance(task, asyncio.Task) and task.done() for task in (fetching, looking))


class Fetched(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """One partition's records, for `getmany` without transactions."""

    _partition_records: Any

    _batch: Any = None
    """The batch that is handed out in part."""
    _rest: Iterator[Record] = iter(())
    """What is left of it; a batch may be iterated over once."""

    def getall(self, max_records: int) -> list[Record]:
        """Return the next records, so many at most. Raises `CorruptRecordException`; then they are fetched again."""
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        part = self._partition_records
        self._partition_records = None  # for good, where a batch is damaged
        records: list[Record] = []
        while (room := max_records - len(records)) and self._has_batch(part):
            taken = [*islice(self._rest, room)]
            if len(taken) < room:  # behind the batch, whose last records compaction may have taken
                position, self._batch = self._batch.next_offset, None
            else:
                position = taken[-1].offset + 1
            if taken and taken[0].offset < part.next_fetch_offset:  # the fetch began within the batch
                taken = [record for record in taken if record.offset >= part.next_fetch_offset]
            part.next_fetch_offset = max(position, part.next_fetch_offset)
            records += taken
        if not room:
            self._partition_records = part
        self._assignment.state_value(self._topic_partition).consumed_to(part.next_fetch_offset)
        return records

    def _has_batch(self, part: Any) -> bool:  # noqa: ANN401  aiokafka has no types
        """Whether there is a batch to hand out; begin the next one where there is none."""
        batches = part._records  # noqa: SLF001  see the module
        while self._batch is None and batches.has_next():
            batch = batches.next_batch()
            if not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._topic_partition}")
            if batch.is_control_batch:  # a broker's marks of transactions
                part.next_fetch_offset = batch.next_offset
            else:
                self._batch, self._rest = batch, chain(batch)
        return self._batch is not None


fetcher.FetchResult = Fetched
