"""How a table lies in its files, whatever their format: which files, in which encoding, its header and lines of cells.

A table is one file, those of a folder, or those in a ZIP archive; gzipped or not. A text is in the encoding that the
mapping names, or in UTF-8, or in UTF-16 where the first bytes show it. A sheet is a header and lines of text cells.
"""

import codecs
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatch
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple

from schemas.errors import MappingError, TableError
from schemas.spelling import fold, same_text

_GROUPED: Final = re.compile(r"\d{1,3}\.\d{3}")
"""A number with decimals that looks like one with a mark for thousands."""

_NEAREST_COLUMNS: Final = 3

FILE_COLUMN: Final = "@file"
"""The column that has the name of the file, where a mapping asks for it."""

_COMMON_DELIMITERS: Final = (";", "\t", "|", ",")

MAY_BE_CUT: Final = (
    "the file ends here without a line end, and nothing shows that the last cell is whole. Was it cut off? If it was "
    "not, end the line; if the file never ends it, say table.unended = true in the mapping"
)
"""What a message says of a last line that may be cut off."""


class LineNumber(int):
    """A line's number where a table is several files: its place among all lines, written `3 of b.csv`."""

    text: str

    @classmethod
    def of(cls, place: int, number: int, file: str) -> "LineNumber":
        """Return the number of the line that is line `number` of the file."""
        made = cls(place)
        made.text = f"{number} of {file}"
        return made

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __str__(self) -> str:
        return self.text


class TableLine(NamedTuple):
    """One line of a table: its number as an editor or a Parquet viewer counts, from 1, and its cells.

    `ended`: whether it had a line end. The last line of a CSV may have none, and then it may be cut off.
    `fault`: why the line cannot be used, or an empty string; `is_aside`: that is no fault of the file, see `SetAside`.
    """

    number: int
    cells: Sequence[str]
    ended: bool = True
    fault: str = ""
    is_aside: bool = False


class MissingColumn(MappingError):
    """A table has no column of the name that the mapping has for it."""

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open table: its column names, and its lines, which can be read once.

    - `written`: when the file says that it was written; the latest of several files.
    - `wanted`: the columns that were asked for. Ask for all of them before the first line is read.
    - `derived`: how many of the last columns are made of the others.
    """

    header: tuple[str, ...]
    lines: Iterator[TableLine]
    written: datetime | None = None
    wanted: set[int] = field(default_factory=set)
    derived: int = 0

    @property
    def last_column(self) -> int:
        """The last column that the file itself has: the one that is cut where a file is cut off."""
        return len(self.header) - self.derived - 1

    def column(self, name: str, file: str) -> int:
        """Return the index of a column, as `column_of`, and note that it is wanted."""
        index = column_of(name, self.header, file)
        self.wanted.add(index)
        return index


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table's file is laid out.

    - `format`: what the file is, such as `csv`; without it the ending of its name says so.
    - `encoding` of a text; without it UTF-8, or UTF-16 where the text shows that it is.
    - `delimiter` separates the cells of a CSV, `quote` is around cells that have it in them.
    - `header_rows`: the lines whose cells name the columns, `(0,)` for none: then columns are called `1`, `2` and on.
      Without it the header is the first line that is not empty.
    - `sheet` of a workbook; `files` of a folder or ZIP, as patterns; `rows` and `each` are for JSON: see `formats`.
    - `skip`: lines whose first filled cell begins with one of these words are no data, wherever they are.
    - `end`: the last line of a whole file begins with this word; without it a file is not whole.
    - `only`: lines that have another text in one of these columns are left out, such as those of another contest.
    - `renamed`: what some files call a column, with its name in the mapping.
    - `with_file`: a last column, `@file`, has the name of the file.
    - `unended`: the file's writer never ends the last line, so a missing line end does not mean that it was cut off.
    """

    delimiter: str | None = None
    rows: str | None = None
    each: str | None = None
    skip: tuple[str, ...] = ()
    end: str | None = None
    unended: bool = False
    only: tuple[tuple[str, str], ...] = ()
    format: str | None = None
    encoding: str | None = None
    quote: str = '"'
    header_rows: tuple[int, ...] = ()
    sheet: str | None = None
    files: tuple[str, ...] = ()
    with_file: bool = False
    renamed: tuple[tuple[str, str], ...] = ()

    def called(self, header: Iterable[str]) -> tuple[str, ...]:
        """Return the names of columns as the mapping has them, where a file calls them otherwise."""
        names = {same_text(name): meant for name, meant in self.renamed}
        return tuple(names.get(same_text(name), name) for name in header)


