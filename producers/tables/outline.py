"""What a table of results names: its units by level with their boxes, its contests, and who is voted for.

It is what a first election definition is made of, where nobody has written one. A name that cannot be written in ASCII
gets a number for its id.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from producers.tables.layout import Sheet, TableLine
from producers.tables.lines import LineFaults, names_total
from producers.tables.mapping import ReportMapping
from producers.tables.mapping_sections import Column
from producers.tables.notation import Spellings
from schemas.fields import MAX_BOX_NUMBER, MAX_DISTRICT_BOXES
from schemas.spelling import fold, same_text, slug


class LevelColumn(NamedTuple):
    """A level of units below the country, and the column that names them."""

    id: str
    column: str


class NamedIds:
    """Ids that are given to names, one to all spellings of a name.

    `names` has the first spelling of each by its id. `respelt` has the others, with the id, in the order of the table.
    """

    def __init__(self, kind: str) -> None:
        """`kind` is what a name is of that has no letters for an id: `unit` gives `unit-1`."""
        self._kind = kind
        self._ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.respelt: dict[str, str] = {}
        self.numbered: set[str] = set()

    def of(self, name: str, given: str | None = None) -> str:
        """Return the id of a name: the one that is `given`, else what can be written of it in ASCII, else a number."""
        text, key = same_text(name), fold(name)
        known = self._ids.get(key) if given is None else given
        if known is None:
            known = slug(name)
            if not known:
                known = f"{self._kind}-{len(self.names) + 1}"
                self.numbered.add(known)
            self._ids[key] = known
        if self.names.setdefault(known, text) != text:
            self.respelt.setdefault(text, known)
        return known


@dataclass(slots=True)
class ContestOutline:
    """What a table says of one contest: in which units it has lines, and who has votes there, as the lines name them.

    `stands` has the units of each candidate, `party` the party that the lines give them, `counted` what those lines
    count that are no candidate's (`[rows]`).
    """

    units: dict[str, None] = field(default_factory=dict)
    candidates: NamedIds = field(default_factory=lambda: NamedIds("candidate"))
    stands: dict[str, dict[str, None]] = field(default_factory=dict)
    party: dict[str, str] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Outline:
    """Reads the lines of a table, under any number of headers one after the other.

    `levels` are those below the country, highest first; the last one is that of the counting units.

    What it found: `names` of units by id, `parent` of each, `boxes` of each counting unit by number, or as
    `boxes_counted` how many there are. Call order: `begin` with each sheet, then `read` its lines.
    """

    mapping: ReportMapping
    levels: tuple[LevelColumn, ...]
    country: str
    contests: dict[str, ContestOutline] = field(default_factory=dict)
    contest_ids: NamedIds = field(default_factory=lambda: NamedIds("contest"))
    parties: NamedIds = field(default_factory=lambda: NamedIds("party"))
    names: dict[str, str] = field(default_factory=dict)
    respelt: dict[str, str] = field(default_factory=dict)
    numbered: set[str] = field(default_factory=set)
    parent: dict[str, str] = field(default_factory=dict)
    level: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, set[int]] = field(default_factory=dict)
    boxes_counted: dict[str, int] = field(default_factory=dict)
    _below: dict[str, NamedIds] = field(default_factory=dict)
    _columns: dict[str, int] = field(default_factory=dict)
    _faults: LineFaults = field(default_factory=lambda: LineFaults(""))
    _known: dict[tuple[str, ...], str] = field(default_factory=dict)
    _units: Spellings = field(init=False)
    _candidates: Spellings = field(init=False)
    _contests: Spellings = field(init=False)
    _words: dict[str, str] = field(init=False)
    _width: int = 0

    def __post_init__(self) -> None:
        self._units = Spellings(given=self.mapping.units.names.items())
        self._candidates = Spellings(given=self.mapping.candidates.items())
        self._contests = Spellings(given=self.mapping.contests.items())
        self._words = self.mapping.rows.count_of

    def begin(self, sheet: Sheet, faults: LineFaults) -> None:
        """Go on with the lines of another sheet. Raises `MappingError` where a column is not there."""
        columns, contest = self.mapping.columns, self.mapping.report.contest
        wanted = [*(each.column for each in self.levels), columns.box, *columns.candidate, columns.boxes_opened]
        wanted += [contest.column if isinstance(contest, Column) else None, columns.boxes_total, columns.party]
        wanted += [self.mapping.status.column] if self.mapping.status else []
        self._columns = {name: sheet.column(name, faults.file) for name in wanted if name is not None}
        self._faults, self._width = faults, len(sheet.header)

    def read(self, line: TableLine) -> None:
        """Take in what a line names, or note in the faults why that cannot be."""
        cells = line.cells
        if len(cells) != self._width:
            self._faults.add(line.number, line.fault or f"{len(cells)} cells under a header of {self._width}")
            return
        texts = tuple(self._cell(cells, each.column) for each in self.levels)
        if self._is_skipped(cells) or names_total(texts, self.mapping.table.totals):
            return
        try:
            unit = self._known.get(texts) or self._unit(texts)
            contest = self._contest(cells)
            self._take_boxes(unit, cells)
        except ValueError as error:
            self._faults.add(line.number, line.fault or error)
            return
        contest.units[unit] = None
        for candidate in self._candidates_of(contest, cells):
            contest.stands.setdefault(candidate, {})[unit] = None

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._columns[column]].strip()

    def _is_skipped(self, cells: Sequence[str]) -> bool:
        status = self.mapping.status
        return status is not None and status.meanings.get(fold(self._cell(cells, status.column))) == "skip"

    def _unit(self, texts: tuple[str, ...]) -> str:
        """Return the id of the counting unit that these names lead to, with those above it."""
        if not all(map(fold, texts)):
            empty = next(each.column for each, text in zip(self.levels, texts, strict=True) if not fold(text))
            raise ValueError(f"{empty} is empty: of which unit is it?")
        unit = self.country
        for each, text in zip(self.levels, texts, strict=True):
            given = self._units.find(text) if each is self.levels[-1] else []
            ids = self._below.setdefault(unit, NamedIds(each.id))
            end = ids.of(text)
            below = given[0] if given else f"{unit}/{end}"
            self.names.setdefault(below, text)
            self.parent.setdefault(below, unit)
            self.level.setdefault(below, each.id)
            self.numbered |= {below} if end in ids.numbered and not given else set()
            if end in ids.respelt.values():
                self.respelt |= {spelling: below for spelling, one in ids.respelt.items() if one == end}
            unit = below
        self._known[texts] = unit
        return unit

    def _contest(self, cells: Sequence[str]) -> ContestOutline:
        contest = self.mapping.report.contest
        if isinstance(contest, str):
            found = self.contest_ids.of(contest, contest)
        else:
            text = self._cell(cells, contest.column)
            if not text:
                raise ValueError(f"{contest.column} is empty: of which contest is it?")
            given = self._contests.find(text)
            found = self.contest_ids.of(text, given[0] if given else None)
        return self.contests.setdefault(found, ContestOutline())

    def _take_boxes(self, unit: str, cells: Sequence[str]) -> None:
        numbers = self.mapping.table.numbers
        if self.mapping.columns.box is not None:
            number = numbers.parse(self._cell(cells, self.mapping.columns.box), "the box", MAX_BOX_NUMBER)
            if number == 0:
                raise ValueError("the box is 0. Make another number of it under [derived] in the mapping (values)")
            self.boxes.setdefault(unit, set()).add(number)
            return
        column = self.mapping.columns.boxes_total or self.mapping.columns.boxes_opened
        if column is not None:
            count = numbers.parse(self._cell(cells, column), column, MAX_DISTRICT_BOXES)
            self.boxes_counted[unit] = max(count, self.boxes_counted.get(unit, 0))

    def _candidates_of(self, contest: ContestOutline, cells: Sequence[str]) -> Iterator[str]:
        """Yield the ids of those of whom a line has votes."""
        if self.mapping.columns.votes is None:
            for column, candidate in self.mapping.votes.items():
                yield contest.candidates.of(column, candidate)
            return
        names = [self._cell(cells, column) for column in self.mapping.columns.candidate]
        if counted := {self._words[key] for key in map(fold, names) if key in self._words}:
            contest.counted |= counted
            return
        given = next((ids[0] for ids in map(self._candidates.find, names) if ids), None)
        if given is None and names_total(names, self.mapping.table.totals):
            return
        name = next(filter(None, names), "")
        if name:
            found = contest.candidates.of(name, given)
            of = self.mapping.columns.party
            if of is not None and (party := self._cell(cells, of)):
                contest.party.setdefault(found, self.parties.of(party))
            yield found
