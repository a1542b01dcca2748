"""What an archive says of each record, worked out from the record alone: its link, its times, its state. Pure.

The archiver writes it down; `sandik verify` works it out again and compares. So there is one place that says what is
right, and nothing in an archive that could not be checked.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import orjson

from consumers.register import Refusal
from consumers.tally import Outputs, TallyFold, parse
from eventlog.archive_chain import START, link
from eventlog.archive_manifest import ArchivedTopic, End
from eventlog.archive_segment import Columns, microseconds, moment
from eventlog.partition import partition_of
from eventlog.port import Record
from schemas.definition import Election
from schemas.statehash import State, cell_digest, joined

UNREADABLE: Final = "unreadable"
"""How records whose bytes are no event are counted."""

_FIRST_US: Final = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST_US: Final = microseconds(datetime.max.replace(tzinfo=UTC))
"""Times that a reader of the archive can hold: a zone can push an event's time out of the calendar."""


@dataclass(slots=True)
class Range:
    """The least and the greatest of some numbers; `None` before there is one."""

    least: int | None = None
    greatest: int | None = None

    def add(self, numbers: Iterable[int | None]) -> None:
        """Take in some more."""
        present = [number for number in (*numbers, self.least, self.greatest) if number is not None]
        if present:
            self.least, self.greatest = min(present), max(present)


@dataclass(slots=True)
class _Slot:
    """How far one partition is."""

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
        """Count some more records."""
        self.types.update(UNREADABLE if one is None else one for one in columns.type)
        self.events.add(columns.event_us)
        self.appends.add(columns.append_ms)

    def join(self, other: "Counts") -> None:
        """Count what another has counted."""
        self.types.update(other.types)
        self.events.add((other.events.least, other.events.greatest))
        self.appends.add((other.appends.least, other.appends.greatest))


class ArchiveFold:
    """Records of one topic in, what the archive says of them out. One partition's records must come in offset order."""

    topic: ArchivedTopic = "control"

    def __init__(self) -> None:
        self.counts = Counts()
        self._slots: dict[int, _Slot] = {}

    def apply(self, partition: int, records: Sequence[Record]) -> Columns:
        """What is to be archived of the next records of a partition.

        A log's clock may step back, as when a broker takes over from another; an archive's does not: within a partition
        a record has at least the append time of the one before it.
        """
        slot = self._slots.setdefault(partition, _Slot())
        columns = Columns(partition=[partition] * len(records))
        chain, last_ms = slot.chain, slot.last_ms
        for record in records:
            last_ms = max(last_ms, record.timestamp)
            key, value = record.key or b"", record.value or b""
            chain = link(chain, record.offset, last_ms, key, value)
            columns.offset.append(record.offset)
            columns.append_ms.append(last_ms)
            columns.key.append(key)
            columns.value.append(value)
            columns.chain.append(chain)
        self._read(partition, records, columns)
        slot.chain, slot.last_ms = chain, last_ms
        slot.next_offset, slot.records = records[-1].offset + 1, slot.records + len(records)
        self.counts.add(columns)
        return columns

    def next_offset(self, partition: int) -> int:
        """The offset that the partition's next record is expected at."""
        return self._slots[partition].next_offset if partition in self._slots else 0

    def chain(self, partition: int) -> bytes:
        """The partition's last link."""
        return self._slots[partition].chain if partition in self._slots else START

    def ends(self) -> list[End]:
        """Where each partition ends that has records."""
        return [
            End(
                topic=self.topic,
                partition=partition,
                next_offset=slot.next_offset,
                records=slot.records,
                chain=slot.chain.hex(),
                state=self._state(partition),
            )
            for partition, slot in sorted(self._slots.items())
        ]

    def _state(self, _partition: int) -> str | None:
        return None

    def _read(self, _partition: int, records: Sequence[Record], columns: Columns) -> None:
        """Fill in what the records say of themselves."""
        for record in records:
            kind, at = _control_says(record.value or b"")
            _append(columns, kind, None, None, _event_us(at))
            columns.state.append(None)


class TalliesFold(ArchiveFold):
    """As `ArchiveFold`, for tallies: they have a state."""

    topic: ArchivedTopic = "tallies"

    def __init__(self, definition: Election, partitions: int) -> None:
        super().__init__()
        self._fold = TallyFold(definition, "tallies", partial(partition_of, partitions=partitions))
        self._states: dict[int, State] = {}

    def state(self) -> bytes:
        """The hash of all totals as they stand."""
        return joined(state.hash() for state in self._states.values())

    def _state(self, partition: int) -> str | None:
        return self._states[partition].hash().hex()

    def _read(self, partition: int, records: Sequence[Record], columns: Columns) -> None:
        outputs = Outputs()
        changed, ledgers = outputs.changed, self._fold.ledgers
        state = self._states.setdefault(partition, State())
        current = state.hash()
        for record, tally in zip(records, parse(records), strict=True):
            self._fold.take(partition, record, tally, outputs)
            if changed:
                ledger = ledgers[changed.pop()]
                if ledger.as_of is not None:  # it has just heard of something
                    state.put(ledger.cell, cell_digest(ledger.cell.key(), ledger.sums, ledger.as_of))
                    current = state.hash()
            columns.state.append(current)
            if isinstance(tally, Refusal):
                _append(columns, None, None, None, None)
            else:
                _append(columns, tally.type, tally.source, tally.district, _event_us(tally.at))


def _append(columns: Columns, kind: str | None, source: str | None, district: str | None, event_us: int | None) -> None:
    columns.type.append(kind)
    columns.source.append(source)
    columns.district.append(district)
    columns.event_us.append(event_us)


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


def _event_us(at: datetime | None) -> int | None:
    us = None if at is None else microseconds(at)
    return us if us is not None and _FIRST_US <= us <= _LAST_US else None


def _control_says(value: bytes) -> tuple[str | None, datetime | None]:
    """The type and time of a control record, as far as it has them."""
    try:
        said = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None, None
    if not isinstance(said, dict) or not isinstance(said.get("type"), str):
        return None, None
    try:
        at = datetime.fromisoformat(said["at"])
    except (KeyError, TypeError, ValueError):
        return said["type"], None
    return said["type"], at if at.tzinfo is not None else None
