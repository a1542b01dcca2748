"""Holds as the operators want them, gates as the totals topic has them, and what is owed between the two. Pure."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import ValidationError

from eventlog.port import Record
from schemas.control import Held, Order, Released
from schemas.definition import Election
from schemas.gate import Gate, is_gate, parse_gate
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
        self._everywhere = [district.id for district in definition.districts]
        self._below: dict[str, list[str]] = {district: [district] for district in self._everywhere}
        for district in self._everywhere:
            for unit in definition.ancestors[district]:
                self._below.setdefault(unit, []).append(district)

    def apply(self, offset: int, order: Order) -> None:
        """Fold an order that counts, which lies at `offset`. One that changes nothing leaves the older gate."""
        if not isinstance(order, Held | Released):
            return
        held = isinstance(order, Held)
        for district in self._everywhere if order.unit is None else self._below.get(order.unit, ()):
            before = self.wanted.get((order.contest, district))
            if held != (before is not None and before.held):
                self.wanted[order.contest, district] = Wanted(offset, held)


class Stage:
    """The fold of the totals topic as far as gates are concerned: what its readers hold to be true, and are shown."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.truth: dict[Cell, Totals] = {}
        self.standing: dict[Cell, Gate] = {}
        self._overwritten: set[Cell] = set()
        self._sources = sorted(sources)

    def fold(self, record: Record) -> None:
        """Fold the next record; one that cannot be read says nothing."""
        try:
            if is_gate(record.key):
                self._fold_gate(parse_gate(record.value or b""))
            elif not is_aside(record.key):
                self._fold_totals(parse_totals(record.value or b""))
        except ValidationError:
            return

    def _fold_gate(self, gate: Gate) -> None:
        cell = gate.cell
        stands = gate.supersedes(self.standing.get(cell))
        if stands:
            self.standing[cell] = gate.settled(self.truth.get(cell))
        is_exact = stands or gate.again > 0  # the first of its kind, said a second time, means what is true by then
        if is_exact and gate == self.standing[cell]:
            self._overwritten.discard(cell)
        else:
            self._overwritten.add(cell)

    def _fold_totals(self, totals: Totals) -> None:
        known = self.truth.get(totals.cell)
        if known is None or known.version < totals.version:
            self.truth[totals.cell] = totals

    def owed(self, holds: Holds, is_ours: IsOurs) -> list[Gate]:
        """The gates that the operators want and the topic does not have, by cell."""
        return [
            self._gate(Cell(contest, source, district), wanted)
            for (contest, district), wanted in sorted(holds.wanted.items())
            if is_ours(district)
            for source in self._sources
            if self._is_older(Cell(contest, source, district), wanted)
        ]

    def overwritten(self, is_ours: IsOurs) -> list[Gate]:
        """The gates that stand, where a reader of the newest record alone would be told something else."""
        standing = [self.standing[cell] for cell in sorted(self._overwritten) if is_ours(cell.district)]
        return [gate.model_copy(update={"again": gate.again + 1}) for gate in standing]

    def _is_older(self, cell: Cell, wanted: Wanted) -> bool:
        standing = self.standing.get(cell)
        return standing is None or standing.gate < wanted.gate

    def _gate(self, cell: Cell, wanted: Wanted) -> Gate:
        program = self.truth.get(cell) if wanted.held else None
        return Gate(
            contest=cell.contest,
            source=cell.source,
            district=cell.district,
            gate=wanted.gate,
            held=wanted.held,
            program=program,
        )
