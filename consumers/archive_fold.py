"""What an archive says of each record, worked out from the record alone: its link, its times, its state. Pure.

The archiver writes it down; `sandik verify` works it out again and compares. So there is one place that says what is
right, and nothing in an archive that could not be checked.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from typing import Any, Final

import orjson

from eventlog.archive_files import START, ArchivedTopic, Columns, End, all_microseconds, link, microseconds, moment
from eventlog.port import partition_of
from schemas.amendments import AMENDED_KEY
from schemas.definition import Election
from schemas.fields import Record
from schemas.totals import Cell, CellHash, State, joined
from tabulation.counting.cells import Refusal, heard_at
from tabulation.counting.tally_fold import PARSED_AT_ONCE, Ledger, Outputs, TallyFold, parse

UNREADABLE: Final = "unreadable"
"""How records whose bytes are no event are counted."""

AMENDED: Final = "amended"
"""The type of records that amend the definition."""

_FIRST_US: Final = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST_US: Final = microseconds(datetime.max.replace(tzinfo=UTC))
"""Times that a reader of the archive can hold: a zone can push an event's time out of the calendar."""


@dataclass(slots=True)
class Range:
    """The least and the greatest of some numbers; `None` before there is one."""

    least: int | None = None
    greatest: int | None = None

    def add(self, numbers: Iterable[int | None]) -> None:
        """Widen the range to hold these numbers too."""
        present = [number for number in (*numbers, self.least, self.greatest) if number is not None]
        if present:
            self.least, self.greatest = min(present), max(present)


@dataclass(slots=True)
class _Partition:
    """How far one partition is folded: its next offset, and the last link of its chain."""

    next_offset: int = 0
    records: int = 0
    chain: bytes = START
    last_ms: int = 0


@dataclass(slots=True)
class Counts:
    """What was archived of a topic: counts by type, times of events (µs) and appends (ms)."""

    types: Counter[str] = field(default_factory=Counter)
    events: Range = field(default_factory=Range)
    appends: Range = field(default_factory=Range)

    def add(self, columns: Columns) -> None:
        """Count the records of these columns."""
        for kind, count in Counter(columns.type).items():
            self.types[UNREADABLE if kind is None else kind] += count
        self.events.add(columns.event_us)
        self.appends.add(columns.append_ms)

    def join(self, other: "Counts") -> None:
        """Add the counts of another, which saw other records."""
        self.types.update(other.types)
        self.events.add((other.events.least, other.events.greatest))
        self.appends.add((other.appends.least, other.appends.greatest))


class ArchiveFold:
    """Records of one topic in, what the archive says of them out. One partition's records must come in offset order."""

    topic: ArchivedTopic = "control"

    def __init__(self) -> None:
        self.counts = Counts()
        self._partitions: dict[int, _Partition] = {}

    def apply(self, partition: int, records: Sequence[Record]) -> Columns:
        """What is to be archived of the next records of a partition.

        A log's clock may step back, as when a broker takes over from another; an archive's does not: within a partition
        a record has at least the append time of the one before it.
        """
        one = self._partitions.setdefault(partition, _Partition())
        columns = Columns(
            partition=[partition] * len(records),
            offset=[record.offset for record in records],
            append_ms=list(accumulate((record.timestamp for record in records), max, initial=one.last_ms))[1:],
            key=[record.key or b"" for record in records],
            value=[record.value or b"" for record in records],
        )
        chain, links = one.chain, columns.chain
        for fields in zip(columns.offset, columns.append_ms, columns.key, columns.value, strict=True):
            chain = link(chain, *fields)
            links.append(chain)
        self._read(partition, records, columns)
        one.chain, one.last_ms = chain, columns.append_ms[-1]
        one.next_offset, one.records = records[-1].offset + 1, one.records + len(records)
        self.counts.add(columns)
        return columns

    def next_offset(self, partition: int) -> int:
        """The offset that the partition's next record is expected at."""
        return self._partitions[partition].next_offset if partition in self._partitions else 0

    def chain(self, partition: int) -> bytes:
        """The partition's last link."""
        return self._partitions[partition].chain if partition in self._partitions else START

    def ends(self) -> list[End]:
        """Where each partition ends that has records."""
        return [
            End(
                topic=self.topic,
                partition=partition,
                next_offset=one.next_offset,
                records=one.records,
                chain=one.chain.hex(),
                state=self._state(partition),
            )
            for partition, one in sorted(self._partitions.items())
        ]

    def _state(self, _partition: int) -> str | None:
        return None

    def _read(self, _partition: int, records: Sequence[Record], columns: Columns) -> None:
        """Fill in the columns that are read from a record's value: type, event time, source, district, state."""
        for record in records:
            kind, at = _type_and_time(record.value or b"")
            columns.type.append(kind)
            columns.event_us.append(None if at is None else _in_calendar(microseconds(at)))
        nothing = [None] * len(records)
        columns.source, columns.district, columns.state = [*nothing], [*nothing], [*nothing]


