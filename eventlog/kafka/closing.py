"""Stopping aiokafka's clients, whatever their own `stop` does.

aiokafka's `stop` may raise, may take for ever, and may end cancelled although nobody cancelled it: a fetcher awaits a
task of its own that it has just cancelled, while that one sleeps off a failed request. What comes after in the same
`stop` is then not done. So every step here has a task and a few seconds of its own, and the next follows however it
ended.

This module and `kafka.coordinator` are the only ones that use private attributes of aiokafka: it has no public way to
abort a stop that hangs. So pyproject.toml has an upper bound for it, and `tests/eventlog/kafka/test_closing.py` fails
where a release has them no more.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)

STOP_S: Final = 5.0
"""The deadline of one step of a stop, such as a flush, or closing connections that do not answer."""

CLOSE_S: Final = 6 * STOP_S
"""The deadline of a whole stop, also for a caller that is cancelled meanwhile: flush, abort, stop, its tasks, close."""


async def uninterrupted(step: Coroutine[object, object, T], patience_s: float = STOP_S) -> T:
    """Run a client's start or stop to its end. Where the caller is cancelled, wait `patience_s` seconds more for that.

    A start of aiokafka's that is cancelled leaks the connection that it is making, and a stop those that it has not
    closed yet. Raises what the step raises, and the caller's own `CancelledError`, which comes after the wait.
    """
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)
        if task.done() and not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it: the cancellation is raised instead
        raise


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within `CLOSE_S` seconds, whether or not its broker answers, also where the caller is cancelled.

    Raises nothing but the caller's own cancellation.
    """
    await uninterrupted(_stop_consumer(consumer), CLOSE_S)


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Flush the producer for `STOP_S` seconds at most, fail what is left, and stop it; then as `stop_consumer`."""
    await uninterrupted(_stop_producer(producer), CLOSE_S)


async def stop_admin(admin: AIOKafkaAdminClient) -> None:
    """Close an admin client, started or not; as `stop_consumer`."""
    await uninterrupted(_stop_admin(admin), CLOSE_S)


async def _stop_consumer(consumer: AIOKafkaConsumer) -> None:
    await asyncio.sleep(0)  # aiokafka's tasks let a cancellation through that comes before their first step
    if not await _completed(consumer.stop()):
        # `stop` broke off: do what it would have done after the step that failed
        await _cancelled(_tasks_of(consumer))
        await _close(getattr(consumer, "_client", None))


def _tasks_of(consumer: AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """The background tasks of a consumer; a stop that broke off has left some of them running.

    A consumer that was not started has neither a fetcher nor a coordinator.
    """
    fetcher, coordinator = (getattr(consumer, name, None) for name in ("_fetcher", "_coordinator"))
    tasks = set(getattr(fetcher, "_pending_tasks", ()))
    for part in (fetcher, coordinator):
        tasks |= {value for value in getattr(part, "__dict__", {}).values() if isinstance(value, asyncio.Task)}
    return tasks


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    if not await _completed(producer.flush()):
        await _abort(producer)  # `stop` would wait for every batch, so for ever while no broker answers
    if not await _completed(producer.stop()):
        await _close(producer.client)


async def _stop_admin(admin: AIOKafkaAdminClient) -> None:
    if not await _completed(admin.close()):
        await _close(getattr(admin, "_client", None))


async def _close(client: AIOKafkaClient | None) -> None:
    """Close the client below a consumer, a producer or an admin client; if it does not, at least its connections."""
    if client is not None and not await _completed(client.close()):
        for connection in list(client._conns.values()):  # noqa: SLF001  no public way to reach them
            connection.close()


async def _abort(producer: AIOKafkaProducer) -> None:
    """Stop the producer's sending, and fail every batch that it holds, so that who waits for one is told."""
    # First the sender: a batch that is on its way to a broker would be failed under its hands.
    await _completed(producer._sender.close())  # noqa: SLF001  see the module
    accumulator = producer._message_accumulator  # noqa: SLF001  see the module
    for batches in accumulator._batches.values():  # noqa: SLF001  see the module
        # A batch that was sent before and waits for its retry takes itself out of the pending ones when it fails, and
        # raises where it is not among them.
        accumulator._pending_batches.update(batches)  # noqa: SLF001  see the module
        for batch in batches:
            batch._drain_waiter.cancel()  # noqa: SLF001  an error in it would be logged as one that nobody looked at
    accumulator.fail_all(KafkaError("the producer was stopped"))


async def _completed(step: Coroutine[Any, Any, object]) -> bool:
    """Run a step of a stop for `STOP_S` seconds at most. Returns whether it ended by itself and without an error."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.wait({task}, timeout=STOP_S)
    finally:
        task.cancel()
    await _cancelled({task})
    error = None if not task.done() or task.cancelled() else task.exception()
    if error is not None:
        _log.info("A client of Kafka could not be stopped in good order: %r", error)
    return task.done() and not task.cancelled() and error is None


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait `STOP_S` seconds for their end. What they raise is dropped."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=STOP_S)
    for task in done:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it
