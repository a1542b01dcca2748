"""What an archive says of each record, worked out from the record alone: its link, its times, its state. Pure.

The archiver writes it down; `sandik verify` works it out again and compares. So there is one place that says what is
right, and nothing in an archive that could not be checked.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from typing import Any, Final, NamedTuple

import orjson

from eventlog.archive.manifest import START, ArchivedTopic, End, link
from eventlog.archive.segment import Columns, microseconds, moment
from eventlog.port import partition_of
from schemas.definition import Election
from schemas.fields import Record
from schemas.statehash import CellHash, State, joined
from schemas.totals import Cell
from tabulation.counting.cell_rules import Refusal
from tabulation.counting.sums import heard_at
from tabulation.counting.tally_fold import Outputs, TallyFold, parse

UNREADABLE: Final = "unreadable"
"""How records whose bytes are no event are counted."""

_FIRST_US: Final = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST_US: Final = microseconds(datetime.max.replace(tzinfo=UTC))
"""Times that a reader of the archive can hold: a zone can push an event's time out of the calendar."""


class _Time(NamedTuple):
    """The event time of a tally, also in microseconds since 1970."""

    at: datetime
    us: int


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
        self.types.update(UNREADABLE if one is None else one for one in columns.type)
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


class TalliesFold(ArchiveFold):
    """As `ArchiveFold`, for tallies: they have a state."""

    topic: ArchivedTopic = "tallies"

    def __init__(self, definition: Election, partitions: int) -> None:
        super().__init__()
        self._fold = TallyFold(definition, "tallies", partial(partition_of, partitions=partitions))
        self._states: dict[int, State] = {}
        self._hashes: dict[Cell, CellHash] = {}

    def state(self) -> bytes:
        """The hash of all totals as they stand."""
        return joined(state.hash() for state in self._states.values())

    def _state(self, partition: int) -> str | None:
        return self._states[partition].hash().hex()

    def _read(self, partition: int, records: Sequence[Record], columns: Columns) -> None:
        outputs = Outputs()
        changed, take, states = outputs.changed, self._fold.take, columns.state
        state = self._states.setdefault(partition, State())
        current = state.hash()
        tallies = parse(records)
        times = [None if isinstance(tally, Refusal) else _Time(tally.at, microseconds(tally.at)) for tally in tallies]
        for record, tally, time in zip(records, tallies, times, strict=True):
            take(partition, record, tally, outputs)
            if changed:
                self._hash(state, changed.pop(), time)
                current = state.hash()
            states.append(current)
        read = [None if isinstance(tally, Refusal) else tally for tally in tallies]
        columns.type = [tally.type if tally else None for tally in read]
        columns.source = [tally.source if tally else None for tally in read]
        columns.district = [tally.district if tally else None for tally in read]
        columns.event_us = [_in_calendar(time.us) if time else None for time in times]

    def _hash(self, state: State, cell: Cell, time: _Time | None) -> None:
        """Put a cell's new figures into the state hash. `time` is the event time of the tally that changed them."""
        ledger = self._fold.ledgers[cell]
        as_of = heard_at(ledger)
        hashed = self._hashes.get(cell)
        if hashed is None:
            hashed = self._hashes[cell] = CellHash(cell, ledger.sums.votes)
        as_of_us = time.us if time is not None and time.at is as_of else microseconds(as_of)
        state.put(cell, hashed.digest(ledger.figures(), as_of_us))


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


def _in_calendar(us: int) -> int | None:
    return us if _FIRST_US <= us <= _LAST_US else None


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
