"""Lines of districts' or boxes' figures as statements, whose units and candidates are found in the run's definition.

Every line is checked, and a line that cannot be used spoils its statement: half a report is worse than none. Where a
line is one candidate's, a statement is complete once its lines name everybody on the ballot, or their votes come to
what the line says is valid. So a file that is cut off at the end of a line is not read as zeros.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from producers.input_files import some_of
from producers.tables.drafts import COUNTED, VOTES, Draft, Part, Statement, StatementKey, statement
from producers.tables.fitting import units_told
from producers.tables.line_checks import LineFaults, LineFigures, check_totals, names_total, total_figures
from producers.tables.line_numbers import PLAIN_DIGITS, LineNumbers, NumberColumn
from producers.tables.lines import MAY_BE_CUT, Sheet, TableLine
from producers.tables.mapping import ReportMapping
from producers.tables.mapping_sections import Column
from producers.tables.names import Names
from producers.tables.notation import SetAside, Times, revision_of
from producers.tables.report_sections import COUNTS
from producers.tables.spellings import Spellings
from schemas.definition import Election
from schemas.fields import (
    MAX_BOX_COUNT,
    MAX_BOX_NUMBER,
    MAX_DISTRICT_BOXES,
    MAX_DISTRICT_COUNT,
    MAX_REVISION,
)
from schemas.spelling import fold
from schemas.tally import NOT_GIVEN, Counted, Reported, Withdrawn

_FIGURES: Final = ("boxes_opened", *COUNTS, "unattributed", "blank")

_MISSING_SHOWN: Final = 5
"""How many candidates without a line a message names."""

_RANGES_SHOWN: Final = 3
"""How many ranges of boxes a message names."""

_SAID_ELSEWHERE: Final = "skip"
"""The meaning of a word for lines that are left out."""

Place = tuple[str, str, int]
"""A contest, a district, and a box or 0."""


@dataclass(slots=True)
class ReportReader:
    """Turns lines into statements, and collects what is wrong with them. `correction` marks all of them as corrections.

    `fetched` is when the table was read. Call order: `read` each line, `complete` once, then `wrong_totals`.
    """

    sheet: Sheet
    mapping: ReportMapping
    definition: Election
    faults: LineFaults
    correction: bool
    fetched: datetime | None = None
    reports: dict[StatementKey, Statement] = field(default_factory=dict)
    places: set[Place] = field(default_factory=set)  # everything of which there is a line, usable or not
    strays: int = 0  # lines that do not say of what they are
    repeats: int = 0
    _drafts: dict[StatementKey, Draft] = field(default_factory=dict)
    _spoilt: set[StatementKey] = field(default_factory=set)  # statements of which a line could not be used
    _spoilt_places: set[Place] = field(default_factory=set)  # the same, where no line says at which revision
    _total_rows: list[LineFigures] = field(default_factory=list)
    _votes_of_all: list[tuple[int, StatementKey, int]] = field(default_factory=list)
    _unended: StatementKey | None = None
    _columns: dict[str, int] = field(default_factory=dict)
    _found: dict[tuple[object, ...], str] = field(default_factory=dict)  # ids by the cells that name them
    _totals: dict[tuple[str, ...], bool] = field(default_factory=dict)  # whether a line of these names is a total
    _moments: dict[str, datetime] = field(default_factory=dict)  # times by their text: many lines have the same
    _boxes: dict[str, frozenset[int]] = field(default_factory=dict)
    _names: Names = field(init=False)
    _contests: Spellings = field(init=False)
    _times: Times = field(init=False)
    _constant_at: datetime | None = field(init=False)
    _rows: dict[str, str] = field(init=False)
    _most: int = field(init=False)
    _unit_columns: tuple[int, ...] = field(init=False)
    _called: dict[str, str] = field(init=False)  # what the table calls each count that every line has
    _line_numbers: LineNumbers = field(init=False)  # of those counts, and then of the votes that have columns
    _candidates: tuple[str, ...] = field(init=False)
    _vote_parts: tuple[Part, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._times = self.mapping.report.times(self.definition.date)
        units, columns, report = self.mapping.units, self.mapping.columns, self.mapping.report
        self._constant_at = report.moment(self._times, self.sheet, self.fetched)
        self._rows = self.mapping.rows.count_of
        self._most = MAX_BOX_COUNT if self.mapping.is_of_boxes else MAX_DISTRICT_COUNT
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
        wanted = [units.district, units.province, columns.box, columns.votes, *columns.candidate, *self.mapping.votes]
        wanted += self.mapping.table.only
        wanted += [getattr(columns, name) for name in _FIGURES]
        wanted += [self.mapping.status.column] if self.mapping.status else []
        wanted += [
            each.column
            for each in (report.contest, report.at, report.revision, report.correction)
            if isinstance(each, Column)
        ]
        for name in wanted:
            if name is not None:
                self._columns[name] = self.sheet.column(name, self.faults.file)
        self._unit_columns = tuple(self._columns[name] for name in (units.district, units.province) if name is not None)
        self._called = {name: column for name in _FIGURES if (column := getattr(columns, name))}
        self._candidates = tuple(self.mapping.votes.values())
        self._vote_parts = tuple((VOTES, candidate) for candidate in self._candidates)
        numbers = [self._number_column(name, column) for name, column in self._called.items()]
        numbers += [self._number_column(VOTES, column) for column in self.mapping.votes]
        self._line_numbers = LineNumbers(numbers, self.mapping.table.numbers)

    def _number_column(self, counted: str, column: str) -> NumberColumn:
        most = MAX_DISTRICT_BOXES if counted == "boxes_opened" else self._most
        return NumberColumn(column, self._columns[column], most)

    def read(self, line: TableLine) -> None:
        """Read one line, or note in `faults` why it cannot be used."""
        if self._is_total(line.cells):
            self._total_rows += self._total(line)
            return
        if line.fault or len(line.cells) != len(self.sheet.header):
            self._note(line)
            return
        key: StatementKey | None = None
        place: Place | None = None
        try:
            state = self._state(line.cells)
            if state == _SAID_ELSEWHERE or self._is_skipped(line.cells):
                return
            contest = self._contest(line.cells)
            district = self._district(line.cells)
            self._check_told(contest, district)
            place = contest, district, self._box(line.cells, district)
            self.places.add(place)
            at = self._at(line.cells)
            key = StatementKey(*place, self._revision(line.cells, at))
            if self._is_of_all_candidates(key.contest, line.cells):
                self._votes_of_all += self._all_candidates(key, line)
                return
            self._unended = None if line.ended else key
            self._keep(key, self._draft(key, line, at, state))
        except ValueError as error:
            self.faults.add(line.number, error)
            if key is not None:
                self._spoilt.add(key)
            elif place is not None:
                self._spoilt_places.add(place)
            else:
                self.strays += 1

    def _note(self, line: TableLine) -> None:
        """Note why a line cannot be used, and of what it is, as far as it says that."""
        width = len(self.sheet.header)
        fault = line.fault or f"{len(line.cells)} cells under a header of {width}"
        self.faults.add(line.number, SetAside(fault) if line.is_aside else fault)
        if len(line.cells) != width:
            self.strays += 1
            return
        try:
            district = self._district(line.cells)
            place = self._contest(line.cells), district, self._box(line.cells, district)
        except ValueError:
            self.strays += 1
        else:
            self.places.add(place)
            self._spoilt_places.add(place)

    def complete(self) -> list[Statement]:
        """Return the statements that are complete, in the order of the table; note in `faults` why others are not.

        Call it once, after the last line.
        """
        for key, draft in self._drafts.items():
            if key[:3] in self._spoilt_places:
                self._spoilt.add(key)
            try:
                figures = self._figures_of(key, draft)
                event = self.reports[key] = statement(key, draft, figures, self.mapping.report.source)
            except ValueError as error:
                if key not in self._spoilt:
                    self.faults.add(draft.lines[-1], error)
                    self._spoilt.add(key)
                continue
            if key not in self._spoilt and not isinstance(event, Withdrawn) and (missing := self._missing(key, event)):
                self.faults.add(draft.lines[-1], missing)
                self._spoilt.add(key)
        return [event for key, event in self.reports.items() if key not in self._spoilt]

    def _figures_of(self, key: StatementKey, draft: Draft) -> dict[str, int]:
        if draft.state != COUNTED:
            return {}
        figures = draft.figures(
            self.mapping.absent,
            self._called,
            lambda: self.definition.boxes_of(key.contest).get(key.district, 0),
            self.definition.given(key.contest, self.mapping.report.source),
        )
        if max(figures.values()) > self._most or max(draft.parts.values(), default=0) > self._most:
            over = [name for name, count in (figures | draft.votes).items() if count > self._most]
            raise ValueError(f"{over[0]} of {key.what} comes to more than the {self._most} that there can be")
        return figures

    def wrong_totals(self) -> list[str]:
        """Return a sentence for each total row that is wrong; none where any line could not be used."""
        if self.faults.count or not (self._total_rows or self._votes_of_all):
            return []
        newest: dict[Place, StatementKey] = {}
        for key in self.reports:
            known = newest.setdefault(key[:3], key)
            newest[key[:3]] = max(known, key)
        events = [(key, event) for key in newest.values() if not isinstance(event := self.reports[key], Withdrawn)]
        lines = [
            LineFigures(self._drafts[key].lines[0], key.contest, self._figures(key, event)) for key, event in events
        ]
        return [*check_totals(self._total_rows, lines, self.faults.line), *self._wrong_votes_of_all()]

    def _wrong_votes_of_all(self) -> Iterator[str]:
        """Yield a sentence for each wrong line of the votes that all candidates of a district have together."""
        for number, key, count in self._votes_of_all:
            report = self.reports.get(key)
            if report is None or isinstance(report, Withdrawn):
                continue
            votes = sum(report.votes.values())
            if count not in {votes, votes + report.unattributed, report.valid, report.cast}:
                yield (
                    f"{self.faults.line} {number} is a total row, but {self.mapping.columns.votes} is {count} and the "
                    f"votes of {key.what} come to {votes}"
                )

    def _keep(self, key: StatementKey, draft: Draft) -> None:
        """Keep what a line says, joined with the other lines of it. Raises `ValueError` where they contradict it."""
        known = self._drafts.setdefault(key, draft)
        if known is draft:
            known.first_of = dict.fromkeys(known.parts, known.lines[0])
            return
        what = f"revision {key.revision} of {key.what}"
        adds = self.mapping.report.repeated == "add"
        self.repeats += not known.join(draft, what, self.faults.line, adds=adds)

    def _missing(self, key: StatementKey, report: Counted | Reported) -> str:
        """Return a sentence on what a report lacks, or an empty string where it is complete."""
        votes = sum(report.votes.values()) + report.unattributed
        adds_up = votes == report.valid and (self.mapping.absent.valid is None or self.mapping.columns.votes is None)
        if self._unended == key and not self._shows_its_end(report, adds_up=adds_up):
            return MAY_BE_CUT
        if self.mapping.columns.votes is None or adds_up or self.mapping.report.unnamed == "zero":
            return ""
        missing = sorted(self.definition.names_in(key.contest, key.district) - report.votes.keys())
        if not missing:
            return ""
        of = f" of {report.valid} valid votes" if report.valid is not NOT_GIVEN else " votes"
        return (
            f"the report of {key.what} is not whole: its lines come to {votes}{of}, and "
            f"none is of {some_of(missing, _MISSING_SHOWN)}. Was the file cut off? If who is not named has no "
            'vote, say so with report.unnamed = "zero" in the mapping'
        )

    def _shows_its_end(self, report: Counted | Reported, *, adds_up: bool) -> bool:
        """Return whether a line without a line end is whole, as far as its figures can show.

        It is where its last cell is not read, or is part of a sum that is right: a cell that was cut off is a smaller
        number, or the beginning of another word.
        """
        columns, last = self.mapping.columns, self.sheet.last_column
        named = {name for name, index in self._columns.items() if index == last}
        if not named:
            return last not in self.sheet.wanted  # what is derived of it may be cut off with it
        if named.intersection({*self.mapping.votes, columns.votes, columns.unattributed, columns.valid}):
            return adds_up
        summed = {columns.cast, columns.invalid} if columns.invalid else set()
        counts = report.valid, report.invalid, report.cast
        return bool(named & summed) and NOT_GIVEN not in counts and counts[0] + counts[1] == counts[2]

    def _is_total(self, cells: Sequence[str]) -> bool:
        """Return whether a line is the sum of others: its province or district has a word for it, and is no unit."""
        names = tuple([cells[column] for column in self._unit_columns if column < len(cells)])
        known = self._totals.get(names)
        if known is None:
            known = names_total(names, self.mapping.table.totals) and not self._names.has(names[0])
            self._totals[names] = known
        return known

    def _is_of_all_candidates(self, contest: str, cells: Sequence[str]) -> bool:
        """Return whether a line of a district is the sum of all candidates, by what it calls its candidate."""
        names = self._candidate_cells(cells)
        if not names:
            return False
        asked = (contest, "", *names)
        known = self._totals.get(asked)
        if known is None:
            known = names_total(names, self.mapping.table.totals) and not self._names.anywhere(contest, names)
            self._totals[asked] = known
        return known

    def _all_candidates(self, key: StatementKey, line: TableLine) -> Iterator[tuple[int, StatementKey, int]]:
        """Yield the votes of such a line, where its cell is a number and the line has its end."""
        try:
            if self.mapping.columns.votes is not None and line.ended:
                yield line.number, key, self._number(line.cells, self.mapping.columns.votes)
        except ValueError:
            return  # a cell that is no number, such as a share, is not compared

    def _total(self, line: TableLine) -> Iterator[LineFigures]:
        """Yield the figures of a total row, as far as they are numbers, if it is of a contest of the run."""
        cells = [*line.cells, *[""] * len(self.sheet.header)]
        columns = self.mapping.columns
        named = {str(getattr(columns, name)) for name in _FIGURES if getattr(columns, name)}
        try:
            contest = self._contest(cells)
            labels = {name: name for name in (*named, *self.mapping.votes)}
            if columns.votes is not None:
                candidate = self._names.anywhere(contest, self._candidate_cells(cells))
                labels |= {columns.votes: f"{columns.votes} of {candidate}"} if candidate else {}
        except ValueError:
            return
        texts = {label: self._cell(cells, column) for column, label in labels.items()}
        yield LineFigures(line.number, contest, total_figures(texts, self.mapping.table.numbers))

    def _figures(self, key: StatementKey, report: Counted | Reported) -> dict[str, int]:
        """Return a report's figures by the names of their columns, as `_total` does."""
        columns, mapping, counts = self.mapping.columns, self.mapping, self._drafts[key].counts
        figures = {str(getattr(columns, name)): count for name, count in counts.items()}
        if columns.votes is not None:
            return figures | {f"{columns.votes} of {name}": count for name, count in report.votes.items()}
        return figures | {column: report.votes.get(name, 0) for column, name in mapping.votes.items()}

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._columns[column]].strip()

    def _candidate_cells(self, cells: Sequence[str]) -> list[str]:
        return [self._cell(cells, column) for column in self.mapping.columns.candidate]

    def _state(self, cells: Sequence[str]) -> str:
        """Return what the status column says of a line. Raises `ValueError` where `[status]` does not have its text."""
        status = self.mapping.status
        if status is None:
            return COUNTED
        text = self._cell(cells, status.column)
        found = status.meanings.get(fold(text))
        if found is None and status.counted:
            raise ValueError(f"{status.column} is {text!r}. Name under [status] in the mapping what that means")
        return found or COUNTED

    def _word(self, cells: Sequence[str]) -> tuple[str, str]:
        """Return what is counted by a line in place of a candidate's votes, and its word for that, or empty strings."""
        if self._rows:
            for name in self._candidate_cells(cells):
                if (key := fold(name)) in self._rows:
                    return self._rows[key], name
        return "", ""

    def _is_skipped(self, cells: Sequence[str]) -> bool:
        return self._word(cells)[0] == _SAID_ELSEWHERE

    def _contest(self, cells: Sequence[str]) -> str:
        contest = self.mapping.report.contest
        if isinstance(contest, str):
            return contest
        text = self._cell(cells, contest.column)
        known = self._found.get(("contest", text))
        if known is not None:
            return known
        found = self._contests.find(text) or [text]
        if len(found) > 1:
            raise ValueError(f"{contest.column} is {text!r}, which may be any of {', '.join(found)} under [contests]")
        if found[0] not in self.definition.contest_by_id:
            raise ValueError(f"{contest.column} is {text!r}, no contest of this run. Name it under [contests]")
        return self._found.setdefault(("contest", text), found[0])

    def _district(self, cells: Sequence[str]) -> str:
        units = self.mapping.units
        province = self._cell(cells, units.province) if units.province else None
        district = self._cell(cells, units.district)
        known = self._found.get(("district", district, province))
        if known is None:
            known = self._found["district", district, province] = self._names.district(district, province)
        return known

    def _check_told(self, contest: str, unit: str) -> None:
        """Raise `ValueError` where the source does not tell the contest of this unit, as it does of another one."""
        source = self.mapping.report.source
        if self.definition.level_told(contest, source) is not None and not self.definition.is_cell(
            contest, source, unit
        ):
            raise ValueError(self.definition.why_not_told(contest, source, unit))

    def _box(self, cells: Sequence[str], district: str) -> int:
        """Return the number of a line's box, 0 where lines are of districts."""
        column = self.mapping.columns.box
        if column is None:
            return 0
        number = self._number(cells, column, MAX_BOX_NUMBER)
        known = self._boxes.get(district)
        if known is None:
            ranges = self.definition.unit_by_id[district].boxes
            known = frozenset(box for first, last in ranges for box in range(first, last + 1))
            self._boxes[district] = known
        if number not in known:
            raise ValueError(
                f"the run has no box {number} in {district!r}, which has {self._ranges(district)}. Where a number "
                "is of several columns, such as zone and section, join them under [derived] in the mapping"
            )
        return number

    def _ranges(self, district: str) -> str:
        """Return which boxes a district has, such as `1-40, 52`."""
        boxes = self.definition.unit_by_id[district].boxes
        return some_of([f"{first}-{last}" if first < last else f"{first}" for first, last in boxes], _RANGES_SHOWN)

    def _at(self, cells: Sequence[str]) -> datetime:
        if self._constant_at is not None:
            return self._constant_at
        at = self.mapping.report.at
        if not isinstance(at, Column):  # moment() has one for all else
            raise TypeError(at)
        text = self._cell(cells, at.column)
        known = self._moments.get(text)
        if known is None:
            known = self._moments[text] = self._times.parse(text, at.column)
        return known

    def _revision(self, cells: Sequence[str], at: datetime) -> int:
        revision = self.mapping.report.revision
        if isinstance(revision, int):
            return revision
        if not isinstance(revision, Column):
            return revision_of(at)
        number = self.mapping.table.numbers.parse(self._cell(cells, revision.column), revision.column, MAX_REVISION)
        if number == 0:
            raise ValueError(f"{revision.column} is 0, not a revision from 1 up")
        return number

    def _draft(self, key: StatementKey, line: TableLine, at: datetime, state: str) -> Draft:
        """Return what one line says."""
        columns, marked, cells = self.mapping.columns, self.mapping.report.correction, line.cells
        draft = Draft(at, state=state, lines=[line.number])
        draft.is_correction = self.correction or bool(marked and self._cell(cells, marked.column) == marked.equals)
        if self.mapping.report.repeated:
            draft.cells = {tuple(cells)}
        if state != COUNTED:
            return draft
        numbers = self._line_numbers.read(cells)
        draft.counts = dict(zip(self._called, numbers, strict=False))
        if columns.votes is None:
            draft.parts = self._votes_of_columns(key, numbers[len(self._called) :])
            return draft
        counted, word = self._word(cells)
        if counted:
            most = MAX_DISTRICT_BOXES if counted == "boxes_opened" else self._most
            draft.parts[counted, word] = self._number(cells, columns.votes, most)
        else:
            draft.parts = self._votes_of_line(key, cells, columns.votes)
        return draft

    def _votes_of_line(self, key: StatementKey, cells: Sequence[str], column: str) -> dict[Part, int]:
        """Return the votes of a line's candidate; nothing for one who is on another ballot only and has none."""
        names, count = self._candidate_cells(cells), self._number(cells, column)
        asked = (key.contest, key.district, *names)
        known = self._found.get(asked)
        if known is None:
            if not count and self._names.is_elsewhere(key.contest, key.district, names):
                return {}
            known = self._found[asked] = self._names.candidate(key.contest, key.district, names)
        return {(VOTES, known): count}

    def _votes_of_columns(self, key: StatementKey, counts: Sequence[int]) -> dict[Part, int]:
        """Return a line's votes by candidate. Those of a candidate who is on another ballot only have to be 0."""
        ballot = self.definition.names_in(key.contest, key.district)
        votes = dict(zip(self._vote_parts, counts, strict=True))
        if ballot.issuperset(self._candidates):
            return votes
        strangers = [name for (_, name), count in votes.items() if count and name not in ballot]
        if strangers:
            raise ValueError(f"no candidate {strangers[0]!r} on the ballot of {key.district}")
        return {part: count for part, count in votes.items() if part[1] in ballot}

    def _number(self, cells: Sequence[str], column: str, most: int | None = None) -> int:
        most = self._most if most is None else most
        text = self._cell(cells, column)
        if text.isdecimal() and text.isascii() and len(text) < PLAIN_DIGITS and (number := int(text)) <= most:
            return number
        return self.mapping.table.numbers.parse(text, column, most)
