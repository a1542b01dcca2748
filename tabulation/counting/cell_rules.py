"""Which tallies a cell takes, by the election definition."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, final

from schemas.definition import Election, Unit
from schemas.figures import ABSENT_COUNTS, EVERY_COUNT, AbsentCount, Given
from schemas.quarantine import Reason
from schemas.tally import NOT_GIVEN, Counted, Reported, Tally, Withdrawn
from schemas.totals import Cell
from schemas.units import BoxRange

PartitionOf = Callable[[bytes], int]
"""The partition of `tallies` that a key falls into."""

SHOWN_CHARS: Final = 80
"""How much of an unknown name an error repeats."""


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a tally cannot be used."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CellRules:
    """What one cell's tallies may say, and under which key and in which partition they must come.

    `takes_reports`: its source reports whole districts, else it reports boxes.
    """

    cell: Cell
    takes_reports: bool
    boxes: frozenset[int]
    candidates: frozenset[str]
    key: bytes
    partition: int
    votes_per_voter: int = 1
    given: Given = EVERY_COUNT
    closed: frozenset[int] = frozenset()
    """Boxes that are not waited for any more; what was counted in one can be withdrawn."""
    boxes_told: int | None = None
    """How many boxes there are where the source tells a unit above counting units, which has none of its own."""

    @property
    def boxes_kept(self) -> int:
        """How many boxes a ledger has room for: those that are closed, too, as long as boxes are what is reported."""
        if self.boxes_told is not None:
            return self.boxes_told
        return len(self.boxes) if self.takes_reports else len(self.boxes) + len(self.closed)

    def refusal(self, tally: Tally, key: bytes | None, partition: int) -> Refusal | None:
        """Why this tally of the cell cannot be used, or `None`."""
        if key != self.key or partition != self.partition:
            return Refusal("misrouted", f"tallies of {self.cell.district} belong in partition {self.partition}")
        if (type(tally) is Reported) != self.takes_reports:
            kind = "whole districts, not boxes" if self.takes_reports else "each box by itself, not whole districts"
            return Refusal("wrong_kind", f"{self.cell.source} reports {kind}")
        if type(tally) is not Reported and tally.box not in self.boxes:
            return self._unknown_box(tally)
        if type(tally) is Withdrawn:
            return None
        if not self.given.is_plain or None in (tally.registered, tally.cast, tally.valid, tally.invalid):
            refusal = self._wrong_counts(tally)
            if refusal is not None:
                return refusal
        return None if self.candidates.issuperset(tally.votes) else self._unknown_candidate(tally.votes)

    def _unknown_box(self, tally: Counted | Withdrawn) -> Refusal | None:
        """Why a tally of a box that is not there cannot be used; what was counted in a closed one can be withdrawn."""
        if tally.box not in self.closed:
            return Refusal("unknown_box", f"{self.cell.district} has no box {tally.box}")
        if type(tally) is Withdrawn:
            return None
        return Refusal("unknown_box", f"box {tally.box} of {self.cell.district} is closed")

    def _wrong_counts(self, tally: Counted | Reported) -> Refusal | None:
        """Why a tally without a count that it needs cannot be used, nor one with a count that nobody expects of it."""
        name = wrong_count(tally, self.given)
        if name is None:
            return None
        if name in self.given.absent:
            return Refusal("wrong_kind", f"{name}: by the definition (absent) {self.cell.source} does not give it")
        return Refusal("malformed", f"{name}: Field required")

    def _unknown_candidate(self, votes: Mapping[str, int]) -> Refusal | None:
        """Why votes for somebody who is not on the ballot cannot be used; no votes for them say nothing."""
        unknown = min((name for name in votes.keys() - self.candidates if votes[name]), default=None)
        if unknown is None:
            return None
        return Refusal("unknown_candidate", f"no {unknown[:SHOWN_CHARS]!r} on the ballot of {self.cell.district}")


def wrong_count(tally: Counted | Reported, given: Given) -> str | None:
    """The first count that a tally lacks, or has though its source does not give it; `None` where there is none."""
    name: AbsentCount
    for name in ABSENT_COUNTS:
        is_told = getattr(tally, name) is not NOT_GIVEN
        if (name in given.absent and is_told) or (name in given.counts and not is_told):
            return name
    return None


class Rulebook:
    """The rules of every cell, by the definition."""

    def __init__(self, definition: Election, partition_of: PartitionOf) -> None:
        self.definition: Final = definition
        self._partition_of = partition_of
        self._boxes: dict[str, tuple[frozenset[int], frozenset[int]]] = {}
        self._reporting = {source.id for source in definition.sources if source.reports == "districts"}

    def rules_for(self, cell: Cell) -> CellRules | Refusal:
        """The rules of a cell, or why there can be none."""
        definition = self.definition
        if cell.contest not in definition.contest_by_id:
            return Refusal("unknown_contest", f"no contest {cell.contest[:SHOWN_CHARS]!r} in the election definition")
        if cell.source not in definition.source_ids:
            return Refusal("unknown_source", f"no source {cell.source[:SHOWN_CHARS]!r} in the election definition")
        if not definition.is_cell(*cell):
            return self._no_cell(cell)
        key = cell.district.encode()
        boxes, closed = self._boxes_of(definition.unit_by_id[cell.district])
        is_lowest = definition.is_district(cell.district)
        return CellRules(
            cell,
            takes_reports=cell.source in self._reporting,
            boxes=boxes,
            boxes_told=None if is_lowest else definition.boxes_of(cell.contest)[cell.district],
            candidates=definition.names_in(cell.contest, cell.district),
            key=key,
            partition=self._partition_of(key),
            votes_per_voter=definition.contest_by_id[cell.contest].votes_per_voter,
            given=definition.given(cell.contest, cell.source),
            closed=closed,
        )

    def _no_cell(self, cell: Cell) -> Refusal:
        """Why a source tells nothing of a contest in a unit."""
        definition, shown = self.definition, repr(cell.district[:SHOWN_CHARS])
        if cell.district in definition.unit_by_id and definition.level_told(cell.contest, cell.source) is not None:
            return Refusal("unknown_district", f"{definition.why_not_told(*cell)}")
        if not definition.is_district(cell.district):
            return Refusal("unknown_district", f"no district {shown} in the election definition")
        return Refusal("unknown_contest", f"contest {cell.contest!r} is not held in {cell.district}")

    def _boxes_of(self, district: Unit) -> tuple[frozenset[int], frozenset[int]]:
        """The district's box numbers, and those that are closed: the same sets for all contests and sources."""
        if district.id not in self._boxes:
            self._boxes[district.id] = _numbers(district.boxes), _numbers(district.closed)
        return self._boxes[district.id]


def _numbers(ranges: Iterable[BoxRange]) -> frozenset[int]:
    return frozenset(box for first, last in ranges for box in range(first, last + 1))
