"""Feed the run under load: make the tallies that the schedule asks for, and append each when it is due.

The feed is open-loop: a tally is due at its time whether or not the one before it has been acknowledged.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from typing import Final

import orjson
import uvloop

from eventlog.clock import Clock, Wall
from eventlog.loops import LOG_RETRY
from eventlog.port import Entry, EventLog, read_until
from eventlog.run import Run
from producers.publish import BATCH_RECORDS, Publisher
from sandik.load.outcome import MICROSECONDS, LoadFigures, Piece
from sandik.load.plan import PIECE_S, Begin, BoxChange, Done, Plan, Ready, Schedule, Stop
from sandik.process import PipeClosed, PipeEnd, cpu_s
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.errors import SandikError
from schemas.tally import Counted, Malformed, Reported, Withdrawn, parse_tallies
from schemas.totals import Cell

CANDIDATES: Final = 12
"""Candidates of a ballot who get votes in a box: the median of the simulated night."""

Box = tuple[Cell, int]


@dataclass(frozen=True, slots=True)
class Prior:
    """What a run holds before it is fed: each box's counter, and the highest revision of all."""

    counters: Mapping[Box, int] = field(default_factory=dict)
    revision: int = 0

    def bases(self) -> dict[Cell, int]:
        """What each cell's counter shows."""
        bases: dict[Cell, int] = {}
        for (cell, _), counter in self.counters.items():
            bases[cell] = bases.get(cell, 0) + counter
        return bases


async def read_prior(log: EventLog, run: Run) -> Prior:
    """Read the tallies of a run that was fed before: the highest revision of each box stands, the first if equal."""
    topic = run.topics.tallies.name
    ends = await log.end_offsets(topic)
    standing: dict[Box, tuple[int, int]] = {}
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            for tally in parse_tallies([record.value or b"" for record in batch.records]):
                if isinstance(tally, Malformed | Reported):
                    continue
                box = Cell(tally.contest, tally.source, tally.district), tally.box
                if tally.revision > standing.get(box, (0, 0))[0]:
                    standing[box] = tally.revision, tally.invalid if isinstance(tally, Counted) else 0
    counters = {box: counter for box, (_, counter) in standing.items()}
    return Prior(counters, max((revision for revision, _ in standing.values()), default=0))


class Feed:
    """Turns the schedule's changes into tallies, each saying when it was meant to be published."""

    def __init__(self, definition: Election, schedule: Schedule, prior: Prior) -> None:
        self._schedule = schedule
        self._prior = prior
        self._numbers = {
            unit.id: [number for first, last in unit.boxes for number in range(first, last + 1)]
            for unit in definition.districts
        }
        self._ballots = {
            (contest.id, unit.id): list(definition.ballot_order(contest.id, unit.id)[:CANDIDATES])
            for contest in definition.contests
            for unit in definition.districts
        }

    def tallies(self, began_wall_s: float) -> Iterator[Counted | Withdrawn]:
        """Every tally in order, for ever; `began_wall_s` is when the first is due, in seconds since 1970."""
        for number, change in enumerate(self._schedule.walk()):
            yield self._tally(change, datetime.fromtimestamp(began_wall_s + self._schedule.due_s(number), UTC))

    def entries(self, began_wall_s: float) -> Iterator[Entry]:
        """The same as records of the log, byte for byte, in a tenth of the time.

        Of a cell's tallies all but seven numbers and the votes are the same, and there are `_VARIANTS` of its votes.
        """
        forms = {cell: _Form(cell, self._ballots[cell.contest, cell.district]) for cell in self._schedule.cells}
        revision, counters, due_s = self._prior.revision + 1, self._prior.counters, self._schedule.due_s
        for number, (cell, index, turn) in enumerate(self._schedule.walk()):
            box = self._numbers[cell.district][index]
            form = forms[cell]
            votes, valid = form.votes[(7 * box + 31 * turn) % _VARIANTS]
            invalid = turn + 1 + (counters.get((cell, box), 0) if counters else 0)
            at = datetime.fromtimestamp(began_wall_s + due_s(number), UTC).isoformat().encode()
            kind = b"corrected" if turn else b"counted"
            cast = valid + invalid
            yield Entry(form.key, form.line % (kind, box, revision + turn, at, cast + 40, cast, valid, invalid, votes))

    def _tally(self, change: BoxChange, at: datetime) -> Counted:
        cell, turn = change.cell, change.turn
        box = self._numbers[cell.district][change.box]
        ballot = self._ballots[cell.contest, cell.district]
        votes = _votes(ballot, (7 * box + 31 * turn) % _VARIANTS)
        valid = sum(votes.values())
        invalid = self._prior.counters.get((cell, box), 0) + turn + 1
        return Counted(
            type="counted" if turn == 0 else "corrected",
            contest=cell.contest,
            district=cell.district,
            box=box,
            source=cell.source,
            revision=self._prior.revision + turn + 1,
            at=at,
            registered=valid + invalid + 40,
            cast=valid + invalid,
            valid=valid,
            invalid=invalid,
            votes=votes,
        )


