"""Two sources compared box by box: two ledgers in, one comparison out, and comparisons added up to units. Pure.

Most boxes are reported alike and need no look inside: what both report together is all that a source reports, less what
only it has. So the work is in the boxes that differ; of these only the ones that are listed are unpacked.

Comparisons and totals come in topics of their own, so either may be read a moment ahead of the other. What is shown is
never ahead of the totals that the asker may see: so nobody learns from a comparison what is not on air yet. That is
why the comparison before the newest is kept as well.
"""

import heapq
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.comparison import MAX_BOXES_LISTED, BoxApart, Comparison, Pair, Part, Said, parse_comparison
from schemas.definition import Election
from schemas.fields import Record
from schemas.figures import stated_in
from schemas.totals import Cell
from tabulation.counting.cells import Sums
from tabulation.counting.ledgers import BoxLedger

_Ranked = tuple[int, int]
"""How many votes are apart, negative, and the box's number: the first in order is the furthest apart."""


def compare(pair: Pair, a: BoxLedger | None, b: BoxLedger | None) -> Comparison:
    """Compare two sources' statements on one district; `None` is the ledger of a source that has said nothing yet."""
    unlike = _unlike(a, b)
    by_a, by_b = _opened(a, unlike), _opened(b, unlike)
    alone_a, apart_a = _alone(a, by_a, by_b)
    alone_b, apart_b = _alone(b, by_b, by_a)
    shared = a.packing.shared_mask(b.packing) if a is not None and b is not None else 0
    differing = [box for box, packed in by_a.items() if (by_b.get(box, packed) ^ packed) & shared]
    both = [] if a is None else [(-a.packing.votes_apart(by_a[box], by_b[box]), box) for box in differing]
    return Comparison(
        **pair._asdict(),
        version=version_of(a, b),
        only_a=_part(alone_a),
        only_b=_part(alone_b),
        both_a=_rest(a, alone_a),
        both_b=_rest(b, alone_b),
        differing=len(differing),
        apart=tuple(
            BoxApart(box=box, a=_figures_of(a, by_a.get(box)), b=_figures_of(b, by_b.get(box)))
            for ranked in ([*apart_a, *apart_b], both)
            for _, box in heapq.nsmallest(MAX_BOXES_LISTED, (one for one in ranked if one[0]))
        ),
    )


def version_of(a: BoxLedger | None, b: BoxLedger | None) -> int:
    """The version of their comparison: the last tally that changed either. Both live in one partition."""
    return max(ledger.version if ledger is not None else -1 for ledger in (a, b))


def _unlike(a: BoxLedger | None, b: BoxLedger | None) -> Collection[int]:
    """All boxes but those of which both say the same, at whatever revision and time: most, and nothing differs there.

    A box that only one has heard of without counts, such as a withdrawn one, is none that it reports.
    """
    heard_a, heard_b = (ledger.heard() if ledger is not None else {} for ledger in (a, b))
    counts = a.packing.counts_mask if a is not None else 0
    differing = {box for box, packed in heard_a.items() if (heard_b.get(box, 0) ^ packed) & counts}
    return differing | (heard_b.keys() - heard_a.keys())


def _opened(ledger: BoxLedger | None, boxes: Collection[int]) -> Mapping[int, int]:
    return ledger.opened(boxes) if ledger is not None else {}


def _figures_of(ledger: BoxLedger | None, packed: int | None) -> Said | None:
    if ledger is None or packed is None:
        return None
    sums = ledger.packing.sums(packed)
    return Said(**stated_in(sums), votes=_named(sums.votes.items()))


def _alone(ledger: BoxLedger | None, opened: Mapping[int, int], other: Mapping[int, int]) -> tuple[Sums, list[_Ranked]]:
    """The sums of the boxes that the other source does not have, and how many votes lie in each."""
    if ledger is None:
        return Sums.zero(()), []
    alone = {box: packed for box, packed in opened.items() if box not in other}
    votes_apart = ledger.packing.votes_apart
    ranked = [(-votes_apart(packed, 0), box) for box, packed in alone.items()]
    return ledger.packing.sums(sum(alone.values())), ranked


