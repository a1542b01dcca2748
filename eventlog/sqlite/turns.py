"""Taking turns at the file's write lock, of which there is one for all processes.

SQLite gives it to whoever asks first once it is free. A process with much to append asks a moment after each of its
commits; one that waits asks every 25 to 100 ms (SQLite's busy handler), and rarely in such a moment: an append beside
two hundred a second took seconds. So whoever wants to write takes the place at the head first, and leaves it once it
has the write lock: who has just committed does not overtake it.

The place is a lock (flock) on the write-ahead log, on which SQLite has no locks of its own. It keeps the order and
protects nothing: where it cannot be had, the write lock is asked for all the same, as earlier releases do.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eventlog.sqlite import file

ASK_MS: Final = 1
"""How far apart to ask: an eighth of what a commit takes on a slow disk."""

PLACE_MS: Final = 200
"""How long to wait for the place: many commits. Longer than that, a process that was halted may have it."""


class Turns:
    """Begins the write transactions of one connection, whose own busy timeout it turns off. For one thread.

    The connection has read already: so its write-ahead log is there. `path` is the file that it has opened.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, place_ms: int = PLACE_MS) -> None:
        self.connection = connection
        self._place_ms = place_ms
        self._place: int | None = None
        self._pause = threading.Event()
        connection.execute("PRAGMA busy_timeout = 0")
        with contextlib.suppress(OSError):
            self._place = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def begin(self) -> None:
        """Begin a write transaction, once it is this connection's turn.

        Raises SQLite's `SQLITE_BUSY` where another process has held the lock for `file.BUSY_TIMEOUT_MS`.
        """
        with self._at_the_head() as waited_ms:
            for _ in range(waited_ms, file.BUSY_TIMEOUT_MS, ASK_MS):
                if self._has_begun():
                    return
                self._pause.wait(ASK_MS / 1000)
            self.connection.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Give the place back for good."""
        if self._place is not None:
            os.close(self._place)

    @contextlib.contextmanager
    def _at_the_head(self) -> Iterator[int]:
        """Have the place for the length of the block, if it is to be had; how many milliseconds that took, about."""
        if self._place is None:
            yield 0
            return
        waited_ms = 0
        while waited_ms < self._place_ms and not self._has_taken(self._place):
            self._pause.wait(ASK_MS / 1000)
            waited_ms += ASK_MS
        try:
            yield waited_ms
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._place, fcntl.LOCK_UN)

    def _has_taken(self, place: int) -> bool:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without such locks: nobody has the place
            return True
        return True

    def _has_begun(self) -> bool:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True
