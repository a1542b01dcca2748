"""Group memberships of the embedded log: leases in a table, renewed while their holder lives."""

import sqlite3
from typing import Final

from eventlog.sqlite_tables import StoredTopic

LEASE_MS: Final = 5_000
"""A member that was killed is missed after this: long enough for a stalled disk, short enough for a night on air."""

AHEAD_MS: Final = 1_000
"""How far a lease may end beyond its length from now: two members read the clock one after the other."""

RENEW_S: Final = 1.0
"""Five chances to renew a lease, and how late the others notice one who came or left."""


def join(connection: sqlite3.Connection, stored: StoredTopic, group: str, now_ms: int) -> int:
    """Take a new lease; its id. Ids are never used again."""
    row = connection.execute(
        "INSERT INTO lease (topic_id, crew, expires_ms) VALUES (?, ?, ?) RETURNING id",
        (stored.id, group, now_ms + LEASE_MS),
    ).fetchall()
    return int(row[0][0])


def renew(connection: sqlite3.Connection, stored: StoredTopic, group: str, lease: int, now_ms: int) -> frozenset[int]:
    """Renew the lease, drop those that ran out, and share the partitions among the rest; this lease's share.

    One that ends later than any that is taken now is no lease: the clock went back since. Whose it was and lives takes
    it up again within a second.
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
    """Give the lease back."""
    connection.execute("DELETE FROM lease WHERE id = ?", (lease,))
