"""The log on Apache Kafka: `KafkaLog` is the port's adapter, `KafkaReader` reads at positions that are ours.

`KafkaMembership` is a group consumer that is used for its assignment alone and never fetches.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NoReturn, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from eventlog.clock import Wall
from eventlog.kafka.appender import Appender
from eventlog.kafka.closing import has_lost_membership, stop_consumer
from eventlog.kafka.connection import Connection, start_consumer
from eventlog.kafka.security import Security
from eventlog.kafka.topics import Topics
from eventlog.loops import Tries, retried
from eventlog.port import Batch, Entry, Topic, TopicFinding, check_entries, partition_of
from schemas.errors import LogError, LoopEnded, PositionLost, UnknownTopic


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

    def member(self, topic: str, group: str) -> "KafkaMembership":
        return KafkaMembership(self._clients.connection, self._clients.topics, topic, group)

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
        if not self._positions:  # a member of a group to which no partition is assigned
            return self
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
        self._consumer = consumer
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
        consumer = self._consumer
        if consumer is None:
            await asyncio.sleep(wait_ms / 1000)
            return []
        try:
            async with self._connection.translated():
                got = await consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
        except Exception as error:
            if isinstance(error.__cause__, OffsetOutOfRangeError):
                partition, offset = next((tp.partition, at) for tp, at in error.__cause__.args[0].items())
                raise PositionLost(self._topic, partition, offset) from error
            raise
        batches = [Batch(where.partition, records) for where, records in got.items() if records]
        for batch in batches:
            self._positions[batch.partition] = batch.records[-1].offset + 1
        return batches

    async def _seek(self, consumer: AIOKafkaConsumer) -> None:
        partitions = {partition: TopicPartition(self._topic, partition) for partition in self._positions}
        consumer.assign(list(partitions.values()))
        beginnings = await consumer.beginning_offsets(list(partitions.values()))
        for partition, where in partitions.items():
            if self._positions[partition] == 0:
                self._positions[partition] = beginnings[where]
            consumer.seek(where, self._positions[partition])


_log = logging.getLogger(__name__)

SESSION_MS: Final = 10_000
"""A member that was killed is missed after this."""

HEARTBEAT_MS: Final = 1_000
"""Ten chances to be heard within a session, and how late a member learns that another came or left."""

_NEVER_MS: Final = 2**31 - 1
"""aiokafka expels a member that does not poll; ours has nothing to poll, and its heartbeats go out by themselves."""

JOIN_S: Final = 15.0
"""How long to wait for the first assignment: a session, until a member that was killed is missed, and a rebalance."""

CHECK_S: Final = 1.0
"""How often to check whether the membership is alive: as often as it sends a heartbeat."""

_POLL_MS: Final = 50
"""How often to look for the first assignment, and for an error of the coordinator's."""


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A member of a consumer group. During a rebalance it keeps its old partitions until it is assigned new ones.

    aiokafka keeps a membership alive in a task of its own, which may end without an error; this member would then keep,
    for ever, partitions that the group has assigned to others, and be assigned none. So that task is checked every
    `CHECK_S` seconds, and the group is joined anew where it has ended.
    """

    def __init__(self, connection: Connection, topics: Topics, topic: str, group: str) -> None:
        self._connection = connection
        self._topics = topics
        self._topic = topic
        self._group = group
        self._partitions: frozenset[int] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._watching: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        await self._topics.find(self._topic)
        await self._join()
        self._watching = asyncio.create_task(self._watch(), name=f"member-{self._group}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._partitions = None
        watching, self._watching = self._watching, None
        try:
            if watching is not None:
                watching.cancel()
                await asyncio.wait({watching})
        finally:
            await self._leave()

    @property
    def partitions(self) -> frozenset[int]:
        if self._watching is not None and self._watching.done():
            _raise_end_of(self._watching)
        return self._partitions or frozenset()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Keep the partitions during a rebalance: two owners of one do no harm, since readers fence; no owner would."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take over the partitions that a rebalance assigned, and pause them, so that nothing is fetched from them."""
        if self._consumer is not None:
            self._consumer.pause(*assigned)
        self._partitions = frozenset(where.partition for where in assigned)

    async def _join(self) -> None:
        """Join the group, and wait for the first assignment. Raises `LogError`; then no consumer is left behind."""
        self._consumer = consumer = AIOKafkaConsumer(
            **self._connection.options,
            group_id=f"{self._topic}.{self._group}",
            auto_offset_reset="latest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=_NEVER_MS,
        )
        consumer.subscribe([self._topic], listener=self)
        try:
            await start_consumer(consumer, self._connection)
            async with self._connection.translated():
                await self._first_assignment(consumer)
        except BaseException:
            await self._leave()
            raise

    async def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    async def _first_assignment(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for the first rebalance to end, `JOIN_S` seconds at most. Polling raises the coordinator's errors."""
        deadline = asyncio.get_running_loop().time() + JOIN_S
        while self._partitions is None and asyncio.get_running_loop().time() < deadline:
            await consumer.getmany(timeout_ms=_POLL_MS)

    async def _watch(self) -> NoReturn:
        """Check the membership for ever, and join the group anew where it was lost. Raises what no retry can mend."""
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                await self._check()
            except LogError as error:
                if not error.retriable:
                    raise
                _log.warning("%s", error)
            if self._is_lost:
                _log.warning("The membership in group %r has died. Joining it anew.", self._group)
                await self._leave()
                await retried(self._join, Tries(Wall()), lambda waiting: _log.warning("%s", waiting))

    async def _check(self) -> None:
        """Raise the coordinator's error, if it has one: until somebody polls for it, it does nothing more."""
        if self._consumer is None or self._is_lost:
            return
        async with self._connection.translated():
            try:
                async with asyncio.timeout(CHECK_S):
                    await self._consumer.getmany(timeout_ms=0)
            except TimeoutError:
                return  # a rebalance is going on

    @property
    def _is_lost(self) -> bool:
        return self._consumer is None or has_lost_membership(self._consumer)


def _raise_end_of(watching: "asyncio.Task[NoReturn]") -> NoReturn:
    error = None if watching.cancelled() else watching.exception()
    raise error or LoopEnded("The watch over a membership", "it was cancelled, and nobody had asked for that")
