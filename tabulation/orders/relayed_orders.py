"""Holds as the operators want them, gates as the totals topic has them, and what is owed between the two. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.asides import Gate, Override, names_order
from schemas.control import FigureOverridden, Held, Order, Released, Taken
from schemas.definition import Election
from schemas.fields import Record
from schemas.totals import Cell
from tabulation.on_air import Relays
from tabulation.orders.restrictions import HandOrder, cell_of

IsOurs = Callable[[str], bool]
"""Whether a district's cells are ours to speak for."""


class OrderedState(NamedTuple):
    """What the operators want of a district in a contest: `gate` is the control record since which it is so.

    `appended_ms` is when that record was appended (milliseconds since 1970), where it matters. `newest` is the last
    record that asked for the same: it takes the place of `gate` where the topic has been told otherwise in between, by
    an order that whoever relayed it could verify and we cannot. To take what is newest asks for no hold.
    """

    gate: int
    held: bool
    newest: int
    appended_ms: int | None = None


RELAY_MS: Final = 1_000
"""An order is relayed before the next totals are published, so only a batch that was on its way can come after it: in
ten ticks of the aggregator, with room for brokers whose clocks differ."""


class Holds:
    """The fold of orders: of all that cover a district, the last one counts. What was never held is not there."""

    def __init__(self, definition: Election) -> None:
        self.wanted: dict[tuple[str, str], OrderedState] = {}
        self.orders = 0
        self._definition = definition

    def apply(self, offset: int, order: Order, appended_ms: int | None = None) -> None:
        """Fold an order that stands, which lies at `offset`.

        One that changes nothing leaves the older gate, and says that it is asked for still.
        """
        if not isinstance(order, Held | Released | Taken):
            return
        self.orders += 1
        unit = self._definition.country if order.unit is None else order.unit
        for district in self._cells_in(order.contest, unit):
            before = self.wanted.get((order.contest, district))
            was_held = before is not None and before.held
            held = was_held if isinstance(order, Taken) else isinstance(order, Held)
            if isinstance(order, Taken):
                if before is not None and held:
                    self.wanted[order.contest, district] = OrderedState(offset, held, before.newest, appended_ms)
            elif held != was_held:
                self.wanted[order.contest, district] = OrderedState(offset, held, offset, appended_ms)
            elif before is not None:
                self.wanted[order.contest, district] = before._replace(newest=offset)

    def _cells_in(self, contest: str, unit: str) -> Iterable[str]:
        """What is held with a unit: its districts, and units in it that a source tells as one."""
        found = dict.fromkeys(self._definition.districts_below.get(unit, ()))
        for source in self._definition.told_above(contest):
            found |= dict.fromkeys(self._definition.cells_in(contest, source, unit))
        return found


class Overrides:
    """The fold of orders that set figures by hand: a later one adds to those that stand in its cell.

    All of them are kept, for a hold between two of them shows what the first one set.
    """

    def __init__(self) -> None:
        self.wanted: list[Override] = []
        self.own: dict[int, Override] = {}
        """What each order by itself sets, by its offset; nothing, where it takes figures back."""
        self._standing: dict[Cell, Override] = {}

    def apply(self, offset: int, order: Order) -> None:
        """Fold an order that counts, which lies at `offset`."""
        if not isinstance(order, HandOrder):
            return
        cell = cell_of(order)
        before = self._standing.get(cell)
        own = self.own[offset] = _override(offset, cell, order)
        figures, instead_of = own.figures, own.instead_of
        if figures and before is not None:
            figures, instead_of = before.figures | figures, before.instead_of | instead_of
        self._standing[cell] = own.model_copy(update={"figures": figures, "instead_of": instead_of})
        self.wanted.append(self._standing[cell])

    @property
    def orders(self) -> int:
        """How many orders were folded."""
        return len(self.wanted)


def _override(offset: int, cell: Cell, order: HandOrder) -> Override:
    """What an order by itself sets: nothing, where it takes figures back."""
    figures = order.figures if isinstance(order, FigureOverridden) else {}
    replaced = order.instead_of if isinstance(order, FigureOverridden) else {}
    return Override(
        **cell._asdict(),
        override=offset,
        at=order.at,
        figures=figures,
        instead_of={name: replaced[name] for name in figures if name in replaced},
    )


