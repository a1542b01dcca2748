"""Official tables as they come: CSV, gzipped CSV or Parquet, read as lines of text cells under a header."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

from pyarrow import ArrowException, parquet

from schemas.errors import TableError

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
def open_sheet(path: Path, delimiter: str) -> Iterator[Sheet]:
    """Open a table by its name's ending: `.parquet`, `.gz` (a gzipped CSV), anything else is CSV in UTF-8.

    Raises `TableError`, here or while its lines are read, where the file is not what its name says.
    """
    try:
        if path.suffix.lower() == ".parquet":
            with path.open("rb") as file:
                yield _parquet(file)
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
        columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
        for cells in zip(*columns, strict=True):
            number += 1
            yield Line(number, cells)


def _text(value: object) -> str:
    """A Parquet value as the text that a CSV would have; whole floats (a column with gaps) lose their `.0`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
