"""Checkpoints in the log itself: ledgers and, once they are acknowledged, a marker of the input that they cover.

A start reads its partition of topic `ledger`, takes the newest version of each cell, and goes on in `tallies` from the
marker; what the two overlap in is harmless, since revisions decide. A marker names the version of every cell that it
counts on: where compaction or a zombie left less than that, the checkpoint is not used and the partition is folded from
the start. That is slower and never wrong. So it is where a record is damaged, or was written by a version of sandik
that keeps a ledger otherwise: each says its version and what its rows are made of, and nothing is taken for another.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final, Literal, NamedTuple

import orjson
from pydantic import AwareDatetime

from schemas.asides import Notice
from schemas.fields import Frozen, Id, Record, Total, UnitId, Version
from schemas.figures import AbsentCount, Given
from schemas.totals import Cell
from tabulation.counting.cells import Sums
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tabulation.counting.tally_fold import Ledger

MARKER_KEY: Final = b"marker"

MARKER_VERSION: Final = 1
LEDGER_VERSION: Final = 3
"""2 had no event time of each box. Its sums had another name, so that what reads 2 and no version refuses a 3."""

_UNREADABLE: Final = (ValueError, LookupError, TypeError, zlib.error)
"""What Python raises when bytes that should be a checkpoint are something else."""

_LEVEL: Final = 1  # zlib's fastest: a ledger shrinks to a quarter, and a round must not hold up a tick


class _MarkerRecord(Frozen):
    """A marker as it is written."""

    v: Literal[1]
    position: Total
    followed: Total
    versions: tuple[tuple[str, str, str, int], ...]
    notices: tuple[Notice, ...] = ()
    definition: str | None = None


class _Head(Frozen):
    """The first line of a ledger's record: the cell, its totals, and what the rows after it are made of."""

    v: Literal[3]
    of: Literal["boxes", "reports"]
    cell: tuple[Id, Id, UnitId]
    version: Version
    as_of: AwareDatetime
    boxes_total: Total
    votes_per_voter: int = 1
    absent: tuple[AbsentCount, ...] = ()
    layout: dict[str, Any]
    totals: Sums


class Kept(NamedTuple):
    """A record of `ledger`, to be appended to this partition."""

    key: bytes
    value: bytes
    partition: int


@dataclass(frozen=True, slots=True)
class Marker:
    """What a partition's checkpoint covers.

    `position` is the next offset of `tallies` to read, `followed` the next one of `totals`, and `versions` the least
    version at which each cell's ledger must be found. `notices` are what was noticed of its cells until then.
    `definition` is the digest of the one that holds there, `None` where it is the one that the run began with.
    """

    position: int = 0
    followed: int = 0
    versions: Mapping[Cell, int] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    definition: str | None = None

    def entry(self, partition: int) -> Kept:
        """The marker as a record of `ledger`."""
        versions = [[*cell, version] for cell, version in sorted(self.versions.items())]
        record: dict[str, Any] = {
            "v": MARKER_VERSION,
            "position": self.position,
            "followed": self.followed,
            "versions": versions,
        }
        if self.notices:
            record["notices"] = [notice.model_dump() for notice in self.notices]
        if self.definition is not None:
            record["definition"] = self.definition
        return Kept(MARKER_KEY, orjson.dumps(record), partition)


def ledger_entry(ledger: Ledger, partition: int) -> Kept:
    """One ledger as a record: a line of JSON with its totals, then its boxes or reports, deflated."""
    if ledger.as_of is None:
        raise ValueError(f"{ledger.cell} has heard of nothing yet, so there is nothing to keep")
    sums = ledger.sums
    head: dict[str, object] = {
        "v": LEDGER_VERSION,
        "of": "reports" if isinstance(ledger, ReportLedger) else "boxes",
        "cell": list(ledger.cell),
        "version": ledger.version,
        "as_of": ledger.as_of.astimezone(UTC),
        "boxes_total": ledger.boxes_total,
        "layout": ledger.layout,
        "totals": {name: getattr(sums, name) for name in Sums.__slots__ if ledger.given.blank or name != "blank"},
    }
    if ledger.given.absent:
        head["absent"] = ledger.given.absent
    if ledger.votes_per_voter > 1:  # without it the bytes are those of earlier releases
        head["votes_per_voter"] = ledger.votes_per_voter
    return Kept(ledger.cell.key(), orjson.dumps(head) + b"\n" + zlib.compress(ledger.pack(), _LEVEL), partition)


