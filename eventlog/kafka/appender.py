"""Appending to Kafka: an idempotent producer, which keeps the order within each partition through its own retries."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from eventlog.kafka.connection import Connection, stop_producer
from eventlog.port import Entry, Topic, partition_of
from schemas.errors import RecordTooLarge

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
