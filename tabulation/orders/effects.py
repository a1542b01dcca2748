"""What orders come to: what the public is kept from, and the gates and figures that the totals topic is owed. Pure.

`Restrictions` are by orders that count, and by those that nobody can be seen to have ordered. A restriction that is
signed, but with none of the keys that a process was given, may be an operator's whose key is missing, or a forgery.
Showing what an operator has forbidden cannot be taken back and hiding a figure can, so it stands until an order that
can be verified takes its place. See docs/decisions/unverified-orders.md. The `Embargo` (yayın yasağı) is among them:
from when on the public may see numbers.

`Holds` and `Overrides` are what operators want of each cell; `RelayedOrders` is what of that the totals topic has.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from schemas.asides import Gate, Override, names_order
from schemas.control import (
    Called,
    CallWithdrawn,
    DefinitionAmended,
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    Order,
    OverrideWithdrawn,
    Released,
    Taken,
)
from schemas.definition import Election
from schemas.fields import Record
from schemas.totals import Cell
from schemas.trust import Verdict
from tabulation.on_air import Relays

HandOrder = FigureOverridden | OverrideWithdrawn
"""An order about the figures of one cell."""


def cell_of(order: HandOrder) -> Cell:
    """The cell whose figures an order is about."""
    return Cell(order.contest, order.source, order.unit)


@dataclass(frozen=True, slots=True)
class Embargo:
    """An embargo that ends at a time, or by an operator's word, whichever comes first.

    Without `until` only an operator ends it.
    """

    until: datetime | None = None
    lifted: bool = False

    def is_in_force(self, now: datetime) -> bool:
        """Whether numbers are for the control room only at this moment."""
        return not self.lifted and (self.until is None or now < self.until)

    def ends_before(self, other: "Embargo") -> bool:
        """Whether it is over at a moment at which the other one may still be in force."""
        if self.lifted or other.lifted:
            return not other.lifted
        return self.until is not None and (other.until is None or self.until < other.until)


NO_EMBARGO: Final = Embargo(lifted=True)
"""What holds where nobody has set one."""


def longest(embargo: Embargo, others: Iterable[Embargo]) -> Embargo:
    """Of these embargoes the one that ends last, the first of those that end at the same time."""
    for other in others:
        if embargo.ends_before(other):
            embargo = other
    return embargo


MAX_EMBARGOES: Final = 16
"""Embargoes that are listed, those that end last: a night has one or two, and whoever forges thousands is not listed
thousands of times. The one that ends last is always among them, so what is in force does not depend on this."""


MAX_NAMED: Final = 8
"""Orders that a complaint names, the oldest: whoever has forged one for every unit does not fill the screen."""


class Restrictions:
    """The fold of a control topic's verdicts, in their order."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        until = definition.embargo_until
        self._ordered = Embargo(until) if until is not None else NO_EMBARGO
        self._called: set[tuple[str, str]] = set()
        self._embargoes: list[tuple[Embargo, Verdict]] = []
        self._holds: dict[tuple[str, str | None], Verdict] = {}
        self._held: dict[tuple[str, str | None], set[str]] = {}
        self._calls: dict[tuple[str, str], Verdict] = {}
        self._missed: dict[Cell, Verdict] = {}
        self._missed_amendments: dict[str, Verdict] = {}

    def fold(self, verdict: Verdict) -> None:
        """Fold one verdict: a kept order stands from here on, one that counts takes the place of those it is about."""
        if verdict.order is None:
            return
        if verdict.missed and isinstance(verdict.order, FigureOverridden):
            self._missed.setdefault(cell_of(verdict.order), verdict)
        elif verdict.missed and isinstance(verdict.order, DefinitionAmended):
            self._missed_amendments.setdefault(verdict.order.yields, verdict)
        elif verdict.kept:
            self._keep(verdict, verdict.order)
        elif verdict.counts:
            self._supersede(verdict.order)

    @property
    def embargo(self) -> Embargo:
        """The embargo that stands: the one that was ordered last, or one that cannot be verified and ends later."""
        return longest(self._ordered, (embargo for embargo, _ in self._embargoes))

    def unverified(self, now: datetime) -> tuple[Verdict, ...]:
        """The orders that cannot be verified and restrict something at this moment, by their offset.

        Among them are figures set by hand and amendments of the definition that cannot be verified: they restrict
        nothing, and are missed.
        """
        embargoes = [
            verdict
            for embargo, verdict in self._embargoes
            if embargo.is_in_force(now) and self._ordered.ends_before(embargo)
        ]
        found = [*embargoes, *self._holds.values(), *self._calls.values(), *self._missed.values()]
        found += self._missed_amendments.values()
        return tuple(sorted(found, key=lambda verdict: verdict.offset))

    def _keep(self, verdict: Verdict, order: Order) -> None:
        match order:
            case EmbargoSet():
                self._embargoes.append((Embargo(order.until), verdict))
                if len(self._embargoes) > MAX_EMBARGOES:
                    self._embargoes.remove(self._shortest())
            case Held():
                self._holds.setdefault((order.contest, order.unit), verdict)
                self._held[order.contest, order.unit] = set(self._cells(order.contest, order.unit))
            case CallWithdrawn() if (order.contest, order.unit) in self._called:
                self._called.remove((order.contest, order.unit))
                self._calls[order.contest, order.unit] = verdict
            case _:
                pass

    def _supersede(self, order: Order) -> None:
        match order:
            case EmbargoSet():
                self._ordered = Embargo(order.until)
                self._embargoes.clear()
            case EmbargoLifted():
                self._ordered = Embargo(self._ordered.until, lifted=True)
                self._embargoes.clear()
            case Held() | Released():
                self._settle(order.contest, self._cells(order.contest, order.unit))
            case Called():
                self._called.add((order.contest, order.unit))
                self._calls.pop((order.contest, order.unit), None)
            case CallWithdrawn():
                self._called.discard((order.contest, order.unit))
                self._calls.pop((order.contest, order.unit), None)
            case FigureOverridden() | OverrideWithdrawn():
                self._missed.pop(cell_of(order), None)
            case DefinitionAmended():
                self._missed_amendments.clear()
            case _:
                pass

    def _settle(self, contest: str, districts: Collection[str]) -> None:
        """Forget the holds of which no district is left that only they hold."""
        for name, held in list(self._held.items()):
            if name[0] == contest:
                held.difference_update(districts)
                if not held:
                    del self._held[name], self._holds[name]

    def _cells(self, contest: str, unit: str | None) -> Collection[str]:
        """The districts in a unit, and what sources tell as one in it."""
        unit = self._definition.country if unit is None else unit
        cells = [self._definition.cells_in(contest, one, unit) for one in self._definition.told_above(contest)]
        return {*self._definition.districts_below[unit], *(cell for of_source in cells for cell in of_source)}

    def _shortest(self) -> tuple[Embargo, Verdict]:
        shortest = self._embargoes[0]
        for one in self._embargoes[1:]:
            if one[0].ends_before(shortest[0]):
                shortest = one
        return shortest


