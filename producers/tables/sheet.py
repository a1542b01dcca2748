"""Open a table of any format as a header and lines of text cells; look at a file whose layout nobody has described yet.

A file may be read while somebody writes it. So a file that changed meanwhile is refused, a last line without a line end
is marked, and where a mapping names the line that ends a whole file, a file without it is refused.

A `Look` says how a file is written, and has its columns and some of its lines: what a first mapping is guessed from.
"""

import codecs
import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import orjson

from producers.tables.formats import (
    MAX_JSON_BYTES,
    largest_sheet,
    parquet_sheet,
    read_csv,
    read_json,
    read_json_lines,
    read_xml,
    workbook_sheet,
    xml_members,
)
from producers.tables.layout import (
    FILE_COLUMN,
    Layout,
    LineNumber,
    MissingColumn,
    Part,
    Sheet,
    TableLine,
    as_utf8,
    begins_with,
    encoding_of,
    not_that,
    open_text,
    parts_of,
    state_of,
)
from producers.tables.notation import GROUP_MARKS
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


_SAMPLE_BYTES: Final = 1024 * 1024
_SAMPLE_LINES: Final = 500
_TURKISH: Final = frozenset("ğışĞİŞ")
HAS_DECIMALS: Final = re.compile(r"\d+([.,])0{1,2}")
MAY_HAVE_MARKS: Final = re.compile(rf"\d{{1,3}}([{GROUP_MARKS}])\d{{3}}(\1\d{{3}})*")
_JAPANESE: Final = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]+")
_NUMBER: Final = re.compile(rf"{MAY_HAVE_MARKS.pattern}|{HAS_DECIMALS.pattern.replace('(', '(?:')}")


@dataclass(frozen=True, slots=True)
class Look:
    """What a table looks like: its layout, its header, and some of its lines."""

    layout: Layout
    header: tuple[str, ...]
    lines: list[Sequence[str]]
    are_paths: bool = False
    """Whether names of columns are paths through objects, with dots."""
    other_rows: tuple[str, ...] = ()
    """Lists in JSON or XML that lie as deep as the one whose objects are the lines."""

    def last_name(self, name: str) -> str:
        """What a column is called without the path to it."""
        return name.rpartition(".")[2] if self.are_paths else name

    def is_beside(self, name: str) -> bool:
        """Whether a column is of another list that lies as deep: of other votes than those that are the lines."""
        lines = _steps(self.layout.rows or "")
        for other in map(_steps, self.other_rows):
            fork = next((at for at, step in enumerate(other) if [step] != lines[at : at + 1]), len(other))
            if name.split(".")[: fork + 1] == other[: fork + 1]:
                return True
        return False

    def column(self, index: int) -> list[str]:
        """The filled cells of a column."""
        return [line[index].strip() for line in self.lines if index < len(line) and line[index].strip()]

    def is_filled(self, index: int) -> bool:
        """Whether a column has something in most lines."""
        return not self.lines or len(self.column(index)) * 2 > len(self.lines)

    def has_gaps(self, name: str) -> bool:
        """Whether a column begins filled and has empty cells further down, as merged cells are read."""
        index = self.header.index(name)
        cells = [line[index].strip() if index < len(line) else "" for line in self.lines]
        return bool(cells) and bool(cells[0]) and "" in cells

    def is_number(self, index: int) -> bool:
        """Whether most of a column's cells are numbers."""
        cells = self.column(index)
        numbers = sum(cell.isdecimal() or _NUMBER.fullmatch(cell) is not None for cell in cells)
        return bool(cells) and numbers * 10 > len(cells) * 7


def look_at(path: Path) -> Look:
    """Look at a file, a folder or ZIP of files. Raises `TableError` or `MappingError` where it cannot be read."""
    try:
        return _look(path)
    except (OSError, EOFError, zlib.error, BadZipFile, orjson.JSONDecodeError) as error:
        raise TableError(
            f"{path} cannot be read as a table: {error}. Is it there and whole, and its ending right?"
        ) from error


def _look(path: Path) -> Look:
    part = parts_of(path, Layout())[0]
    with part.open() as raw:
        sample = raw.read(_SAMPLE_BYTES)
    layout, lists = Layout(), list[str]()
    if part.kind in {"csv", "tsv"}:
        layout = _text_layout(sample, part)
    elif part.kind in {"json", "xml"}:
        lists = _deepest_lists(part)
        layout = replace(layout, rows=lists[-1] if lists else None)
    elif part.kind == "workbook":
        layout = replace(layout, sheet=largest_sheet(part.open(), part.name))
        layout = replace(layout, header_rows=_header_row(path, layout))
    with open_sheet(path, layout) as sheet:
        lines = [line.cells for line in islice(sheet.lines, _SAMPLE_LINES) if not line.fault]
        for _ in sheet.lines:  # to its end: a file that cannot be read is told here
            pass
        are_paths = part.kind in {"json", "jsonl", "xml"}
        return Look(layout, sheet.header, lines, are_paths, tuple(lists[:-1]))


