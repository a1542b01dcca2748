"""Compaction of the embedded log: of what is old enough, only the newest record of each key stays.

As in Kafka, a record counts neither as superseded nor as superseding before it is older than the lag. So a stale record
that came last does not push the good one out before the owner has had the lag's time to publish again.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from eventlog.sqlite_tables import OFFSET_BITS, StoredTopic, first_offset_at

MIN_COMPACTION_LAG_MS: Final = 600_000
"""As long as Kafka's `min.compaction.lag.ms` of the same topics: ten minutes, many times a takeover."""

COMPACT_EVERY_RECORDS: Final = 10_000
"""A partition's turn comes when its offsets pass a multiple of this; so processes need not agree on whose it is."""

_MAX_RECORDS: Final = 4 * COMPACT_EVERY_RECORDS
"""What one turn takes on: some 50 ms of deleting, and more than came since the last turn, so that it catches up."""


def is_due(offsets: range) -> bool:
    """Whether an append that got these offsets is one after which to compact."""
    return offsets.start // COMPACT_EVERY_RECORDS != offsets.stop // COMPACT_EVERY_RECORDS


def compact(connection: sqlite3.Connection, stored: StoredTopic, partitions: Sequence[int], now_ms: int) -> None:
    """Delete what is superseded and older than the lag."""
    for partition in partitions:
        slot = stored.slots[partition]
        end, compacted_to = connection.execute(
            "SELECT next_offset, compacted_to FROM slot WHERE id = ?", (slot,)
        ).fetchone()
        old_enough = first_offset_at(connection, slot, now_ms - MIN_COMPACTION_LAG_MS, end)
        upto = min(old_enough, compacted_to + _MAX_RECORDS)
        if upto <= compacted_to:
            continue
        bounds = {"first": slot << OFFSET_BITS, "upto": (slot << OFFSET_BITS) + upto}
        connection.execute(
            "DELETE FROM record WHERE id >= :first AND id < :upto AND id NOT IN"
            " (SELECT max(id) FROM record WHERE id >= :first AND id < :upto GROUP BY key)",
            bounds,
        )
        connection.execute("UPDATE slot SET compacted_to = ? WHERE id = ?", (upto, slot))
