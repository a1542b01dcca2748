"""The embedded log's statements: functions on a connection, each inside a transaction of its caller's.

A topic's partition is a *slot*: a row with its next offset. A record's id is its slot's id and its offset, so a
partition is one range of ids.

Compaction keeps, of the records older than `MIN_COMPACTION_LAG_MS`, the newest of each key. As in Kafka, a record that
is younger neither supersedes nor is superseded. So a stale record that came last does not push the good one out before
the owner has had that time to publish again.

Each record has a CRC-32, as Kafka's batches have: it finds what a disk, a cable or another program did to its bytes by
accident, and nothing that is meant. Records that an earlier release wrote have none.

A member of a consumer group has a *lease*, which it renews as long as it lives. The members of a group share a topic's
partitions by the order of their leases' ids. Who joins, leaves or expires makes the next renewal of each a rebalance.
In the file the column of the group is called `crew`. A lease with a name can be claimed by another process of that
name: it keeps its id, so nobody's share changes, and its `claim` grows, by which the one before finds out that it was
replaced. That one then joins anew without a name.
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple
from zlib import crc32

from eventlog.port import MIN_COMPACTION_LAG_MS, Batch, Entry, Topic, partition_of
from schemas.errors import PositionLost, RecordDamaged, UnknownTopic

OFFSET_BITS: Final = 40
"""Bits of a record's id that are its offset: 2^40 records a partition, 2^23 partitions in a file."""

MAX_READ_BYTES: Final = 32 * 1024 * 1024
"""Bytes that one read returns at most, about: room for some of the largest records, however many are asked for."""

_FETCH_ROWS: Final = 64
"""Rows fetched between two looks at `MAX_READ_BYTES`."""


COMPACT_EVERY_RECORDS: Final = 10_000
"""A partition is compacted when its offsets pass a multiple of this; so processes need not agree on who does it."""

_MAX_COMPACTED_RECORDS: Final = 4 * COMPACT_EVERY_RECORDS
"""Records that one compaction looks at: some 50 ms of deleting, and more than came since the last, to catch up."""

_frame: Final = struct.Struct(">qqi").pack


