"""The feed of a load: what the run holds already, and the tallies that the schedule asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from eventlog.port import EventLog
from eventlog.reading import read_until
from eventlog.run import Run
from sandik.load.schedule import BoxChange, Schedule
from schemas.definition import Election
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
            (contest.id, unit.id): [candidate.id for candidate in contest.ballot(unit.id)[:CANDIDATES]]
            for contest in definition.contests
            for unit in definition.districts
        }

    def tallies(self, began_wall_s: float) -> Iterator[Counted | Withdrawn]:
        """Every tally in order, for ever; `began_wall_s` is when the first is due, in seconds since 1970."""
        for number, change in enumerate(self._schedule.walk()):
            yield self._tally(change, datetime.fromtimestamp(began_wall_s + self._schedule.due_s(number), UTC))

    def _tally(self, change: BoxChange, at: datetime) -> Counted:
        cell, turn = change.cell, change.turn
        box = self._numbers[cell.district][change.box]
        ballot = self._ballots[cell.contest, cell.district]
        votes = {name: 5 + (7 * box + 31 * turn + place) % 40 for place, name in enumerate(ballot)}
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
