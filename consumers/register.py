"""The register: what may be reported at all, by the election definition."""

from dataclasses import dataclass
from typing import Final

from consumers.ledger import BoxLedger, Sums
from schemas.definition import Election
from schemas.quarantine import Reason
from schemas.totals import Cell

SHOWN_CHARS: Final = 80
"""How much of an unknown name an error repeats."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a tally cannot be used."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Ballot:
    """One cell's limits: the boxes of the district, and who stands in the contest there."""

    boxes: frozenset[int]
    candidates: tuple[str, ...]
    names: frozenset[str]


class Register:
    """The definition, arranged for looking up."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._boxes: dict[str, frozenset[int]] = {}

    def refuse_cell(self, cell: Cell) -> Refusal | None:
        """Why there can be no such cell, or `None`."""
        if cell.contest not in self._definition.contest_by_id:
            return Refusal("unknown_contest", f"no contest {cell.contest[:SHOWN_CHARS]!r} in the election definition")
        if cell.source not in self._definition.source_ids:
            return Refusal("unknown_source", f"no source {cell.source[:SHOWN_CHARS]!r} in the election definition")
        unit = self._definition.unit_by_id.get(cell.district)
        if unit is None or unit.level != "district":
            return Refusal(
                "unknown_district", f"no district {cell.district[:SHOWN_CHARS]!r} in the election definition"
            )
        return None

    def ballot(self, cell: Cell) -> Ballot:
        """The limits of a cell that exists."""
        candidates = self._definition.contest_by_id[cell.contest].ballot(cell.district)
        names = tuple(candidate.id for candidate in candidates)
        return Ballot(self._boxes_of(cell.district), tuple(sorted(names)), frozenset(names))

    def open_ledger(self, cell: Cell) -> BoxLedger:
        """An empty ledger for a cell that exists."""
        return BoxLedger(cell, Sums.zero(self.ballot(cell).candidates))

    def _boxes_of(self, district: str) -> frozenset[int]:
        if district not in self._boxes:
            ranges = self._definition.unit_by_id[district].boxes
            self._boxes[district] = frozenset(box for first, last in ranges for box in range(first, last + 1))
        return self._boxes[district]
