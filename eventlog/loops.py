"""Work that goes on for a whole night: retried while the log is away, and never ended without an error.

Retries have exponential backoff with jitter: pauses double from a first to a longest one, and chance shortens each, so
that processes which failed together do not return together. An error that no retry can mend is raised, and so is one
that has lasted for longer than the policy's patience.

`asyncio.TaskGroup` takes a child that was cancelled for one that is done, whoever cancelled it. So a loop whose library
lets a stray cancellation through would end without an error, and what it feeds would stand still: `forever` raises one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from eventlog.clock import Clock
from schemas.errors import LogRefused, LoopEnded, SandikError


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


def raise_end_of(task: asyncio.Task[Any], name: str) -> NoReturn:
    """Raise why a task that was to go on for ever has ended: its own error, or `LoopEnded` where it has none."""
    error = None if task.cancelled() else task.exception()
    raise error or LoopEnded(name, "it was cancelled, and nobody had asked for that")


async def _ended(task: asyncio.Task[Any]) -> None:
    """Return once the task has ended. A further cancellation meanwhile is passed on to it."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()


T = TypeVar("T")

_MOST_DOUBLINGS: Final = 30
"""Beyond any longest pause; keeps the power small however many failures there are."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to pause between tries, in seconds. `chance` gives numbers from 0 up to 1."""

    first_s: float = 0.25
    longest_s: float = 5.0
    refused_s: float | None = None
    """The pause where the log refuses us, which only a person can mend; `None`: there is no other try."""
    patience_s: float | None = None
    """How long to go on trying in all; `None`: for ever."""
    chance: Callable[[], float] = random.random

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row: at random from a half of its limit to all of it."""
        limit_s = min(self.longest_s, self.first_s * (1 << min(max(0, failures - 1), _MOST_DOUBLINGS)))
        return limit_s * (1 - self.chance() / 2)


LOG_RETRY: Final = RetryPolicy()
"""For a log that is away: a leader's election is over at the first tries, an outage is followed within five seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A try failed: the `attempt`-th in a row. The next one follows after `pause_s` seconds."""

    error: SandikError
    attempt: int
    pause_s: float

    def __str__(self) -> str:
        return f"{self.error} Trying again in {self.pause_s:.1f} s."


class Tries:
    """Counts the failures in a row of one piece of work, and how long to wait before the next try.

    `retriable` says of an error whether another try may succeed; by default the error's own `retriable`.
    """

    def __init__(
        self,
        clock: Clock,
        policy: RetryPolicy = LOG_RETRY,
        *,
        retriable: Callable[[SandikError], bool] = lambda error: error.retriable,
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._retriable = retriable
        self._failures = 0
        self._since = clock.monotonic()

    def succeeded(self) -> None:
        """Begin to count anew: the work was done."""
        self._failures = 0
        self._since = self._clock.monotonic()

    def failed(self, error: SandikError) -> Waiting:
        """Count a failure; return how long to wait. Raises the error where no retry can mend it, or none is left."""
        self._failures += 1
        pause_s = self._pause_s(error)
        patience_s, waited_s = self._policy.patience_s, self._clock.monotonic() - self._since
        if pause_s is None or (patience_s is not None and waited_s + pause_s > patience_s):
            raise error
        return Waiting(error, self._failures, pause_s)

    async def wait(self, error: SandikError, on_waiting: Callable[[Waiting], None]) -> None:
        """Count a failure as `failed` does, call `on_waiting`, and wait."""
        waiting = self.failed(error)
        on_waiting(waiting)
        await self._clock.sleep(waiting.pause_s)

    def _pause_s(self, error: SandikError) -> float | None:
        if isinstance(error, LogRefused):
            return self._policy.refused_s
        return self._policy.pause_s(self._failures) if self._retriable(error) else None


async def retried(
    work: Callable[[], Awaitable[T]], tries: Tries, on_waiting: Callable[[Waiting], None] = lambda _: None
) -> T:
    """Do the work, as often as it takes, and return its result. Raises what no retry can mend."""
    while True:
        try:
            done = await work()
        except SandikError as error:
            await tries.wait(error, on_waiting)
        else:
            tries.succeeded()
            return done