def _text_layout(sample: bytes, part: Part) -> Layout:
    encoding = _encoding(sample)
    text = sample.decode(encoding or encoding_of(sample[:4], None), errors="replace").lstrip("\ufeff")
    rows = text.splitlines()[:_SAMPLE_LINES]
    widths = {mark: Counter(map(len, _cells(rows, mark))) for mark in (",", ";", "\t", "|")}
    best = max(widths, key=lambda mark: max(((width - 1) * lines for width, lines in widths[mark].items()), default=0))
    delimiter = None if best == ("\t" if part.kind == "tsv" else ",") else best
    width = widths[best].most_common(1)[0][0] if widths[best] else 0
    first = next((number for number, cells in enumerate(_cells(rows, best), start=1) if len(cells) >= width), 1)
    has_preface = any(row.strip() for row in rows[: first - 1])
    return Layout(delimiter, encoding=encoding, header_rows=(first,) if has_preface else ())


def _cells(rows: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    for row in rows:
        try:
            yield next(csv.reader([row], delimiter=delimiter), [])
        except csv.Error:
            yield []


def _encoding(sample: bytes) -> str | None:
    """Return the encoding of a text that is neither UTF-8 nor shows that it is UTF-16, else `None`."""
    certain = encoding_of(sample[:4], None)
    if certain != "utf-8":
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # the sample may end within a letter
    except UnicodeDecodeError:
        if _is_japanese(sample):
            return "cp932"
        turkish = sum(letter in _TURKISH for letter in sample.decode("cp1254", errors="replace"))
        return "cp1254" if turkish else "cp1252"
    return None


def _is_japanese(sample: bytes) -> bool:
    """Return whether a text is Shift-JIS: its kana and kanji stand together, and not alone as accents do."""
    try:
        text = codecs.getincrementaldecoder("cp932")().decode(sample)
    except UnicodeDecodeError:
        return False
    runs = _JAPANESE.findall(text)
    return 2 * sum(len(run) > 1 for run in runs) > len(runs)


def _header_row(path: Path, layout: Layout) -> tuple[int, ...]:
    """Return the line of a workbook that has most filled cells, if it is not the first one."""
    with open_sheet(path, replace(layout, header_rows=(0,))) as sheet:
        lines: list[TableLine] = list(islice(sheet.lines, _SAMPLE_LINES))
        for _ in sheet.lines:
            pass
    widest = max(lines, key=lambda line: sum(bool(cell.strip()) for cell in line.cells), default=None)
    return (widest.number,) if widest is not None and widest.number > 1 else ()


def _deepest_lists(part: Part) -> list[str]:
    """Return the paths to the innermost lists of objects in JSON or XML, the likeliest last; none where it is one."""
    with part.open() as raw:
        data = raw.read()
    found = xml_members(data, part.name) if part.kind == "xml" else orjson.loads(as_utf8(data, None))
    paths = sorted(set(_lists(found, "")) - {"[]"}, key=lambda path: (_depth(path), len(path), path))
    return [path for path in paths if _depth(path) == _depth(paths[-1])]


def _steps(path: str) -> list[str]:
    return path.replace("[]", "").replace("{}", "").split(".")


def _depth(path: str) -> int:
    return path.count("[]") + path.count("{}")


def _lists(found: object, path: str) -> Iterator[str]:
    if isinstance(found, list):
        items = [item for item in found if isinstance(item, dict)]
        if items:
            yield f"{path}[]"
        for item in items[:5]:
            yield from _lists(item, f"{path}[]")
    elif isinstance(found, dict) and _is_keyed(found):
        yield f"{path}{{}}"
        for item in list(found.values())[:5]:
            yield from _lists(item, f"{path}{{}}")
    elif isinstance(found, dict):
        for name, value in found.items():
            yield from _lists(value, f"{path}.{name}" if path else name)


def _is_keyed(found: dict[str, object]) -> bool:
    """Return whether an object is a list whose keys are ids: all keys have digits, all values are objects."""
    return bool(found) and all(isinstance(value, dict) and any(map(str.isdecimal, key)) for key, value in found.items())
