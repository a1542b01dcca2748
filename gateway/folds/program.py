"""The program: what is on air. Pure. Two folds of one totals topic: all there is, and what everyone may see.

They are one and the same until the first hold. From then on a cell that is held shows everyone what its gate says,
while the control room follows its totals; on release everyone gets the newest of them, in one step, at the position of
the release. Whatever stands counts as a change of every figure of the cell, for the same reason as a cell's first
record does in the view: what compaction has left to a gateway that started later may be less than a client has seen.

Figures that an operator has set by hand take the place of the source's own in both folds, and carry a mark. What is
held stays as it was: there they show with the release.
"""

from typing import Final

from pydantic import ValidationError

from eventlog.port import Record
from gateway.folds.held_units import HeldUnits
from gateway.folds.view import View
from schemas.definition import Election
from schemas.gate import Gate, is_gate, parse_gate
from schemas.override import Override, is_override, overridden, parse_override, unreported
from schemas.totals import Cell, Totals, is_aside, parse_totals


class Program:
    """Folds the totals topic with its gates. Feed it every record, in order, from offset 0.

    `live` is for the control room, `view` for everyone. Both are always at the same seq.
    """

    def __init__(self, definition: Election) -> None:
        self.live: Final = View(definition)
        self.view: Final = self.live.twin()
        self._definition = definition
        self._gates: dict[Cell, Gate] = {}
        self._overrides: dict[Cell, Override] = {}
        self._reported: dict[Cell, Totals] = {}
        self._unheard: set[Cell] = set()
        """Cells that only orders have spoken of so far."""
        self._held: dict[tuple[str, str], set[str]] = {}
        self._hold: tuple[str, ...] | None = ()
        self._held_units = HeldUnits(definition)

    @property
    def seq(self) -> int:
        """The positions that are folded in."""
        return self.live.seq

    @property
    def hold(self) -> tuple[str, ...]:
        """What is held: contests, or contest/unit where it is not the whole country."""
        if self._hold is None:
            self._hold = self._held_units.named([where for where, sources in self._held.items() if sources])
        return self._hold

    def is_held(self, contest: str, unit: str) -> bool:
        """Whether any part of the unit is held in this contest, by whichever source."""
        return any(
            sources and of == contest and unit in (district, *self._definition.ancestors[district])
            for (of, district), sources in self._held.items()
        )

    @property
    def overrides(self) -> list[Override]:
        """What is set by hand, by cell."""
        return [override for _, override in sorted(self._overrides.items()) if override.figures]

    def pending(self) -> dict[str, int]:
        """Of each thing in `hold`, how many of its cells have other figures than what is on air."""
        pending = dict.fromkeys(self.hold, 0)
        for cell, gate in self._gates.items():
            if gate.held and self.live.totals(cell) != self.view.totals(cell):
                units = (cell.district, *self._definition.ancestors[cell.district])
                name = next(name for unit in units if (name := self._held_units.name(cell.contest, unit)) in pending)
                pending[name] += 1
        return pending

    def fold(self, record: Record) -> bool:
        """Fold one record of the topic; whether a source says other figures by it. A folded offset is a no-op."""
        if record.offset < self.seq:
            return False
        changed = False
        if is_gate(record.key):
            self._fold_gate(record)
        elif is_override(record.key):
            self._fold_override(record)
        elif is_aside(record.key):
            self.live.pass_by(record.offset)
        else:
            changed = self._fold_totals(record)
        self.view.pass_by(record.offset)
        return changed

    def _fold_totals(self, record: Record) -> bool:
        try:
            totals = parse_totals(record.value or b"")
        except ValidationError:
            self._skip(record.offset)
            return False
        if totals.cell in self._overrides:
            totals = self._set_by_hand(totals)
        if not self.live.apply(record.offset, totals, record.timestamp):
            return False
        for view in self._views_of(totals.cell)[1:]:
            view.apply(record.offset, totals, record.timestamp)
        if totals.cell in self._unheard:
            self._begin_anew(record.offset, totals.cell)
        return True

    def _fold_gate(self, record: Record) -> None:
        try:
            gate = parse_gate(record.value or b"")
        except ValidationError:
            self._skip(record.offset)
            return
        if not self.live.knows(gate.cell, gate.program.votes if gate.program else ()):
            self._skip(record.offset)
            return
        self.live.pass_by(record.offset)
        if gate.supersedes(self._gates.get(gate.cell)):
            self._let_stand(record.offset, gate)

    def _set_by_hand(self, totals: Totals) -> Totals:
        """The totals with the figures that are set by hand; what the source said is kept for when they are not."""
        if totals.version > self._reported[totals.cell].version:
            self._reported[totals.cell] = totals
        return overridden(totals, self._overrides[totals.cell].figures)

    def _fold_override(self, record: Record) -> None:
        try:
            override = parse_override(record.value or b"")
        except ValidationError:
            self._skip(record.offset)
            return
        cell = override.cell
        if not self.live.knows(cell, override.candidates):
            self._skip(record.offset)
            return
        self.live.pass_by(record.offset)
        standing = self._overrides.get(cell)
        if standing is None or standing.override < override.override:
            if cell not in self._reported:
                self._reported[cell] = self.live.totals(cell) or unreported(cell, override.at)
            self._overrides[cell] = override
            self._let_override(record.offset, cell)

    def _let_override(self, offset: int, cell: Cell) -> None:
        """Show what is set by hand, or what the source had said: no box where that is nothing, for it was shown."""
        self._look_whether_heard(cell)
        shown = overridden(self._reported[cell], self._overrides[cell].figures)
        for view in self._views_of(cell):
            view.show(offset, cell, shown)
            view.mark(cell)

    def _let_stand(self, offset: int, gate: Gate) -> None:
        if not self._gates:
            self.view.part()
        cell, truth = gate.cell, self.live.totals(gate.cell)
        self._look_whether_heard(cell)
        self._gates[cell] = gate
        if gate.held:
            self._freeze(offset, gate.settled(truth))
        else:
            is_behind = truth is not None and truth.version > self.view.version(cell)
            self.view.show(offset, cell, truth if is_behind or cell in self._overrides else None)
        self.view.mark(cell)  # also if nothing is: what was may have left the topic
        sources = self._held.setdefault((cell.contest, cell.district), set())
        (sources.add if gate.held else sources.discard)(cell.source)
        self._hold = None

    def _freeze(self, offset: int, gate: Gate) -> None:
        if gate.program is None:
            self.view.hide(offset, gate.cell)
        else:
            self.view.show(offset, gate.cell, gate.program)

    def _look_whether_heard(self, cell: Cell) -> None:
        if self.live.totals(cell) is None:
            self._unheard.add(cell)

    def _begin_anew(self, offset: int, cell: Cell) -> None:
        """Count the source's first word as news in full, though an order has put the cell on the board before it.

        A client may come from a gateway that had heard of the cell earlier, in records that compaction has taken since.
        """
        self._unheard.discard(cell)
        for view in self._views_of(cell):
            view.show(offset, cell, None)

    def _views_of(self, cell: Cell) -> list[View]:
        """Where news of the cell show: for everyone only if it is not held; both are one until the first hold."""
        return [self.live] if self._is_held(cell) or not self._gates else [self.live, self.view]

    def _skip(self, offset: int) -> None:
        self.live.pass_by(offset)
        self.live.skipped += 1

    def _is_held(self, cell: Cell) -> bool:
        gate = self._gates.get(cell)
        return gate is not None and gate.held
