"""What a file looks like that nobody has described yet: how it is written, its columns, and some of its lines."""

import codecs
import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import orjson

from producers.tables.formats import largest_sheet, xml_members
from producers.tables.lines import Layout, TableLine
from producers.tables.notation import GROUP_MARKS
from producers.tables.parts import Part, as_utf8, encoding_of, parts_of
from producers.tables.sheet import open_sheet
from schemas.errors import TableError

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
