"""Whether an open file is still the one at its path. Deleted or replaced, it would take what nobody ever reads."""

from collections.abc import Sequence
from pathlib import Path

from schemas.errors import LogError

_Identity = tuple[int, int]
"""The device and the inode: what a file is, whatever it is called."""


class SameFile:
    """Remembers what the log's files are when they are first seen, and says where another one is in their place.

    The write-ahead log comes and goes with the connections, but not while one of ours is open. Any thread may ask.
    """

    def __init__(self, path: Path) -> None:
        self._files: Sequence[Path] = (path, path.with_name(f"{path.name}-wal"))
        self._known: dict[Path, _Identity] = {}

    def check(self) -> None:
        """Raise `LogError` where a file that was seen is gone, or is another one."""
        for file in self._files:
            found, known = _identity(file), self._known.get(file)
            if known is None and found is not None:
                self._known.setdefault(file, found)
            elif known != found:
                what = "deleted" if found is None else "replaced"
                raise LogError(
                    f"{file} was {what} while it was in use. What was appended since is lost: what is shown may be old."
                    " Put it back or choose another file, and start again everything that uses it."
                )


def _identity(file: Path) -> _Identity | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