class StoredRecord(NamedTuple):
    """A record as it is read; `timestamp` is its append time in milliseconds since 1970."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


_stored: Final = partial(tuple.__new__, StoredRecord)
"""A row as a record. `StoredRecord._make` is a function in Python that does the same and takes three times as long."""


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """A topic of the file, with its settings. They never change, so they may be cached."""

    id: int
    topic: Topic
    slots: tuple[int, ...]
    """The slot of each partition."""


def create_topics(connection: sqlite3.Connection, topics: Sequence[Topic]) -> None:
    """Create the topics that are missing, with their partitions."""
    for topic in topics:
        created = connection.execute(
            "INSERT INTO topic (name, partitions, compacted, max_record_bytes) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (name) DO NOTHING RETURNING id",
            (topic.name, topic.partitions, topic.compacted, topic.max_record_bytes),
        ).fetchall()
        for (topic_id,) in created:
            rows = [(topic_id, partition) for partition in range(topic.partitions)]
            connection.executemany("INSERT INTO slot (topic_id, partition) VALUES (?, ?)", rows)


def find_topic(connection: sqlite3.Connection, name: str) -> StoredTopic:
    """Look the topic up. Raises `UnknownTopic`, and `sqlite3.DatabaseError` where its rows are damaged."""
    row = connection.execute(
        "SELECT id, partitions, compacted, max_record_bytes FROM topic WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise UnknownTopic(name)
    slots = connection.execute(
        "SELECT id, partition FROM slot WHERE topic_id = ? ORDER BY partition", (row[0],)
    ).fetchall()
    numbers = [*row, *(slot for slot, _ in slots)]
    if not _are_integers(numbers) or [partition for _, partition in slots] != [*range(row[1])]:
        raise _damaged(f"topic {name!r} is not whole")
    topic = Topic(name, partitions=row[1], compacted=bool(row[2]), max_record_bytes=row[3])
    return StoredTopic(row[0], topic, tuple(slot for slot, _ in slots))


def append(connection: sqlite3.Connection, stored: StoredTopic, entries: Sequence[Entry], now_ms: int) -> list[range]:
    """Insert the entries behind the partitions' ends. Returns the offsets that each partition's entries got.

    Timestamps never step back within a partition, whatever the clocks of several writers say.
    """
    ends = connection.execute(
        "SELECT next_offset, last_ms FROM slot WHERE topic_id = ? ORDER BY partition", (stored.id,)
    ).fetchall()
    count = stored.topic.partitions
    next_ids = [slot << OFFSET_BITS | end for slot, (end, _) in zip(stored.slots, ends, strict=True)]
    stamps = [last_ms for _, last_ms in ends]
    rows = []
    for entry in entries:
        partition = partition_of(entry.key, count) if entry.partition is None else entry.partition
        stamps[partition] = max(stamps[partition], now_ms if entry.appended_ms is None else entry.appended_ms)
        row = next_ids[partition], stamps[partition], entry.key, entry.value
        rows.append((*row, checksum(*row)))
        next_ids[partition] += 1
    rows.sort()  # by id: each partition's pages are touched once
    connection.executemany("INSERT INTO record (id, timestamp, key, value, checksum) VALUES (?, ?, ?, ?, ?)", rows)
    offsets = [
        range(end, next_id - (slot << OFFSET_BITS))  # empty where the partition got no entry
        for slot, (end, _), next_id in zip(stored.slots, ends, next_ids, strict=True)
    ]
    changed = [
        (got.stop, stamp, slot) for slot, got, stamp in zip(stored.slots, offsets, stamps, strict=True) if len(got)
    ]
    connection.executemany("UPDATE slot SET next_offset = ?, last_ms = ? WHERE id = ?", changed)
    return offsets


def fetch(
    connection: sqlite3.Connection, stored: StoredTopic, positions: Mapping[int, int], max_records: int
) -> tuple[list[Batch], bool]:
    """Return the records from the positions on, partition by partition in the mapping's order, and if those are all.

    Raises `RecordDamaged` for a record that is not what was appended, once those before it were returned, and
    `PositionLost` as `check_positions` does, where there is nothing to return.
    """
    batches: list[Batch] = []
    room, room_bytes, are_all = max_records, MAX_READ_BYTES, True
    for partition, position in positions.items():
        records, size_bytes, is_end = _fetch_partition(connection, stored, partition, position, room, room_bytes)
        are_all = are_all and is_end
        if records:
            batches.append(Batch(partition, records))
            room -= len(records)
            room_bytes -= size_bytes
        if room <= 0 or room_bytes <= 0:
            return batches, False
    if not batches:
        check_positions(connection, stored, positions)
    return batches, are_all


def _fetch_partition(
    connection: sqlite3.Connection,
    stored: StoredTopic,
    partition: int,
    position: int,
    max_records: int,
    max_bytes: int,
) -> tuple[list[StoredRecord], int, bool]:
    """Return the records, their bytes, and whether the partition holds no more."""
    base = stored.slots[partition] << OFFSET_BITS
    cursor = connection.execute(
        "SELECT id, timestamp, key, value, checksum FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (base + position, base + (1 << OFFSET_BITS), max_records),
    )
    records: list[StoredRecord] = []
    size_bytes = 0
    with closing(cursor):
        while size_bytes < max_bytes and (rows := cursor.fetchmany(_FETCH_ROWS)):
            for record_id, timestamp, key, value, written in rows:
                if not fits(record_id, timestamp, key, value, written):
                    if records:  # the caller gets these first; its next read begins at the damaged one
                        return records, size_bytes, False
                    raise RecordDamaged(stored.topic.name, partition, record_id - base)
                records.append(_stored((record_id - base, timestamp, key, value)))
                size_bytes += len(value)
    return records, size_bytes, len(records) < max_records and size_bytes < max_bytes


def records_of(connection: sqlite3.Connection, stored: StoredTopic) -> Iterator[bool]:
    """Yield for each record of a topic whether it has a checksum. Raises `RecordDamaged` for the first wrong one."""
    for partition, slot in enumerate(stored.slots):
        base = slot << OFFSET_BITS
        rows = connection.execute(
            f"SELECT id, timestamp, key, value, {checksum_column(connection)} FROM record WHERE id >= ? AND id < ?"  # noqa: S608  a name of ours
            " ORDER BY id",
            (base, base + (1 << OFFSET_BITS)),
        )
        for record_id, timestamp, key, value, written in rows:
            if not fits(record_id, timestamp, key, value, written):
                raise RecordDamaged(stored.topic.name, partition, record_id - base)
            yield written is not None


def checksum_column(connection: sqlite3.Connection) -> str:
    """Return the SQL expression for a record's checksum: `NULL` in a file that only an earlier release has opened."""
    return "checksum" if "checksum" in columns(connection, "record") else "NULL"


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's columns."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def check_positions(connection: sqlite3.Connection, stored: StoredTopic, positions: Mapping[int, int]) -> None:
    """Raise `PositionLost` for a position beyond the end, or in a partition that the topic does not have."""
    ends = end_offsets(connection, stored)
    for partition, position in positions.items():
        if partition not in ends or not 0 <= position <= ends[partition]:
            raise PositionLost(stored.topic.name, partition, position)


