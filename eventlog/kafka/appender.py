"""Appending to Kafka: an idempotent producer that keeps our order within each partition through its own retries."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from eventlog.kafka.closing import stop_producer
from eventlog.kafka.connection import Connection
from eventlog.partition import partition_of
from eventlog.port import Entry, Topic
from schemas.errors import RecordTooLarge

APPEND_DEADLINE_S: Final = 30.0
"""After which an append is reported as failed: a leader's election, or the restart of a broker, takes less."""

MAX_BATCH_BYTES: Final = 512 * 1024
"""Of one partition in one request: 1,000 tallies of 300 bytes in one piece, half of Kafka's own limit."""

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""Above every topic's limit, which is the one that counts; below the 100 MiB that a broker accepts."""

_RECORD_OVERHEAD_BYTES: Final = 32
"""Variable integers around a record's key and value, at most."""

FEW_ENTRIES: Final = 16
"""Up to so many go one by one, so that concurrent small appends share a batch; more fill batches of their own."""


class Appender:
    """Appends through a producer that is started by the first append, and replaced once it failed.

    An idempotent producer numbers its batches; one that failed leaves a hole that Kafka never forgives that producer.
    Batches that were not acknowledged in time stay with the producer, which goes on trying. Further appends wait behind
    them: so the order holds, and an outage does not pile up copies.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._enqueueing: dict[str, asyncio.Lock] = {}
        self._overdue: set[asyncio.Future[object]] = set()

    async def append(self, topic: Topic, entries: Sequence[Entry]) -> None:
        """Append the entries, which were checked. Raises `LogUnavailable` after the deadline."""
        producer: AIOKafkaProducer | None = None
        try:
            async with self._connection.translated():
                async with asyncio.timeout(APPEND_DEADLINE_S):
                    await self._wait_for_overdue()
                    producer = await self._started()
                    await self._deliver(producer, topic, entries)
        except Exception as error:
            cause = error.__cause__
            if producer is not None and isinstance(cause, KafkaError) and not isinstance(cause, KafkaTimeoutError):
                await self._replace(producer)
            if isinstance(cause, MessageSizeTooLargeError):  # the topic's limit was lowered since it was looked up
                largest = max(len(entry.key) + len(entry.value) for entry in entries)
                raise RecordTooLarge(topic.name, largest, topic.max_record_bytes) from cause
            raise

    async def close(self) -> None:
        """Send what waits, for a few seconds at most, and let go of the cluster."""
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
            future.exception()  # its append has raised already, or was cancelled

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
