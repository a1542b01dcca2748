"""The log on Apache Kafka. `KafkaLog` is the port's adapter.

Below it: `kafka_connection` (addresses, security, errors), `kafka_closing` (letting go of clients), `kafka_topics`
(settings), `kafka_appender` (the idempotent producer), `kafka_reader` (positions of our own), `kafka_member` (groups).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from eventlog.kafka_appender import Appender
from eventlog.kafka_closing import stop_consumer
from eventlog.kafka_connection import Connection
from eventlog.kafka_member import KafkaMembership
from eventlog.kafka_reader import KafkaReader, start
from eventlog.kafka_security import Security
from eventlog.kafka_topics import Topics
from eventlog.limits import check_entries
from eventlog.partition import partition_of
from eventlog.port import Entry, Topic, TopicFinding
from schemas.errors import UnknownTopic


class KafkaLog:
    """An event log on a Kafka cluster; see the port for what it promises. `servers` is `HOST:PORT[,HOST:PORT]`.

    A cluster that goes away makes appends and questions raise `LogUnavailable` after their deadlines, and readers wait;
    all of them go on working once it is back.
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

    def reader(self, topic: str, positions: Mapping[int, int]) -> KafkaReader:
        return KafkaReader(self._clients.connection, self._clients.topics, topic, positions)

    def member(self, topic: str, group: str) -> KafkaMembership:
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
    """What an open log holds."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.topics = Topics(connection)
        self.appender = Appender(connection)
        self._asking: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def asking(self) -> AIOKafkaConsumer:
        """A consumer that reads nothing: only consumers can ask for offsets. Started by the first question."""
        async with self._starting:
            if self._asking is None:
                consumer = AIOKafkaConsumer(**self.connection.options, enable_auto_commit=False)
                await start(consumer, self.connection)
                self._asking = consumer
            return self._asking

    async def close(self) -> None:
        """Close them all, the topics' client last."""
        try:
            await self.appender.close()
            if self._asking is not None:
                await stop_consumer(self._asking)
        finally:
            await self.topics.close()