def end_offsets(connection: sqlite3.Connection, stored: StoredTopic) -> dict[int, int]:
    """Return the next offset of each partition."""
    rows = connection.execute("SELECT partition, next_offset FROM slot WHERE topic_id = ?", (stored.id,)).fetchall()
    if not _are_integers([number for row in rows for number in row]) or len(rows) != stored.topic.partitions:
        raise _damaged(f"the ends of topic {stored.topic.name!r} are not whole")
    return dict(rows)


def offsets_at(connection: sqlite3.Connection, stored: StoredTopic, timestamp: int) -> dict[int, int]:
    """Return of each partition the first offset appended at or after the timestamp (ms since 1970), else its end."""
    ends = end_offsets(connection, stored)
    return {
        partition: first_offset_at(connection, slot, timestamp, ends[partition])
        for partition, slot in enumerate(stored.slots)
    }


def first_offset_at(connection: sqlite3.Connection, slot: int, timestamp: int, end: int) -> int:
    """Find the first offset at or after the timestamp by bisection: timestamps never step back within a partition."""
    base = slot << OFFSET_BITS
    low, high = 0, end  # offsets: those before low are older than the timestamp, those from high on are not
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT id - ?, timestamp FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
            (base, base + middle, base + high),
        ).fetchone()
        if row is not None and not _are_integers(row):
            raise _damaged(f"the record at {row[0]} has no append time")
        if row is None or row[1] >= timestamp:
            high = middle
        else:
            low = row[0] + 1
    # Compaction leaves gaps: low may be an offset that is no longer there, and the next one is meant.
    row = connection.execute(
        "SELECT id - ? FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT 1", (base, base + low, base + end)
    ).fetchone()
    return end if row is None else int(row[0])


def _are_integers(found: Iterable[object]) -> bool:
    """Whether the values are integers, as their columns demand: SQLite checks that on writing, not on reading."""
    return all(type(one) is int for one in found)


def _damaged(what: str) -> sqlite3.DatabaseError:
    """Make the error that SQLite itself would raise for a damaged file."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def checksum(record_id: int, timestamp: int, key: bytes, value: bytes) -> int:
    """Compute the CRC-32 of a row: its id, its timestamp (ms since 1970), its key and its value.

    The key's length is covered too, so that a byte which moves from key to value shows.
    """
    return crc32(value, crc32(key, crc32(_frame(record_id, timestamp, len(key)))))


def fits(record_id: int, timestamp: int, key: bytes, value: bytes, written: int | None) -> bool:
    """Whether a row has the checksum `written`; without one, whether its columns have the right types at all.

    In a file that is damaged, SQLite may return any type for a column.
    """
    try:
        found = checksum(record_id, timestamp, key, value)
    except (TypeError, struct.error):
        return False
    return written is None or written == found


def is_due(offsets: range) -> bool:
    """Whether a partition is to be compacted after an append that got these offsets."""
    return offsets.start // COMPACT_EVERY_RECORDS != offsets.stop // COMPACT_EVERY_RECORDS


def compact(connection: sqlite3.Connection, stored: StoredTopic, partitions: Sequence[int], now_ms: int) -> None:
    """Delete superseded records that are older than `MIN_COMPACTION_LAG_MS`. `now_ms` is in ms since 1970."""
    for partition in partitions:
        slot = stored.slots[partition]
        end, compacted_to = connection.execute(
            "SELECT next_offset, compacted_to FROM slot WHERE id = ?", (slot,)
        ).fetchone()
        old_enough = first_offset_at(connection, slot, now_ms - MIN_COMPACTION_LAG_MS, end)
        upto = min(old_enough, compacted_to + _MAX_COMPACTED_RECORDS)
        if upto <= compacted_to:
            continue
        bounds = {"first": slot << OFFSET_BITS, "upto": (slot << OFFSET_BITS) + upto}
        connection.execute(
            "DELETE FROM record WHERE id >= :first AND id < :upto AND id NOT IN"
            " (SELECT max(id) FROM record WHERE id >= :first AND id < :upto GROUP BY key)",
            bounds,
        )
        connection.execute("UPDATE slot SET compacted_to = ? WHERE id = ?", (upto, slot))


LEASE_MS: Final = 4_000
"""A member that was killed is missed after this: longer than a disk stalls, and with a renewal within five seconds."""

AHEAD_MS: Final = 2_000
"""How much later than `LEASE_MS` from now a valid lease may end.

