r"""The lines of a table: shaped as the mapping says, and checked. Pure.

Lines are left out by what is in them (`where`), and get new columns made of those that there are (`[derived]`).
A derived column is one small table of the mapping:

- `{ of = "place", split = ",", part = 3 }`: the third part of a cell, without blanks around it; -1 is the last one.
- `{ of = "code", match = '^\d{2}(\d{4})' }`: the group of a regular expression, or all of it.
- `{ join = ["zone", "section"], between = "-" }`: the texts of several columns, one behind the other.
- `{ sum = ["PAN", "PRI"] }`: the sum of several columns that have counts.
- `{ constant = "x" }`: the same text in every line.

To each of them `values = { B = "1" }` says what to write for a text, and `pad = 4` fills up with zeros in front.
Derived columns may be made of those above them. `@file` is the name of the file that a line is in.

What is checked: which lines cannot be used (`LineFaults`), and whether total rows are the sum of lines.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, NamedTuple, Self

from pydantic import Field, model_validator

from producers.input_files import FileSection, did_you_mean
from producers.tables.layout import Sheet, TableLine
from producers.tables.notation import Numbers, SetAside
from schemas.definition import Name
from schemas.errors import TableError
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


SHOWN_FAULTS: Final = 20
"""How many faulty lines a message names: a screenful. The rest are counted."""

TOTAL_WORDS: Final = ("toplam", "toplamı", "toplamları", "yekûn", "total", "totals", "subtotal", "sum")
"""Words for a sum, in Turkish and in English: a row is a total row where its unit's name has one of them in it."""

_MAX_TOTAL: Final = 10**12
"""The largest figure that is read from a total row: more than there are people."""


def bounded(sentences: Sequence[str]) -> list[str]:
    """Return the first `SHOWN_FAULTS` of many sentences, and one that says how many more there are."""
    more = len(sentences) - SHOWN_FAULTS
    return [*sentences[:SHOWN_FAULTS], *([f"… and {more} more"] if more > 0 else [])]


@dataclass(slots=True)
class LineFaults:
    """What is wrong with single lines of a table. `line` is what messages call a line, such as `record`.

    `aside`: sentences on lines that are no fault of the file, but of which a count is not known.
    """

    file: str
    line: str = "line"
    count: int = 0
    shown: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def add(self, number: int, what: object) -> None:
        """Note what is wrong with the line of this number, or why it is set aside."""
        if isinstance(what, SetAside):
            self.aside.append(f"{self.line} {number} is set aside: {what}")
            return
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"  {self.line} {number}: {what}")

    def add_table(self, what: str) -> None:
        """Note what is wrong with the table in more than one line."""
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"  {what}")

    def message(self, consequence: str) -> str:
        """Return how many lines cannot be used, what follows from that, and the first of them."""
        more = f"\n  … and {self.count - SHOWN_FAULTS} more" if self.count > SHOWN_FAULTS else ""
        lines = f"1 {self.line}" if self.count == 1 else f"{self.count} {self.line}s"
        return f"{lines} of {self.file} cannot be used; {consequence}\n" + "\n".join(self.shown) + more

    def raise_any(self) -> None:
        """Raise `TableError` if any line could not be used."""
        if self.count:
            raise TableError(self.message("nothing was published. Mend the file and try again."))


class LineFigures(NamedTuple):
    """The figures of a line, by the name of what they count. Only lines of the same `group` may be added up."""

    line: int
    group: str
    figures: Mapping[str, int]


def names_total(names: Iterable[str], words: Iterable[str] = TOTAL_WORDS) -> bool:
    """Return whether one of these names of units has one of the words in it, whatever their case and accents."""
    known = [f"-{key}-" for key in map(fold, words) if key]
    texts = [f"-{fold(name)}-" for name in names]
    return any(word in text for text in texts for word in known)


def total_figures(texts: Mapping[str, str], numbers: Numbers) -> dict[str, int]:
    """Return the numbers of a total row by their names; what is no number, such as a share, is left out."""
    figures: dict[str, int] = {}
    for name, text in texts.items():
        try:
            figures[name] = numbers.parse(text, name, _MAX_TOTAL)
        except ValueError:
            continue
    return figures


def check_totals(totals: Sequence[LineFigures], lines: Sequence[LineFigures], line: str = "line") -> list[str]:
    """Return a sentence for each total row that is wrong: its line, its figure, and what the lines come to.

    A row may be the sum of the lines between it and the total row before it, of those between it and the next, of all
    lines above it, or of the whole table. Of a row that is none of these, the differences to the nearest of them are
    named. A figure that no line has is not compared.

    Args:
        totals: The total rows.
        lines: The lines that are no total rows.
        line: What the sentences call a line.

    """
    wrong = [(total, differences) for total in totals if (differences := _differences(total, totals, lines))]
    return [f"{line} {total.line} is a total row, but {differences}" for total, differences in wrong]


def _differences(total: LineFigures, totals: Sequence[LineFigures], lines: Sequence[LineFigures]) -> str:
    lines = [each for each in lines if each.group == total.group]
    before = max((other.line for other in totals if other.line < total.line), default=0)
    after = min((other.line for other in totals if other.line > total.line), default=None)
    above = [each for each in lines if each.line < total.line]
    sums = [
        _sum(scope)
        for scope in (
            [each for each in above if each.line > before],
            [each for each in lines if each.line > total.line and (after is None or each.line < after)],
            above,
            lines,
        )
        if scope
    ]
    nearest = min((_compared(total.figures, each) for each in sums), key=len, default=[])
    return "; ".join(nearest)


def _sum(lines: Iterable[LineFigures]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for each in lines:
        figures.update(each.figures)
    return figures


def _compared(total: Mapping[str, int], summed: Mapping[str, int]) -> list[str]:
    return [
        f"{name} is {count} and the lines come to {summed[name]}"
        for name, count in total.items()
        if name in summed and summed[name] != count
    ]