_VARIANTS: Final = 40
"""How many ways of voting there are: each has from 5 votes a candidate on."""


def _votes(ballot: Sequence[str], variant: int) -> dict[str, int]:
    return {name: 5 + (variant + place) % _VARIANTS for place, name in enumerate(ballot)}


class _Form:
    """What the records of one cell have in common: the key, the line with its gaps, and each variant of the votes."""

    __slots__ = ("key", "line", "votes")

    def __init__(self, cell: Cell, ballot: Sequence[str]) -> None:
        contest, district, source = (
            orjson.dumps(name).replace(b"%", b"%%") for name in (cell.contest, cell.district, cell.source)
        )
        self.key = cell.district.encode()
        self.line = (
            b'{"v":1,"type":"%%s","contest":%s,"district":%s,"box":%%d,"source":%s,"revision":%%d,"at":"%%s",'
            b'"registered":%%d,"cast":%%d,"valid":%%d,"invalid":%%d,"votes":%%s}' % (contest, district, source)
        )
        variants = (_votes(ballot, variant) for variant in range(_VARIANTS))
        self.votes = [(orjson.dumps(dict(sorted(votes.items()))), sum(votes.values())) for votes in variants]


SPACING_S: Final = 0.002
"""Between two appends at least. What is due meanwhile goes together, and its wait counts: 1 ms on average."""

MAX_LAGS_NOTED: Final = 50
"""Of one append: what was due between two of them differs by milliseconds at most, and fifty show how it is spread."""

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
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(PipeClosed):
        runner.run(_feed(plan, schedule, feed_plan, pipe))


async def _feed(plan: Plan, schedule: Schedule, feed_plan: FeedPlan, pipe: "Pipe[object, object]") -> None:
    clock, error, began_cpu_s = Wall(), None, cpu_s()
    with PipeEnd(pipe) as channel:
        try:
            async with open_log(feed_plan.log_url, clock) as log:
                publisher = Publisher(log, feed_plan.topic, clock, retry=replace(LOG_RETRY, patience_s=PATIENCE_S))
                source = Feed(feed_plan.definition, schedule, feed_plan.prior)
                await Feeder(plan, schedule, source, publisher, clock, channel).run()
        except SandikError as stopped:
            error = f"The feed stopped: {stopped}"
        channel.send(Done(cpu_s() - began_cpu_s, error))


class Feeder:
    """Appends on schedule until the end, however far behind the log puts it."""

    def __init__(
        self, plan: Plan, schedule: Schedule, source: Feed, publisher: Publisher, clock: Clock, channel: PipeEnd
    ) -> None:
        self._plan = plan
        self._schedule = schedule
        self._source = source
        self._publisher = publisher
        self._clock = clock
        self._channel = channel
        self._began = 0.0
        self._changes = schedule.due_by(plan.end_s)
        self._figures = LoadFigures()

    async def run(self) -> None:
        """Wait for the beginning, then feed."""
        self._channel.send(Ready())
        begin = await self._channel.receive()
        if not isinstance(begin, Begin):
            raise PipeClosed
        self._began = begin.at
        listening = asyncio.create_task(self._listen())
        reporting = asyncio.create_task(self._report())
        appending = asyncio.create_task(self._append_all())
        try:
            await asyncio.wait({listening, reporting, appending}, return_when=asyncio.FIRST_COMPLETED)
            if not appending.done():
                raise PipeClosed
            await appending
        finally:
            for task in (listening, reporting, appending):
                task.cancel()
            await asyncio.gather(listening, reporting, appending, return_exceptions=True)
        self._channel.send(self._piece())

    async def _append_all(self) -> None:
        entries = self._source.entries(self._plan.wall_s + self._began)
        number = 0
        while number < self._changes:
            due = min(self._schedule.due_by(self._elapsed()), self._changes, number + BATCH_RECORDS)
            if due > number:
                await self._publisher.append(list(islice(entries, due - number)))
                self._note(number, due)
                number = due
            next_s = self._schedule.due_s(number) - self._elapsed()
            await self._clock.sleep(max(SPACING_S, next_s) if next_s > -PIECE_S else 0)

    def _note(self, first: int, last: int) -> None:
        elapsed, due_s, record = self._elapsed(), self._schedule.due_s, self._figures.feed_lag.record
        step = -(-(last - first) // MAX_LAGS_NOTED)
        for number in range(first, last, step):  # of neighbours, which went together, one stands for `step` of them
            record(round((elapsed - due_s(number)) * MICROSECONDS), min(step, last - number))
        self._figures.fed += last - first

    async def _listen(self) -> None:
        while True:
            message = await self._channel.receive()
            if isinstance(message, Stop):
                self._changes = min(self._changes, self._schedule.due_by(message.at_s))

    async def _report(self) -> None:
        while True:
            await self._clock.sleep(PIECE_S)
            self._channel.send(self._piece())

    def _piece(self) -> Piece:
        figures, self._figures = self._figures, LoadFigures()
        return Piece(max(0, round(self._elapsed() / PIECE_S) - 1), 0, figures)

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began
