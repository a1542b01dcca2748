"""Reading from Kafka: a consumer without a group, at positions that are ours."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from eventlog.kafka_closing import stop_consumer as stop
from eventlog.kafka_connection import Connection
from eventlog.kafka_topics import Topics
from eventlog.port import Batch
from schemas.errors import PositionLost

MAX_FETCH_BYTES: Final = 32 * 1024 * 1024
"""Of all partitions in one answer."""

MAX_PARTITION_FETCH_BYTES: Final = 2 * 1024 * 1024
"""Of one partition in one answer; a single larger batch comes through all the same (KIP-74)."""


async def start(consumer: AIOKafkaConsumer, connection: Connection) -> None:
    """Start a consumer within a few seconds, or leave nothing of it behind."""
    try:
        await connection.begin(consumer.start())
    except BaseException:
        await stop(consumer)
        raise


class KafkaReader:
    """Reads one topic; the broker holds the request until something comes."""

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
        if not self._positions:  # as a member without a share has
            return self
        consumer = AIOKafkaConsumer(
            **self._connection.options,
            auto_offset_reset="none",
            enable_auto_commit=False,
            fetch_max_bytes=MAX_FETCH_BYTES,
            max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
        )
        await start(consumer, self._connection)
        try:
            async with self._connection.translated():
                await self._seek(consumer)
        except BaseException:
            await stop(consumer)
            raise
        self._consumer = consumer
        return self

    async def __aexit__(self, *_: object) -> None:
        consumer, self._consumer, self._entered = self._consumer, None, False
        if consumer is not None:
            await stop(consumer)

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
