"""Consumer groups of the embedded log: a member has a lease in a table, which it renews as long as it lives.

The members of a group share a topic's partitions by the order of their leases' ids. Who joins, leaves or expires makes
the next renewal of each a rebalance. In the file the column of the group is called `crew`.
"""

import sqlite3
from typing import Final

from eventlog.sqlite.tables import StoredTopic

LEASE_MS: Final = 5_000
"""A member that was killed is missed after this: long enough for a stalled disk, short enough for a night on air."""

AHEAD_MS: Final = 1_000
"""How much later than `LEASE_MS` from now a valid lease may end: members read their clocks one after the other."""

RENEW_S: Final = 1.0
"""Seconds between renewals: five chances within a lease, and how late the others notice who joined or left."""


def join(connection: sqlite3.Connection, stored: StoredTopic, group: str, now_ms: int) -> int:
    """Insert a new lease and return its id. Ids are never used again."""
    row = connection.execute(
        "INSERT INTO lease (topic_id, crew, expires_ms) VALUES (?, ?, ?) RETURNING id",
        (stored.id, group, now_ms + LEASE_MS),
    ).fetchall()
    return int(row[0][0])


def renew(connection: sqlite3.Connection, stored: StoredTopic, group: str, lease: int, now_ms: int) -> frozenset[int]:
    """Renew the lease, delete expired ones, and return the partitions that this lease is assigned.

    A lease that ends later than a new one would is deleted too: the clock went back since it was renewed. If its holder
    lives, it inserts the lease again with its next renewal, within a second.
    """
    connection.execute(
        "DELETE FROM lease WHERE (expires_ms <= ? OR expires_ms > ?) AND id != ?",
        (now_ms, now_ms + LEASE_MS + AHEAD_MS, lease),
    )
    connection.execute(
        "INSERT INTO lease (id, topic_id, crew, expires_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms",
        (lease, stored.id, group, now_ms + LEASE_MS),
    )
    rows = connection.execute(
        "SELECT id FROM lease WHERE topic_id = ? AND crew = ? ORDER BY id", (stored.id, group)
    ).fetchall()
    members = [member for (member,) in rows]
    mine = members.index(lease)
    return frozenset(range(mine, stored.topic.partitions, len(members)))


def leave(connection: sqlite3.Connection, lease: int) -> None:
    """Delete the lease: the next renewal of each other member is a rebalance."""
    connection.execute("DELETE FROM lease WHERE id = ?", (lease,))
