"""Consumer groups of the embedded log: a member has a lease in a table, which it renews as long as it lives.

The members of a group share a topic's partitions by the order of their leases' ids. Who joins, leaves or expires makes
the next renewal of each a rebalance. In the file the column of the group is called `crew`.

A lease with a name can be claimed by another process of that name: it keeps its id, so nobody's share changes, and its
`claim` grows, by which the one before finds out that it was replaced. That one then joins anew without a name.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from eventlog.sqlite.tables import StoredTopic

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


def join(
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


def renew(
    connection: sqlite3.Connection, stored: StoredTopic, group: str, lease: Lease, now_ms: int
) -> tuple[Lease, frozenset[int]]:
    """Renew the lease, delete expired ones, and return the lease and the partitions that it is assigned.

    Where another process has taken the lease's name, it is a new lease, without a name.

    A lease that ends later than a new one would is deleted too: the clock went back since it was renewed. If its holder
    lives, it inserts the lease again with its next renewal, within a second.
    """
    if _is_replaced(connection, stored, group, lease):
        lease = join(connection, stored, group, now_ms)
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


def leave(connection: sqlite3.Connection, lease: Lease) -> None:
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
