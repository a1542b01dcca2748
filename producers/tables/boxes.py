"""Lines of an official box table as rows of counts; what is wrong with any of them is noted with its line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from producers.tables.line_checks import LineFaults, Part, differing, names_total
from producers.tables.mapping import BoxMapping, Column
from producers.tables.notation import Numbers, Times
from producers.tables.sheet import MAY_BE_CUT, Sheet, TableLine, column_of, open_sheet
from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.errors import MappingError, TableError
from schemas.fields import MAX_BOX_COUNT, MAX_BOX_NUMBER, MAX_REVISION
from schemas.tally import Counted
from schemas.turkish import slug, title

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
    mapping: BoxMapping
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


_QUOTED_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table. `duplicates` counts the lines that said again what another line had said.

    `wrong_totals` says which total rows are not the sum of the lines, in a sentence for each.
    """

    rows: tuple[BoxRow, ...]
    duplicates: int
    unit_ids: dict[DistrictNames, str]
    wrong_totals: tuple[str, ...] = ()

    def newest(self) -> tuple[BoxRow, ...]:
        """Of each box the newest row: of the highest revision, and of those the latest."""
        found: dict[tuple[str, int], BoxRow] = {}
        for row in self.rows:
            key = (self.unit_ids[row.place], row.box)
            known = found.get(key)
            if known is None or (known.revision, known.at) < (row.revision, row.at):
                found[key] = row
        return tuple(found.values())


def read_table(path: Path, mapping: BoxMapping) -> Table:
    """Read and check a box table.

    Raises `MappingError` where the table has no column that the mapping names, `TableError` where the file cannot be
    read or any of its lines cannot be used; it names the lines.
    """
    with open_sheet(path, mapping.table.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        reader = RowReader(sheet, mapping, str(path), LineFaults(str(path)))
        for line in sheet.lines:
            reader.read(line)
    reader.faults.raise_any()
    if not reader.rows:
        raise TableError(f"{path} has a header but no box. Is it the right file?")
    rows = tuple(reader.rows.values())
    places = {row.place for row in rows}
    ids = unit_ids(places, mapping.units.country.id)
    return Table(rows, reader.duplicates, ids, tuple(reader.wrong_totals()))


def unit_ids(places: set[DistrictNames], country: str) -> dict[DistrictNames, str]:
    """The id of each district, such as `tr/34/catalca`, whatever the order of the lines.

    Where several districts of a province come to the same id, each gets the table's own number behind it.
    """
    taken: dict[str, list[DistrictNames]] = {}
    for place in sorted(places):
        plain = f"{country}/{slug(place.province_id)}/{slug(place.district_name)}"
        taken.setdefault(plain, []).append(place)
    ids: dict[DistrictNames, str] = {}
    for plain, sharing in taken.items():
        for place in sharing:
            ids[place] = plain if len(sharing) == 1 else f"{plain}-{slug(place.district_id)}"
    if len(set(ids.values())) < len(ids):
        twice = next(sharing for sharing in taken.values() if len({ids[place] for place in sharing}) < len(sharing))
        names = " and ".join(repr(place.district_name) for place in twice)
        raise MappingError(
            f"The districts {names} come to the same id {ids[twice[0]]!r}. "
            "Name a column that tells them apart as units.district_id in the mapping."
        )
    return ids


def election(table: Table, mapping: BoxMapping) -> Election:
    """The election definition that the table implies: its units with their boxes, one contest, one source.

    Raises `TableError` where a name in it is none that a unit can have, `DefinitionError` where they contradict.
    """
    try:
        return _election(table, mapping)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, found = ".".join(map(str, first["loc"])), str(first["input"])[:_QUOTED_CHARS]
        raise TableError(
            f"The table gives no election definition: {error.title} {where} {found!r}: {first['msg']}. Mend it there."
        ) from error


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
        polls_close=mapping.times.with_zone(head.polls_close, "election.polls_close") if head.polls_close else None,
        parties=tuple(parties),
        sources=(Source(id=mapping.source.id, name=mapping.source.name),),
        contests=(Contest(id=mapping.contest.id, name=mapping.contest.name, candidates=candidates),),
        units=_units(table, mapping),
    )


def statements(table: Table, mapping: BoxMapping, revision: int | None = None) -> tuple[BoxRow, ...]:
    """The rows to publish: each with a revision of its own, or the newest of each box where all have the same.

    They have the same where the mapping names no column for it, and where `revision` overrides what the mapping says,
    to publish a mended table over an old one: two statements of a box at one revision would contradict each other.
    """
    has_revisions = revision is None and isinstance(mapping.report.revision, Column)
    return table.rows if has_revisions else table.newest()


def tallies(table: Table, mapping: BoxMapping, *, revision: int | None = None) -> Iterator[Counted]:
    """One event for each of the `statements`; `revision` overrides what the mapping says of it.

    A party's sum that differs from `valid` stays as it is in the record; whoever folds the events flags the box.
    """
    ids = [choice.id for choice in mapping.votes.values()]
    for row in statements(table, mapping, revision):
        number = revision or row.revision
        yield Counted(
            type="counted" if number == 1 else "corrected",
            contest=mapping.contest.id,
            district=table.unit_ids[row.place],
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
        newest.setdefault(table.unit_ids[row.place], {})[row.box] = row
        names[f"{country.id}/{slug(row.place.province_id)}"] = title(row.place.province_name)
    units = [Unit(id=country.id, level="country", name=country.name)]
    units += [
        Unit(id=province, level="province", name=name, parent=country.id) for province, name in sorted(names.items())
    ]
    for district, boxes in sorted(newest.items()):
        place = next(iter(boxes.values())).place
        units.append(
            Unit(
                id=district,
                level="district",
                name=title(place.district_name),
                parent=district.rpartition("/")[0],
                registered=sum(row.registered for row in boxes.values()),
                boxes=runs(sorted(boxes)),
            )
        )
    return tuple(units)


def runs(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Rising numbers as unbroken runs, first and last included: 1, 2, 3, 7 are (1, 3), (7, 7)."""
    breaks = [(left, right) for left, right in pairwise(numbers) if right != left + 1]
    firsts = [numbers[0], *(right for _, right in breaks)]
    lasts = [*(left for left, _ in breaks), numbers[-1]]
    return tuple(zip(firsts, lasts, strict=True))
