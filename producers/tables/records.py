"""JSON as feeds send it, laid flat: objects become lines of text cells, nested names are joined by a dot."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Final

import orjson

from schemas.errors import TableError

MAX_JSON_BYTES: Final = 64 * 1024 * 1024
"""The largest JSON file: 973 districts with 49 candidates are 5 MB as verbose as feeds get; ten times that."""

_GROUPED: Final = re.compile(r"\d{1,3}\.\d{3}")
"""A number that reads like one with a mark for thousands."""

Records = Iterator[tuple[int, Sequence[str]]]
"""The number of each record, from 1 up, and its cells."""


def read_records(path: Path, rows: str | None, each: str | None) -> tuple[tuple[str, ...], Records]:
    """The header and the lines of a JSON file.

    `rows` is where the list of objects is, such as `data.districts`; without it the file is that list. `each` names a
    list inside every object, such as `candidates`: its objects become a line each, beside what their parent says.

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
    lines = [(number, flat) for number, item in enumerate(found, start=1) for flat in _lines(item, each)]
    header = tuple(dict.fromkeys(name for _, flat in lines for name in flat))
    return header, ((number, [flat.get(name, "") for name in header]) for number, flat in lines)


def _lines(item: dict[str, object], each: str | None) -> list[dict[str, str]]:
    """An object as one line, or as one for each object of its list."""
    if each is None:
        return [_flat(item)]
    parent = _flat({name: value for name, value in item.items() if name != each})
    below = item.get(each)
    if not isinstance(below, list) or not below:
        return [parent]
    return [parent | _flat({each: one}) for one in below]


def _flat(item: dict[str, object], above: str = "") -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{above}{name}.")
        else:
            cells[f"{above}{name}"] = cell(value)
    return cells


def cell(value: object) -> str:
    """A value as the text that a CSV would have; whole numbers with a decimal part (a column with gaps) lose it.

    A number such as 1.234 is written with an exponent: as a number it is no grouped 1234, whatever the table's marks.
    """
    if value is None:
        return ""
    if isinstance(value, float | Decimal) and isfinite(value):
        if value == int(value):
            return str(int(value))
        return f"{value}e0" if _GROUPED.fullmatch(str(value)) else str(value)
    return str(value)
