r"""New columns made of those that a table has (`[derived]`), and lines left out by what is in them (`where`). Pure.

A derived column is one small table of the mapping:

- `{ of = "place", split = ",", part = 3 }`: the third part of a cell, without blanks around it; -1 is the last one.
- `{ of = "code", match = '^\d{2}(\d{4})' }`: the group of a regular expression, or all of it.
- `{ join = ["zone", "section"], between = "-" }`: the texts of several columns, one behind the other.
- `{ sum = ["PAN", "PRI"] }`: the sum of several columns that have counts.
- `{ constant = "x" }`: the same text in every line.

To each of them `values = { B = "1" }` says what to write for a text, and `pad = 4` fills up with zeros in front.
Derived columns may be made of those above them. `@file` is the name of the file that a line is in.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from producers.input_files import FileSection, did_you_mean
from producers.tables.layout import Sheet, TableLine
from producers.tables.notation import Numbers, SetAside
from schemas.definition import Name
from schemas.spelling import fold

MAX_CELL: Final = 10**15
"""The highest figure in a derived sum: more than any count there is."""

Cells = Sequence[str]
Value = Callable[[Cells], str]

ColumnNames = Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text is not None else None
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None


class DerivedColumn(FileSection):
    """One column of `[derived]`: what it is made of."""

    of: Name | None = None
    join: ColumnNames | None = None
    sum: ColumnNames | None = None
    constant: str | None = None
    split: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    part: int | None = None
    match: Name | None = None
    between: Annotated[str, Field(max_length=20)] = ""
    values: dict[str, str] = Field(default_factory=dict)
    pad: Annotated[int, Field(ge=1, le=20)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        made = [name for name in ("of", "join", "sum", "constant") if getattr(self, name) is not None]
        if len(made) != 1:
            raise ValueError("say one of: of (a column), join or sum (several), constant (a text)")
        if (self.split is None) != (self.part is None) or self.part == 0:
            raise ValueError("split and part go together: part = 1 is the first, -1 the last")
        if self.of is None and (self.split or self.match):
            raise ValueError("split and match are for a cell: name its column with of")
        _pattern(self.match)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        return (self.of,) if self.of is not None else self.join or self.sum or ()


class NoneOf(FileSection):
    """A condition of `where`: the cell has none of these texts."""

    none_of: ColumnNames | Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


class Matches(FileSection):
    """A condition of `where`: the regular expression is found in the cell."""

    matches: Name

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        _pattern(self.matches)
        return self


Condition = str | Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | NoneOf | Matches
"""What a cell must be for its line to count: a text, one of several, none of several, or what an expression finds."""

Conditions = tuple[tuple[str, Condition], ...]
Derived = tuple[tuple[str, DerivedColumn], ...]


def shaped(sheet: Sheet, derived: Derived, where: Conditions, numbers: Numbers, file: str) -> Sheet:
    """Return the table with the derived columns behind its own, and without the lines that `where` leaves out.

    A line of which a column cannot be derived has a fault. Raises `MappingError` where a column is not there.
    """
    if not (derived or where):
        return sheet
    own, made = sheet.header, dict(derived)
    places: dict[str, int] = {}
    find = _finder(sheet, places, file)
    values = []
    for name, column in made.items():
        values.append(_value(name, column, [find(each) for each in column.columns], numbers))
        places[name] = len(own) + len(places)
    tests = [(find(name), _test(condition)) for name, condition in where]
    early = [(place, test) for place, test in tests if place < len(own)]
    late = [(place, test) for place, test in tests if place >= len(own)]
    lines = _shaped_lines(sheet.lines, len(own), values, early, late)
    return replace(sheet, header=(*own, *made), lines=lines, derived=sheet.derived + len(made))


def filled(sheet: Sheet, names: Sequence[str], file: str) -> Sheet:
    """Return the table with the text above in each empty cell of these columns, as where cells are merged.

    Raises `MappingError` where a column is not there.
    """
    places = [sheet.column(name, file) for name in names]
    return replace(sheet, lines=_filled_lines(sheet.lines, places, len(sheet.header))) if places else sheet


def _filled_lines(lines: Iterator[TableLine], places: Sequence[int], width: int) -> Iterator[TableLine]:
    above = dict.fromkeys(places, "")
    for line in lines:
        if line.fault or len(line.cells) != width:
            yield line
            continue
        for place in places:
            above[place] = line.cells[place].strip() or above[place]
        yield line._replace(cells=[above.get(place, cell) for place, cell in enumerate(line.cells)])


Tests = Sequence[tuple[int, Callable[[str], bool]]]


def _shaped_lines(
    lines: Iterator[TableLine], width: int, values: Sequence[Value], early: Tests, late: Tests
) -> Iterator[TableLine]:
    for line in lines:
        if line.fault:
            yield line
            continue
        if len(line.cells) != width:
            fault = f"{len(line.cells)} cells under a header of {width}" if values or early else ""
            yield line._replace(fault=fault)
            continue
        if not all(test(line.cells[place]) for place, test in early):
            continue
        if not values:
            yield line
            continue
        cells, fault, is_aside = list(line.cells), "", False
        for value in values:
            try:
                cells.append(value(cells))
            except ValueError as error:
                if not fault or is_aside:
                    fault, is_aside = str(error), isinstance(error, SetAside)
                cells.append("")
        if fault or all(test(cells[place]) for place, test in late):
            yield line._replace(cells=cells, fault=fault, is_aside=is_aside)


def _finder(sheet: Sheet, places: Mapping[str, int], file: str) -> Callable[[str], int]:
    def find(name: str) -> int:
        return places[name] if name in places else sheet.column(name, file)

    return find


def _value(name: str, column: DerivedColumn, places: list[int], numbers: Numbers) -> Value:
    """Return the function that makes a column's cell of a line's cells. It raises `ValueError` where it cannot."""
    make = _made(name, column, places, numbers)
    known, pad = column.values, column.pad
    if not known and pad is None:
        return make

    def finished(cells: Cells) -> str:
        text = make(cells)
        if known:
            if text not in known:
                raise ValueError(f"{name} is {text!r}, which its values do not have{did_you_mean(text, known)}")
            text = known[text]
        if pad is not None:
            if len(text) > pad:
                raise ValueError(f"{name} is {text!r}, longer than the {pad} that pad says")
            text = text.zfill(pad)
        return text

    return finished


def _made(name: str, column: DerivedColumn, places: list[int], numbers: Numbers) -> Value:
    if column.constant is not None:
        constant = column.constant
        return lambda _: constant
    if column.sum is not None:
        named = list(zip(places, column.sum, strict=True))
        return lambda cells: str(sum(numbers.parse(cells[place], each, MAX_CELL) for place, each in named))
    if column.join is not None:
        return lambda cells: column.between.join(cells[place].strip() for place in places)
    return _part(name, column, places[0])


def _part(name: str, column: DerivedColumn, place: int) -> Value:
    split, part, pattern = column.split, column.part or 1, _pattern(column.match)
    index = part - 1 if part > 0 else part

    def part_of(cells: Cells) -> str:
        text = cells[place].strip()
        if split is not None:
            parts = text.split(split)
            if not -len(parts) <= index < len(parts):
                raise ValueError(f"{column.of} is {text!r}, which has no part {part} for {name}")
            text = parts[index].strip()
        if pattern is not None:
            found = pattern.search(text)
            if found is None:
                raise ValueError(f"{column.of} is {text!r}, in which {name} is not: {column.match}")
            text = found[pattern.groups and 1] or ""
        return text

    return part_of


def _test(condition: Condition) -> Callable[[str], bool]:
    if isinstance(condition, Matches):
        pattern = re.compile(condition.matches)
        return lambda cell: pattern.search(cell) is not None
    if isinstance(condition, NoneOf):
        refused = frozenset(map(fold, condition.none_of))
        return lambda cell: fold(cell) not in refused
    wanted = frozenset(map(fold, (condition,) if isinstance(condition, str) else condition))
    return lambda cell: fold(cell) in wanted
