"""Noticing that somebody else has committed to the file; fifty looks a second cost next to nothing while nobody does.

Every commit changes the header of the wal-index, which the file's connections share in the file beside it with `-shm`
(SQLite's "WAL-mode File Format", section 2.1). Where it is as it was, nothing has been committed, and the look ends
there. Only where it has changed SQLite is asked whether that was somebody else: a question that begins and ends a
transaction.

The header is read through the descriptor that SQLite itself has open. One of our own would have to be closed at some
time, and whichever is closed first releases all locks that the process holds on that file (POSIX, fcntl).
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

_HEADER_BYTES: Final = 48
"""The first of the header's two copies, which is written last."""

_DESCRIPTORS: Final = Path("/proc/self/fd")

ASK_EVERY_LOOKS: Final = 50
"""SQLite is asked once a second all the same, in case a descriptor is not what it was taken for."""


class Commits:
    """The commits to a file, as one of its connections sees them. To be used by the thread that has the connection."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._version = _data_version(connection)
        self._index = _wal_index(path)  # by now it is there: the connection has read
        self._header: bytes | None = None
        self._looks = 0

    def are_new(self) -> bool:
        """Whether another connection, of any process, has committed since this was last asked."""
        header = self._read_header()
        self._looks += 1
        if header is not None and header == self._header and self._looks < ASK_EVERY_LOOKS:
            return False
        self._header, self._looks = header, 0  # read before SQLite is asked: what comes between is asked about again
        before = self._version
        self._version = _data_version(self._connection) or before
        return self._version != before

    def _read_header(self) -> bytes | None:
        """Return the header as it is; `None` where it cannot be read."""
        if self._index is None:
            return None
        try:
            return os.pread(self._index, _HEADER_BYTES, 0)
        except OSError:
            self._index = None
            return None


def _data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection, of any process, commits; 0 where it cannot be read."""
    try:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.Error:  # the disk failed: the next append or read raises that
        return 0


def _wal_index(path: Path) -> int | None:
    """Find SQLite's descriptor of the file's wal-index; `None` on a system that does not tell."""
    with contextlib.suppress(OSError):
        wanted = path.with_name(f"{path.name}-shm").stat()
        for descriptor in _DESCRIPTORS.iterdir():
            with contextlib.suppress(OSError):  # that of the listing is closed by now
                if os.path.samestat(os.fstat(int(descriptor.name)), wanted):
                    return int(descriptor.name)
    return None
