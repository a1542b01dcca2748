"""The feed's schedule: which box changes when, known to the feeder and to every client without a word between them.

A change raises its box's `invalid` by exactly one. So the `invalid` of any unit, less what was there before, is the
number of its changes that are folded in, however many were left out on the way; and the schedule says when each of them
was meant to be published. Pure: numbers in, numbers out.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from producers.chance import seeded
from schemas.definition import Election
from schemas.totals import Cell

COUNTER: Final = "invalid"
"""The figure that counts changes: it is summed at every level, and nothing is derived from it."""


class BoxChange(NamedTuple):
    """One change: the `turn`-th (from 0) of the box that is `box`-th in its district."""

    cell: Cell
    box: int
    turn: int


@dataclass(frozen=True, slots=True)
class Track:
    """The changes of one unit in one contest and source, by one source: the places it has in the cycle."""

    places: tuple[int, ...]
    cycle: int
    base: int
    """What the counter showed before the first change."""

    def numbers(self, first: int, last: int) -> Iterable[int]:
        """The schedule's numbers of this unit's changes from the `first`-th up to, not including, the `last`-th."""
        for index in range(first, last):
            rounds, place = divmod(index, len(self.places))
            yield rounds * self.cycle + self.places[place]

    def among(self, changes: int) -> int:
        """How many of the schedule's first `changes` changes are this unit's."""
        rounds, rest = divmod(changes, self.cycle)
        return rounds * len(self.places) + bisect_left(self.places, rest)


@dataclass(frozen=True)
class Schedule:
    """Every change of a feed, in a cycle that is gone through again and again; `rate_hz` of them a second.

    Districts come as often as their boxes are many. Times are seconds after the first change.
    """

    rate_hz: float
    cells: tuple[Cell, ...]
    boxes: tuple[int, ...]
    above: Mapping[str, tuple[str, ...]]
    cycle: tuple[int, ...]
    bases: Mapping[Cell, int] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Election, rate_hz: float, seed: int, bases: Mapping[Cell, int] | None = None) -> "Schedule":
        """The schedule for every contest, source and district of a definition; `bases` is what the counters show."""
        districts = [unit for unit in definition.districts if unit.boxes_total]
        boxes_of = {unit.id: unit.boxes_total for unit in districts}
        smallest = min(boxes_of.values())
        cells = tuple(
            Cell(contest.id, source.id, unit.id)
            for contest in definition.contests
            for source in definition.sources
            for unit in districts
        )
        cycle = [index for index, cell in enumerate(cells) for _ in range(round(boxes_of[cell.district] / smallest))]
        seeded(seed, "load").shuffle(cycle)
        above = {unit.id: definition.ancestors[unit.id] for unit in districts}
        return cls(rate_hz, cells, tuple(boxes_of[cell.district] for cell in cells), above, tuple(cycle), bases or {})

    def due_s(self, number: int) -> float:
        """When a change is to be published."""
        return number / self.rate_hz

    def due_by(self, seconds: float) -> int:
        """How many changes are to be published before so many seconds are over."""
        return max(0, -int(-seconds * self.rate_hz // 1))

    def walk(self) -> Iterable[BoxChange]:
        """Every change, for ever."""
        turns = [0] * len(self.cells)
        while True:
            for index in self.cycle:
                turn, box = divmod(turns[index], self.boxes[index])
                turns[index] += 1
                yield BoxChange(self.cells[index], box, turn)

    def tracks(self, contest: str, source: str, units: Iterable[str]) -> dict[str, Track]:
        """The tracks of these units; a unit without boxes has none."""
        places: dict[str, list[int]] = {unit: [] for unit in units}
        bases = dict.fromkeys(places, 0)
        mine = [(cell.contest, cell.source) == (contest, source) for cell in self.cells]
        for place, index in enumerate(self.cycle):
            if mine[index]:
                for unit in self._units(index) & places.keys():
                    places[unit].append(place)
        for index, cell in enumerate(self.cells):
            if mine[index]:
                for unit in self._units(index) & places.keys():
                    bases[unit] += self.bases.get(cell, 0)
        return {unit: Track(tuple(at), len(self.cycle), bases[unit]) for unit, at in places.items() if at}

    def _units(self, index: int) -> set[str]:
        district = self.cells[index].district
        return {district, *self.above[district]}
