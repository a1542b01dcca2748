"""Supervising a loop that is meant to run for ever: however it ends, its owner gets an error.

`asyncio.TaskGroup` takes a child that was cancelled for one that is done, whoever cancelled it. So a loop whose library
lets a stray cancellation through would end without an error, and what it feeds would stand still.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

from schemas.errors import LoopEnded


def is_asked_to_end(before: int = 0) -> bool:
    """Whether the running task itself was cancelled; `before` is its `cancelling()` at an earlier moment.

    A `CancelledError` in a task that was not is that of another task, such as a library's own, which it awaits.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > before


async def forever(work: Coroutine[Any, Any, object], name: str) -> NoReturn:
    """Run a loop that never ends, in a task of its own, until this is cancelled.

    Raises what the loop raises, and `LoopEnded` where it returns or ends cancelled although nobody cancelled this.
    Cancelled, it cancels the loop and waits for its end; what the loop raises then is raised.
    """
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await _ended(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error from None
        raise
    if task.cancelled():
        raise LoopEnded(name, "it was cancelled, and nobody had asked for that")
    if (error := task.exception()) is not None:
        raise error
    raise LoopEnded(name, "it returned")


async def _ended(task: asyncio.Task[Any]) -> None:
    """Return once the task has ended. A further cancellation meanwhile is passed on to it."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
