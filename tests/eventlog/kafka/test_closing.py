"""Clients of Kafka are let go of whatever their own stop does, and no cancellation of theirs is taken for ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from eventlog.kafka import connection as kafka_closing
from eventlog.kafka.administration import Security
from eventlog.kafka.connection import (
    Connection,
    _cancelled,
    _tasks_of,
    stop_admin,
    stop_consumer,
    stop_producer,
    uninterrupted,
)
from eventlog.kafka.log import KafkaLog
from eventlog.kafka.membership import has_lost_membership
from eventlog.port import Topic
from schemas.errors import LogUnavailable
from tests.patience import LIMIT_S

Step = Callable[[], Awaitable[None]]


async def well() -> None:
    """In good order."""


async def cancels_a_task_of_its_own() -> None:
    """As aiokafka's fetcher does while a request of its own sleeps off an error."""
    own = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    own.cancel()
    await own


async def fails() -> None:
    raise RuntimeError("not of Kafka's own errors")


async def never_ends() -> None:
    await asyncio.Event().wait()


async def never_ends_and_hears_nothing() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            if asyncio.current_task().cancelling() > 1:  # type: ignore[union-attr]  # it runs in a task
                raise


STOPS: Final = [well, cancels_a_task_of_its_own, fails, never_ends]


