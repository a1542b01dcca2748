"""Official box tables as tally events, and as the election definition that goes with them.

A table is read whole and checked whole before anything is published: a line that cannot be used is named, never
dropped. A line that is repeated word for word is one box. Of lines of one box with different counts the newest stands,
where a column says which that is; otherwise they are a fault.

Call order: `read_table`, then `election` for the definition and `tallies` for the events.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from producers.tables.layout import MAY_BE_CUT, Sheet, TableLine
from producers.tables.lines import LineFaults, LineFigures, check_totals, names_total, total_figures
from producers.tables.mapping import BoxMapping
from producers.tables.mapping_sections import Column, LineTimes
from producers.tables.notation import Numbers, SetAside, taker
from producers.tables.sheet import open_sheet
from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.errors import MappingError, TableError
from schemas.fields import MAX_BOX_COUNT, MAX_BOX_NUMBER, MAX_REVISION, first_fault
from schemas.spelling import same_text, slug, title
from schemas.tally import Counted

_COUNTS: Final = ("registered", "cast", "valid", "invalid")

_QUOTED_CHARS: Final = 60

RowKey = tuple[str, str, str, int, int | datetime]
"""What makes a row unique: the box (province, district, the district's own id, number), and its revision or time."""


class DistrictNames(NamedTuple):
    """A district as the table names it."""

    province_id: str
    province_name: str
    district_name: str
    district_id: str


class BoxRow(NamedTuple):
    """One box as the table has it; `votes` in the mapping's order."""

    names: DistrictNames
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
    """Turns lines into rows of counts, and collects what is wrong with them.

    A box may be in the table more than once where a column orders its lines: by revision, or otherwise by time. Two
    lines of one box and the same place in that order are one row if their counts are equal; otherwise they contradict
    each other, and both lines are named.

    Call order: `read` each line, then `wrong_totals`.
    """

    sheet: Sheet
    mapping: BoxMapping
    file: str
    faults: LineFaults
    fetched: datetime | None = None
    rows: dict[RowKey, BoxRow] = field(default_factory=dict)
    duplicates: int = 0
    spoilt: set[RowKey] = field(default_factory=set)  # rows that lines contradict each other about
    total_rows: list[LineFigures] = field(default_factory=list)
    _first_lines: dict[RowKey, int] = field(default_factory=dict)
    _names_of: dict[tuple[str, ...], DistrictNames] = field(default_factory=dict)
    _province_names: dict[str, str] = field(default_factory=dict)
    _province_ids: dict[str, str] = field(default_factory=dict)
    _name_columns: list[int] = field(default_factory=list)
    _number_columns: list[int] = field(default_factory=list)
    _read_columns: set[int] = field(default_factory=set)
    _name_cells: Callable[[Sequence[str]], tuple[str, ...]] = field(init=False)
    _number_cells: Callable[[Sequence[str]], tuple[str, ...]] = field(init=False)
    _width: int = field(init=False)
    _times: LineTimes = field(init=False)
    _notation: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self._notation = self.mapping.table.numbers
        report = self.mapping.report
        self._times = LineTimes(report, self.mapping.times, self.sheet, self.fetched, self._column)
        units, columns = self.mapping.units, self.mapping.columns
        names = [units.province_id, units.province_name, units.district_name, units.district_id or units.district_name]
        self._name_columns = [self._column(name) for name in names]
        numbers = [columns.box, *(getattr(columns, name) for name in _COUNTS), *self.mapping.votes]
        self._number_columns = [self._column(name) for name in numbers]
        self._name_cells, self._number_cells = taker(self._name_columns), taker(self._number_columns)
        self._width = len(self.sheet.header)
        chosen = map(self._column, self.mapping.table.only)
        self._read_columns = {*self._name_columns, *self._number_columns, *chosen}
        for column in (report.at, report.revision):
            if isinstance(column, Column):
                self._read_columns.add(self._column(column.column))

    def _column(self, name: str) -> int:
        return self.sheet.column(name, self.file)

    def read(self, line: TableLine) -> None:
        """Read one line, or note in `faults` why it cannot be used."""
        try:
            if (row := self._plain_row(line)) is not None:
                self._keep(line.number, row)
            elif self._is_total(line.cells):
                self.total_rows.append(self._total(line))
            elif line.fault:
                self.faults.add(line.number, SetAside(line.fault) if line.is_aside else line.fault)
            else:
                self._keep(line.number, self._whole_row(line))
        except ValueError as error:
            self.faults.add(line.number, error)

    def wrong_totals(self) -> list[str]:
        """Return a sentence for each total row that is not the sum of the newest lines of their boxes."""
        if not self.total_rows:
            return []
        newest: dict[tuple[object, ...], tuple[RowKey, BoxRow]] = {}
        for key, row in self.rows.items():
            known = newest.get(key[:-1])
            if known is None or _is_newer(row, known[1]):
                newest[key[:-1]] = key, row
        names = [self.sheet.header[column] for column in self._number_columns[1:]]
        lines = [
            LineFigures(self._first_lines[key], "", dict(zip(names, (*row[2:6], *row.votes), strict=True)))
            for key, row in newest.values()
        ]
        return check_totals(self.total_rows, lines)

    def _keep(self, number: int, row: BoxRow) -> None:
        columns = self.mapping.report
        order = row.revision if isinstance(columns.revision, Column) else row.at
        key = (row.names.province_id, row.names.district_name, row.names.district_id, row.box, order)
        known = self.rows.setdefault(key, row)
        if known is row:
            self._first_lines[key] = number
            return
        first = self._first_lines[key]
        if known._replace(at=row.at) != row:
            self.spoilt.add(key)
            ordering = [each.column for each in (columns.revision, columns.at) if isinstance(each, Column)]
            which = f" and the same {ordering[0]}" if ordering else ", and no column says which is newer"
            raise ValueError(
                f"box {row.box} of {row.names.district_name} is in line {first} with other counts{which}. Delete one, "
                "or name as report.revision or report.at in the mapping the column that orders them. If the file has "
                "several contests, choose one with table.only"
            )
        self.duplicates += 1
        self.rows[key] = max(known, row, key=lambda each: each.at)

    def _is_total(self, cells: Sequence[str]) -> bool:
        """Return whether a line is the sum of others, by what its province, district or box is called."""
        columns = [*self._name_columns, self._number_columns[0]]
        texts = tuple(cells[column] for column in columns if column < len(cells))
        if (
            texts[:-1] in self._names_of
        ):  # a known district: only the cell of its box's number can say that this is a total
            texts = () if texts[-1].isdecimal() else texts[-1:]
        return bool(texts) and names_total(texts, self.mapping.table.totals)

    def _total(self, line: TableLine) -> LineFigures:
        columns = [column for column in self._number_columns[1:] if column < len(line.cells)]
        texts = {self.sheet.header[column]: line.cells[column] for column in columns}
        return LineFigures(line.number, "", total_figures(texts, self._notation))

    def _shows_its_end(self, row: BoxRow) -> bool:
        """Return whether a line without a line end is whole, as far as its figures can show.

        It is where its last cell is not read, or is part of a sum that is right: a cell that was cut off is a smaller
        number, or the beginning of another word.
        """
        last = self.sheet.last_column
        if last not in self._read_columns:
            return last not in self.sheet.wanted  # what is derived of it may be cut off with it
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
        if len(cells) != self._width:
            raise ValueError(f"{len(cells)} cells under a header of {self._width}")
        box, registered, cast, valid, invalid, *votes = self._numbers(cells)
        if not 1 <= box <= MAX_BOX_NUMBER:
            raise ValueError(f"box number {box} is not between 1 and {MAX_BOX_NUMBER}")
        return BoxRow(
            self._names(cells),
            box,
            registered,
            cast,
            valid,
            invalid,
            tuple(votes),
            self._revision(cells),
            self._times.of(cells),
        )

    def _plain_row(self, line: TableLine) -> BoxRow | None:
        """Return the row of a line of a known district that is all in plain digits, as most are; `None` for others."""
        cells = line.cells
        if line.fault or not line.ended or len(cells) != self._width:
            return None
        names = self._names_of.get(self._name_cells(cells))
        texts = self._number_cells(cells)
        digits = "".join(texts)
        if names is None or not (digits.isdecimal() and digits.isascii()):
            return None
        try:
            box, registered, cast, valid, invalid, *votes = map(int, texts)
        except ValueError:  # a cell is empty, or longer than any number
            return None
        if max(registered, cast, valid, invalid, *votes) > MAX_BOX_COUNT or not 1 <= box <= MAX_BOX_NUMBER:
            return None
        at, revision = self._times.of(cells), self._revision(cells)
        return BoxRow(names, box, registered, cast, valid, invalid, tuple(votes), revision, at)

    def _numbers(self, cells: Sequence[str]) -> list[int]:
        texts = [cells[column] for column in self._number_columns]
        digits = "".join(texts)
        if not (digits.isascii() and digits.isdecimal() and all(texts)):
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

    def _names(self, cells: Sequence[str]) -> DistrictNames:
        texts = tuple(cells[column] for column in self._name_columns)
        names = self._names_of.get(texts)
        if names is None:
            names = DistrictNames(*map(same_text, texts))
            self._check_names(names)
            self._names_of[texts] = names
        return names

    def _check_names(self, names: DistrictNames) -> None:
        """Raise `ValueError` where names cannot become ids, or contradict what earlier lines call the province."""
        _check_id("province id", names.province_id, "province_id")
        _check_id("district name", names.district_name, "district_id", names.district_id)
        known = self._province_ids.setdefault(slug(names.province_id).lstrip("0"), names.province_id)
        if known != names.province_id:
            raise ValueError(f"the province id is {names.province_id!r} here, else {known!r}: is it the same one?")
        name = self._province_names.setdefault(names.province_id, names.province_name)
        if not name or name != names.province_name:
            raise ValueError(f"province {names.province_id!r} is called {names.province_name!r} here, else {name!r}")

    def _revision(self, cells: Sequence[str]) -> int:
        revision = self.mapping.report.revision
        if not isinstance(revision, Column):
            return 1 if revision == "content" else revision
        text = cells[self._column(revision.column)].strip()
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_REVISION):
            raise ValueError(f"{revision.column} is {text!r}, not a revision from 1 up")
        return int(text)


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table. `duplicates` counts the lines that repeat another line.

    `unit_ids` has the district's id by its names; `wrong_totals` a sentence for each total row that is not the sum of
    the lines; `faults` what is wrong with lines that are not among the rows.
    """

    rows: tuple[BoxRow, ...]
    duplicates: int
    unit_ids: dict[DistrictNames, str]
    wrong_totals: tuple[str, ...] = ()
    faults: LineFaults = field(default_factory=lambda: LineFaults(""))

    def newest(self) -> tuple[BoxRow, ...]:
        """Return the newest row of each box: that of the highest revision, and of those the latest."""
        found: dict[tuple[str, int], BoxRow] = {}
        for row in self.rows:
            key = (self.unit_ids[row.names], row.box)
            known = found.get(key)
            if known is None or _is_newer(row, known):
                found[key] = row
        return tuple(found.values())


def read_table(path: Path, mapping: BoxMapping, *, strict: bool = True, fetched: datetime | None = None) -> Table:
    """Read and check a box table; `fetched` is when. Where it is not `strict`, lines that can be used are enough.

    Raises `MappingError` where the table lacks a column that the mapping names, `TableError` where the file cannot be
    read or any of its lines cannot be used; the message names the lines.
    """
    with open_sheet(path, mapping.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        sheet = mapping.shape(sheet, str(path))  # noqa: PLW2901
        reader = RowReader(sheet, mapping, str(path), LineFaults(str(path)), fetched)
        for line in sheet.lines:
            reader.read(line)
    rows = tuple(row for key, row in reader.rows.items() if key not in reader.spoilt)
    if strict or not rows:
        reader.faults.raise_any()
    if not rows:
        raise TableError(f"{path} has a header but no box. Is it the right file?")
    ids = unit_ids({row.names for row in rows}, mapping.units.country.id)
    wrong_totals = () if reader.faults.count else tuple(reader.wrong_totals())
    return Table(rows, reader.duplicates, ids, wrong_totals, reader.faults)


def unit_ids(districts: set[DistrictNames], country: str) -> dict[DistrictNames, str]:
    """Return the id of each district, such as `tr/34/catalca`, which does not depend on the order of the lines.

    It ends in the district's name, or in its code where the name is no ASCII identifier. Where several districts of a
    province come to the same id, each gets its code behind it. Raises `MappingError` where that does not tell them
    apart.
    """
    by_id: dict[str, list[DistrictNames]] = {}
    for district in sorted(districts):
        end = slug(district.district_name) or slug(district.district_id)
        by_id.setdefault(f"{country}/{slug(district.province_id)}/{end}", []).append(district)
    ids: dict[DistrictNames, str] = {}
    for plain, sharing in by_id.items():
        for district in sharing:
            ids[district] = plain if len(sharing) == 1 else f"{plain}-{slug(district.district_id)}"
    for unit, count in Counter(ids.values()).items():
        if count > 1:
            names = " and ".join(repr(district.district_name) for district, found in ids.items() if found == unit)
            raise MappingError(
                f"The districts {names} come to the same id {unit!r}. "
                "Name a column that tells them apart as units.district_id in the mapping."
            )
    return ids


def _check_id(what: str, name: str, key: str, code: str = "") -> None:
    """Raise `ValueError` where a name has no letter or digit, or neither it nor its code is an ASCII identifier."""
    if not any(map(str.isalnum, name)):
        raise ValueError(f"the {what} {name!r} has no letter or digit")
    if not (slug(name) or slug(code)):
        raise ValueError(
            f"the {what} {name!r} gives no id of ASCII letters and digits. Name a column that has a code for it as "
            f"units.{key} in the mapping"
        )


def election(table: Table, mapping: BoxMapping) -> Election:
    """Return the election definition that the table implies: its units with their boxes, one contest, one source.

    Raises `TableError` where a unit cannot have a name that is in the table, `DefinitionError` where its parts
    contradict each other.
    """
    try:
        return _election(table, mapping)
    except ValidationError as error:
        fault = first_fault(error, quoted_chars=_QUOTED_CHARS)
        raise TableError(f"The table gives no election definition: {error.title} {fault}. Mend it there.") from error


def _election(table: Table, mapping: BoxMapping) -> Election:
    parties = [
        Party(id=choice.id, name=choice.party, short_name=choice.name, color=choice.color)
        for choice in mapping.votes.values()
        if choice.party
    ]
    candidates = tuple(
        Candidate(id=choice.id, name=choice.name, party=choice.id if choice.party else None, ballot_no=number)
        for number, choice in enumerate(mapping.votes.values(), start=1)
    )
    head = mapping.election
    return Election(
        id=head.id,
        name=head.name,
        date=head.date,
        timezone=head.timezone,
        language=head.language,
        polls_close=mapping.times.with_zone(head.polls_close, "election.polls_close") if head.polls_close else None,
        parties=tuple(parties),
        sources=(Source(id=mapping.source.id, name=mapping.source.name),),
        contests=(Contest(id=mapping.contest.id, name=mapping.contest.name, candidates=candidates),),
        units=_units(table, mapping),
    )


def statements(table: Table, mapping: BoxMapping, revision: int | None = None) -> tuple[BoxRow, ...]:
    """Return the rows to publish: all where each has a revision of its own, otherwise the newest of each box.

    All have the same revision where the mapping names no column for it, and where `revision` overrides the mapping to
    publish a corrected table over an old one. Two statements of a box at one revision would be a conflict.
    """
    has_revisions = revision is None and isinstance(mapping.report.revision, Column)
    return table.rows if has_revisions else table.newest()


def tallies(table: Table, mapping: BoxMapping, *, revision: int | None = None) -> Iterator[Counted]:
    """Yield an event for each of the `statements`; `revision` overrides the mapping's.

    Votes whose sum differs from `valid` stay as they are: whoever folds the events flags the box.
    """
    ids = [choice.id for choice in mapping.votes.values()]
    for row in statements(table, mapping, revision):
        number = revision or row.revision
        yield Counted(
            type="counted" if number == 1 else "corrected",
            contest=mapping.contest.id,
            district=table.unit_ids[row.names],
            box=row.box,
            source=mapping.source.id,
            revision=number,
            at=row.at,
            registered=row.registered,
            cast=row.cast,
            valid=row.valid,
            invalid=row.invalid,
            votes={name: votes for name, votes in zip(ids, row.votes, strict=True) if votes},
        )


def _units(table: Table, mapping: BoxMapping) -> tuple[Unit, ...]:
    country = mapping.units.country
    newest: dict[str, dict[int, BoxRow]] = {}
    names: dict[str, str] = {}
    for row in table.newest():
        newest.setdefault(table.unit_ids[row.names], {})[row.box] = row
    for district in dict.fromkeys(row.names for row in table.rows):
        names[f"{country.id}/{slug(district.province_id)}"] = title(district.province_name, mapping.election.language)
    units = [Unit(id=country.id, level="country", name=country.name)]
    units += [
        Unit(id=province, level="province", name=name, parent=country.id) for province, name in sorted(names.items())
    ]
    for unit, boxes in sorted(newest.items()):
        district_name = next(iter(boxes.values())).names.district_name
        units.append(
            Unit(
                id=unit,
                level="district",
                name=title(district_name, mapping.election.language),
                parent=unit.rpartition("/")[0],
                registered=sum(row.registered for row in boxes.values()),
                boxes=runs(sorted(boxes)),
            )
        )
    return tuple(units)


def runs(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return rising numbers as unbroken runs, first and last included: 1, 2, 3, 7 are (1, 3), (7, 7)."""
    breaks = [(left, right) for left, right in pairwise(numbers) if right != left + 1]
    firsts = [numbers[0], *(right for _, right in breaks)]
    lasts = [*(left for left, _ in breaks), numbers[-1]]
    return tuple(zip(firsts, lasts, strict=True))


def _is_newer(row: BoxRow, other: BoxRow) -> bool:
    return (other.revision, other.at) < (row.revision, row.at)
