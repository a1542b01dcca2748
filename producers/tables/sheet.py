"""Tables of any format, CSV, gzipped CSV, Parquet or JSON, as a header and lines of text cells.

A file may be read while somebody writes it. So a file that changed meanwhile is refused, a last line without a line end
is marked, and where a mapping names the line that ends a whole file, a file without it is refused.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from itertools import starmap
from math import isfinite
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import orjson

from schemas.errors import MappingError, TableError
from schemas.spelling import fold, same_text

MAX_JSON_BYTES: Final = 64 * 1024 * 1024
"""The largest JSON file: 973 districts with 49 candidates are 5 MB as verbose as feeds get; ten times that."""

_BATCH_ROWS: Final = 8_192
"""Rows of a Parquet file that are turned into text at once: a few MiB."""

_GROUPED: Final = re.compile(r"\d{1,3}\.\d{3}")
"""A number with decimals that looks like one with a mark for thousands."""

_NEAREST_COLUMNS: Final = 3

MAY_BE_CUT: Final = (
    "the file ends here without a line end, and nothing shows that the last cell is whole. Was it cut off? If it was "
    "not, end the line; if the file never ends it, say table.unended = true in the mapping"
)
"""What a message says of a last line that may be cut off."""


class TableLine(NamedTuple):
    """One line of a table: its number as an editor or a Parquet viewer counts, from 1, and its cells.

    `ended`: whether it had a line end. The last line of a CSV may have none, and then it may be cut off.
    """

    number: int
    cells: Sequence[str]
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open table: its column names, and its lines, which can be read once."""

    header: tuple[str, ...]
    lines: Iterator[TableLine]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table's file is laid out.

    - `delimiter` separates the cells of a CSV; `rows` and `each` are for JSON: see `read_json`.
    - `skip`: lines whose first filled cell begins with one of these words are no data, wherever they are.
    - `end`: the last line of a whole file begins with this word; without it a file is not whole.
    - `only`: lines that have another text in one of these columns are left out, such as those of another contest.
    - `unended`: the file's writer never ends the last line, so a missing line end does not mean that it was cut off.
    """

    delimiter: str = ","
    rows: str | None = None
    each: str | None = None
    skip: tuple[str, ...] = ()
    end: str | None = None
    unended: bool = False
    only: tuple[tuple[str, str], ...] = ()


class FileState(NamedTuple):
    """What differs once a file was changed or replaced: its inode, its size in bytes, and its time of modification."""

    inode: int
    size_bytes: int
    written_ns: int


def state_of(path: Path) -> FileState:
    """Return the file's state now. Raises `OSError` where it is not there."""
    status = path.stat()
    return FileState(status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def open_sheet(path: Path, layout: Layout) -> Iterator[Sheet]:
    """Open a table by its name's ending: `.parquet`, `.json`, `.gz` (a gzipped CSV), anything else is CSV in UTF-8.

    Raises `TableError` where the file is not what its name says, not whole, or changed meanwhile. It may do so here,
    while the lines are read, or at the end of the `with` block: only then the lines may be used.
    """
    try:
        before = state_of(path)
        with _opened(path, layout) as sheet:
            chosen = [(column_of(column, sheet.header, str(path)), fold(text)) for column, text in layout.only]
            lines = _data_lines(sheet.lines, layout, path)
            yield Sheet(sheet.header, (line for line in lines if _is_chosen(line, chosen)))
        if state_of(path) != before:
            raise TableError(f"{path} changed while it was read. Wait until it is written, and try again.")
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8 and try again.") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise TableError(
            f"{path} cannot be read as a table: {error}. Is the file whole, and its ending right?"
        ) from error


@contextmanager
def _opened(path: Path, layout: Layout) -> Iterator[Sheet]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        with _parquet(path) as sheet:
            yield sheet
    elif kind == ".json":
        yield read_json(path, layout.rows, layout.each)
    elif kind == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
            yield _csv(text, layout)
    else:
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield _csv(text, layout)


def _is_chosen(line: TableLine, chosen: Iterable[tuple[int, str]]) -> bool:
    """Return whether a line has these texts in these columns, as far as its cells are there and whole."""
    whole = line.cells if line.ended else line.cells[:-1]
    return all(column >= len(whole) or fold(whole[column]) == text for column, text in chosen)


