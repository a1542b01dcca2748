"""Workbooks and Parquet files as tables. Each needs a library that not everybody installs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import starmap
from typing import IO, Any, Final

from producers.tables.lines import Layout, Sheet, TableLine, as_cell, under_header
from schemas.errors import MappingError, TableError

_BATCH_ROWS: Final = 8_192
"""Rows of a Parquet file that are turned into text at once: a few MiB."""


@contextmanager
def parquet_sheet(raw: IO[bytes], file: str) -> Iterator[Sheet]:
    """Open a Parquet file. Raises `OSError`, here or while its lines are read, where it is no whole one."""
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  170 MB that not everybody installs
    except ModuleNotFoundError as missing:
        raise _not_installed(file, "Parquet", missing.name, "parquet") from missing
    try:
        table = parquet.ParquetFile(raw)
        columns = (batch.columns for batch in table.iter_batches(batch_size=_BATCH_ROWS))
        rows = (row for batch in columns for row in zip(*map(_cells, batch), strict=True))
        yield Sheet(tuple(table.schema_arrow.names), starmap(TableLine, enumerate(rows, start=1)))
    except ArrowException as error:
        raise OSError(str(error)) from error


def _cells(column: Any) -> list[str]:  # noqa: ANN401  pyarrow has no types
    return [as_cell(value) for value in column.to_pylist()]


def workbook_sheet(raw: IO[bytes], layout: Layout, file: str) -> Sheet:
    """Read one sheet of a workbook: `.xlsx`, `.xls`, `.ods`. Raises `TableError` where it is none.

    Raises `MappingError` where it has several sheets and the mapping does not say which, or not the one that it says.
    """
    with _workbook(raw, file) as book:
        names = book.sheet_names
        wanted = layout.sheet if layout.sheet is not None else names[0] if len(names) == 1 else None
        if wanted not in names:
            said = f"no sheet {wanted!r}" if wanted else f"{len(names)} sheets, and table.sheet names none"
            raise MappingError(f"{file} has {said}. It has: {', '.join(map(repr, names))}.")
        rows = book.get_sheet_by_name(str(wanted)).to_python(skip_empty_area=False)
    lines = (TableLine(number, list(map(as_cell, row))) for number, row in enumerate(rows, start=1))
    return under_header(lines, layout, file)


def largest_sheet(raw: IO[bytes], file: str) -> str | None:
    """Return the name of the sheet with most lines; `None` where there is one only. Raises as `workbook_sheet`."""
    with raw, _workbook(raw, file) as book:
        lines = {name: book.get_sheet_by_name(name).total_height for name in book.sheet_names}
    return max(lines, key=lambda name: lines[name]) if len(lines) > 1 else None


@contextmanager
def _workbook(raw: IO[bytes], file: str) -> Iterator[Any]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        raise _not_installed(file, "a workbook", missing.name, "xlsx") from missing
    try:
        yield CalamineWorkbook.from_filelike(raw)
    except (CalamineError, ValueError) as error:
        raise TableError(
            f"{file} cannot be read as a workbook: {error}. Is the file whole, and its ending right?"
        ) from error


def _not_installed(file: str, kind: str, module: str | None, extra: str) -> TableError:
    return TableError(f'{file} is {kind}, and {module} is not installed: pip install "sandik[{extra}]".')
