"""What the cells of a line of districts' or boxes' figures mean: contest, unit, box, time, candidate, counts.

`ReportCells` looks up cell by cell, for any line. Nearly every line of a country's table says all of a box in plain
digits, and `WholeLines` makes such lines into events at once. What does not depend on the line is worked out once:
which cell is which count, what is taken for one that is absent, and, of each name of a unit, its id, its boxes and its
ballot. Any other line is nothing to it: whoever reads lines one by one then says what is wrong with it, or what it
means.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Final

from producers.tables.fitting import units_told
from producers.tables.layout import Sheet
from producers.tables.lines import names_total
from producers.tables.mapping import ReportMapping
from producers.tables.mapping_sections import COUNTS, Column, LineTimes
from producers.tables.notation import (
    PLAIN_DIGITS,
    BoxNumbers,
    LineNumbers,
    Names,
    NumberColumn,
    Spellings,
    revision_of,
    taker,
)
from producers.tables.statements import COUNTED, VOTES, Part, StatementKey
from schemas.definition import Election
from schemas.fields import (
    MAX_BOX_COUNT,
    MAX_BOX_NUMBER,
    MAX_DISTRICT_BOXES,
    MAX_DISTRICT_COUNT,
    MAX_REVISION,
)
from schemas.spelling import fold
from schemas.tally import Counted

FIGURES: Final = ("boxes_opened", *COUNTS, "unattributed", "blank")

SAID_ELSEWHERE: Final = "skip"
"""The meaning of a word for lines that are left out."""


@dataclass(slots=True)
class ReportCells:
    """Looks up what the cells of a line mean. `file` is what messages call the table, `fetched` when it was read.

    - `columns`: the places of all columns that the mapping names.
    - `called`: what the table calls each count that every line has; `line_numbers` reads those counts, and then the
      votes that have columns. `most` is the highest count that there can be.
    - `times`: when each line was counted.
    """

    sheet: Sheet
    mapping: ReportMapping
    definition: Election
    file: str
    fetched: datetime | None = None
    columns: dict[str, int] = field(default_factory=dict)
    most: int = field(init=False)
    boxes: BoxNumbers = field(init=False)
    times: LineTimes = field(init=False)
    called: dict[str, str] = field(init=False)
    line_numbers: LineNumbers = field(init=False)
    _found: dict[tuple[object, ...], str] = field(default_factory=dict)  # ids by the cells that name them
    _totals: dict[tuple[str, ...], bool] = field(default_factory=dict)  # whether a line of these names is a total
    _names: Names = field(init=False)
    _contests: Spellings = field(init=False)
    _rows: dict[str, str] = field(init=False)
    _unit_columns: tuple[int, ...] = field(init=False)
    _candidates: tuple[str, ...] = field(init=False)
    _vote_parts: tuple[Part, ...] = field(init=False)

    def __post_init__(self) -> None:
        units, columns, report = self.mapping.units, self.mapping.columns, self.mapping.report
        self._rows = self.mapping.rows.count_of
        self.most = MAX_BOX_COUNT if self.mapping.is_of_boxes else MAX_DISTRICT_COUNT
        self._names = Names(
            self.definition,
            within=units.within,
            units=units_told(self.mapping, self.definition),
            districts=units.names,
            candidates=self.mapping.candidates,
        )
        self._contests = Spellings(
            given=self.mapping.contests.items(),
            names=[(contest.name, contest.id) for contest in self.definition.contests],
            also=[(contest.id, contest.id) for contest in self.definition.contests],
        )
        # Every column that the mapping names has to be in the header: `sheet.column` raises `MappingError` where not.
        wanted = [units.district, units.province, columns.box, columns.votes, *columns.candidate, *self.mapping.votes]
        wanted += self.mapping.table.only
        wanted += [getattr(columns, name) for name in FIGURES]
        wanted += [self.mapping.status.column] if self.mapping.status else []
        wanted += [
            each.column
            for each in (report.contest, report.at, report.revision, report.correction)
            if isinstance(each, Column)
        ]
        for name in wanted:
            if name is not None:
                self.columns[name] = self.sheet.column(name, self.file)
        times = report.times(self.definition.date)
        self.times = LineTimes(report, times, self.sheet, self.fetched, self.columns.__getitem__)
        self._unit_columns = tuple(self.columns[name] for name in (units.district, units.province) if name is not None)
        self.called = {name: column for name in FIGURES if (column := getattr(columns, name))}
        self._candidates = tuple(self.mapping.votes.values())
        self._vote_parts = tuple((VOTES, candidate) for candidate in self._candidates)
        numbers = [self._number_column(name, column) for name, column in self.called.items()]
        numbers += [self._number_column(VOTES, column) for column in self.mapping.votes]
        self.line_numbers = LineNumbers(numbers, self.mapping.table.numbers)
        self.boxes = BoxNumbers(self.definition)

    def cell(self, cells: Sequence[str], column: str) -> str:
        """Return the text of a column, without blanks around it."""
        return cells[self.columns[column]].strip()

    def candidate_cells(self, cells: Sequence[str]) -> list[str]:
        """Return the names of a line's candidate."""
        return [self.cell(cells, column) for column in self.mapping.columns.candidate]

    def anywhere(self, contest: str, cells: Sequence[str]) -> str:
        """Return the candidate of a line on any ballot of the contest, or an empty string."""
        return self._names.anywhere(contest, self.candidate_cells(cells))

    def state(self, cells: Sequence[str]) -> str:
        """Return what the status column says of a line. Raises `ValueError` where `[status]` does not have its text."""
        status = self.mapping.status
        if status is None:
            return COUNTED
        text = self.cell(cells, status.column)
        found = status.meanings.get(fold(text))
        if found is None and status.counted:
            raise ValueError(f"{status.column} is {text!r}. Name under [status] in the mapping what that means")
        return found or COUNTED

    def word(self, cells: Sequence[str]) -> tuple[str, str]:
        """Return what is counted by a line in place of a candidate's votes, and its word for that, or empty strings."""
        if self._rows:
            for name in self.candidate_cells(cells):
                if (key := fold(name)) in self._rows:
                    return self._rows[key], name
        return "", ""

    def is_skipped(self, cells: Sequence[str]) -> bool:
        """Return whether a line is of a candidate who is left out."""
        return self.word(cells)[0] == SAID_ELSEWHERE

    def contest(self, cells: Sequence[str]) -> str:
        """Return the contest's id. Raises `ValueError` for a text that is none."""
        contest = self.mapping.report.contest
        if isinstance(contest, str):
            return contest
        text = self.cell(cells, contest.column)
        known = self._found.get(("contest", text))
        if known is not None:
            return known
        found = self._contests.find(text) or [text]
        if len(found) > 1:
            raise ValueError(f"{contest.column} is {text!r}, which may be any of {', '.join(found)} under [contests]")
        if found[0] not in self.definition.contest_by_id:
            raise ValueError(f"{contest.column} is {text!r}, no contest of this run. Name it under [contests]")
        return self._found.setdefault(("contest", text), found[0])

    def district(self, cells: Sequence[str]) -> str:
        """Return the unit's id. Raises `ValueError` for a name that is none's, or several units'."""
        units = self.mapping.units
        province = self.cell(cells, units.province) if units.province else None
        district = self.cell(cells, units.district)
        known = self._found.get(("district", district, province))
        if known is None:
            known = self._found["district", district, province] = self._names.district(district, province)
        return known

    def box(self, cells: Sequence[str], district: str) -> int:
        """Return the number of a line's box, 0 where lines are of districts."""
        column = self.mapping.columns.box
        if column is None:
            return 0
        return self.boxes.check(self.number(cells, column, MAX_BOX_NUMBER), district)

    def revision(self, cells: Sequence[str], at: datetime) -> int:
        """Return the revision of a line of this time. Raises `ValueError` for a text that is none."""
        revision = self.mapping.report.revision
        if isinstance(revision, int):
            return revision
        if not isinstance(revision, Column):
            return revision_of(at)
        number = self.mapping.table.numbers.parse(self.cell(cells, revision.column), revision.column, MAX_REVISION)
        if number == 0:
            raise ValueError(f"{revision.column} is 0, not a revision from 1 up")
        return number

    def number(self, cells: Sequence[str], column: str, most: int | None = None) -> int:
        """Return a count, `most` at most. Raises `ValueError` for a text that is none."""
        most = self.most if most is None else most
        text = self.cell(cells, column)
        if text.isdecimal() and text.isascii() and len(text) < PLAIN_DIGITS and (number := int(text)) <= most:
            return number
        return self.mapping.table.numbers.parse(text, column, most)

    def is_total(self, cells: Sequence[str]) -> bool:
        """Return whether a line is the sum of others: its province or district has a word for it, and is no unit."""
        names = tuple([cells[column] for column in self._unit_columns if column < len(cells)])
        known = self._totals.get(names)
        if known is None:
            known = names_total(names, self.mapping.table.totals) and not self._names.has(names[0])
            self._totals[names] = known
        return known

    def is_of_all_candidates(self, contest: str, cells: Sequence[str]) -> bool:
        """Return whether a line of a district is the sum of all candidates, by what it calls its candidate."""
        names = self.candidate_cells(cells)
        if not names:
            return False
        asked = (contest, "", *names)
        known = self._totals.get(asked)
        if known is None:
            known = names_total(names, self.mapping.table.totals) and not self._names.anywhere(contest, names)
            self._totals[asked] = known
        return known

    def check_told(self, contest: str, unit: str) -> None:
        """Raise `ValueError` where the source does not tell the contest of this unit, as it does of another one."""
        source = self.mapping.report.source
        if self.definition.level_told(contest, source) is not None and not self.definition.is_cell(
            contest, source, unit
        ):
            raise ValueError(self.definition.why_not_told(contest, source, unit))

    def _number_column(self, counted: str, column: str) -> NumberColumn:
        most = MAX_DISTRICT_BOXES if counted == "boxes_opened" else self.most
        return NumberColumn(column, self.columns[column], most)

    def votes_of_line(self, key: StatementKey, cells: Sequence[str], column: str) -> dict[Part, int]:
        """Return the votes of a line's candidate; nothing for one who is on another ballot only and has none."""
        names, count = self.candidate_cells(cells), self.number(cells, column)
        asked = (key.contest, key.district, *names)
        known = self._found.get(asked)
        if known is None:
            if not count and self._names.is_elsewhere(key.contest, key.district, names):
                return {}
            known = self._found[asked] = self._names.candidate(key.contest, key.district, names)
        return {(VOTES, known): count}

    def votes_of_columns(self, key: StatementKey, counts: Sequence[int]) -> dict[Part, int]:
        """Return a line's votes by candidate. Those of a candidate who is on another ballot only have to be 0."""
        ballot = self.definition.names_in(key.contest, key.district)
        votes = dict(zip(self._vote_parts, counts, strict=True))
        if ballot.issuperset(self._candidates):
            return votes
        strangers = [name for (_, name), count in votes.items() if count and name not in ballot]
        if strangers:
            raise ValueError(f"no candidate {strangers[0]!r} on the ballot of {key.district}")
        return {part: count for part, count in votes.items() if part[1] in ballot}