class _Hashed:
    """A cell's ledger, and its digest in the state hash; 0 before there is one.

    This fold never parts with a ledger, but where an amendment of the definition puts another in its place.
    """

    __slots__ = ("digest", "digester", "ledger")

    def __init__(self, ledger: Ledger) -> None:
        self.digest = 0
        self.follow(ledger)

    def follow(self, ledger: Ledger) -> None:
        """Be that of this ledger from now on, whose ballot may be another one."""
        self.ledger = ledger
        self.digester = CellHash(ledger.cell, ledger.sums.votes)


class TalliesFold(ArchiveFold):
    """As `ArchiveFold`, for tallies: they have a state."""

    topic: ArchivedTopic = "tallies"

    def __init__(self, definition: Election, partitions: int, ordered: Collection[str] = ()) -> None:
        """`ordered` are the digests that amendments may yield, as the control topic has them; more may come in."""
        super().__init__()
        self._fold = TallyFold(definition, "tallies", partial(partition_of, partitions=partitions), ordered)
        self._states: dict[int, State] = {}
        self._hashed: dict[Cell, _Hashed] = {}

    def state(self) -> bytes:
        """The hash of all totals as they stand."""
        return joined(state.hash() for state in self._states.values())

    def _state(self, partition: int) -> str | None:
        return self._states[partition].hash().hex()

    def _read(self, partition: int, records: Sequence[Record], columns: Columns) -> None:
        for at in range(0, len(records), PARSED_AT_ONCE):
            self._read_some(partition, records[at : at + PARSED_AT_ONCE], columns)

    def _read_some(self, partition: int, records: Sequence[Record], columns: Columns) -> None:
        """Fold these tallies one by one; fill in each one's columns, the state hash behind it among them."""
        outputs = Outputs()
        changed, take, states = outputs.changed, self._fold.take, columns.state
        state = self._states.setdefault(partition, State())
        current = state.hash()
        tallies = parse(records)
        read = [None if type(tally) is Refusal else tally for tally in tallies]
        moments = all_microseconds([tally.at if tally else None for tally in read])
        for record, tally, told, us in zip(records, tallies, read, moments, strict=True):
            take(partition, record, tally, outputs)
            # A tally changes one cell at most, an amendment several; only their parts of the state hash are replaced.
            if changed:
                if record.key == AMENDED_KEY:
                    for cell in changed:
                        self._hashed[cell].follow(self._fold.ledgers[cell])
                while changed:
                    cell = changed.pop()
                    hashed = self._hashed.get(cell)
                    if hashed is None:
                        hashed = self._hashed[cell] = _Hashed(self._fold.ledgers[cell])
                    ledger = hashed.ledger
                    as_of = ledger.as_of or heard_at(ledger)
                    as_of_us = us if us is not None and told is not None and told.at is as_of else microseconds(as_of)
                    before, hashed.digest = hashed.digest, hashed.digester.digest(ledger.figures(), as_of_us)
                    current = state.replace(before, hashed.digest)
            states.append(current)
        columns.type += [
            tally.type if tally else AMENDED if record.key == AMENDED_KEY else None
            for record, tally in zip(records, read, strict=True)
        ]
        columns.source += [tally.source if tally else None for tally in read]
        columns.district += [tally.district if tally else None for tally in read]
        columns.event_us += moments if _all_in_calendar(moments) else [_in_calendar(us) for us in moments]


def summary(tallies: Counts, control: Counts) -> dict[str, Any]:
    """What the manifest says of all records together: counts, and the times of tallies."""
    events, appends = tallies.events, tallies.appends
    return {
        "records": {
            "tallies": dict(sorted(tallies.types.items())),
            "control": dict(sorted(control.types.items())),
        },
        "first_append": None if appends.least is None else moment(appends.least * 1000),
        "last_append": None if appends.greatest is None else moment(appends.greatest * 1000),
        "first_event": None if events.least is None else moment(events.least),
        "last_event": None if events.greatest is None else moment(events.greatest),
    }


def _all_in_calendar(moments: Sequence[int | None]) -> bool:
    known = [us for us in moments if us is not None]
    return not known or (min(known) >= _FIRST_US and max(known) <= _LAST_US)


def _in_calendar(us: int | None) -> int | None:
    return us if us is not None and _FIRST_US <= us <= _LAST_US else None


def _type_and_time(value: bytes) -> tuple[str | None, datetime | None]:
    """The type and time of a control record, as far as it has them."""
    try:
        payload = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None, None
    if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
        return None, None
    try:
        at = datetime.fromisoformat(payload["at"])
    except (KeyError, TypeError, ValueError):
        return payload["type"], None
    return payload["type"], at if at.tzinfo is not None else None
