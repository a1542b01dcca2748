"""The files that a table consists of, and their text in any encoding.

A table is one file, those of a folder, or those in a ZIP archive; gzipped or not. A text is in the encoding that the
mapping names, or in UTF-8, or in UTF-16 where the first bytes show it.
"""

import codecs
import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple

from producers.tables.lines import Layout
from schemas.errors import TableError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_EXAMPLES: Final = (
    '"cp1254" (Turkish Windows), "cp1252" or "latin-1" (Western Windows), "cp1251" (Cyrillic), '
    '"cp932" (Japanese Windows)'
)


def check_encoding(name: str) -> str:
    """Return the name of an encoding if there is such a one. Raises `ValueError`."""
    try:
        "0".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError(f"there is no encoding {name!r}; there are {_EXAMPLES}, and more") from None
    return name


def encoding_of(begin: bytes, named: str | None) -> str:
    """Return the encoding of a text that begins with these bytes: what is certain, else `named`, else UTF-8.

    A byte order mark says what it is. Without one, a NUL among the first two bytes is half of a letter in UTF-16.
    """
    for mark, encoding in _MARKS:
        if begin.startswith(mark):
            return encoding
    if named is not None:
        return named
    if begin[1:2] == b"\0" != begin[:1]:
        return "utf-16-le"
    if begin[:1] == b"\0" != begin[1:2]:
        return "utf-16-be"
    return "utf-8"


def open_text(raw: IO[bytes], named: str | None) -> io.TextIOWrapper:
    """Return the text of a binary file that can be peeked into; line ends stay as they are."""
    begin: bytes = raw.peek(4)[:4]  # type: ignore[attr-defined]  # readers of files, gzip and ZIP have it
    return io.TextIOWrapper(raw, encoding=encoding_of(begin, named), newline="")


def as_utf8(data: bytes, named: str | None) -> bytes:
    """Return the bytes of a text in UTF-8, without a byte order mark."""
    encoding = encoding_of(data[:4], named)
    return data if encoding == "utf-8" else data.decode(encoding).encode()


def not_that(file: str, error: UnicodeError) -> str:
    """Return a message on a file that is not written in the encoding that it was read in."""
    encoding = str(getattr(error, "encoding", "")).replace("charmap", "") or "the encoding that the mapping names"
    encoding = "UTF-8" if encoding.replace("-", "").lower().startswith("utf8") else encoding
    place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
    return (
        f"{file} is not {encoding}{place}. Say as table.encoding in the mapping how it is written: {_EXAMPLES}; or "
        "save it as UTF-8."
    )


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
