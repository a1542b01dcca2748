"""The totals as they stood at a moment: a fold of the tallies appended up to then, with the holds as they stood. Pure.

What is held shows what stood when it was held: so each district's fold stops for a moment wherever an order on it
begins or ends. The aggregator says nothing between its ticks, and this fold knows nothing of ticks: what it gives for
a moment was on air at most one tick later.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from consumers.gates import Holds, Overrides
from consumers.register import PartitionOf
from consumers.tally import TallyFold
from eventlog.port import Record
from schemas.control import Order
from schemas.definition import Election
from schemas.override import Override, overridden, unreported
from schemas.totals import Cell, Totals


class Given(NamedTuple):
    """An order that counts, and where and when it lies in the control topic (offset; milliseconds since 1970)."""

    offset: int
    appended_ms: int
    order: Order


class Turn(NamedTuple):
    """From a moment on a district is held in a contest, showing what stands then, or it is not held any more."""

    contest: str
    district: str
    held: bool


class Timed(NamedTuple):
    """What an order comes to in one district, and when it was appended (milliseconds since 1970)."""

    appended_ms: int
    district: str
    change: Turn | Override


def timeline(definition: Election, orders: Iterable[Given]) -> Iterator[Timed]:
    """What the orders do to what is shown, district by district; one that changes nothing does nothing."""
    holds, overrides = Holds(definition), Overrides()
    for given in orders:
        holds.apply(given.offset, given.order)
        for (contest, district), wanted in holds.wanted.items():
            if wanted.gate == given.offset:
                yield Timed(given.appended_ms, district, Turn(contest, district, wanted.held))
        before = overrides.orders
        overrides.apply(given.offset, given.order)
        for override in overrides.wanted[before:]:
            yield Timed(given.appended_ms, override.district, override)


class History:
    """The fold up to a moment (milliseconds since 1970). Feed it each partition's records in order, then `settle`.

    `changed` collects the cells that may show something else now; whoever reads it empties it.
    """

    def __init__(
        self, definition: Election, topic: str, partition_of: PartitionOf, orders: Iterable[Given], moment_ms: int
    ) -> None:
        self._fold = TallyFold(definition, topic, partition_of)
        self._zone = ZoneInfo(definition.timezone)
        self._moment_ms = moment_ms
        self._pending: dict[int, deque[Timed]] = {}
        self._frozen: dict[tuple[str, str], dict[Cell, Totals]] = {}
        self._overrides: dict[Cell, Override] = {}
        self._unreported: dict[Cell, Totals] = {}
        self.changed: set[Cell] = set()
        for timed in timeline(definition, orders):
            if timed.appended_ms <= moment_ms:
                self._pending.setdefault(partition_of(timed.district.encode()), deque()).append(timed)

    @property
    def held(self) -> frozenset[tuple[str, str]]:
        """What is held, by contest and district."""
        return frozenset(self._frozen)

    def fold(self, partition: int, records: Sequence[Record]) -> None:
        """Fold the next records of a partition, as far as they were there by then."""
        pending = self._pending.get(partition, deque())
        begin = 0
        for index, record in enumerate(records):
            while pending and pending[0].appended_ms < record.timestamp:
                self._apply(partition, records[begin:index])
                begin = index
                self._take(pending.popleft().change)
            if record.timestamp > self._moment_ms:
                self._apply(partition, records[begin:index])
                return
        self._apply(partition, records[begin:])

    def settle(self, until_ms: int | None = None) -> None:
        """All there was, to this moment if one is given, has been folded: what was ordered after it counts as well."""
        for pending in self._pending.values():
            while pending and (until_ms is None or pending[0].appended_ms <= until_ms):
                self._take(pending.popleft().change)

    def shown(self, cell: Cell) -> Totals | None:
        """What everyone is shown of a cell; `None` where there is nothing to show."""
        frozen = self._frozen.get((cell.contest, cell.district))
        if frozen is not None:
            return frozen.get(cell)
        return next(iter(self._truth([cell])), None) if cell in self._fold.ledgers or cell in self._overrides else None

    def on_air(self) -> list[Totals]:
        """What everyone was shown, by cell."""
        shown = [totals for totals in self.control_room() if (totals.contest, totals.district) not in self._frozen]
        for frozen in self._frozen.values():
            shown += frozen.values()
        return sorted(shown, key=lambda totals: totals.cell)

    def control_room(self) -> list[Totals]:
        """All there was, by cell, with what was set by hand."""
        return self._truth(sorted(self._fold.ledgers.keys() | self._overrides.keys()))

    def _truth(self, cells: Iterable[Cell]) -> list[Totals]:
        found = []
        for cell in cells:
            ledger, override = self._fold.ledgers.get(cell), self._overrides.get(cell)
            reported = ledger.totals(self._zone) if ledger is not None else self._unreported[cell]
            found.append(overridden(reported, override.figures) if override is not None else reported)
        return found

    def _apply(self, partition: int, records: Sequence[Record]) -> None:
        self.changed |= self._fold.apply(partition, records).changed

    def _take(self, change: Turn | Override) -> None:
        if isinstance(change, Override):
            self.changed.add(change.cell)
            self._overrides[change.cell] = change
            self._unreported.setdefault(change.cell, unreported(change.cell, change.at))
            return
        where = (change.contest, change.district)
        cells = self._fold.ledgers.keys() | self._overrides.keys()
        inside = sorted(cell for cell in cells if (cell.contest, cell.district) == where)
        self._frozen.pop(where, None)
        self.changed.update(inside)
        if change.held:
            self._frozen[where] = {totals.cell: totals for totals in self._truth(inside)}
