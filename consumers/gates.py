"""Holds as the operators want them, gates as the totals topic has them, and what is owed between the two. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from eventlog.port import Record
from schemas.control import FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.definition import Election
from schemas.gate import Gate, is_gate, parse_gate
from schemas.override import Override, is_override, overridden, parse_override, unreported
from schemas.totals import Cell, Totals, is_aside, parse_totals

IsOurs = Callable[[str], bool]
"""Whether a district's cells are ours to speak for."""


class Wanted(NamedTuple):
    """What the operators want of a district in a contest: `gate` is the control record since which it is so."""

    gate: int
    held: bool


class Holds:
    """The fold of orders: of all that cover a district, the last one counts. What was never held is not there."""

    def __init__(self, definition: Election) -> None:
        self.wanted: dict[tuple[str, str], Wanted] = {}
        self.orders = 0
        self._everywhere = [district.id for district in definition.districts]
        self._below: dict[str, list[str]] = {district: [district] for district in self._everywhere}
        for district in self._everywhere:
            for unit in definition.ancestors[district]:
                self._below.setdefault(unit, []).append(district)

    def apply(self, offset: int, order: Order) -> None:
        """Fold an order that counts, which lies at `offset`. One that changes nothing leaves the older gate."""
        if not isinstance(order, Held | Released | Taken):
            return
        self.orders += 1
        for district in self._everywhere if order.unit is None else self._below.get(order.unit, ()):
            before = self.wanted.get((order.contest, district))
            was_held = before is not None and before.held
            if isinstance(order, Taken):
                if was_held:
                    self.wanted[order.contest, district] = Wanted(offset, held=True)
            elif isinstance(order, Held) != was_held:
                self.wanted[order.contest, district] = Wanted(offset, held=not was_held)


class Overrides:
    """The fold of orders that set figures by hand: a later one adds to those that stand in its cell.

    All of them are kept, for a hold between two of them shows what the first one set.
    """

    def __init__(self) -> None:
        self.wanted: list[Override] = []
        self._standing: dict[Cell, Override] = {}

    def apply(self, offset: int, order: Order) -> None:
        """Fold an order that counts, which lies at `offset`."""
        if not isinstance(order, FigureOverridden | OverrideWithdrawn):
            return
        cell = Cell(order.contest, order.source, order.unit)
        before = self._standing.get(cell)
        figures = (before.figures if before else {}) | order.figures if isinstance(order, FigureOverridden) else {}
        self._standing[cell] = Override(
            contest=cell.contest,
            source=cell.source,
            district=cell.district,
            override=offset,
            at=order.at,
            figures=figures,
        )
        self.wanted.append(self._standing[cell])

    @property
    def orders(self) -> int:
        """How many orders were folded."""
        return len(self.wanted)


class Stage:
    """The fold of the totals topic as far as gates are concerned: what its readers hold to be true, and are shown."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.reported: dict[Cell, Totals] = {}
        self.standing: dict[Cell, Gate] = {}
        self.overrides: dict[Cell, Override] = {}
        self._overwritten: set[Cell] = set()
        self._newest_override: dict[Cell, int] = {}
        self._sources = sorted(sources)

    def fold(self, record: Record) -> None:
        """Fold the next record; one that cannot be read says nothing."""
        try:
            if is_gate(record.key):
                self._fold_gate(parse_gate(record.value or b""))
            elif is_override(record.key):
                self._fold_override(parse_override(record.value or b""))
            elif not is_aside(record.key):
                self._fold_totals(parse_totals(record.value or b""))
        except ValidationError:
            return

    def truth(self, cell: Cell) -> Totals | None:
        """What readers hold to be true of a cell: what its source reports, with what is set by hand."""
        reported = self.reported.get(cell)
        override = self.overrides.get(cell)
        if override is None:
            return reported
        return overridden(reported or unreported(cell, override.at), override.figures)

    def _fold_override(self, override: Override) -> None:
        cell = override.cell
        self._newest_override[cell] = override.override
        if cell not in self.overrides or self.overrides[cell].override < override.override:
            self.overrides[cell] = override

    def _fold_gate(self, gate: Gate) -> None:
        cell = gate.cell
        stands = gate.supersedes(self.standing.get(cell))
        if stands:
            self.standing[cell] = gate.settled(self.truth(cell))
        is_exact = stands or gate.again > 0  # the first of its kind, said a second time, means what is true by then
        if is_exact and gate == self.standing[cell]:
            self._overwritten.discard(cell)
        else:
            self._overwritten.add(cell)

    def _fold_totals(self, totals: Totals) -> None:
        known = self.reported.get(totals.cell)
        if known is None or known.version < totals.version:
            self.reported[totals.cell] = totals

    def owed(self, holds: Holds, is_ours: IsOurs) -> list[Gate]:
        """The gates that the operators want and the topic does not have, by cell."""
        return [
            self._gate(Cell(contest, source, district), wanted)
            for (contest, district), wanted in sorted(holds.wanted.items())
            if is_ours(district)
            for source in self._sources
            if self._is_older(Cell(contest, source, district), wanted)
        ]

    def next_owed(self, holds: Holds, overrides: Overrides, is_ours: IsOurs) -> Sequence[Gate | Override]:
        """Of the orders that the topic does not have, the first: what it comes to, by cell. None: nothing is owed.

        One after the other, because what a hold shows depends on what was set by hand before it, and not after it.
        """
        owed: dict[int, list[Gate | Override]] = {}
        for gate in self.owed(holds, is_ours):
            owed.setdefault(gate.gate, []).append(gate)
        for override in overrides.wanted:
            if is_ours(override.district) and self._newest_override.get(override.cell, -1) < override.override:
                owed.setdefault(override.override, []).append(override)
        return owed[min(owed)] if owed else []

    def overwritten(self, is_ours: IsOurs) -> list[Gate]:
        """The gates that stand, where a reader of the newest record alone would be told something else."""
        standing = [self.standing[cell] for cell in sorted(self._overwritten) if is_ours(cell.district)]
        return [gate.model_copy(update={"again": gate.again + 1}) for gate in standing]

    def _is_older(self, cell: Cell, wanted: Wanted) -> bool:
        standing = self.standing.get(cell)
        return standing is None or standing.gate < wanted.gate

    def _gate(self, cell: Cell, wanted: Wanted) -> Gate:
        program = self.truth(cell) if wanted.held else None
        return Gate(
            contest=cell.contest,
            source=cell.source,
            district=cell.district,
            gate=wanted.gate,
            held=wanted.held,
            program=program,
        )