@dataclass(slots=True)
class _Read:
    """A ledger as it was read. A log holds some of each cell, so only the one that is left at the end is inflated."""

    head: _Head
    ledger: Ledger
    deflated: bytes | None

    def inflate(self) -> None:
        """Restore the ledger. Raises `ValueError` or `zlib.error` where it is damaged."""
        if self.deflated is None:
            return
        packed, head, ledger = zlib.decompress(self.deflated), self.head, self.ledger
        if isinstance(ledger, ReportLedger):
            ledger.restore(packed, head.version, head.as_of)
        else:
            ledger.restore(packed, head.totals, head.version, head.as_of)
        self.deflated = None


@dataclass(slots=True)
class Checkpoint:
    """What one partition of `ledger` holds, as it is read.

    `refused` says of each key whose newest record cannot be used, why.
    """

    marker: Marker = field(default_factory=Marker)
    refused: dict[bytes, str] = field(default_factory=dict)
    _newest: dict[Cell, _Read] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """Take in the next records of the partition."""
        for record in records:
            key = record.key or b""
            try:
                if key == MARKER_KEY:
                    self.marker = _marker(record.value or b"")
                else:
                    self._add_ledger(record.value or b"")
                self.refused.pop(key, None)
            except _UNREADABLE as error:
                self.refused[key] = str(error) if isinstance(error, _Foreign) else "is damaged"

    def _add_ledger(self, value: bytes) -> None:
        line, _, deflated = value.partition(b"\n")
        head = _head(line)
        ledger = _empty(head)
        known = self._newest.get(ledger.cell)
        if known is None or known.head.version < head.version:
            self._newest[ledger.cell] = _Read(head, ledger, deflated)

    def ledgers(self) -> list[Ledger] | None:
        """The ledgers that were kept; `None` where there is no checkpoint, or none that can be relied on."""
        return None if self.fault() is not None else [read.ledger for read in self._newest.values()]

    def fault(self) -> str | None:
        """Why there is nothing to go on from, in words; `None` where there is."""
        for cell, read in self._newest.items():
            try:
                read.inflate()
            except _UNREADABLE:
                self.refused[cell.key()] = "is damaged"
        if self.refused:
            key, why = min(self.refused.items())
            return f"{key.decode(errors='replace')!r} in the ledger topic {why}"
        if self.marker.position == 0:
            return "there is none"
        for cell, version in self.marker.versions.items():
            if cell not in self._newest or self._newest[cell].head.version < version:
                return f"{cell.key().decode()!r} is not left in the ledger topic as the marker counts on it"
        return None


class _Foreign(ValueError):
    """A record of another version of sandik."""


def _head(line: bytes) -> _Head:
    _check_version(line, LEDGER_VERSION)
    return _Head.model_validate_json(line)


def _empty(head: _Head) -> Ledger:
    """The ledger whose record begins so, without its boxes or reports yet."""
    cell, sums = Cell(*head.cell), head.totals
    of_blank = head.layout.get("counts") or head.layout.get("content") or ()
    given = Given(head.absent, "blank" in of_blank)
    ledger: Ledger
    if head.of == "reports":
        ledger = ReportLedger(cell, sums, head.boxes_total, head.votes_per_voter, given)
    else:
        ledger = BoxLedger(cell, tuple(sums.votes), head.boxes_total, head.votes_per_voter, given)
    if head.layout != ledger.layout or sums.flags.keys() != {*ledger.layout["flags"]}:
        raise _Foreign("holds other counts or flags than this sandik keeps")
    return ledger


def _check_version(line: bytes, version: int) -> None:
    record = orjson.loads(line)
    if isinstance(record, dict) and record.get("v", version) != version:
        raise _Foreign(f"has version {record['v']!r}, and this sandik reads {version}")


def _marker(value: bytes) -> Marker:
    _check_version(value, MARKER_VERSION)
    record = _MarkerRecord.model_validate_json(value)
    versions = {Cell(*cell): version for *cell, version in record.versions}
    return Marker(record.position, record.followed, versions, record.notices, record.definition)
