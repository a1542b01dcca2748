"""Commits of other processes: telling them of ours, being told of theirs, and finding what they have written.

A commit becomes visible in memory that the processes share (the wal-index), which nothing tells of; what inotify tells
of the write-ahead log comes earlier, when there is nothing to be seen yet. So whoever has committed sets the file's
times to now, one system call (`touch`), and whoever waits is woken by that (`Touches`, on Linux). The file is never
opened for it: closing it again would release all locks that the process holds on it (POSIX, fcntl).

`Inbox` is what the writing thread sleeps on: jobs, touches while readers wait, and the time to look anyway. `Commits`
is the look, which says what topics have grown.
"""

import contextlib
import ctypes
import os
import select
import sqlite3
from collections import deque
from pathlib import Path
from typing import Final, Generic, Self, TypeVar


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


_IN_ATTRIB: Final = 0x4
"""A file's metadata changed; from `<sys/inotify.h>`, as the two below are flags of `inotify_init1`."""

_EVENTS_BYTES: Final = 4096
"""Many events: the kernel joins an event to the one before it where they are the same and that is not read yet."""


def touch(path: Path) -> None:
    """Tell whoever watches the file. Where that fails, they find out when they look."""
    with contextlib.suppress(OSError):
        os.utime(path)


class Touches:
    """What tells of touches to a file: its descriptor can be read from once there was one since it was cleared.

    It tells of this process's own as well.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def watch(cls, path: Path) -> Self | None:
        """Begin to watch; `None` where the system, its limits or the file system do not let us, which is tried out."""
        with contextlib.suppress(OSError, AttributeError):  # a system without inotify has no such function
            library = ctypes.CDLL(None)
            descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            if descriptor < 0:
                return None
            touches = cls(descriptor)
            if library.inotify_add_watch(descriptor, os.fsencode(path), _IN_ATTRIB) >= 0:
                touch(path)
                if touches.clear():
                    return touches
            touches.close()
        return None

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def clear(self) -> bool:
        """Forget the touches so far; whether there were any."""
        try:
            return bool(os.read(self._descriptor, _EVENTS_BYTES))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._descriptor)


T = TypeVar("T")

LOOK_MS: Final = 100
"""How often to look, while a reader waits, whether somebody committed without touching the file.

So does a release before this one, and every other program.
"""

LOOK_UNTOLD_MS: Final = 20
"""The same where nothing tells of touches."""

PAUSE_MS: Final = 5
"""How long no touch is heeded after one: two hundred looks a second are enough, however many commits there are."""

_RINGS_BYTES: Final = 64


class Inbox(Generic[T]):
    """Items for one thread, in the order in which they were put, and its sleep until there is something to do.

    `put()` and `watch()` are for other threads, everything else for that one.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._rings, self._bell = os.pipe()
        self._touches: Touches | None = None
        self._look_ms: int | None = LOOK_UNTOLD_MS
        self._pause_ms: int | None = 0
        self._items_alone, self._all = select.poll(), select.poll()
        for poll in (self._items_alone, self._all):
            poll.register(self._rings, select.POLLIN)
        self._was_touched = self._is_asleep = self._is_unlimited = False
        self.is_watching = False

    def hear(self, touches: Touches, *, look_ms: int | None = LOOK_MS, pause_ms: int | None = PAUSE_MS) -> None:
        """Let touches end a sleep from now on; they are closed with the inbox. `None` is for ever."""
        self._touches, self._look_ms, self._pause_ms = touches, look_ms, pause_ms
        self._all.register(touches.fileno(), select.POLLIN)

    def put(self, item: T) -> None:
        """Add an item, and wake the thread."""
        self._items.append(item)
        if self._is_asleep:
            self._ring()

    def watch(self, watching: bool) -> None:  # noqa: FBT001  a callback's only argument
        """Say whether anybody waits for what others commit: while nobody does, only an item ends a sleep."""
        self.is_watching = watching
        if watching and self._is_unlimited:
            self._ring()

    def __bool__(self) -> bool:
        """Whether there is an item."""
        return bool(self._items)

    def take(self) -> T:
        """Return the next item. Raises `IndexError` where there is none."""
        return self._items.popleft()

    def sleep(self) -> None:
        """Return once there is an item or it is time to look, and now and then for no reason."""
        self._is_asleep = self._is_unlimited = True  # from here on the others ring; what they did before is seen below
        try:
            if not self._items:
                self._wait()
        finally:
            self._is_asleep = self._is_unlimited = False

    def forget_touches(self) -> None:
        """Forget the touches so far. Call order: this, then the look, which finds what they told of."""
        if self._touches is not None:
            self._touches.clear()

    def close(self) -> None:
        """Close the descriptors. Nothing is put any more."""
        os.close(self._rings)
        os.close(self._bell)
        if self._touches is not None:
            self._touches.close()

    def _wait(self) -> None:
        if not self.is_watching:
            self._has_rung(self._items_alone.poll())
            return
        self._is_unlimited = False
        if self._was_touched and self._has_rung(self._items_alone.poll(self._pause_ms)):
            return
        found = self._all.poll(self._look_ms)
        self._was_touched = len(found) > self._has_rung(found)

    def _has_rung(self, found: list[tuple[int, int]]) -> bool:
        """Whether the bell is among the descriptors that can be read; it is quiet then."""
        if all(descriptor != self._rings for descriptor, _ in found):
            return False
        os.read(self._rings, _RINGS_BYTES)
        return True

    def _ring(self) -> None:
        self._is_asleep = self._is_unlimited = False  # once is enough
        os.write(self._bell, b"\0")
