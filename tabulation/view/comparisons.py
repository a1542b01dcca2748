"""The fold of the comparisons topic, and its roll-ups. Pure.

Comparisons and totals come in topics of their own, so either may be read a moment ahead of the other. What is shown is
never ahead of the totals that the asker may see: so nobody learns from a comparison what is not on air yet. That is
why the comparison before the newest is kept as well.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.comparison import MAX_BOXES_LISTED, BoxApart, Comparison, Pair, Part, parse_comparison
from schemas.definition import Election
from schemas.fields import Record
from schemas.totals import Cell

VersionOf = Callable[[Cell], int]
"""The version of a cell's totals that whoever asks may see; -1 where there are none."""


class BoxDifference(NamedTuple):
    """A box apart, with its district."""

    district: str
    apart: BoxApart


@dataclass(frozen=True, slots=True)
class Rolled:
    """A unit's comparison: its districts', added up.

    `districts` of them are compared; of `behind` the totals are newer, or there is no comparison yet.
    """

    districts: int
    behind: int
    only_a: Part
    only_b: Part
    both_a: Part
    both_b: Part
    differing: int
    apart: tuple[BoxDifference, ...]

    @property
    def a(self) -> Part:
        """All that `a` says."""
        return self.only_a + self.both_a

    @property
    def b(self) -> Part:
        """All that `b` says."""
        return self.only_b + self.both_b

    def swapped(self) -> "Rolled":
        """The same with `a` and `b` exchanged."""
        apart = tuple(
            BoxDifference(place.district, place.apart.model_copy(update={"a": place.apart.b, "b": place.apart.a}))
            for place in self.apart
        )
        return Rolled(
            districts=self.districts,
            behind=self.behind,
            only_a=self.only_b,
            only_b=self.only_a,
            both_a=self.both_b,
            both_b=self.both_a,
            differing=self.differing,
            apart=apart,
        )


class Comparisons:
    """The fold. Feed it every record of the topic, in order, from offset 0.

    `seq` is the next position to be read. Records that cannot be used are counted in `skipped`, and change nothing.
    """

    def __init__(self, definition: Election) -> None:
        self.seq = 0
        self.skipped = 0
        self._definition: Final = definition
        self._kept: dict[Pair, tuple[Comparison, ...]] = {}

    def fold(self, record: Record) -> None:
        """Fold one record. An offset that was folded is a no-op, and so is a version that is not newer."""
        if record.offset < self.seq:
            return
        self.seq = record.offset + 1
        try:
            comparison = parse_comparison(record.value or b"")
        except ValidationError:
            self.skipped += 1
            return
        if not self._knows(comparison):
            self.skipped += 1
            return
        kept = self._kept.get(comparison.pair, ())
        if not kept or kept[0].version < comparison.version:
            self._kept[comparison.pair] = (comparison, *kept[:1])

    def roll_up(self, contest: str, unit: str, a: str, b: str, version_of: VersionOf) -> Rolled:
        """The unit's comparison as far as the asker's totals go; `a` and `b` in either order."""
        first, second = sorted((a, b))
        found: list[Comparison] = []
        behind = 0
        for district in self._definition.districts_below.get(unit, ()):
            known = max(version_of(Cell(contest, source, district)) for source in (a, b))
            kept = self._kept.get(Pair(contest, district, first, second), ())
            comparison = next((one for one in kept if one.version <= known), None)
            if comparison is not None:
                found.append(comparison)
            behind += known > (comparison.version if comparison is not None else -1)
        rolled = _add_up(found, behind)
        return rolled if (a, b) == (first, second) else rolled.swapped()

    def _knows(self, comparison: Comparison) -> bool:
        """Whether the definition has everything that the comparison names."""
        parts = (comparison.only_a, comparison.only_b, comparison.both_a, comparison.both_b)
        candidates = {candidate for part in parts for candidate in part.votes}
        return all(
            self._definition.knows((comparison.contest, source, comparison.district), candidates)
            for source in (comparison.a, comparison.b)
        )


def _add_up(found: list[Comparison], behind: int) -> Rolled:
    places = [BoxDifference(one.district, apart) for one in found for apart in one.apart]
    return Rolled(
        districts=len(found),
        behind=behind,
        only_a=Part.total(one.only_a for one in found),
        only_b=Part.total(one.only_b for one in found),
        both_a=Part.total(one.both_a for one in found),
        both_b=Part.total(one.both_b for one in found),
        differing=sum(one.differing for one in found),
        apart=(*_furthest(places, both=False), *_furthest(places, both=True)),
    )


def _furthest(places: Iterable[BoxDifference], *, both: bool) -> list[BoxDifference]:
    """The boxes that are furthest apart: each district lists its own furthest, so those of the unit are among them."""
    of_kind = [place for place in places if (place.apart.a is not None and place.apart.b is not None) == both]
    return heapq.nsmallest(
        MAX_BOXES_LISTED, of_kind, key=lambda place: (-place.apart.votes_apart, place.district, place.apart.box)
    )
