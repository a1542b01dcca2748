"""Open a table of any format as a header and lines of text cells.

A file may be read while somebody writes it. So a file that changed meanwhile is refused, a last line without a line end
is marked, and where a mapping names the line that ends a whole file, a file without it is refused.
"""

import csv
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from producers.tables.formats import (
    MAX_JSON_BYTES,
    parquet_sheet,
    read_csv,
    read_json,
    read_json_lines,
    read_xml,
    workbook_sheet,
)
from producers.tables.lines import FILE_COLUMN, Layout, LineNumber, MissingColumn, Sheet, TableLine, begins_with
from producers.tables.parts import Part, not_that, open_text, parts_of, state_of
from schemas.errors import MappingError, TableError
from schemas.spelling import fold, same_text

_OBJECTS: Final = {"json": read_json, "jsonl": read_json_lines, "xml": read_xml}

_HEADER_SOUGHT_LINES: Final = 100
"""How far into a file a header is looked for, to say in which line it is."""


@contextmanager
def open_sheet(path: Path, layout: Layout) -> Iterator[Sheet]:
    """Open a table: a file, a folder or a ZIP archive of files. What each is, the ending of its name says.

    Several files are one table: their lines come one file after the other, under the columns of the first one. The
    others may have them in another order, and more.

    Raises `TableError` where a file is not what its name says, not whole, or changed meanwhile. It may do so here,
    while the lines are read, or at the end of the `with` block: only then the lines may be used.
    """
    name = str(path)
    try:
        parts = parts_of(path, layout)
        before = [state_of(part.path) for part in parts]
        written = datetime.fromtimestamp(max(state.written_ns for state in before) / 1e9, UTC)
        with ExitStack() as stack:
            sheet = replace(_sheet_of(stack, parts, layout), written=written)
            chosen = [(sheet.column(column, name), fold(text)) for column, text in layout.only]
            lines = (line for line in sheet.lines if _is_chosen(line, chosen)) if chosen else sheet.lines
            yield replace(sheet, lines=lines)
        if [state_of(part.path) for part in parts] != before:
            raise TableError(f"{path} changed while it was read. Wait until it is written, and try again.")
    except MissingColumn as error:
        raise MappingError(f"{error}{_header_hint(path, layout, error.column)}") from error
    except UnicodeError as error:
        raise TableError(not_that(name, error)) from error
    except (OSError, EOFError, zlib.error, csv.Error, BadZipFile) as error:
        raise TableError(
            f"{path} cannot be read as a table: {error}. Is the file whole, and its ending right?"
        ) from error


def _sheet_of(stack: ExitStack, parts: Sequence[Part], layout: Layout) -> Sheet:
    first = _opened(stack, parts[0], layout)
    lines = _data_lines(first.lines, layout, parts[0].name)
    if len(parts) == 1:
        return replace(first, lines=lines)
    return replace(first, lines=_numbered(_all_lines(first, lines, parts, layout)))


def _all_lines(
    first: Sheet, lines: Iterator[TableLine], parts: Sequence[Part], layout: Layout
) -> Iterator[tuple[str, TableLine]]:
    """Yield the lines of all files with the file's name, each under the columns of the first file.

    Raises `TableError` where a file lacks a column of them that is wanted.
    """
    for line in lines:
        yield Path(parts[0].name).name, line
    for part in parts[1:]:
        with ExitStack() as stack:
            sheet = _opened(stack, part, layout)
            places = {same_text(name): place for place, name in enumerate(sheet.header)}
            order = [places.get(same_text(name)) for name in first.header]
            for column in first.wanted:
                if order[column] is None:
                    raise TableError(
                        f"{part.name} has no column {first.header[column]!r}, which {parts[0].name} has. Is it a file "
                        "of this table? If it is not, name as table.files in the mapping those that are."
                    )
            for line in _data_lines(sheet.lines, layout, part.name):
                yield Path(part.name).name, _under(line, order, len(sheet.header))