class RelayedOrders:
    """The fold of the totals topic for whoever relays orders into it: what its readers know, and what is owed to them.

    `on_air` is what they hold to be true and show; here is kept which of the newest records say something else.
    """

    def __init__(self, definition: Election) -> None:
        self._relays = Relays(definition)
        self.on_air: Final = self._relays.on_air
        self._overwritten: set[tuple[Cell, int]] = set()
        self._newest_override: dict[Cell, int] = {}
        self._sources = sorted(definition.source_ids)

    def fold(self, record: Record) -> None:
        """Fold the next record; one that cannot be read says nothing."""
        relayed = self._relays.fold(record.key, record.value, record.timestamp)
        if relayed is None:
            return
        if isinstance(relayed.record, Override):
            override = relayed.record
            before = self._newest_override.get(override.cell, -1) if names_order(record.key) else -1
            self._newest_override[override.cell] = max(before, override.override)
        else:
            self._look_whether_overwritten(relayed.record, stands=relayed.stands, alone=names_order(record.key))

    def _look_whether_overwritten(self, gate: Gate, *, stands: bool, alone: bool) -> None:
        """Note whether the newest record of the gate's key is the one that stands; `alone`: its order has the key.

        Under a key that all orders of a cell share, as in older logs, an older gate puts the newest out of reach.
        """
        cell = gate.cell
        newest = self.on_air.gate(cell)
        number = newest.gate if newest is not None and not alone else gate.gate
        is_exact = stands or gate.again > 0  # the first of its kind, said a second time, means what is true by then
        if is_exact and gate == self._relays.gate(cell, number):
            self._overwritten.discard((cell, number))
        else:
            self._overwritten.add((cell, number))

    def owed(self, holds: Holds, is_ours: IsOurs) -> list[Gate]:
        """The gates that the operators want and the topic does not have, by cell."""
        return [
            self._gate(cell, number, wanted)
            for (contest, district), wanted in sorted(holds.wanted.items())
            if is_ours(district)
            for source in self._sources
            if self.on_air.definition.is_cell(*(cell := Cell(contest, source, district)))
            and (number := self._number(cell, wanted)) is not None
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
                owed.setdefault(override.override, []).append(self._over_standing(override, overrides.own))
        return owed[min(owed)] if owed else []

    def _over_standing(self, override: Override, own: Mapping[int, Override]) -> Override:
        """The override as it is relayed: over the figures that stand by then, with the version of the totals there.

        What stands may be of an order that we cannot verify, and whoever relayed it could. For one that is said again
        the version is lost.
        """
        standing = self.on_air.override(override.cell)
        if standing is not None and standing.override >= override.override:
            return override
        sets = own[override.override]
        figures, instead_of = sets.figures, sets.instead_of
        if figures and standing is not None:
            figures, instead_of = standing.figures | figures, standing.instead_of | instead_of
        version = self._version(override.cell)
        return override.model_copy(update={"figures": figures, "instead_of": instead_of, "version": version})

    def overwritten(self, is_ours: IsOurs) -> list[Gate]:
        """The gates that stand, where a reader of the newest record of a key alone would be told something else."""
        standing = [self._relays.gate(*where) for where in sorted(self._overwritten) if is_ours(where[0].district)]
        return [gate.model_copy(update={"again": gate.again + 1}) for gate in standing if gate is not None]

    def _number(self, cell: Cell, wanted: OrderedState) -> int | None:
        """The order that the topic is owed in a cell; `None` where it has what is wanted, or something newer."""
        standing = self.on_air.gate(cell)
        if standing is not None and standing.held != wanted.held and standing.gate >= wanted.newest:
            return None
        if standing is None or standing.gate < wanted.gate:
            return wanted.gate
        return wanted.newest if standing.held != wanted.held else None

    def _gate(self, cell: Cell, number: int, wanted: OrderedState) -> Gate:
        gate = Gate(
            contest=cell.contest,
            source=cell.source,
            district=cell.district,
            gate=number,
            held=wanted.held,
            program=self.on_air.truth(cell) if wanted.held else None,
            version=None if wanted.held else self._version(cell),
        )
        standing = self.on_air.gate(cell)
        if wanted.held and standing is not None and standing.held and self._came_after(cell, number, wanted):
            return gate.model_copy(update={"program": standing.program, "again": 1})  # exact: nobody settles it anew
        return gate

    def _came_after(self, cell: Cell, number: int, wanted: OrderedState) -> bool:
        """Whether what a cell holds now was published or set by hand after this order, so that nobody has let it out.

        Whoever published it could not verify the order yet, and held the cell for an older one. What that one shows was
        let out.
        """
        override, reported_ms = self.on_air.override(cell), self._relays.reported_ms(cell)
        if override is not None and override.override > number:
            return True
        if reported_ms is None or wanted.appended_ms is None:
            return False
        return reported_ms - wanted.appended_ms > RELAY_MS

    def _version(self, cell: Cell) -> int:
        reported = self.on_air.reported(cell)
        return reported.version if reported is not None else -1
