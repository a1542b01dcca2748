"""The log on Apache Kafka: `KafkaLog` is the port's adapter, `KafkaReader` reads at positions that are ours."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from eventlog.kafka.appender import Appender
from eventlog.kafka.connection import Connection, start_consumer, stop_consumer
from eventlog.kafka.membership import KafkaMembership
from eventlog.kafka.security import Security
from eventlog.kafka.topics import Topics
from eventlog.port import Batch, Entry, Topic, TopicFinding, check_entries, partition_of
from schemas.errors import PositionLost, UnknownTopic


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
