"""Lines of an official box table as rows of counts; what is wrong with any of them is noted with its line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from producers.tables.line_faults import LineFaults
from producers.tables.mapping import Column, Mapping
from producers.tables.notation import Numbers, Times
from producers.tables.sheet import MAY_BE_CUT, Sheet, TableLine, column_of
from producers.tables.total_rows import Part, differing, names_total
from producers.turkish import slug
from schemas.fields import MAX_BOX_COUNT, MAX_BOX_NUMBER, MAX_REVISION

_COUNTS: Final = ("registered", "cast", "valid", "invalid")

_MAX_TOTAL: Final = 10**12
"""The most that a total row is read for: more than there are people."""

Key = tuple[str, str, str, int, int | datetime]
"""What makes a row one: the box (province, district, the district's own id, number), and its place among the box's."""


class DistrictNames(NamedTuple):
    """A district as the table names it."""

    province_id: str
    province_name: str
    district_name: str
    district_id: str


class BoxRow(NamedTuple):
    """One box as the table has it; `votes` in the mapping's order."""

    place: DistrictNames
    box: int
    registered: int
    cast: int
    valid: int
    invalid: int
    votes: tuple[int, ...]
    revision: int
    at: datetime


@dataclass(slots=True)
class RowReader:
    """Turns lines into rows, and collects what is wrong with them.

    A box may be there more than once where a column says in which order: its revision, or else its time. In the same
    words, at whatever time, it is one row; else the two contradict each other, and both lines are named.
    """

    sheet: Sheet
    mapping: Mapping
    file: str
    faults: LineFaults
    rows: dict[Key, BoxRow] = field(default_factory=dict)
    duplicates: int = 0
    total_rows: list[Part] = field(default_factory=list)
    _first_lines: dict[Key, int] = field(default_factory=dict)
    _places: dict[tuple[str, ...], DistrictNames] = field(default_factory=dict)
    _province_names: dict[str, str] = field(default_factory=dict)
    _province_ids: dict[str, str] = field(default_factory=dict)
    _place_columns: list[int] = field(default_factory=list)
    _number_columns: list[int] = field(default_factory=list)
    _read_columns: set[int] = field(default_factory=set)
    _times: Times = field(init=False)
    _constant_at: datetime | None = None
    _notation: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self._times, self._notation = self.mapping.times, self.mapping.table.numbers
        if isinstance(self.mapping.report.at, datetime):
            self._constant_at = self._times.with_zone(self.mapping.report.at, "report.at")
        units, columns = self.mapping.units, self.mapping.columns
        names = [units.province_id, units.province_name, units.district_name, units.district_id or units.district_name]
        self._place_columns = [self._column(name) for name in names]
        numbers = [columns.box, *(getattr(columns, name) for name in _COUNTS), *self.mapping.votes]
        self._number_columns = [self._column(name) for name in numbers]
        self._read_columns = {*self._place_columns, *self._number_columns}
        for column in (self.mapping.report.at, self.mapping.report.revision):
            if isinstance(column, Column):
                self._read_columns.add(self._column(column.column))

    def _column(self, name: str) -> int:
        return column_of(name, self.sheet.header, self.file)

    def read(self, line: TableLine) -> None:
        """Read one line, or note why it cannot be read."""
        try:
            if self._is_total(line.cells):
                self.total_rows.append(self._total(line))
            else:
                self._keep(line.number, self._whole_row(line))
        except ValueError as error:
            self.faults.add(line.number, error)

    def wrong_totals(self) -> list[str]:
        """What is wrong with total rows, a sentence for each."""
        if not self.total_rows:
            return []
        newest: dict[tuple[object, ...], tuple[Key, BoxRow]] = {}
        for key, row in self.rows.items():
            known = newest.get(key[:-1])
            if known is None or (known[1].revision, known[1].at) < (row.revision, row.at):
                newest[key[:-1]] = key, row
        names = [self.sheet.header[column] for column in self._number_columns[1:]]
        parts = [
            Part(self._first_lines[key], "", dict(zip(names, (*row[2:6], *row.votes), strict=True)))
            for key, row in newest.values()
        ]
        return differing(self.total_rows, parts)

    def _keep(self, number: int, row: BoxRow) -> None:
        columns = self.mapping.report
        order = row.revision if isinstance(columns.revision, Column) else row.at
        key = (row.place.province_id, row.place.district_name, row.place.district_id, row.box, order)
        known = self.rows.setdefault(key, row)
        first = self._first_lines.setdefault(key, number)
        if known is row:
            return
        if known._replace(at=row.at) != row:
            ordering = [each.column for each in (columns.revision, columns.at) if isinstance(each, Column)]
            which = f" and the same {ordering[0]}" if ordering else ", and no column says which is newer"
            raise ValueError(
                f"box {row.box} of {row.place.district_name} is in line {first} with other counts{which}. Delete one, "
                "or name as report.revision or report.at in the mapping the column that orders them"
            )
        self.duplicates += 1
        self.rows[key] = max(known, row, key=lambda each: each.at)

    def _is_total(self, cells: Sequence[str]) -> bool:
        """Whether a line is the sum of others, by what its province, district or box is called."""
        columns = [*self._place_columns, self._number_columns[0]]
        texts = tuple(cells[column] for column in columns if column < len(cells))
        if texts[:-1] in self._places:
            texts = () if texts[-1].isdecimal() else texts[-1:]
        return bool(texts) and names_total(texts, self.mapping.table.totals)

    def _total(self, line: TableLine) -> Part:
        figures: dict[str, int] = {}
        for column in self._number_columns[1:]:
            name, text = self.sheet.header[column], line.cells[column] if column < len(line.cells) else ""
            try:
                figures[name] = self._notation.parse(text, name, _MAX_TOTAL)
            except ValueError:
                continue  # what it does not say as a number, such as a share, is not compared
        return Part(line.number, "", figures)

    def _shows_its_end(self, row: BoxRow) -> bool:
        """Whether a line without an end is whole: its last cell is not read, or is part of a sum that is right.

        A cell that is cut off is a smaller number, or the beginning of another word.
        """
        last = len(self.sheet.header) - 1
        if last not in self._read_columns:
            return True
        _, _, cast, valid, invalid, *votes = self._number_columns
        if last in {*votes, valid}:
            return sum(row.votes) == row.valid
        return last in {cast, invalid} and row.valid + row.invalid == row.cast

    def _whole_row(self, line: TableLine) -> BoxRow:
        row = self._row(line.cells)
        if not line.ended and not self._shows_its_end(row):
            raise ValueError(MAY_BE_CUT)
        return row

    def _row(self, cells: Sequence[str]) -> BoxRow:
        if len(cells) != len(self.sheet.header):
            raise ValueError(f"{len(cells)} cells under a header of {len(self.sheet.header)}")
        box, registered, cast, valid, invalid, *votes = self._numbers(cells)
        if not 1 <= box <= MAX_BOX_NUMBER:
            raise ValueError(f"box number {box} is not between 1 and {MAX_BOX_NUMBER}")
        return BoxRow(
            self._place(cells),
            box,
            registered,
            cast,
            valid,
            invalid,
            tuple(votes),
            self._revision(cells),
            self._at(cells),
        )

    def _numbers(self, cells: Sequence[str]) -> list[int]:
        texts = [cells[column] for column in self._number_columns]
        joined = "".join(texts)
        if not (joined.isascii() and joined.isdecimal() and all(texts)):
            texts = [str(self._number(text, column)) for text, column in zip(texts, self._number_columns, strict=True)]
        if max(map(len, texts)) > len(str(MAX_BOX_NUMBER)):
            raise ValueError("a number has more digits than any box has voters")
        numbers = list(map(int, texts))
        for column, number in zip(self._number_columns[1:], numbers[1:], strict=True):
            if number > MAX_BOX_COUNT:
                raise ValueError(f"{self.sheet.header[column]} is {number}, over the {MAX_BOX_COUNT} a box can have")
        return numbers

    def _number(self, text: str, column: int) -> int:
        return self._notation.parse(text, self.sheet.header[column], MAX_BOX_NUMBER)

    def _place(self, cells: Sequence[str]) -> DistrictNames:
        texts = tuple(cells[column] for column in self._place_columns)
        place = self._places.get(texts)
        if place is None:
            place = DistrictNames(*(text.strip() for text in texts))
            for what, name in (("province id", place.province_id), ("district name", place.district_name)):
                if not slug(name):
                    raise ValueError(f"the {what} {name!r} has no letter or digit")
            known = self._province_ids.setdefault(slug(place.province_id).lstrip("0"), place.province_id)
            if known != place.province_id:
                raise ValueError(f"the province id is {place.province_id!r} here, else {known!r}: is it the same one?")
            name = self._province_names.setdefault(place.province_id, place.province_name)
            if not name or name != place.province_name:
                raise ValueError(
                    f"province {place.province_id!r} is called {place.province_name!r} here, else {name!r}"
                )
            self._places[texts] = place
        return place

    def _at(self, cells: Sequence[str]) -> datetime:
        at = self._constant_at or self.mapping.report.at
        if isinstance(at, datetime):
            return at
        return self._times.parse(cells[self._column(at.column)], at.column)

    def _revision(self, cells: Sequence[str]) -> int:
        revision = self.mapping.report.revision
        if isinstance(revision, int):
            return revision
        text = cells[self._column(revision.column)].strip()
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_REVISION):
            raise ValueError(f"{revision.column} is {text!r}, not a revision from 1 up")
        return int(text)
