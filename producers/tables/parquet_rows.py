"""A Parquet file as rows of text cells under a header. It takes the extra `parquet`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyarrow import ArrowException, parquet

from producers.tables.records import cell

_BATCH_ROWS: Final = 8_192
"""Rows turned into text at once: a few MiB."""


@contextmanager
def open_parquet(path: Path) -> Iterator[tuple[tuple[str, ...], Iterator[tuple[str, ...]]]]:
    """Open the file: its column names, and its rows, which can be read once.

    Raises `OSError`, here or while the rows are read, where it is no whole Parquet.
    """
    try:
        with path.open("rb") as file:
            table = parquet.ParquetFile(file)
            yield tuple(table.schema_arrow.names), _rows(table)
    except ArrowException as error:
        raise OSError(str(error)) from error


def _rows(table: parquet.ParquetFile) -> Iterator[tuple[str, ...]]:
    for batch in table.iter_batches(batch_size=_BATCH_ROWS):
        columns = [[cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield from zip(*columns, strict=True)
