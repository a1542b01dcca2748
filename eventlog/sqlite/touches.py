"""Telling other processes of a commit by touching the log's file, and being told by theirs (Linux: inotify).

A commit becomes visible in memory that the processes share (the wal-index), which nothing tells of; what inotify tells
of the write-ahead log comes earlier, when there is nothing to be seen yet. So whoever has committed sets the file's
times to now, one system call, and whoever waits is woken by that. The file is never opened for it: closing it again
would release all locks that the process holds on it (POSIX, fcntl).
"""

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final, Self

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
