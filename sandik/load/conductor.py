"""The conductor: starts the processes, lets them begin at one moment, and gathers what they say."""

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
from sandik.load.outcome import Outcome
from sandik.load.plan import Begin, Done, HungUp, Piece, PipeEnd, Plan, Ready, Stop
from sandik.load.worker import work
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
class _Player:
    """One process and the line to it."""

    process: BaseProcess
    line: PipeEnd
    feeds: bool


async def conduct(plan: Plan, feed_plan: FeedPlan | None, clock: Clock, show: Show) -> Outcome:
    """Run a load to its end. Ctrl-C ends it early, with a report; a second one at once.

    Raises `UsageError` where a process could not begin.
    """
    plan = replace(plan, wall_s=clock.now().timestamp() - clock.monotonic())
    async with _players(plan, feed_plan) as players:
        async with asyncio.timeout(READY_TIMEOUT_S):
            for player in players:
                await _ready(player)
        return await _Load(plan, players, clock, show).run()


class _Load:
    """A load that runs."""

    def __init__(self, plan: Plan, players: list[_Player], clock: Clock, show: Show) -> None:
        self._plan = plan
        self._players = players
        self._clock = clock
        self._show = show
        self._began = clock.monotonic() + _LEAD_S
        self._outcome = Outcome(plan)

    async def run(self) -> Outcome:
        plan, outcome = self._plan, self._outcome
        self._say(Begin(self._began))
        with _ended_early_by_signals(self._stop):
            try:
                async with (
                    asyncio.timeout(_LEAD_S + plan.end_s + plan.grace_s + _OVERTIME_S),
                    asyncio.TaskGroup() as group,
                ):
                    for number, player in enumerate(self._players):
                        group.create_task(self._gather(number, player))
            except TimeoutError:
                outcome.errors.append("Some processes of the load tester did not end in time.")
        outcome.elapsed_s = self._elapsed()
        outcome.settle()
        return outcome

    def _stop(self) -> None:
        self._outcome.interrupted = True
        self._say(Stop(self._elapsed() + _STOP_LEAD_S))

    async def _gather(self, number: int, player: _Player) -> None:
        """Take what a process says until it is done."""
        outcome = self._outcome
        while True:
            try:
                said = await player.line.hear()
            except HungUp:
                outcome.lose(number)
                return
            if isinstance(said, Piece):
                outcome.take(number, said)
                self._show(outcome, self._elapsed())
            elif isinstance(said, Done):
                self._done(player, said)
                return

    def _done(self, player: _Player, done: Done) -> None:
        if player.feeds:
            self._outcome.feeder_cpu_s = done.cpu_s
        else:
            self._outcome.cpu_s.append(done.cpu_s)
        if done.error is not None:
            self._outcome.errors.append(done.error)
            self._say(Stop(self._elapsed()))

    def _say(self, what: Begin | Stop) -> None:
        for player in self._players:
            try:
                player.line.say(what)
            except HungUp:
                continue  # whoever gathers its pieces finds out

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began


@asynccontextmanager
async def _players(plan: Plan, feed_plan: FeedPlan | None) -> AsyncIterator[list[_Player]]:
    """All processes, started; ended on leaving, one way or the other."""
    spawn = multiprocessing.get_context("spawn")
    players: list[_Player] = []

    def start(target: Callable[..., None], *arguments: object, feeds: bool) -> None:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=target, args=(*arguments, theirs), daemon=True)
        process.start()
        theirs.close()
        line = PipeEnd(ours)
        line.__enter__()
        players.append(_Player(process, line, feeds))

    try:
        for number in range(plan.processes):
            start(work, plan, number, feeds=False)
        if feed_plan is not None and plan.schedule is not None:
            start(feed, plan, plan.schedule, feed_plan, feeds=True)
        yield players
    finally:
        for player in players:
            player.line.__exit__()  # a process that still runs takes that for the end
        for player in players:
            await asyncio.to_thread(_end, player.process)


def _end(process: BaseProcess) -> None:
    process.join(_END_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join(_END_TIMEOUT_S)
    process.close()


async def _ready(player: _Player) -> None:
    try:
        said = await player.line.hear()
    except HungUp:
        raise SandikError("A process of the load tester died while it started. Is there memory for it?") from None
    if isinstance(said, Done):
        raise UsageError(said.error or "A process of the load tester ended before it began.")
    if not isinstance(said, Ready):
        raise SandikError(f"A process of the load tester said {said!r} before it was ready.")


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