class Wire:
    """A connection of the library."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Client:
    """What is below every client: the connections, which its `close` closes last."""

    def __init__(self, close: Step) -> None:
        self.wire = Wire()
        self._conns = {"node": self.wire}
        self._close = close

    async def close(self) -> None:
        await self._close()
        self.wire.close()


class Fetcher:
    def __init__(self) -> None:
        self._fetch_task = asyncio.create_task(asyncio.Event().wait())
        self._pending_tasks = {asyncio.create_task(asyncio.Event().wait())}


class Consumer:
    """As much of aiokafka's as a stop is about."""

    def __init__(self, stop: Step, close: Step) -> None:
        self._client = Client(close)
        self._fetcher = Fetcher()
        self._coordinator = None
        self._stop = stop

    async def stop(self) -> None:
        await self._stop()
        for task in (self._fetcher._fetch_task, *self._fetcher._pending_tasks):
            task.cancel()
        self._client.wire.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs is given up at once; what is well needs no time at all."""
    monkeypatch.setattr(kafka_closing, "STOP_S", 0.01)


@pytest.mark.parametrize("close", STOPS)
@pytest.mark.parametrize("stop", STOPS)
async def test_a_consumer_is_closed_whatever_its_stop_does(stop: Step, close: Step) -> None:
    consumer: Any = Consumer(stop, close)
    async with asyncio.timeout(LIMIT_S):
        await stop_consumer(consumer)
        tasks = {consumer._fetcher._fetch_task, *consumer._fetcher._pending_tasks}
        await asyncio.wait(tasks)
    assert consumer._client.wire.closed


@pytest.mark.parametrize("close", STOPS)
async def test_an_admin_client_is_closed_whatever_its_close_does(close: Step) -> None:
    admin: Any = type("Admin", (), {"close": lambda _: close(), "_client": Client(well)})()
    async with asyncio.timeout(LIMIT_S):
        await stop_admin(admin)
    assert admin._client.wire.closed or close is well


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("flush", STOPS)
async def test_a_producer_is_closed_whatever_its_stop_does(flush: Step, stop: Step) -> None:
    class Sender:
        async def close(self) -> None:
            await cancels_a_task_of_its_own()

    class Held:
        def __init__(self) -> None:
            self._batches: dict[object, object] = {}
            self.failed = False

        def fail_all(self, _: Exception) -> None:
            self.failed = True

    class Producer:
        def __init__(self) -> None:
            self.client = Client(well)
            self._sender = Sender()
            self._message_accumulator = Held()

        async def flush(self) -> None:
            await flush()

        async def stop(self) -> None:
            await stop()
            self.client.wire.close()

    producer: Any = Producer()
    async with asyncio.timeout(LIMIT_S):
        await stop_producer(producer)
    assert producer.client.wire.closed
    assert producer._message_accumulator.failed == (flush is not well)


async def test_who_stops_a_client_is_not_cancelled_by_it() -> None:
    """A loop that lets go of a reader was taken for one that was asked to end, and nobody missed it."""
    consumer: Any = Consumer(cancels_a_task_of_its_own, cancels_a_task_of_its_own)
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        task = group.create_task(stop_consumer(consumer))
    assert not task.cancelled()


async def test_who_is_cancelled_while_a_client_stops_is_cancelled() -> None:
    consumer: Any = Consumer(never_ends_and_hears_nothing, well)
    task = asyncio.create_task(stop_consumer(consumer))
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(LIMIT_S):
        await asyncio.wait({task})
    assert task.cancelled()


@pytest.fixture
async def connection() -> Connection:
    return Connection("127.0.0.1:9", Security())


async def test_a_cancellation_that_nobody_asked_for_says_that_the_log_is_away(connection: Connection) -> None:
    with pytest.raises(LogUnavailable, match="nobody had asked") as error:
        async with connection.translated():
            await cancels_a_task_of_its_own()
    assert error.value.retriable
    with pytest.raises(LogUnavailable, match="nobody had asked"):
        async with connection.translated():
            await uninterrupted(cancels_a_task_of_its_own())


async def test_a_cancellation_that_was_asked_for_is_one(connection: Connection) -> None:
    async def read() -> None:
        async with connection.translated():
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=LIMIT_S)
    assert task.cancelled()


async def test_a_deadline_of_ours_is_one_wherever_it_is_set(connection: Connection) -> None:

    async def read(inner_s: float | None) -> None:
        async with connection.translated():
            async with asyncio.timeout(inner_s):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(None), 0.001)
    with pytest.raises(LogUnavailable, match="No Kafka broker answers"):
        await read(0)


async def test_a_stray_cancellation_is_told_from_ours_also_on_the_way_out(connection: Connection) -> None:
    """Who is cancelled and cleans up is not cancelled once more by what breaks off meanwhile."""
    seen: list[Exception] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            try:
                async with connection.translated():
                    await cancels_a_task_of_its_own()
            except LogUnavailable as error:
                seen.append(error)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=LIMIT_S)
    assert task.cancelled()
    assert 1 == len(seen)


@pytest.mark.kafka
async def test_this_release_of_aiokafka_has_the_private_parts_that_a_stop_uses(kafka: str, unique: str) -> None:
    """Where a release has renamed one, `connection` must be adapted before the bound in pyproject.toml is raised."""
    async with KafkaLog(kafka) as log:
        await log.create([Topic(unique)])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    consumer = AIOKafkaConsumer(unique, bootstrap_servers=kafka, group_id=unique, enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    try:
        for client in (admin, consumer, producer):
            await client.start()
        batches = producer._message_accumulator
        batch = producer.create_batch()
        batch.append(key=None, value=b"v", timestamp=None)
        assert callable(producer._sender.close)
        assert ({}, set()) == (dict(batches._batches), batches._pending_batches)
        await producer.send_batch(batch, unique, partition=0)
        assert all(isinstance(held._drain_waiter, asyncio.Future) for held in batches._batches[(unique, 0)])
        assert all(isinstance(client._conns, dict) for client in (admin._client, consumer._client, producer.client))
        assert {consumer._fetcher._fetch_task, consumer._coordinator._coordination_task} <= _tasks_of(consumer)
        assert isinstance(consumer._fetcher._pending_tasks, set)
        assert not has_lost_membership(consumer)
        await _cancelled(_tasks_of(consumer))
        assert has_lost_membership(consumer)
    finally:
        await stop_admin(admin)
        await stop_consumer(consumer)
        await stop_producer(producer)