def _under(line: TableLine, order: Sequence[int | None], width: int) -> TableLine:
    """Return a line with its cells in this order; one that has another number of cells than its header, as it is."""
    if line.fault or len(line.cells) != width:
        return line._replace(fault=line.fault or f"{len(line.cells)} cells under a header of {width}")
    return line._replace(cells=["" if place is None else line.cells[place] for place in order])


def _numbered(lines: Iterable[tuple[str, TableLine]]) -> Iterator[TableLine]:
    for place, (file, line) in enumerate(lines, start=1):
        yield line._replace(number=LineNumber.of(place, line.number, file))


def _opened(stack: ExitStack, part: Part, layout: Layout) -> Sheet:
    """Open one file. What is opened is closed with the stack."""
    sheet = _read(stack, part, layout)
    if layout.renamed:
        sheet = replace(sheet, header=layout.called(sheet.header))
    if not layout.with_file:
        return sheet
    name = Path(part.name).name
    lines = (line if line.fault else line._replace(cells=[*line.cells, name]) for line in sheet.lines)
    return replace(sheet, header=(*sheet.header, FILE_COLUMN), lines=lines, derived=1)


def _read(stack: ExitStack, part: Part, layout: Layout) -> Sheet:
    raw = stack.enter_context(part.open())
    if part.kind == "parquet":
        return stack.enter_context(parquet_sheet(raw, part.name))
    if part.kind == "workbook":
        return workbook_sheet(raw, layout, part.name)
    if part.kind in _OBJECTS:
        return _OBJECTS[part.kind](raw.read(MAX_JSON_BYTES + 1), layout, part.name)
    text = stack.enter_context(open_text(raw, layout.encoding))
    return read_csv(text, layout, part.name, layout.delimiter or ("\t" if part.kind == "tsv" else ","))


def _is_chosen(line: TableLine, chosen: Iterable[tuple[int, str]]) -> bool:
    """Return whether a line has these texts in these columns, as far as its cells are there and whole."""
    whole = line.cells if line.ended else line.cells[:-1]
    return all(column >= len(whole) or fold(whole[column]) == text for column, text in chosen)


def _data_lines(lines: Iterator[TableLine], layout: Layout, file: str) -> Iterator[TableLine]:
    """Yield the lines that are data. Raises `TableError` where the line that ends a whole file is not the last one."""
    ended_at = 0
    if not (layout.skip or layout.end or layout.unended):
        yield from (line for line in lines if line.fault or any(map(str.strip, line.cells)))
        return
    for line in lines:
        if line.fault:
            yield line
            continue
        if not any(map(str.strip, line.cells)) or (layout.skip and begins_with(line.cells, layout.skip)):
            continue
        if ended_at:
            raise TableError(f"{file} has line {line.number} after its end {layout.end!r} in line {ended_at}.")
        if layout.end is not None and begins_with(line.cells, (layout.end,)):
            ended_at = line.number
            continue
        yield line._replace(ended=True) if layout.unended else line
    if layout.end is not None and not ended_at:
        raise TableError(
            f"{file} is not whole: no line begins with {layout.end!r}, which table.end in the mapping names. "
            "Wait until all of it is written."
        )


def _header_hint(path: Path, layout: Layout, column: str) -> str:
    """Return a sentence on the line further down that has a cell of this name, or an empty string."""
    sought = replace(layout, header_rows=(0,), only=(), end=None, skip=(), renamed=())
    try:
        with ExitStack() as stack:
            sheet = _opened(stack, parts_of(path, sought)[0], sought)
            for line in islice(sheet.lines, _HEADER_SOUGHT_LINES):
                if same_text(column) in map(same_text, line.cells):
                    return f" Line {line.number} has it: say table.header_row = {line.number} in the mapping."
    except (TableError, MappingError, OSError, EOFError, UnicodeError, zlib.error, csv.Error):
        return ""
    return ""
