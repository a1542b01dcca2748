"""Official box tables as tally events, and as the election definition that goes with them.

A table is read whole and checked whole before anything is published: a line that cannot be used is named, never
dropped. A line that is there twice in the same words is one box; with other counts it is a fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from producers.tables.line_faults import LineFaults
from producers.tables.mapping import Column, Mapping
from producers.tables.notation import Numbers, Times
from producers.tables.sheet import Line, Sheet, column_of, open_sheet
from producers.turkish import slug, title
from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.errors import MappingError, TableError
from schemas.fields import MAX_BOX_COUNT, MAX_BOX_NUMBER, MAX_REVISION
from schemas.tally import Counted

_COUNTS: Final = ("registered", "cast", "valid", "invalid")


class Place(NamedTuple):
    """A district as the table names it."""

    province_id: str
    province_name: str
    district_name: str
    district_id: str


class BoxRow(NamedTuple):
    """One box as the table has it; `votes` in the mapping's order."""

    place: Place
    box: int
    registered: int
    cast: int
    valid: int
    invalid: int
    votes: tuple[int, ...]
    revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table. `duplicates` counts the lines that said again what another line had said."""

    rows: tuple[BoxRow, ...]
    duplicates: int
    unit_ids: dict[Place, str]


def read_table(path: Path, mapping: Mapping) -> Table:
    """Read and check a box table.

    Raises `MappingError` where the table has no column that the mapping names, `TableError` where the file cannot be
    read or any of its lines cannot be used; it names the lines.
    """
    with open_sheet(path, mapping.table.delimiter) as sheet:
        reader = _RowReader(sheet, mapping, str(path), LineFaults(str(path)))
        for line in sheet.lines:
            reader.read(line)
    reader.faults.raise_any()
    if not reader.rows:
        raise TableError(f"{path} has a header but no box. Is it the right file?")
    rows = tuple(reader.rows.values())
    places = {row.place for row in rows}
    return Table(rows, reader.duplicates, unit_ids(places, mapping.units.country.id))


def unit_ids(places: set[Place], country: str) -> dict[Place, str]:
    """The id of each district, such as `tr/34/catalca`, whatever the order of the lines.

    Where several districts of a province come to the same id, each gets the table's own number behind it.
    """
    taken: dict[str, list[Place]] = {}
    for place in sorted(places):
        plain = f"{country}/{slug(place.province_id)}/{slug(place.district_name)}"
        taken.setdefault(plain, []).append(place)
    ids: dict[Place, str] = {}
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


def election(table: Table, mapping: Mapping) -> Election:
    """The election definition that the table implies: its units with their boxes, one contest, one source."""
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


def tallies(table: Table, mapping: Mapping, *, revision: int | None = None) -> Iterator[Counted]:
    """One event for each line. `revision` overrides what the mapping says, to publish a mended table over an old one.

    A party's sum that differs from `valid` stays as it is in the record; whoever folds the events flags the box.
    """
    ids = [choice.id for choice in mapping.votes.values()]
    for row in table.rows:
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


def _units(table: Table, mapping: Mapping) -> tuple[Unit, ...]:
    country = mapping.units.country
    newest: dict[str, dict[int, BoxRow]] = {}
    names: dict[str, str] = {}
    for row in table.rows:
        boxes = newest.setdefault(table.unit_ids[row.place], {})
        if row.box not in boxes or boxes[row.box].revision < row.revision:
            boxes[row.box] = row
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


@dataclass(slots=True)
class _RowReader:
    """Turns lines into rows, and collects what is wrong with them."""

    sheet: Sheet
    mapping: Mapping
    file: str
    faults: LineFaults
    rows: dict[tuple[str, str, str, int, int], BoxRow] = field(default_factory=dict)
    duplicates: int = 0
    _first_lines: dict[tuple[str, str, str, int, int], int] = field(default_factory=dict)
    _places: dict[tuple[str, ...], Place] = field(default_factory=dict)
    _province_names: dict[str, str] = field(default_factory=dict)
    _place_columns: list[int] = field(default_factory=list)
    _number_columns: list[int] = field(default_factory=list)
    _times: Times = field(init=False)
    _notation: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self._times, self._notation = self.mapping.times, self.mapping.table.numbers
        units, columns = self.mapping.units, self.mapping.columns
        names = [units.province_id, units.province_name, units.district_name, units.district_id or units.district_name]
        self._place_columns = [self._column(name) for name in names]
        numbers = [columns.box, *(getattr(columns, name) for name in _COUNTS), *self.mapping.votes]
        self._number_columns = [self._column(name) for name in numbers]
        for column in (self.mapping.report.at, self.mapping.report.revision):
            if isinstance(column, Column):
                self._column(column.column)

    def _column(self, name: str) -> int:
        return column_of(name, self.sheet.header, self.file)

    def read(self, line: Line) -> None:
        """Read one line, or note why it cannot be read."""
        try:
            self._keep(line.number, self._row(line))
        except ValueError as error:
            self.faults.add(line.number, error)

    def _keep(self, number: int, row: BoxRow) -> None:
        key = (*self._place_key(row.place), row.box, row.revision)
        known = self.rows.setdefault(key, row)
        first = self._first_lines.setdefault(key, number)
        if known is row:
            return
        if known != row:
            raise ValueError(f"box {row.box} of {row.place.district_name} is in line {first} with other counts")
        self.duplicates += 1

    @staticmethod
    def _place_key(place: Place) -> tuple[str, str, str]:
        return (place.province_id, place.district_name, place.district_id)

    def _row(self, line: Line) -> BoxRow:
        cells = line.cells
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

    def _place(self, cells: Sequence[str]) -> Place:
        texts = tuple(cells[column] for column in self._place_columns)
        place = self._places.get(texts)
        if place is None:
            place = Place(*(text.strip() for text in texts))
            for what, name in (("province id", place.province_id), ("district name", place.district_name)):
                if not slug(name):
                    raise ValueError(f"the {what} {name!r} has no letter or digit")
            name = self._province_names.setdefault(place.province_id, place.province_name)
            if not name or name != place.province_name:
                raise ValueError(
                    f"province {place.province_id!r} is called {place.province_name!r} here, else {name!r}"
                )
            self._places[texts] = place
        return place

    def _at(self, cells: Sequence[str]) -> datetime:
        at = self.mapping.report.at
        if isinstance(at, datetime):
            return self._times.with_zone(at, "report.at")
        return self._times.parse(cells[self._column(at.column)], at.column)

    def _revision(self, cells: Sequence[str]) -> int:
        revision = self.mapping.report.revision
        if isinstance(revision, int):
            return revision
        text = cells[self._column(revision.column)].strip()
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_REVISION):
            raise ValueError(f"{revision.column} is {text!r}, not a revision from 1 up")
        return int(text)