def _part(sums: Sums) -> Part:
    return Part(boxes=sums.boxes_opened, **stated_in(sums), votes=_named(sums.votes.items()))


def _rest(ledger: BoxLedger | None, less: Sums) -> Part:
    """What a source says of all its boxes but these."""
    if ledger is None:
        return Part()
    sums = ledger.sums
    taken = stated_in(less)
    return Part(
        boxes=sums.boxes_opened - less.boxes_opened,
        **{name: count - taken[name] for name, count in stated_in(sums).items()},
        votes=_named((candidate, count - less.votes[candidate]) for candidate, count in sums.votes.items()),
    )


def _named(votes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Those who have votes, by id."""
    return {candidate: count for candidate, count in sorted(votes) if count}


DISTRICTS_AT_ONCE: Final = 64
"""Districts that are added up before others have a turn: of 49 candidates a millisecond or two."""

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
        rolling = self.rolling_up(contest, unit, a, b, version_of)
        while True:
            try:
                next(rolling)
            except StopIteration as ended:
                rolled: Rolled = ended.value
                return rolled

    def rolling_up(
        self, contest: str, unit: str, a: str, b: str, version_of: VersionOf, at_once: int = DISTRICTS_AT_ONCE
    ) -> Generator[None, None, Rolled]:
        """Do the same, and stop wherever others should have a turn; it is true if nothing was folded meanwhile."""
        first, second = sorted((a, b))
        districts = tuple(self._definition.districts_below.get(unit, ()))
        rolled = _NOTHING_YET
        for begin in range(0, len(districts), at_once):
            if begin:
                yield
            found: list[Comparison] = []
            behind = 0
            for district in districts[begin : begin + at_once]:
                known = max(version_of(Cell(contest, source, district)) for source in (a, b))
                kept = self._kept.get(Pair(contest, district, first, second), ())
                comparison = next((one for one in kept if one.version <= known), None)
                if comparison is not None:
                    found.append(comparison)
                behind += known > (comparison.version if comparison is not None else -1)
            rolled = _add_up(rolled, found, behind)
        return rolled if (a, b) == (first, second) else rolled.swapped()

    def _knows(self, comparison: Comparison) -> bool:
        """Whether the definition has everything that the comparison names."""
        parts = (comparison.only_a, comparison.only_b, comparison.both_a, comparison.both_b)
        candidates = {candidate for part in parts for candidate in part.votes}
        return all(
            self._definition.knows((comparison.contest, source, comparison.district), candidates)
            for source in (comparison.a, comparison.b)
        )


_NOTHING_YET: Final = Rolled(0, 0, Part(), Part(), Part(), Part(), 0, ())


def _add_up(rolled: Rolled, found: list[Comparison], behind: int) -> Rolled:
    """Return what is rolled up already with these added."""
    places = [*rolled.apart, *(BoxDifference(one.district, apart) for one in found for apart in one.apart)]
    return Rolled(
        districts=rolled.districts + len(found),
        behind=rolled.behind + behind,
        only_a=Part.total((rolled.only_a, *(one.only_a for one in found))),
        only_b=Part.total((rolled.only_b, *(one.only_b for one in found))),
        both_a=Part.total((rolled.both_a, *(one.both_a for one in found))),
        both_b=Part.total((rolled.both_b, *(one.both_b for one in found))),
        differing=rolled.differing + sum(one.differing for one in found),
        apart=(*_furthest(places, both=False), *_furthest(places, both=True)),
    )


def _furthest(places: Iterable[BoxDifference], *, both: bool) -> list[BoxDifference]:
    """The boxes that are furthest apart: each district lists its own furthest, so those of the unit are among them."""
    of_kind = [place for place in places if (place.apart.a is not None and place.apart.b is not None) == both]
    return heapq.nsmallest(
        MAX_BOXES_LISTED, of_kind, key=lambda place: (-place.apart.votes_apart, place.district, place.apart.box)
    )