def begins_with(cells: Iterable[str], words: Iterable[str]) -> bool:
    """Return whether the first filled cell begins with one of these words, whatever their case and accents.

    A word without a letter or digit, such as `#`, is compared as it is.
    """
    begin = next((cell.strip() for cell in cells if cell.strip()), "")
    return any(_begins(begin, word) for word in words)


def _begins(text: str, word: str) -> bool:
    if any(map(str.isalnum, word)):
        return f"{fold(text)}-".startswith(f"{fold(word)}-")
    return text.startswith(word)


def column_of(name: str, header: Sequence[str], file: str) -> int:
    """Return the index of a column, from 0.

    Case and accents matter here, but not how an accent is encoded. Raises `MappingError` where there is none of that
    name, or more than one; it names the nearest.
    """
    found = [index for index, column in enumerate(header) if same_text(column) == same_text(name)]
    if len(found) > 1:
        raise MappingError(f"{file} has {len(found)} columns named {name!r}. Rename all but one.")
    if found:
        return found[0]
    by_key = {fold(column): column for column in reversed(header)}
    near = [by_key[match] for match in get_close_matches(fold(name), by_key, _NEAREST_COLUMNS, 0.5)]
    hint = f"Nearest: {_listed_near(near, name)}" if near else f"It has: {', '.join(map(repr, header))}"
    unsplit = [mark for mark in _COMMON_DELIMITERS if len(header) == 1 and mark in header[0]]
    if unsplit:
        hint += f". All of that is one cell: say table.delimiter = {toml_text(unsplit[0])} in the mapping"
    raise MissingColumn(f"{file} has no column {name!r}, which the mapping names. {hint}.", name)


def _listed_near(near: Sequence[str], name: str) -> str:
    """Return the nearest columns, and what to say where the first of them is the one that is meant."""
    key = f"table.renamed = {{ {toml_text(near[0])} = {toml_text(name)} }}"
    return f"{', '.join(map(repr, near))}. Mend its name in the mapping, or if only some files call it so, say {key}"


def toml_text(text: str) -> str:
    """Return a text as a TOML file has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return f'"{escaped}"'


def as_cell(value: object) -> str:
    """Return a value as the text that a CSV would have.

    A whole number that comes as a float, as in a column with gaps, loses its decimals. A number such as 1.234 is
    written with an exponent, so that it is not read as a grouped 1234, whatever marks the table's numbers have.
    """
    if value is None:
        return ""
    if isinstance(value, float | Decimal) and isfinite(value):
        if value == int(value):
            return str(int(value))
        return f"{value}e0" if _GROUPED.fullmatch(str(value)) else str(value)
    return str(value)


def under_header(rows: Iterator[TableLine], layout: Layout, file: str) -> Sheet:
    """Return rows as a table: those that name its columns are its header, what comes after them its lines.

    Raises `MappingError` where a row that the mapping names is not there.
    """
    if layout.header_rows == (0,):
        first = next((row for row in rows if row.cells), None)
        if first is None:
            return Sheet((), iter(()))
        header = tuple(str(number) for number in range(1, len(first.cells) + 1))
        return Sheet(header, _chained(first, rows))
    if not layout.header_rows:
        named = (row.cells for row in rows if any(row.cells) and not begins_with(row.cells, layout.skip))
        return Sheet(tuple(name.strip() for name in next(named, ())), rows)
    found: list[Sequence[str]] = []
    for number in layout.header_rows:
        row = next((row for row in rows if row.number >= number), None)
        if row is None or row.fault:
            raise MappingError(f"{file} has no readable line {number}, which table.header_row in the mapping names.")
        found.append(row.cells)
    return Sheet(_joined(found), rows)


def _chained(first: TableLine, rows: Iterator[TableLine]) -> Iterator[TableLine]:
    yield first
    yield from rows


def _joined(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of columns that several rows have together: `Votos` over `PAN` is `Votos PAN`.

    An empty cell of an upper row is part of the cell on its left, as where cells are merged.
    """
    upper, lowest = rows[:-1], rows[-1]
    width = max(map(len, rows))
    parts: list[list[str]] = [[] for _ in range(width)]
    for row in upper:
        text = ""
        for index in range(width):
            text = (row[index].strip() if index < len(row) else "") or text
            parts[index].append(text)
    for index, cell in enumerate(lowest):
        parts[index].append(cell.strip())
    return tuple(" ".join(filter(None, each)) for each in parts)


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
