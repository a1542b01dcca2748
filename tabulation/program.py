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

from schemas.asides import Gate, Override, is_aside, is_gate, is_override, parse_gate, parse_override
from schemas.definition import Election
from schemas.fields import Record
from schemas.totals import Cell, parse_totals
from tabulation.counting.notices import timely
from tabulation.on_air import HeldUnits, OnAir
from tabulation.view import View


class Program:
    """Folds the totals topic with its gates. Feed it every record, in order, from offset 0.

    `on_air` says of each cell what is true and what is shown. `live` is the view of the first, for the control room,
    `view` that of the second, for everyone. Both are always at the same seq. What cannot be used, or is not newer than
    what is known, is counted in `live`.
    """

    def __init__(self, definition: Election) -> None:
        self.live: Final = View(definition)
        self.view: Final = self.live.shared_copy()
        self.on_air: Final = OnAir(definition)
        self._definition = definition
        self._is_detached = False
        self._is_catching_up = True
        self._in_doubt: set[Cell] = set()
        """Cells of which nothing came but what compaction may have left: see `caught_up`."""
        self._unheard: set[Cell] = set()
        """Cells that only orders have spoken of so far."""
        self._hold: tuple[str, ...] | None = ()
        self._held_in_part: tuple[str, ...] = ()
        self._held_units = HeldUnits(definition)

    @property
    def seq(self) -> int:
        """How many positions of the topic are folded in."""
        return self.live.seq

    @property
    def hold(self) -> tuple[str, ...]:
        """What is held: contests, or contest/unit where it is not the whole country."""
        if self._hold is None:
            self._hold = self._held_units.named(self.on_air.held)
            self._held_in_part = self._held_units.above(self._hold)
        return self._hold

    @property
    def held_in_part(self) -> tuple[str, ...]:
        """The units above what is held, of which a part is held; named like `hold`."""
        return self._held_in_part if self.hold else ()

    def is_held(self, contest: str, unit: str) -> bool:
        """Whether any part of the unit is held in this contest, by whichever source."""
        return self.on_air.is_held(contest, unit)

    @property
    def overrides(self) -> list[Override]:
        """What is set by hand, by cell."""
        return self.on_air.overrides

    def pending(self) -> dict[str, int]:
        """For each name in `hold`, how many of its cells have newer figures than those on air."""
        pending = dict.fromkeys(self.hold, 0)
        for cell in self.on_air.held_cells:
            if self.live.totals(cell) != self.view.totals(cell):
                units = self._definition.path_of(*cell)
                name = next(name for unit in units if (name := self._held_units.name(cell.contest, unit)) in pending)
                pending[name] += 1
        return pending

    def caught_up(self) -> None:
        """End the catching up: all that the topic held at the start is folded. Records now come as they are appended.

        Until then, and once more for each cell that was there by then, totals count as a change of every figure of the
        cell and above. The records from before may be what compaction has left: a zombie's stale totals, taken for new
        because those that it repeats are gone, may show a figure that a client of another gateway is still to be told.
        """
        self._is_catching_up = False

    def fold(self, record: Record) -> bool:
        """Fold one record of the topic. Returns whether it changes what a source reports; idempotent for an offset."""
        if record.offset < self.seq:
            return False
        changed = False
        try:
            if is_gate(record.key):
                self._fold_gate(record.offset, self._timely(parse_gate(record.value or b""), record.timestamp))
            elif is_override(record.key):
                self._fold_override(record.offset, parse_override(record.value or b""))
            elif not is_aside(record.key):
                changed = self._fold_totals(record)
        except ValidationError:
            self.live.skipped += 1
        self.live.skip(record.offset)
        self.view.skip(record.offset)
        return changed

    def _fold_totals(self, record: Record) -> bool:
        totals = timely(parse_totals(record.value or b""), record.timestamp, self._definition)
        cell = totals.cell
        if not self.on_air.fold_totals(totals):
            is_stale = self._definition.knows(cell, totals.votes)
            self.live.stale += is_stale
            self.live.skipped += not is_stale
            return False
        truth = self.on_air.truth(cell) or totals
        for view in self._views_of(cell):
            view.put(record.offset, truth, record.timestamp)
        if self._is_catching_up or cell in self._in_doubt or cell in self._unheard:
            self._count_as_new(record.offset, cell)
        return True

    def _fold_gate(self, offset: int, gate: Gate) -> None:
        cell = gate.cell
        if not self._definition.knows(cell, gate.program.votes if gate.program else ()):
            self.live.skipped += 1
            return
        if self.on_air.fold_gate(gate) is None:
            return
        if not self._is_detached:
            self.view.detach()
            self._is_detached = True
        self._look_whether_heard(cell)
        self._let_stand(offset, cell)
        self._hold = None

    def _timely(self, gate: Gate, appended_ms: int) -> Gate:
        """Return the gate with the effective event time in the totals that it shows (see `notices`)."""
        if gate.program is None:
            return gate
        known = self.on_air.reported(gate.cell)
        if known is not None and known.version == gate.program.version:
            program = gate.program.model_copy(update={"as_of": known.as_of})
        else:
            program = timely(gate.program, appended_ms, self._definition)
        return gate.model_copy(update={"program": program})

    def _let_stand(self, offset: int, cell: Cell) -> None:
        """Show what the cell's gate says. A release shows the truth, but not an older one than what was shown."""
        shown = self.on_air.shown(cell)
        if self._is_held(cell):
            if shown is None:
                self.view.hide(offset, cell)
            else:
                self.view.show(offset, cell, shown)
        else:
            is_behind = shown is not None and shown.version > self.view.version(cell)
            self.view.show(offset, cell, shown if is_behind or self.on_air.override(cell) is not None else None)
        self.view.restate_overridden(cell)  # also if nothing is: what was may have left the topic

    def _fold_override(self, offset: int, override: Override) -> None:
        cell = override.cell
        if not self._definition.knows(cell, override.candidates):
            self.live.skipped += 1
            return
        if not self.on_air.fold_override(override):
            return
        self._look_whether_heard(cell)
        truth = self.on_air.truth(cell)
        for view in self._views_of(cell):
            view.show(offset, cell, truth)
            view.restate_overridden(cell)

    def _look_whether_heard(self, cell: Cell) -> None:
        if self.on_air.reported(cell) is None:
            self._unheard.add(cell)

    def _count_as_new(self, offset: int, cell: Cell) -> None:
        """Count every figure that the source reports of a cell as new, though the cell has been shown before.

        A client may come from a gateway that had heard of the cell earlier, in records that compaction has taken since.
        """
        self._unheard.discard(cell)
        if self._is_catching_up:
            self._in_doubt.add(cell)
        else:
            self._in_doubt.discard(cell)
        for view in self._views_of(cell):
            view.show(offset, cell, None)
            if self.on_air.override(cell) is not None:  # of what was set by hand and taken back, nothing may be left
                view.restate_overridden(cell)

    def _views_of(self, cell: Cell) -> list[View]:
        """Where news of the cell show: for everyone only if it is not held; both are one until the first hold."""
        return [self.live] if not self._is_detached or self._is_held(cell) else [self.live, self.view]

    def _is_held(self, cell: Cell) -> bool:
        gate = self.on_air.gate(cell)
        return gate is not None and gate.held