def _data_lines(lines: Iterator[TableLine], layout: Layout, path: Path) -> Iterator[TableLine]:
    """Yield the lines that are data. Raises `TableError` where the line that ends a whole file is not the last one."""
    ended_at = 0
    for line in lines:
        if not any(map(str.strip, line.cells)) or (layout.skip and begins_with(line.cells, layout.skip)):
            continue
        if ended_at:
            raise TableError(f"{path} has line {line.number} after its end {layout.end!r} in line {ended_at}.")
        if layout.end is not None and begins_with(line.cells, (layout.end,)):
            ended_at = line.number
            continue
        yield line._replace(ended=True) if layout.unended else line
    if layout.end is not None and not ended_at:
        raise TableError(
            f"{path} is not whole: no line begins with {layout.end!r}, which table.end in the mapping names. "
            "Wait until all of it is written."
        )


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
    hint = f"Nearest: {', '.join(map(repr, near))}" if near else f"It has: {', '.join(map(repr, header))}"
    raise MappingError(f"{file} has no column {name!r}, which the mapping names. {hint}.")


def _csv(text: IO[str], layout: Layout) -> Sheet:
    raw_lines = _RawLines(text)
    reader = csv.reader(raw_lines, delimiter=layout.delimiter, strict=True)
    header = next((cells for cells in reader if any(cells) and not begins_with(cells, layout.skip)), [])
    lines = (TableLine(reader.line_num, cells, raw_lines.ended) for cells in reader if cells)
    return Sheet(tuple(name.strip() for name in header), lines)


class _RawLines:
    """The lines of a text, for `csv.reader`. `ended`: whether the last one that was read had a line end."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.ended = True

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.ended = line.endswith(("\n", "\r"))
            yield line


@contextmanager
def _parquet(path: Path) -> Iterator[Sheet]:
    """Open a Parquet file. Raises `OSError`, here or while its lines are read, where it is no whole one."""
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  170 MB that not everybody installs
    except ModuleNotFoundError as missing:
        raise TableError(
            f'{path} is Parquet, and {missing.name} is not installed: pip install "sandik[parquet]".'
        ) from missing
    try:
        with path.open("rb") as file:
            table = parquet.ParquetFile(file)
            columns = (batch.columns for batch in table.iter_batches(batch_size=_BATCH_ROWS))
            rows = (row for batch in columns for row in zip(*map(_cells, batch), strict=True))
            yield Sheet(tuple(table.schema_arrow.names), starmap(TableLine, enumerate(rows, start=1)))
    except ArrowException as error:
        raise OSError(str(error)) from error


def _cells(column: Any) -> list[str]:  # noqa: ANN401  pyarrow has no types
    return [as_cell(value) for value in column.to_pylist()]


def read_json(path: Path, rows: str | None, each: str | None) -> Sheet:
    """Read a JSON file with a list of objects. Each object becomes a line, nested names are joined by a dot.

    Args:
        path: The file.
        rows: Where in it the list is, such as `data.districts`; without it the file is that list.
        each: The name of a list inside every object, such as `candidates`: each object in it becomes a line of its own,
            with the cells of the object around it.

    Raises `TableError` where the file is not JSON of that shape, `OSError` where it cannot be read.

    """
    if path.stat().st_size > MAX_JSON_BYTES:
        raise TableError(f"{path} is over {MAX_JSON_BYTES} bytes. Split it.")
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise TableError(f"{path} is not readable as JSON: {error}.") from error
    for step in rows.split(".") if rows else ():
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        where = f"at {rows!r}" if rows else "at the top"
        raise TableError(f"{path} has no list of objects {where}. Say as table.rows in the mapping where it is.")
    return sheet_of(found, each)


def sheet_of(objects: Iterable[dict[str, object]], each: str | None) -> Sheet:
    """Return objects as a table. Its lines are numbered by the objects, from 1; `each` is as in `read_json`."""
    lines = [(number, cells) for number, item in enumerate(objects, start=1) for cells in _flat_lines(item, each)]
    header = tuple(dict.fromkeys(name for _, cells in lines for name in cells))
    return Sheet(header, (TableLine(number, [cells.get(name, "") for name in header]) for number, cells in lines))


def _flat_lines(item: dict[str, object], each: str | None) -> list[dict[str, str]]:
    if each is None:
        return [_flat(item)]
    around = _flat({name: value for name, value in item.items() if name != each})
    inside = item.get(each)
    if not isinstance(inside, list) or not inside:
        return [around]
    return [around | _flat({each: one}) for one in inside]


def _flat(item: dict[str, object], prefix: str = "") -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{prefix}{name}.")
        else:
            cells[f"{prefix}{name}"] = as_cell(value)
    return cells


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