Members read their clocks one after the other, and an earlier release's leases last five seconds.
"""

RENEW_S: Final = 0.5
"""Seconds between renewals: eight chances within a lease, and how late the others notice who joined or left."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A member's place in its group. `claim` counts the processes that have taken it over by its name."""

    id: int
    claim: int = 0
    name: str | None = None


def join_group(
    connection: sqlite3.Connection, stored: StoredTopic, group: str, now_ms: int, name: str | None = None
) -> Lease:
    """Claim the lease of that name, or insert a new one. Without a name ids are never used again."""
    expires_ms = now_ms + LEASE_MS
    claimed = connection.execute(
        "UPDATE lease SET claim = claim + 1, expires_ms = ? WHERE topic_id = ? AND crew = ? AND name = ?"
        " RETURNING id, claim",
        (expires_ms, stored.id, group, name),
    ).fetchall()
    for lease, claim in claimed:
        return Lease(lease, claim, name)
    row = connection.execute(
        "INSERT INTO lease (topic_id, crew, expires_ms, name) VALUES (?, ?, ?, ?) RETURNING id",
        (stored.id, group, expires_ms, name),
    ).fetchall()
    return Lease(int(row[0][0]), name=name)


def renew_lease(
    connection: sqlite3.Connection, stored: StoredTopic, group: str, lease: Lease, now_ms: int
) -> tuple[Lease, frozenset[int]]:
    """Renew the lease, delete expired ones, and return the lease and the partitions that it is assigned.

    Where another process has taken the lease's name, it is a new lease, without a name.

    A lease that ends later than a new one would is deleted too: the clock went back since it was renewed. If its holder
    lives, it inserts the lease again with its next renewal, within a second.
    """
    if _is_replaced(connection, stored, group, lease):
        lease = join_group(connection, stored, group, now_ms)
    connection.execute(
        "DELETE FROM lease WHERE (expires_ms <= ? OR expires_ms > ?) AND id != ?",
        (now_ms, now_ms + LEASE_MS + AHEAD_MS, lease.id),
    )
    connection.execute(
        "INSERT INTO lease (id, topic_id, crew, expires_ms, name, claim) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms",
        (lease.id, stored.id, group, now_ms + LEASE_MS, lease.name, lease.claim),
    )
    rows = connection.execute(
        "SELECT id FROM lease WHERE topic_id = ? AND crew = ? ORDER BY id", (stored.id, group)
    ).fetchall()
    members = [member for (member,) in rows]
    mine = members.index(lease.id)
    return lease, frozenset(range(mine, stored.topic.partitions, len(members)))


def leave_group(connection: sqlite3.Connection, lease: Lease) -> None:
    """Delete the lease, unless it was claimed: the next renewal of each other member is a rebalance."""
    connection.execute("DELETE FROM lease WHERE id = ? AND claim = ?", (lease.id, lease.claim))


def _is_replaced(connection: sqlite3.Connection, stored: StoredTopic, group: str, lease: Lease) -> bool:
    """Whether a process that came later holds the lease's name."""
    if lease.name is None:
        return False
    held = connection.execute(
        "SELECT 1 FROM lease WHERE topic_id = ? AND crew = ? AND name = ? AND (id != ? OR claim != ?)",
        (stored.id, group, lease.name, lease.id, lease.claim),
    ).fetchall()
    return bool(held)
