"""Tables as they come: CSV, gzipped CSV, Parquet or JSON, read as lines of text cells under a header."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Final, NamedTuple

from pyarrow import ArrowException, parquet

from producers.tables.records import cell, read_records
from producers.turkish import slug
from schemas.errors import MappingError, TableError

_NEAREST_COLUMNS: Final = 3

_PARQUET_BATCH_ROWS: Final = 8_192
"""Rows of Parquet turned into text at once: a few MiB."""


class Line(NamedTuple):
    """One line of a table: its number as an editor or a Parquet viewer counts, and its cells."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open table: its column names, and its lines, which can be read once."""

    header: tuple[str, ...]
    lines: Iterator[Line]


@contextmanager
def open_sheet(path: Path, delimiter: str, *, rows: str | None = None, each: str | None = None) -> Iterator[Sheet]:
    """Open a table by its name's ending: `.parquet`, `.json`, `.gz` (a gzipped CSV), anything else is CSV in UTF-8.

    `rows` and `each` are for JSON: see `read_records`.

    Raises `TableError`, here or while its lines are read, where the file is not what its name says.
    """
    try:
        if path.suffix.lower() == ".parquet":
            with path.open("rb") as file:
                yield _parquet(file)
        elif path.suffix.lower() == ".json":
            header, records = read_records(path, rows, each)
            yield Sheet(header, (Line(number, cells) for number, cells in records))
        elif path.suffix.lower() == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
                yield _csv(text, delimiter)
        else:
            with path.open(encoding="utf-8-sig", newline="") as text:
                yield _csv(text, delimiter)
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8 and try again.") from error
    except (OSError, EOFError, zlib.error, csv.Error, ArrowException) as error:
        raise TableError(
            f"{path} cannot be read as a table: {error}. Is the file whole, and its ending right?"
        ) from error


def column_of(name: str, header: Sequence[str], file: str) -> int:
    """Where the column is. Raises `MappingError` where there is none, or more than one, and names the nearest."""
    if header.count(name) > 1:
        raise MappingError(f"{file} has {header.count(name)} columns named {name!r}. Rename all but one.")
    if name in header:
        return header.index(name)
    by_slug = {slug(column): column for column in header}
    near = [by_slug[match] for match in get_close_matches(slug(name), by_slug, _NEAREST_COLUMNS, 0.5)]
    hint = f"Nearest: {', '.join(map(repr, near))}" if near else f"It has: {', '.join(map(repr, header))}"
    raise MappingError(f"{file} has no column {name!r}, which the mapping names. {hint}.")


def _csv(text: IO[str], delimiter: str) -> Sheet:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header = next(reader, [])
    lines = (Line(reader.line_num, cells) for cells in reader if cells)
    return Sheet(tuple(name.strip() for name in header), lines)


def _parquet(file: IO[bytes]) -> Sheet:
    table = parquet.ParquetFile(file)
    return Sheet(tuple(table.schema_arrow.names), _parquet_lines(table))


def _parquet_lines(table: parquet.ParquetFile) -> Iterator[Line]:
    number = 0
    for batch in table.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
        columns = [[cell(value) for value in column.to_pylist()] for column in batch.columns]
        for cells in zip(*columns, strict=True):
            number += 1
            yield Line(number, cells)
