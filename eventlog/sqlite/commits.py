"""Noticing what somebody else has committed to the file: which topics have grown by it."""

import sqlite3


class Commits:
    """The commits to a file, as one of its connections sees them. To be used by the thread that has the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = _data_version(connection)
        self._ends: dict[str, int] = {}

    def grown(self) -> list[str] | None:
        """Return the topics that have grown by commits of other connections, of any process, since the last call.

        `None` where there are such commits and it cannot be read what they were. The first commit of others tells of
        every topic; and those that grew by the connection's own commits meanwhile are told of as well.
        """
        before = self._version
        self._version = _data_version(self._connection) or before
        if self._version == before:
            return []
        # Asked afterwards: what comes between is told of twice, not never.
        ends_before, self._ends = self._ends, _ends(self._connection)
        return [topic for topic, end in self._ends.items() if end != ends_before.get(topic)] if self._ends else None


def _data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection, of any process, commits; 0 where it cannot be read."""
    try:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.Error:  # the disk failed: the next append or read raises that
        return 0


def _ends(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many records were ever appended to each topic; none where that cannot be read."""
    query = (
        "SELECT topic.name, sum(slot.next_offset) FROM slot JOIN topic ON topic.id = slot.topic_id GROUP BY topic.id"
    )
    try:
        return dict(connection.execute(query).fetchall())
    except (sqlite3.Error, UnicodeDecodeError):  # as above
        return {}