def complaint(orders: Iterable[Verdict]) -> str | None:
    """What is to be said and done where these orders cannot be verified, as a sentence; `None` where there are none."""
    every = list(orders)
    kept, missed = _named(one for one in every if one.kept), [one for one in every if one.missed]
    figures = _named(one for one in missed if not isinstance(one.order, DefinitionAmended))
    amendments = _named(one for one in missed if isinstance(one.order, DefinitionAmended))
    sentences = []
    if kept:
        sentences.append(f"Orders that cannot be verified are kept: {kept}.")
    if figures:
        sentences.append(
            f"Figures set by hand that cannot be verified are not set, and the source's own may show: {figures}."
        )
    if amendments:
        sentences.append(
            "Amendments of the definition that cannot be verified are not in force, and figures may be missing: "
            f"{amendments}."
        )
    if not sentences:
        return None
    what_to_do = (
        "Give the operator's key with --operator-key FILE (FILE@UNTIL if its holder has left), or lift, release or "
        "order anew with a key that is trusted here."
    )
    return " ".join([*sentences, what_to_do])


def _named(orders: Iterable[Verdict]) -> str:
    """The orders by kind, offset and operator, the oldest of many."""
    named = [
        f"{verdict.order.type} at control offset {verdict.offset}, by {verdict.order.by}"
        for verdict in orders
        if verdict.order is not None
    ]
    if len(named) > MAX_NAMED:
        named = [*named[:MAX_NAMED], f"{len(named) - MAX_NAMED} more"]
    return "; ".join(named)


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
