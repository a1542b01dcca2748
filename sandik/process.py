"""Running a command's coroutine: the event loop, what SIGTERM and Ctrl-C mean, and how a command starts another."""

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import uvloop

from schemas.errors import Interrupted, LoopEnded, SandikError

T = TypeVar("T")

_COLLECT_AFTER: Final = 50_000
"""New containers that make a collection of the youngest due: a few batches, so that it costs microseconds an event."""


def calm_garbage_collector() -> None:
    """Look for reference cycles rarely: a fold makes none, and keeps boxes by the million that would be looked through.

    Measured on a million events: a third of the fold's time goes into collections at Python's default thresholds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 100)


def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine; SIGTERM and SIGINT cancel it, so that it drains and closes what it opened.

    Raises `Interrupted` where a signal ended it, and `LoopEnded` where it was cancelled without one.
    """
    try:
        return _run(work, _Signals())
    except asyncio.CancelledError as signalled:
        raise Interrupted("A signal asked for the end before the work was done.") from signalled


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that goes on until a signal: being stopped is then how it ends well, and nothing else is.

    Raises `LoopEnded` where it returns, or is cancelled, without a signal: whoever restarts commands goes by the exit
    code, and 0 would say that all is done.
    """
    signals = _Signals()
    try:
        _run(work, signals)
    except asyncio.CancelledError:
        return
    if not signals.came:
        raise LoopEnded("The command", "it returned, and no signal had asked for that")


def command_line(*arguments: str) -> tuple[str, ...]:
    """How a process starts another command of ours.

    Isolated from the working directory (`-P`), where a file may happen to have the name of a module of Python's.
    """
    return (sys.executable, "-P", "-m", "sandik", *arguments)


class _Signals:
    """Whether a signal has asked for the end; it cancels the task that it `watches`."""

    def __init__(self) -> None:
        self.came = False

    async def watches(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is not None:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._come, task)
        return await work

    def _come(self, task: asyncio.Task[Any]) -> None:
        self.came = True
        task.cancel()


def _run(work: Coroutine[Any, Any, T], signals: _Signals) -> T:
    calm_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(signals.watches(work))
        except BaseExceptionGroup as group:
            raise _cause(group) from group
        except asyncio.CancelledError:
            if signals.came:
                raise
            raise LoopEnded("The command", "it was cancelled, and no signal had asked for that") from None


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a person is to be told: the first error of ours among several that ended together, or the group itself."""
    for error in group.exceptions:
        cause = _cause(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(cause, SandikError):
            return cause
    return group
