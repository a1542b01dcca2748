"""What is on air: the one fold of totals, holds and figures set by hand that says what the public sees. Pure.

Every reader uses it: the gateway's views, the aggregator's gatekeeper, the past, and the commands that read a log. It
takes the records of the totals topic in their order. For each cell (contest, source, district) it knows

- `reported`: the newest totals of the source itself;
- `truth`: those with the figures that are set by hand in their place, which is what the control room sees;
- `shown`: what the public sees, which is the truth unless the cell is held, and then what its gate shows.

An embargo is not in here: it is about the whole run, and whoever serves the public asks about it first.
"""

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from schemas.definition import Election
from schemas.gate import Gate, is_gate, parse_gate
from schemas.override import Override, is_override, overridden, parse_override, unreported
from schemas.totals import Cell, Totals, is_aside, parse_totals


class OnAir:
    """The fold. Feed it the records of the totals topic in order, as bytes (`fold`) or as parsed models.

    A record about something that the definition does not know changes nothing.
    """

    def __init__(self, definition: Election) -> None:
        self.definition: Final = definition
        self._reported: dict[Cell, Totals] = {}
        self._overrides: dict[Cell, Override] = {}
        self._gates: dict[Cell, Gate] = {}
        self._held: dict[tuple[str, str], set[str]] = {}

    def fold(self, key: bytes | None, value: bytes | None) -> Cell | None:
        """Fold one record of the totals topic; the cell that it changed, `None` where it changed nothing here."""
        try:
            if is_gate(key):
                gate = parse_gate(value or b"")
                return gate.cell if self.fold_gate(gate) is not None else None
            if is_override(key):
                override = parse_override(value or b"")
                return override.cell if self.fold_override(override) else None
            if is_aside(key):
                return None
            totals = parse_totals(value or b"")
        except ValidationError:
            return None
        return totals.cell if self.fold_totals(totals) else None

    def fold_totals(self, totals: Totals) -> bool:
        """Fold what a source reports of a cell; whether it is newer than what was known."""
        known = self._reported.get(totals.cell)
        if known is not None and totals.version <= known.version:
            return False
        if not self.definition.knows(totals.cell, totals.votes):
            return False
        self._reported[totals.cell] = totals
        return True

    def fold_override(self, override: Override) -> bool:
        """Fold figures that are set by hand; whether they take the place of those set before."""
        standing = self._overrides.get(override.cell)
        if standing is not None and override.override <= standing.override:
            return False
        if not self.definition.knows(override.cell, override.candidates):
            return False
        self._overrides[override.cell] = override
        return True

    def fold_gate(self, gate: Gate) -> Gate | None:
        """Fold what a hold or release does to a cell; the gate as it stands now, `None` where another one stands."""
        cell = gate.cell
        if not gate.supersedes(self._gates.get(cell)):
            return None
        if not self.definition.knows(cell, gate.program.votes if gate.program else ()):
            return None
        settled = self._gates[cell] = gate.settled(self.truth(cell))
        sources = self._held.setdefault((cell.contest, cell.district), set())
        (sources.add if gate.held else sources.discard)(cell.source)
        return settled

    def reported(self, cell: Cell) -> Totals | None:
        """The newest totals of the source itself; `None` where it has reported nothing."""
        return self._reported.get(cell)

    def override(self, cell: Cell) -> Override | None:
        """The newest word on what is set by hand in a cell; one without figures took the others back."""
        return self._overrides.get(cell)

    def gate(self, cell: Cell) -> Gate | None:
        """The gate that stands; `None` where the cell was never held."""
        return self._gates.get(cell)

    def truth(self, cell: Cell) -> Totals | None:
        """What the control room sees of a cell; `None` where nothing was reported or set by hand."""
        reported, override = self._reported.get(cell), self._overrides.get(cell)
        if override is None:
            return reported
        return overridden(reported or unreported(cell, override.at), override.figures)

    def shown(self, cell: Cell) -> Totals | None:
        """What the public sees of a cell; `None` where it sees nothing."""
        gate = self._gates.get(cell)
        return gate.program if gate is not None and gate.held else self.truth(cell)

    @property
    def cells(self) -> Iterable[Cell]:
        """Every cell of which anything was said, sorted."""
        return sorted(self._reported.keys() | self._overrides.keys() | self._gates.keys())

    @property
    def held(self) -> frozenset[tuple[str, str]]:
        """What is held by any source, as (contest, district)."""
        return frozenset(where for where, sources in self._held.items() if sources)

    def is_held(self, contest: str, unit: str) -> bool:
        """Whether the unit's public figures are frozen, wholly or in part: it or a district below it is held.

        The one rule of what counts as held. Above a held district everything is: its sum holds a frozen part.
        """
        if not self._held:
            return False
        districts = self.definition.districts_below[unit]
        return any(self._held.get((contest, district)) for district in districts)
