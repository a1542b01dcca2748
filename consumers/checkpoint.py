"""Checkpoints in the log itself: ledgers and, once they are acknowledged, a marker of the input that they cover.

A start reads its partition of topic `ledger`, takes the newest version of each cell, and goes on in `tallies` from the
marker; what the two overlap in is harmless, since revisions decide. A marker names the version of every cell that it
counts on: where compaction or a zombie left less than that, the checkpoint is not used and the partition is folded from
the start. That is slower and never wrong.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from consumers.ledger import BoxLedger
from consumers.reports import ReportLedger
from consumers.sums import Sums
from consumers.tally import Ledger
from eventlog.port import Entry, Record
from schemas.totals import Cell

MARKER_KEY: Final = b"marker"
_UNREADABLE: Final = (ValueError, LookupError, TypeError, zlib.error)
"""What Python raises when bytes that should be a checkpoint are something else."""

_LEVEL: Final = 1  # zlib's fastest: a ledger shrinks to a quarter, and a round must not hold up a tick


@dataclass(frozen=True, slots=True)
class Marker:
    """What a partition's checkpoint covers.

    `position` is the next offset of `tallies` to read, `followed` the next one of `totals`, and `versions` the least
    version at which each cell's ledger must be found.
    """

    position: int = 0
    followed: int = 0
    versions: Mapping[Cell, int] = field(default_factory=dict)

    def entry(self, partition: int) -> Entry:
        """The marker as a record of `ledger`."""
        versions = [[*cell, version] for cell, version in sorted(self.versions.items())]
        value = orjson.dumps({"v": 1, "position": self.position, "followed": self.followed, "versions": versions})
        return Entry(MARKER_KEY, value, partition)


def ledger_entry(ledger: Ledger, partition: int) -> Entry:
    """One ledger as a record: a line of JSON with its sums, then its boxes or reports, deflated."""
    if ledger.as_of is None:
        raise ValueError(f"{ledger.cell} has heard of nothing yet, so there is nothing to keep")
    sums = ledger.sums
    head = {
        "v": 2,
        "cell": list(ledger.cell),
        "version": ledger.version,
        "as_of": ledger.as_of,
        "sums": {name: getattr(sums, name) for name in Sums.__slots__},
        **({"of": "reports"} if isinstance(ledger, ReportLedger) else {"boxes_total": ledger.boxes_total}),
    }
    return Entry(ledger.cell.key(), orjson.dumps(head) + b"\n" + zlib.compress(ledger.pack(), _LEVEL), partition)


@dataclass(slots=True)
class Checkpoint:
    """What one partition of `ledger` holds, as it is read. `damaged` are the keys whose newest record is unreadable."""

    marker: Marker = field(default_factory=Marker)
    damaged: set[bytes] = field(default_factory=set)
    _ledgers: dict[Cell, Ledger] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """Take in the next records of the partition."""
        for record in records:
            key = record.key or b""
            try:
                if key == MARKER_KEY:
                    self.marker = _marker(record.value or b"")
                else:
                    self._add_ledger(record.value or b"")
                self.damaged.discard(key)
            except _UNREADABLE:
                self.damaged.add(key)

    def _add_ledger(self, value: bytes) -> None:
        line, _, packed = value.partition(b"\n")
        head = orjson.loads(line)
        ledger = _restored(head, zlib.decompress(packed))
        known = self._ledgers.get(ledger.cell)
        if known is None or known.version < ledger.version:
            self._ledgers[ledger.cell] = ledger

    def ledgers(self) -> list[Ledger] | None:
        """The ledgers that were kept; `None` where there is no checkpoint, or none that can be relied on."""
        if self.damaged or self.marker.position == 0:
            return None
        for cell, version in self.marker.versions.items():
            if cell not in self._ledgers or self._ledgers[cell].version < version:
                return None
        return list(self._ledgers.values())


def _restored(head: dict[str, Any], packed: bytes) -> Ledger:
    cell, sums = Cell(*head["cell"]), Sums(**head["sums"])
    version, as_of = head["version"], datetime.fromisoformat(head["as_of"])
    if head.get("of") == "reports":
        reports = ReportLedger(cell, sums)
        reports.restore(packed, version, as_of)
        return reports
    boxes = BoxLedger(cell, tuple(sums.votes), head["boxes_total"])
    boxes.restore(packed, sums, version, as_of)
    return boxes


def _marker(value: bytes) -> Marker:
    said = orjson.loads(value)
    versions = {Cell(contest, source, district): version for contest, source, district, version in said["versions"]}
    return Marker(said["position"], said["followed"], versions)
