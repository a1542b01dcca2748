"""Letting go of Kafka's clients: each is closed whatever its own stop does.

aiokafka's `stop` may raise, may take for ever, and may end cancelled although nobody cancelled it: a fetcher awaits a
task of its own that it has just cancelled, while that one sleeps off a failed request. What comes after in the same
`stop` is then not done. So every step here has a task and a few seconds of its own, and the next follows however it
ended.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)

STOP_S: Final = 5.0
"""What a step of a stop may take: for flushing, and for closing connections that do not answer."""

CLOSE_S: Final = 6 * STOP_S
"""What a client's whole stop may take for who is cancelled meanwhile: flush, give up, stop and its tasks, close."""


async def uninterrupted(step: Coroutine[object, object, T], patience_s: float = STOP_S) -> T:
    """Let a client come to the end of its start or its stop, for some seconds also where we are cancelled meanwhile.

    A start of aiokafka's that is cancelled forgets the connection that it is making, and a stop those that it has not
    closed yet.
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
            task.exception()  # nobody asks for it any more
        raise


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within a few seconds, whether or not its broker answers, and wherever we are cancelled.

    Raises nothing but our own cancellation.
    """
    await uninterrupted(_stop_consumer(consumer), CLOSE_S)


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Send what the producer still holds, for a few seconds at most; then as `stop_consumer`."""
    await uninterrupted(_stop_producer(producer), CLOSE_S)


async def stop_admin(admin: AIOKafkaAdminClient) -> None:
    """Close an admin client, started or not; as `stop_consumer`."""
    await uninterrupted(_stop_admin(admin), CLOSE_S)


async def _stop_consumer(consumer: AIOKafkaConsumer) -> None:
    await asyncio.sleep(0)  # aiokafka's tasks let a cancellation through that comes before their first step
    if not await _done(consumer.stop()):
        await _end(_tasks_of(consumer))
        await _close(getattr(consumer, "_client", None))  # `stop` does it last, and did not get that far


def _tasks_of(consumer: AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """The tasks that a consumer runs beside us; a stop that broke off has left some of them running.

    There is no public way to end them, and another version of aiokafka may call them something else: no reason to fail.
    """
    parts = [getattr(consumer, name, None) for name in ("_fetcher", "_coordinator")]
    tasks = set(getattr(parts[0], "_pending_tasks", ()))
    for part in parts:
        tasks |= {value for value in getattr(part, "__dict__", {}).values() if isinstance(value, asyncio.Task)}
    return tasks


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    if not await _done(producer.flush()):
        await _give_up(producer)
    if not await _done(producer.stop()):
        await _close(producer.client)


async def _stop_admin(admin: AIOKafkaAdminClient) -> None:
    if not await _done(admin.close()):
        await _close(getattr(admin, "_client", None))


async def _close(client: AIOKafkaClient | None) -> None:
    """Close what is below a consumer or a producer; if it will not, at least its connections."""
    if client is not None and not await _done(client.close()):
        for connection in list(client._conns.values()):  # noqa: SLF001  no public way to reach them
            connection.close()


async def _give_up(producer: AIOKafkaProducer) -> None:
    """End its sending, and only then fail what it holds: a batch that is being sent would trip over that.

    aiokafka's own `stop` waits for every batch, so for ever while no broker answers; it has no public way to give up.
    """
    await _done(producer._sender.close())  # noqa: SLF001  see above
    held = producer._message_accumulator  # noqa: SLF001  see above
    for batches in held._batches.values():  # noqa: SLF001  see above
        held._pending_batches.update(batches)  # noqa: SLF001  where one that was sent before takes itself from
        for batch in batches:
            batch._drain_waiter.cancel()  # noqa: SLF001  else asyncio reports an error that nobody asked for
    held.fail_all(KafkaError("the producer was stopped"))


async def _done(step: Coroutine[Any, Any, object]) -> bool:
    """Let a step of a stop have its seconds; whether it came to its end in good order."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.wait({task}, timeout=STOP_S)
    finally:
        task.cancel()
    await _end({task})
    error = None if not task.done() or task.cancelled() else task.exception()
    if error is not None:
        _log.info("A client of Kafka could not be stopped in good order: %r", error)
    return task.done() and not task.cancelled() and error is None


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait a few seconds for their end; what they raise is nobody's concern any more."""
    mine = set(tasks)
    if not mine:
        return
    for task in mine:
        task.cancel()
    done, _ = await asyncio.wait(mine, timeout=STOP_S)
    for task in done:
        if not task.cancelled():
            task.exception()
