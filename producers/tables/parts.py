"""The files that a table consists of: one, those of a folder, or those in a ZIP archive; gzipped or not."""

import gzip
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple

from producers.tables.lines import Layout
from schemas.errors import TableError

KINDS: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xml": "xml",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".xlsb": "workbook",
    ".xls": "workbook",
    ".ods": "workbook",
    ".parquet": "parquet",
}
"""What a file is, by the ending of its name. Any other is CSV."""

FORMATS: Final = tuple(dict.fromkeys(KINDS.values()))

MAX_PARTS: Final = 5_000
"""The most files of one table: one for each municipality of a large country."""


class FileState(NamedTuple):
    """What differs once a file was changed or replaced: its inode, its size in bytes, and its time of modification."""

    inode: int
    size_bytes: int
    written_ns: int


def state_of(path: Path) -> FileState:
    """Return the file's state now. Raises `OSError` where it is not there."""
    status = path.stat()
    return FileState(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table: what messages call it, what it is (see `KINDS`), where it lies, and how it is opened."""

    name: str
    kind: str
    path: Path
    open: Callable[[], IO[bytes]]


def parts_of(path: Path, layout: Layout) -> list[Part]:
    """Return the files of a table, in the order of their names.

    Raises `TableError` where a folder or archive has none, or too many; `OSError` where it cannot be read.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and _is_asked(file.name, layout))
        parts = [part for file in files for part in _parts_of_file(file, layout)]
    else:
        parts = list(_parts_of_file(path, layout))
    if not parts:
        asked = f"that table.files names ({', '.join(layout.files)})" if layout.files else f"of a table ({_endings()})"
        raise TableError(f"{path} has no file {asked}. Is it the right one?")
    if len(parts) > MAX_PARTS:
        raise TableError(f"{path} has {len(parts)} files, over {MAX_PARTS}. Name as table.files in the mapping which.")
    return parts


def _parts_of_file(path: Path, layout: Layout) -> Iterator[Part]:
    if path.suffix.lower() == ".zip":
        yield from _members(path, layout)
    elif path.suffix.lower() == ".gz":
        yield Part(str(path), _kind(path.name.removesuffix(path.suffix), layout), path, lambda: _gzip(path))
    else:
        yield Part(str(path), _kind(path.name, layout), path, lambda: path.open("rb"))


def _gzip(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb")  # type: ignore[return-value]  # it reads as a file does


def _members(path: Path, layout: Layout) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter for a version of the format that is later
        raise TableError(f"{path} cannot be read as a ZIP archive: {error}. Is the file whole?") from error
    for name in names:
        if _is_asked(PurePosixPath(name).name, layout):
            yield Part(f"{path}/{name}", _kind(name, layout), path, _opener(path, name))


def _opener(path: Path, name: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        try:
            return zipfile.ZipFile(path).open(name)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # RuntimeError: it wants a password
            raise OSError(str(error)) from error

    return opened


def _is_asked(name: str, layout: Layout) -> bool:
    """Return whether a file of a folder or archive is one of the table: by the patterns, or by its ending."""
    if name.startswith((".", "~")):
        return False
    if layout.files:
        return any(fnmatch(name, pattern) for pattern in layout.files)
    plain = name.lower().removesuffix(".gz")
    return PurePosixPath(plain).suffix in KINDS or plain.endswith(".zip")


def _kind(name: str, layout: Layout) -> str:
    return layout.format or KINDS.get(PurePosixPath(name).suffix.lower(), "csv")


def _endings() -> str:
    return ", ".join((*KINDS, ".gz", ".zip"))
