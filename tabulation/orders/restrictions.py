"""What the public is kept from, by orders that count and by restrictions that nobody can be seen to have ordered. Pure.

A restriction that is signed, but with none of the keys that a process was given, may be an operator's whose key is
missing, or a forgery. Showing what an operator has forbidden cannot be taken back and hiding a figure can, so it stands
until an order that can be verified takes its place. See docs/decisions/unverified-orders.md.

`Embargo` is the embargo (yayın yasağı): from when on the public may see numbers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
)
from schemas.definition import Election
from schemas.totals import Cell
from schemas.trust import Verdict

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
