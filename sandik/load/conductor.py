"""Start the processes of a load, let them begin at one moment, and gather what they measure."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from typing import Final

from eventlog.clock import Clock
from sandik.load.feed import FeedPlan, feed
from sandik.load.outcome import Outcome, Piece
from sandik.load.plan import Begin, Done, Plan, Ready, Stop
from sandik.load.worker import work
from sandik.process import PipeClosed, PipeEnd
from schemas.errors import SandikError, UsageError

READY_TIMEOUT_S: Final = 60.0
"""For the processes to start: a second each on an idle machine."""

_LEAD_S: Final = 0.25
"""From the word to begin to the beginning, so that it reaches everybody in time."""

_STOP_LEAD_S: Final = 1.0
"""From Ctrl-C to the last change that is fed: all processes must know it before it comes."""

_OVERTIME_S: Final = 60.0
"""What the processes get beyond plan and grace before they are given up: closing the books of 10,000 clients."""

_END_TIMEOUT_S: Final = 5.0

Show = Callable[[Outcome, float], None]
"""Shows how far a load is, the seconds since its beginning given."""


@dataclass(frozen=True, slots=True)
class _LoadProcess:
    """One process and the line to it."""

    process: BaseProcess
    channel: PipeEnd
    feeds: bool


async def conduct(plan: Plan, feed_plan: FeedPlan | None, clock: Clock, show: Show) -> Outcome:
    """Run a load to its end. Ctrl-C ends it early, with a report; a second one at once.

    Raises `UsageError` where a process could not begin.
    """
    plan = replace(plan, wall_s=clock.now().timestamp() - clock.monotonic())
    async with _processes(plan, feed_plan) as processes:
        async with asyncio.timeout(READY_TIMEOUT_S):
            for child in processes:
                await _ready(child)
        return await _Load(plan, processes, clock, show).run()


class _Load:
    """A load that runs."""

    def __init__(self, plan: Plan, processes: list[_LoadProcess], clock: Clock, show: Show) -> None:
        self._plan = plan
        self._processes = processes
        self._clock = clock
        self._show = show
        self._began = clock.monotonic() + _LEAD_S
        self._outcome = Outcome(plan)

    async def run(self) -> Outcome:
        plan, outcome = self._plan, self._outcome
        self._send_to_all(Begin(self._began))
        with _ended_early_by_signals(self._stop):
            try:
                async with (
                    asyncio.timeout(_LEAD_S + plan.end_s + plan.grace_s + _OVERTIME_S),
                    asyncio.TaskGroup() as group,
                ):
                    for number, child in enumerate(self._processes):
                        group.create_task(self._gather(number, child))
            except TimeoutError:
                outcome.errors.append("Some processes of the load tester did not end in time.")
        outcome.elapsed_s = self._elapsed()
        outcome.settle()
        return outcome

    def _stop(self) -> None:
        self._outcome.interrupted = True
        self._send_to_all(Stop(self._elapsed() + _STOP_LEAD_S))

    async def _gather(self, number: int, child: _LoadProcess) -> None:
        """Take what a process says until it is done."""
        outcome = self._outcome
        while True:
            try:
                message = await child.channel.receive()
            except PipeClosed:
                outcome.lose(number)
                return
            if isinstance(message, Piece):
                outcome.take(number, message)
                self._show(outcome, self._elapsed())
            elif isinstance(message, Done):
                self._done(child, message)
                return

    def _done(self, child: _LoadProcess, done: Done) -> None:
        if child.feeds:
            self._outcome.feeder_cpu_s = done.cpu_s
        else:
            self._outcome.cpu_s.append(done.cpu_s)
        if done.error is not None:
            self._outcome.errors.append(done.error)
            self._send_to_all(Stop(self._elapsed()))

    def _send_to_all(self, what: Begin | Stop) -> None:
        for child in self._processes:
            try:
                child.channel.send(what)
            except PipeClosed:
                continue  # whoever gathers its pieces finds out

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began


@asynccontextmanager
async def _processes(plan: Plan, feed_plan: FeedPlan | None) -> AsyncIterator[list[_LoadProcess]]:
    """All processes, started; ended on leaving, one way or the other."""
    spawn = multiprocessing.get_context("spawn")
    processes: list[_LoadProcess] = []

    def start(target: Callable[..., None], *arguments: object, feeds: bool) -> None:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=target, args=(*arguments, theirs), daemon=True)
        process.start()
        theirs.close()
        channel = PipeEnd(ours)
        channel.__enter__()
        processes.append(_LoadProcess(process, channel, feeds))

    try:
        for number in range(plan.processes):
            start(work, plan, number, feeds=False)
        if feed_plan is not None and plan.schedule is not None:
            start(feed, plan, plan.schedule, feed_plan, feeds=True)
        yield processes
    finally:
        for child in processes:
            child.channel.__exit__()  # a process that still runs takes that for the end
        for child in processes:
            await asyncio.to_thread(_end, child.process)


def _end(process: BaseProcess) -> None:
    process.join(_END_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join(_END_TIMEOUT_S)
    process.close()


async def _ready(child: _LoadProcess) -> None:
    try:
        message = await child.channel.receive()
    except PipeClosed:
        raise SandikError("A process of the load tester died while it started. Is there memory for it?") from None
    if isinstance(message, Done):
        raise UsageError(message.error or "A process of the load tester ended before it began.")
    if not isinstance(message, Ready):
        raise SandikError(f"A process of the load tester said {message!r} before it was ready.")


@contextmanager
def _ended_early_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the load early; after it, they cancel what runs, as before."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def cancel_on_signals() -> None:
        for number in numbers:
            if task is not None:
                loop.add_signal_handler(number, task.cancel)

    def on_signal() -> None:
        cancel_on_signals()
        stop()

    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        cancel_on_signals()