_SUMMED: Final = -1
"""The place of a count that is the sum of others."""

_NONE: Final = -2
"""The place of a count of which there is none."""

_REST: Final = -3
"""The place of `invalid` where it is what is cast and not valid."""


class WholeLines:
    """Makes events of lines whose unit and time were in a line before that somebody read in full.

    Call order: `learn` what a line was found to be, then `event` for those after it.
    """

    def __init__(self, mapping: ReportMapping, definition: Election, columns: Mapping[str, int]) -> None:
        """`columns` has the places of the mapping's columns."""
        self._definition, self._source = definition, mapping.report.source
        named, report = mapping.columns, mapping.report
        names = [report.contest.column] if isinstance(report.contest, Column) else []
        names += [mapping.units.district, *([mapping.units.province] if mapping.units.province else [])]
        names += [report.at.column] if isinstance(report.at, Column) else []
        self._names: Callable[[Sequence[str]], Hashable] = itemgetter(*(columns[name] for name in names))
        self._moments: dict[Hashable, tuple[str, str, frozenset[int], datetime, int]] = {}
        """By the cells that name unit, contest and time: contest, district, its boxes' numbers, time, revision."""
        counts = ("registered", "cast", "valid", "invalid", "unattributed")
        there = [name for name in counts if getattr(named, name) is not None]
        wanted = [str(named.box), *(getattr(named, name) for name in there), *mapping.votes]
        self._cells = taker([columns[name] for name in wanted])
        self._first_vote = 1 + len(there)
        self._candidates = tuple(mapping.votes.values())
        absent = {
            "registered": _NONE,
            "cast": _SUMMED,
            "valid": _SUMMED,
            "invalid": _NONE if mapping.absent.invalid == "none" else _REST,
            "unattributed": _NONE,
        }
        # Of each of `counts` its place among the numbers of a line, the box's being 0; or how it follows from others.
        self._places = tuple(there.index(name) + 1 if name in there else absent[name] for name in counts)

    @staticmethod
    def are_in(mapping: ReportMapping) -> bool:
        """Return whether a table has such lines: of one box each, with a column for each candidate, and no more."""
        report, columns = mapping.report, mapping.columns
        is_plain = mapping.is_of_boxes and columns.votes is None and columns.blank is None and mapping.status is None
        return is_plain and report.correction is None and not isinstance(report.revision, Column)

    def learn(self, cells: Sequence[str], key: StatementKey, at: datetime, boxes: frozenset[int]) -> None:
        """Note of which statement a line was; others with the same names and time are of the same unit."""
        if not self._definition.given(key.contest, self._source).is_plain:
            return
        if self._definition.ballot_ids(key.contest, key.district).issuperset(self._candidates):
            self._moments[self._names(cells)] = key.contest, key.district, boxes, at, key.revision

    def event(self, cells: Sequence[str]) -> tuple[StatementKey, Counted] | None:
        """Return what a line says; `None` where it is not in plain digits, contradicts itself or is of another unit."""
        known = self._moments.get(self._names(cells))
        if known is None:
            return None
        texts = self._cells(cells)
        digits = "".join(texts)
        if not (digits.isdecimal() and digits.isascii()):
            return None
        try:
            numbers = list(map(int, texts))
        except ValueError:  # a cell is empty, or longer than any number
            return None
        contest, district, boxes, at, revision = known
        votes = numbers[self._first_vote :]
        counts = self._counts(numbers, votes)
        box = numbers[0]
        if box not in boxes or counts is None:
            return None
        registered, cast, valid, invalid, unattributed = counts
        return StatementKey(contest, district, box, revision), Counted(
            type="counted" if revision == 1 else "corrected",
            contest=contest,
            district=district,
            box=box,
            source=self._source,
            revision=revision,
            at=at,
            registered=registered,
            cast=cast,
            valid=valid,
            invalid=invalid,
            unattributed=unattributed,
            votes=dict(zip(self._candidates, votes, strict=True)),
        )

    def _counts(self, numbers: Sequence[int], votes: Sequence[int]) -> tuple[int, int, int, int, int] | None:
        """Return the counts in their order, `None` where one is none that there can be."""
        at_registered, at_cast, at_valid, at_invalid, at_unattributed = self._places
        unattributed = numbers[at_unattributed] if at_unattributed > 0 else 0
        valid = numbers[at_valid] if at_valid > 0 else sum(votes) + unattributed
        if at_invalid != _REST:
            invalid = numbers[at_invalid] if at_invalid > 0 else 0
            cast = numbers[at_cast] if at_cast > 0 else valid + invalid
        else:
            cast = numbers[at_cast]
            invalid = cast - valid
        if invalid < 0 or max(numbers) > MAX_BOX_COUNT or valid > MAX_BOX_COUNT or cast > MAX_BOX_COUNT:
            return None
        return numbers[at_registered] if at_registered > 0 else 0, cast, valid, invalid, unattributed
