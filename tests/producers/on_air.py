"""A staged night on air, in memory: the real tally fold and the real view, with no log between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from producers.stages import Delivery
from schemas.definition import Election
from schemas.quarantine import Quarantined
from schemas.totals import Cell, Row
from tabulation.counting.tally_fold import TallyFold
from tabulation.view import View

ZONE = ZoneInfo("Europe/Istanbul")
BATCH_RECORDS = 2_000


@dataclass(frozen=True)
class Appended:
    """A record of a partition, as a log would have it."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


class OnAir:
    """Follows deliveries up to any moment, then shows what the view has."""

    def __init__(self, definition: Election, deliveries: Iterable[Delivery]) -> None:
        self.fold = TallyFold(definition, "tallies", lambda _: 0)
        self.quarantined: list[Quarantined] = []
        self._view = View(definition)
        self._deliveries = iter(deliveries)
        self._next: Delivery | None = next(self._deliveries, None)
        self._offset = 0
        self._changed: set[Cell] = set()

    def until(self, moment: datetime | None = None) -> "OnAir":
        """Take in what is due by this moment, or all there is."""
        batch: list[Appended] = []
        while self._next is not None and (moment is None or self._next.due <= moment):
            batch.append(Appended(self._offset, self._next.entry.key, self._next.entry.value))
            self._offset += 1
            self._next = next(self._deliveries, None)
            if len(batch) == BATCH_RECORDS:
                self._apply(batch)
                batch = []
        self._apply(batch)
        return self

    def until_share(self, share: float, contest: str, source: str) -> "OnAir":
        """Take in one delivery after the other until this share of the boxes is opened."""
        while self._next is not None:
            self._apply([Appended(self._offset, self._next.entry.key, self._next.entry.value)])
            self._offset += 1
            self._next = next(self._deliveries, None)
            opened = sum(
                ledger.sums.boxes_opened
                for cell, ledger in self.fold.ledgers.items()
                if (cell.contest, cell.source) == (contest, source)
            )
            if opened >= share * self._view.definition.boxes_total["tr"]:
                break
        return self

    def row(self, source: str, contest: str = "metropolitan_mayor", unit: str = "tr") -> Row:
        """What is on air of a unit."""
        for cell in sorted(self._changed):
            self._view.apply(self._view.seq, self.fold.ledgers[cell].totals(ZONE))
        self._changed.clear()
        return self._view.rows(contest=contest, source=source, units=[unit])[0]

    def districts(self, source: str, contest: str = "metropolitan_mayor") -> dict[str, Row]:
        """What is on air of every district."""
        self.row(source, contest)
        return {row.unit: row for row in self._view.rows(contest=contest, source=source) if row.level == "district"}

    def annulled(self, source: str) -> int:
        """How many boxes of a source are annulled now."""
        return sum(ledger.totals(ZONE).annulled for cell, ledger in self.fold.ledgers.items() if cell.source == source)

    def totals(self) -> dict[Cell, bytes]:
        """The totals of every cell as bytes, but for the version: where in the log the last change lay."""
        return {
            cell: ledger.totals(ZONE).model_dump_json(exclude={"version"}).encode()
            for cell, ledger in sorted(self.fold.ledgers.items())
        }

    def _apply(self, batch: list[Appended]) -> None:
        outputs = self.fold.apply(0, batch)
        self._changed |= outputs.changed
        self.quarantined += outputs.quarantined


def leader(row: Row) -> str:
    """Who has the most votes; of equals the first by id."""
    return max(sorted(row.votes), key=lambda name: row.votes[name])


def lead(row: Row, first: str = "imamoglu", second: str = "kurum") -> float:
    """How far the first is ahead of the second, in points of the valid votes."""
    assert row.valid
    return 100 * (row.votes[first] - row.votes[second]) / row.valid
