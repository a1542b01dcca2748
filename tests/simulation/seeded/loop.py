"""An event loop whose time is virtual and whose order is a seed's: the same seed runs the same steps, at any speed.

Where nothing is ready, time jumps to the next timer. What is ready together runs in seeded order: asyncio's own runs
it in the order in which it became ready, which is one of those that a busy machine could have come to. There are no
sockets and no threads; work for a thread is done in the loop, a little later.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

T = TypeVar("T")

_THREAD_S: Final = 0.02
"""The longest that work for a thread takes, in virtual time."""


class Stuck(Exception):
    """Nothing is ready, and no timer is set: what the loop waits for can never come."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop of its own time, in seconds from 0, and a seeded order."""

    _ready: deque[asyncio.Handle]

    def __init__(self, seed: object) -> None:
        super().__init__()
        self.virtual_s = 0.0
        self._random = random.Random(f"order-{seed}")
        self._selector = self
        self._tasks_made = 0
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]  # typeshed's generators are no tasks since 3.8

    def time(self) -> float:
        return self.virtual_s

    def select(self, timeout: float | None) -> list[object]:
        """Jump to where the next timer is due. The base class asks this for sockets, and there are none."""
        if timeout is None:
            raise Stuck(f"{len(asyncio.all_tasks(self))} tasks wait for what nobody will do.")
        self.virtual_s += max(0.0, timeout)
        return []

    def run_in_executor(self, _: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # other names
        """Do a thread's work here, some time later."""
        done: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if done.cancelled():
                return
            try:
                done.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  it is for whoever waits
                done.set_exception(error)

        self.call_later(self._random.uniform(0, _THREAD_S), work)
        return done

    def _process_events(self, _: list[object]) -> None:
        """Put what is ready into the seed's order; the base class calls this once a round, before it runs them."""
        if len(self._ready) > 1:
            handles = list(self._ready)
            self._random.shuffle(handles)
            self._ready.clear()
            self._ready.extend(handles)

    def _write_to_self(self) -> None:
        """Wake nobody: no other thread calls."""

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], context: Context | None = None
    ) -> "asyncio.Task[T]":
        self._tasks_made += 1
        return _NumberedTask(self._tasks_made, work, loop=loop, context=context)


class _NumberedTask(asyncio.Task[T]):
    """A task that hashes by its number: in a set of tasks, which asyncio keeps, the order is then the seed's too."""

    def __init__(self, number: int, work: Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number  # before it is put into the first set
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


def run(work: Coroutine[Any, Any, T], seed: object) -> T:
    """Run it to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(work)
