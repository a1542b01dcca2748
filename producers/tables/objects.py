"""JSON, JSON lines and XML as tables: objects are lines, nested names are joined by a dot.

Where in the file the lines are, a mapping says in one of two ways:

- `rows = "data.districts"` leads to a list of objects, `each = "candidates"` to a list inside each of them. Names begin
  at the object: `name`, `candidates.votes`.
- `rows = "Region[].b[].x.c[]"` leads through lists of any depth: `[]` is each item of a list, `{}` each value of an
  object, whose key is then the cell `@key`. Names begin at the top: `Region.name`, `Region.b.x.c.votes`. What lies
  beside the path is a cell of every line below it. An object without the innermost list gives no line.
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

import orjson

from producers.tables.encodings import as_utf8
from producers.tables.lines import Layout, Sheet, TableLine, as_cell
from schemas.errors import MappingError, TableError

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
    if name:
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
    elif walks == "{}":
        for key, item in found.items() if isinstance(found, dict) else ():
            yield from _walk(item, rest, path, around | {f"{path}.@key".lstrip("."): str(key)}, file)
    else:
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
