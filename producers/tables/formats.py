"""The formats of a table, each read as a header and lines of cells: CSV, JSON, JSON lines, XML, workbooks, Parquet.

In CSV a line with a broken quote is a fault of that line and takes no other line with it. Workbooks and Parquet need a
library that not everybody installs.

In JSON and XML objects are lines, and nested names are joined by a dot. Where in the file the lines are, a mapping says
in one of two ways:

- `rows = "data.districts"` leads to a list of objects, `each = "candidates"` to a list inside each of them. Names begin
  at the object: `name`, `candidates.votes`.
- `rows = "Region[].b[].x.c[]"` leads through lists of any depth: `[]` is each item of a list, `{}` each value of an
  object, whose key is then the cell `@key`. Names begin at the top: `Region.name`, `Region.b.x.c.votes`. What lies
  beside the path is a cell of every line below it. An object without the innermost list gives no line.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import starmap
from typing import IO, Any, Final, NamedTuple
from xml.etree import ElementTree as ET

import orjson

from producers.tables.layout import Layout, Sheet, TableLine, as_cell, as_utf8, under_header
from schemas.errors import MappingError, TableError

MAX_RECORD_LINES: Final = 100
"""The most lines that a cell goes over: a remark of a page."""

_OPEN: Final = "unexpected end of data"
"""What `csv` says of a quote that nothing closes."""


class _Line(NamedTuple):
    number: int
    text: str


class _Broken(NamedTuple):
    number: int
    why: str


class _Records:
    """The records of a text, for `csv.reader`, each as one string, however many lines it goes over.

    - `number`: the line in which the last record ended; `ended`: whether that line had a line end.
    - `broken`: lines that are left out, with the reason.
    - `width`: how many cells the header has, 0 before it was read.
    """

    def __init__(self, text: IO[str], delimiter: str, quote: str) -> None:
        self._text = enumerate(text, start=1)
        self._delimiter = delimiter
        self._quote = quote
        self._again: deque[_Line] = deque()
        self.number = 0
        self.ended = True
        self.width = 0
        self.broken: list[_Broken] = []

    def __iter__(self) -> Iterator[str]:
        quote = self._quote
        for number, line in self._text:
            self.number = number
            if quote and quote in line:
                yield from self._quoted(_Line(number, line))
                while self._again:
                    yield from self._quoted(self._again.popleft())
            else:
                self.ended = line.endswith(("\n", "\r"))
                yield line

    def _next(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        return next((_Line(number, line) for number, line in self._text), None)

    def _quoted(self, first: _Line) -> Iterator[str]:
        taken = [first]
        why = self._refusal(first.text)
        while why == _OPEN and len(taken) <= MAX_RECORD_LINES:
            line = self._next()
            if line is None:
                break
            taken.append(line)
            if self._quote in line.text:
                why = self._refusal("".join(each.text for each in taken))
        if not why and not self._swallows(taken):
            self.number, self.ended = taken[-1].number, taken[-1].text.endswith(("\n", "\r"))
            yield "".join(each.text for each in taken)
            return
        reason = "a quote in it is opened and not closed" if why in {"", _OPEN} else f"its quotes are broken: {why}"
        self.broken.append(_Broken(first.number, reason))
        self._again.extendleft(reversed(taken[1:]))

    def _cells(self, text: str) -> list[str]:
        reader = csv.reader([text], delimiter=self._delimiter, quotechar=self._quote, strict=True)
        return next(reader, [])

    def _refusal(self, text: str) -> str:
        """Return why the text is no record, or an empty string."""
        try:
            self._cells(text)
        except csv.Error as error:
            return str(error)
        return ""

    def _swallows(self, taken: list[_Line]) -> bool:
        """Return whether lines that were joined to one record look like records of their own."""
        if len(taken) == 1 or not self.width:
            return False
        if len(self._cells("".join(line.text for line in taken))) != self.width:
            return True
        return self.width > 1 and any(
            self._quote not in line.text and line.text.count(self._delimiter) + 1 == self.width for line in taken[1:]
        )


def read_csv(text: IO[str], layout: Layout, file: str, delimiter: str) -> Sheet:
    """Return a CSV as a table. Its lines are read as they are asked for; `csv.Error` may come then."""
    records = _Records(text, delimiter, layout.quote)
    if layout.quote:
        reader = csv.reader(records, delimiter=delimiter, quotechar=layout.quote, strict=True)
    else:
        reader = csv.reader(records, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    sheet = under_header(_lines(reader, records), layout, file)
    records.width = len(sheet.header)
    return sheet


def _lines(reader: Iterator[list[str]], records: _Records) -> Iterator[TableLine]:
    broken = records.broken
    for cells in reader:
        if broken:
            yield from _faults(broken)
        if cells:
            yield TableLine(records.number, cells, records.ended)
    yield from _faults(broken)


def _faults(broken: list[_Broken]) -> Iterator[TableLine]:
    for number, why in broken:
        yield TableLine(number, (), fault=why)
    broken.clear()


MAX_JSON_BYTES: Final = 64 * 1024 * 1024
"""The largest JSON or XML file: 973 districts with 49 candidates are 5 MB as verbose as feeds get; ten times that."""

_KEYS_SHOWN: Final = 8

_STEP: Final = re.compile(r"([^.\[\]{}]*)(\[\]|\{\}|)")


class _Step(NamedTuple):
    name: str
    walks: str


def read_json(data: bytes, layout: Layout, file: str) -> Sheet:
    """Read a JSON file. Raises `TableError` where it is not JSON of the shape that the mapping says."""
    found = _parsed(_within_limit(data, file), layout, file)
    return _table(found, layout, file)


def read_json_lines(data: bytes, layout: Layout, file: str) -> Sheet:
    """Read a file with a JSON object on each line. A line that is none is a faulty line."""
    lines: list[tuple[int, dict[str, str]]] = []
    faults: list[TableLine] = []
    texts = as_utf8(_within_limit(data, file), layout.encoding).splitlines()
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            item = orjson.loads(text)
            if not isinstance(item, dict):
                raise ValueError("it is no object")  # noqa: TRY301, TRY004  a fault of the line like the others
        except ValueError as error:
            faults.append(TableLine(number, (), fault=f"it is not readable as a JSON object: {error}"))
            continue
        if _is_path(layout.rows):
            lines += [(number, cells) for cells in _walk(item, _steps(layout.rows), "", {}, file)]
        else:
            lines += [(number, cells) for cells in _flat_lines(item, layout.each)]
    return _sheet(lines, faults)


def read_xml(data: bytes, layout: Layout, file: str) -> Sheet:
    """Read an XML file as JSON: attributes and elements are members, elements of one name are a list.

    The root element is the top. An element that has nothing but a text is that text.
    """
    return _table(xml_members(data, file), layout, file)


def xml_members(data: bytes, file: str) -> object:
    """Return an XML file as JSON would have it. Raises `TableError`."""
    try:
        root = ET.parse(io.BytesIO(_within_limit(data, file))).getroot()  # noqa: S314  expat limits expansion
    except (ET.ParseError, LookupError, ValueError) as error:
        raise TableError(f"{file} is not readable as XML: {error}.") from error
    return _member(root)


def _within_limit(data: bytes, file: str) -> bytes:
    if len(data) > MAX_JSON_BYTES:
        raise TableError(f"{file} is over {MAX_JSON_BYTES} bytes. Split it.")
    return data


def _parsed(data: bytes, layout: Layout, file: str) -> object:
    try:
        return orjson.loads(as_utf8(data, layout.encoding))
    except orjson.JSONDecodeError as error:
        raise TableError(f"{file} is not readable as JSON: {error}.") from error


def _table(found: object, layout: Layout, file: str) -> Sheet:
    if _is_path(layout.rows):
        steps = _steps(layout.rows)
        return _sheet(list(enumerate(_walk(found, steps, "", {}, file), start=1)))
    for step in layout.rows.split(".") if layout.rows else ():
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        where = f"at {layout.rows!r}" if layout.rows else "at the top"
        raise TableError(
            f"{file} has no list of objects {where}. Say as table.rows in the mapping where it is, such as "
            '"data.districts", or "Region[].District[]" for lists in one another.'
        )
    return sheet_of(found, layout.each)


def sheet_of(objects: Iterable[dict[str, object]], each: str | None) -> Sheet:
    """Return objects as a table. Its lines are numbered by the objects, from 1; `each` is a list inside of them."""
    return _sheet(
        [(number, cells) for number, item in enumerate(objects, start=1) for cells in _flat_lines(item, each)]
    )


def _sheet(lines: list[tuple[int, dict[str, str]]], faults: Iterable[TableLine] = ()) -> Sheet:
    header = tuple(dict.fromkeys(name for _, cells in lines for name in cells))
    rows = [TableLine(number, [cells.get(name, "") for name in header]) for number, cells in lines]
    return Sheet(header, iter(sorted([*rows, *faults], key=lambda row: row.number)))


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


def _is_path(rows: str | None) -> bool:
    return rows is not None and ("[]" in rows or "{}" in rows)


def check_path(rows: str) -> str:
    """Return where the lines of a file are if it is a path. Raises `ValueError`."""
    if _is_path(rows) and not all(_STEP.fullmatch(step) for step in rows.split(".")):
        raise ValueError(f"{rows!r} is no path such as Region[].District[].Results.Party[]")
    return rows


def _steps(rows: str | None) -> list[_Step]:
    return [_Step(*found.groups()) for step in (rows or "").split(".") if (found := _STEP.fullmatch(step))]


def _walk(found: object, steps: list[_Step], path: str, around: dict[str, str], file: str) -> Iterator[dict[str, str]]:
    """Yield the cells of each line below this place, with those of what lies around it."""
    if not steps:
        yield around | (_flat(found, f"{path}.") if isinstance(found, dict) else {path: as_cell(found)})
        return
    (name, walks), rest = steps[0], steps[1:]
    if name:  # go into the member of this name; its neighbours become cells of each line, lists apart
        if not isinstance(found, dict):
            raise MappingError(f"{file} has no object at {path or 'the top'!r}, where table.rows asks for {name!r}.")
        beside = {key: value for key, value in found.items() if key != name and not isinstance(value, list)}
        around |= _flat(beside, f"{path}." if path else "")
        if name not in found:
            if not path:
                keys = ", ".join(map(repr, list(found)[:_KEYS_SHOWN]))
                raise MappingError(f"{file} has no {name!r} at the top, which table.rows names. It has: {keys}.")
            return
        found, path = found[name], f"{path}.{name}" if path else name
    if not walks:
        yield from _walk(found, rest, path, around, file)
    elif walks == "{}":  # an object whose keys are ids: each key is a cell of its lines
        for key, item in found.items() if isinstance(found, dict) else ():
            yield from _walk(item, rest, path, around | {f"{path}.@key".lstrip("."): str(key)}, file)
    else:  # a list; XML writes one of a single item as the item alone
        for item in found if isinstance(found, list) else [] if found is None else [found]:
            yield from _walk(item, rest, path, dict(around), file)


def _member(element: ET.Element) -> object:
    """Return an element as JSON would have it."""
    members: dict[str, object] = dict(element.attrib.items())
    for child in element:
        name, value = child.tag.rpartition("}")[2], _member(child)
        if name not in members:
            members[name] = value
        elif isinstance(known := members[name], list):
            known.append(value)
        else:
            members[name] = [known, value]
    text = (element.text or "").strip()
    if not members:
        return text
    return members | {"#text": text} if text else members


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
            fault = f"no sheet {wanted!r}" if wanted else f"{len(names)} sheets, and table.sheet names none"
            raise MappingError(f"{file} has {fault}. It has: {', '.join(map(repr, names))}.")
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
