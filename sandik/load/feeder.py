"""The process that feeds the run: every tally when it is due, late or not, and never because the one before is done."""

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from typing import Final

import uvloop

from eventlog.clock import Clock, Wall
from eventlog.retry import LOG_RETRY
from producers.publish import BATCH_RECORDS, Publisher, entry
from sandik.load.feed import Feed, Prior
from sandik.load.figures import LoadFigures
from sandik.load.histogram import MICROSECONDS
from sandik.load.line import HungUp, PipeEnd
from sandik.load.plan import PIECE_S, Begin, Done, Piece, Plan, Ready, Stop, cpu_s
from sandik.load.schedule import Schedule
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.errors import SandikError

SPACING_S: Final = 0.002
"""Between two appends at least. What is due meanwhile goes together, and its wait counts: 1 ms on average."""

PATIENCE_S: Final = 30.0
"""How long the log may be away before the feed gives up."""


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """What the feeder needs to know beside the plan."""

    log_url: str
    topic: str
    definition: Election
    prior: Prior


def feed(plan: Plan, schedule: Schedule, feed_plan: FeedPlan, pipe: "Pipe[object, object]") -> None:
    """Feed the run until the plan ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(HungUp):
        runner.run(_feed(plan, schedule, feed_plan, pipe))


async def _feed(plan: Plan, schedule: Schedule, feed_plan: FeedPlan, pipe: "Pipe[object, object]") -> None:
    clock, error, began_cpu_s = Wall(), None, cpu_s()
    with PipeEnd(pipe) as line:
        try:
            async with open_log(feed_plan.log_url, clock) as log:
                publisher = Publisher(log, feed_plan.topic, clock, retry=replace(LOG_RETRY, patience_s=PATIENCE_S))
                source = Feed(feed_plan.definition, schedule, feed_plan.prior)
                await Feeder(plan, schedule, source, publisher, clock, line).run()
        except SandikError as stopped:
            error = f"The feed stopped: {stopped}"
        line.say(Done(cpu_s() - began_cpu_s, error))


class Feeder:
    """Appends on schedule until the end, however far behind the log puts it."""

    def __init__(
        self, plan: Plan, schedule: Schedule, source: Feed, publisher: Publisher, clock: Clock, line: PipeEnd
    ) -> None:
        self._plan = plan
        self._schedule = schedule
        self._source = source
        self._publisher = publisher
        self._clock = clock
        self._line = line
        self._began = 0.0
        self._changes = schedule.due_by(plan.end_s)
        self._figures = LoadFigures()

    async def run(self) -> None:
        """Wait for the beginning, then feed."""
        self._line.say(Ready())
        begin = await self._line.hear()
        if not isinstance(begin, Begin):
            raise HungUp
        self._began = begin.at
        listening = asyncio.create_task(self._listen())
        reporting = asyncio.create_task(self._report())
        appending = asyncio.create_task(self._append_all())
        try:
            await asyncio.wait({listening, reporting, appending}, return_when=asyncio.FIRST_COMPLETED)
            if not appending.done():
                raise HungUp
            await appending
        finally:
            for task in (listening, reporting, appending):
                task.cancel()
            await asyncio.gather(listening, reporting, appending, return_exceptions=True)
        self._line.say(self._piece())

    async def _append_all(self) -> None:
        tallies = self._source.tallies(self._plan.wall_s + self._began)
        number = 0
        while number < self._changes:
            due = min(self._schedule.due_by(self._elapsed()), self._changes, number + BATCH_RECORDS)
            if due > number:
                await self._publisher.append([entry(tally) for tally in islice(tallies, due - number)])
                self._note(number, due)
                number = due
            next_s = self._schedule.due_s(number) - self._elapsed()
            await self._clock.sleep(max(SPACING_S, next_s) if next_s > -PIECE_S else 0)

    def _note(self, first: int, last: int) -> None:
        elapsed = self._elapsed()
        for number in range(first, last):
            self._figures.feed_lag.record(round((elapsed - self._schedule.due_s(number)) * MICROSECONDS))
        self._figures.fed += last - first

    async def _listen(self) -> None:
        while True:
            said = await self._line.hear()
            if isinstance(said, Stop):
                self._changes = min(self._changes, self._schedule.due_by(said.at_s))

    async def _report(self) -> None:
        while True:
            await self._clock.sleep(PIECE_S)
            self._line.say(self._piece())

    def _piece(self) -> Piece:
        figures, self._figures = self._figures, LoadFigures()
        return Piece(max(0, round(self._elapsed() / PIECE_S) - 1), 0, figures)

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began
