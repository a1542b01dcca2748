"""An agency's table of district totals as `Reported` events.

Every line is checked, and a line that cannot be used spoils its district's report: half a report is worse than none.
Where a line is one candidate's, a report is complete once its lines name everybody on the ballot, or their votes come
to what the line says is valid. So a file that is cut off at the end of a line is not read as zeros.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from producers.input_files import some_of
from producers.tables.fitting import check_mapping
from producers.tables.line_checks import LineFaults, LineFigures, check_totals, names_total, total_figures
from producers.tables.lines import MAY_BE_CUT, Sheet, TableLine
from producers.tables.mapping import COUNTS, Column, ReportMapping
from producers.tables.names import Names
from producers.tables.notation import Times, revision_of
from producers.tables.sheet import open_sheet
from producers.tables.spellings import Spellings
from schemas.definition import Election
from schemas.errors import MappingError, TableError
from schemas.fields import MAX_DISTRICT_BOXES, MAX_DISTRICT_COUNT, MAX_REVISION
from schemas.tally import Reported

_FIGURES: Final = (*COUNTS, "invalid", "unattributed")

_MISSING_SHOWN: Final = 5
"""How many candidates without a line a message names."""


class ReportKey(NamedTuple):
    """What makes a report unique: the contest, the district and the revision."""

    contest: str
    district: str
    revision: int


@dataclass(slots=True)
class ReportReader:
    """Turns lines into reports, and collects what is wrong with them. `correction` marks all of them as corrections.

    Call order: `read` each line, `complete` once, then `wrong_totals`.
    """

    sheet: Sheet
    mapping: ReportMapping
    definition: Election
    faults: LineFaults
    correction: bool
    reports: dict[ReportKey, Reported] = field(default_factory=dict)
    _spoilt: set[ReportKey] = field(default_factory=set)  # reports of which a line could not be used
    _lines: dict[ReportKey, list[int]] = field(default_factory=dict)
    _vote_lines: dict[tuple[ReportKey, str], int] = field(default_factory=dict)
    _total_rows: list[LineFigures] = field(default_factory=list)
    _votes_of_all: list[tuple[int, ReportKey, int]] = field(default_factory=list)
    _unended: ReportKey | None = None
    _columns: dict[str, int] = field(default_factory=dict)
    _names: Names = field(init=False)
    _contests: Spellings = field(init=False)
    _times: Times = field(init=False)

    def __post_init__(self) -> None:
        self._times = self.mapping.report.times(self.definition.date)
        units, columns, report = self.mapping.units, self.mapping.columns, self.mapping.report
        self._names = Names(
            self.definition, within=units.within, districts=units.names, candidates=self.mapping.candidates
        )
        self._contests = Spellings(given=self.mapping.contests.items())
        wanted = [units.district, units.province, columns.votes, *columns.candidate, *self.mapping.votes]
        wanted += self.mapping.table.only
        wanted += [getattr(columns, name) for name in _FIGURES]
        wanted += [
            each.column
            for each in (report.contest, report.at, report.revision, report.correction)
            if isinstance(each, Column)
        ]
        for name in wanted:
            if name is not None:
                self._columns[name] = self.sheet.column(name, self.faults.file)

    def read(self, line: TableLine) -> None:
        """Read one line, or note in `faults` why it cannot be used."""
        if line.fault:
            self.faults.add(line.number, line.fault)
            return
        if self._is_total(line.cells):
            self._total_rows += self._total(line)
            return
        key: ReportKey | None = None
        if len(line.cells) != len(self.sheet.header):
            self.faults.add(line.number, f"{len(line.cells)} cells under a header of {len(self.sheet.header)}")
            return
        try:
            at = self._at(line.cells)
            key = ReportKey(self._contest(line.cells), self._district(line.cells), self._revision(line.cells, at))
            if self._is_of_all_candidates(key.contest, line.cells):
                self._votes_of_all += self._all_candidates(key, line)
                return
            self._unended = None if line.ended else key
            self._keep(key, line.number, self._report(key, line.cells, at))
        except ValueError as error:
            self.faults.add(line.number, error)
            if key is not None:
                self._spoilt.add(key)

    def complete(self) -> list[Reported]:
        """Return the reports that are complete, in the order of the table; note in `faults` why others are not.

        Call it once, after the last line.
        """
        for key, report in self.reports.items():
            if key not in self._spoilt and (missing := self._missing(key, report)):
                self.faults.add(self._lines[key][-1], missing)
                self._spoilt.add(key)
        return [report for key, report in self.reports.items() if key not in self._spoilt]

    def wrong_totals(self) -> list[str]:
        """Return a sentence for each total row that is wrong; none where any line could not be used."""
        if self.faults.count:
            return []
        newest: dict[tuple[str, str], ReportKey] = {}
        for key in self.reports:
            known = newest.setdefault(key[:2], key)
            newest[key[:2]] = max(known, key)
        lines = [
            LineFigures(self._lines[key][0], key.contest, self._figures(self.reports[key])) for key in newest.values()
        ]
        return [*check_totals(self._total_rows, lines, self.faults.line), *self._wrong_votes_of_all()]

    def _wrong_votes_of_all(self) -> Iterator[str]:
        """Yield a sentence for each wrong line of the votes that all candidates of a district have together."""
        for number, key, count in self._votes_of_all:
            report = self.reports.get(key)
            votes = sum(report.votes.values()) if report else 0
            if report and count not in {votes, votes + report.unattributed, report.valid, report.cast}:
                yield (
                    f"{self.faults.line} {number} is a total row, but {self.mapping.columns.votes} is {count} and the "
                    f"votes of {key.district} come to {votes}"
                )

    def _keep(self, key: ReportKey, number: int, report: Reported) -> None:
        """Keep a line's report, joined with the other lines of it. Raises `ValueError` where they contradict it."""
        known = self.reports.setdefault(key, report)
        lines = self._lines.setdefault(key, [])
        lines.append(number)
        for candidate in report.votes:
            self._vote_lines.setdefault((key, candidate), number)
        if known is report:
            return
        what, first = f"revision {key.revision} of {key.district}", f"{self.faults.line} {lines[0]}"
        if replace(known, votes={}, at=report.at, type=report.type) != replace(report, votes={}):
            raise ValueError(f"{what} is in {first} with other figures")
        if known.type != report.type:
            mark = "without" if report.type == "report_corrected" else "with"
            raise ValueError(f"{what} is in {first} {mark} the mark of a correction")
        for candidate, votes in report.votes.items():
            if known.votes.get(candidate, votes) != votes:
                before = f"{self.faults.line} {self._vote_lines[key, candidate]}"
                raise ValueError(f"{what} has other votes of {candidate!r} in {before}")
        self.reports[key] = replace(known, votes=known.votes | report.votes, at=max(known.at, report.at))

    def _missing(self, key: ReportKey, report: Reported) -> str:
        """Return a sentence on what a report lacks, or an empty string where it is complete."""
        votes = sum(report.votes.values()) + report.unattributed
        adds_up = votes == report.valid
        if self._unended == key and not self._shows_its_end(report, adds_up=adds_up):
            return MAY_BE_CUT
        missing = sorted(self.definition.ballot_ids(key.contest, key.district) - report.votes.keys())
        if self.mapping.columns.votes is None or not missing or adds_up or self.mapping.report.unnamed == "zero":
            return ""
        return (
            f"the report of {key.district} is not whole: its lines come to {votes} of {report.valid} valid votes, and "
            f"none is of {some_of(missing, _MISSING_SHOWN)}. Was the file cut off? If who is not named has no "
            'vote, say so with report.unnamed = "zero" in the mapping'
        )

    def _shows_its_end(self, report: Reported, *, adds_up: bool) -> bool:
        """Return whether a line without a line end is whole, as far as its figures can show.

        It is where its last cell is not read, or is part of a sum that is right: a cell that was cut off is a smaller
        number, or the beginning of another word.
        """
        columns, last = self.mapping.columns, len(self.sheet.header) - 1
        named = {name for name, index in self._columns.items() if index == last}
        if not named:
            return True
        if named.intersection({*self.mapping.votes, columns.votes, columns.unattributed, columns.valid}):
            return adds_up
        summed = {columns.cast, columns.invalid} if columns.invalid else set()
        return bool(named & summed) and report.valid + report.invalid == report.cast

    def _is_total(self, cells: Sequence[str]) -> bool:
        """Return whether a line is the sum of others: its province or district has a word for it, and is no unit."""
        units = self.mapping.units
        columns = [self._columns[name] for name in (units.district, units.province) if name is not None]
        names = [cells[column] for column in columns if column < len(cells)]
        return names_total(names, self.mapping.table.totals) and not self._names.has(names[0])

    def _is_of_all_candidates(self, contest: str, cells: Sequence[str]) -> bool:
        """Return whether a line of a district is the sum of all candidates, by what it calls its candidate."""
        names = self._candidate_cells(cells)
        return names_total(names, self.mapping.table.totals) and not self._names.anywhere(contest, names)

    def _all_candidates(self, key: ReportKey, line: TableLine) -> Iterator[tuple[int, ReportKey, int]]:
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

    def _figures(self, report: Reported) -> dict[str, int]:
        """Return a report's figures by the names of their columns, as `_total` does."""
        columns, mapping = self.mapping.columns, self.mapping
        figures = {str(getattr(columns, name)): getattr(report, name) for name in _FIGURES if getattr(columns, name)}
        if columns.votes is not None:
            return figures | {f"{columns.votes} of {name}": count for name, count in report.votes.items()}
        return figures | {column: report.votes.get(name, 0) for column, name in mapping.votes.items()}

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._columns[column]].strip()

    def _candidate_cells(self, cells: Sequence[str]) -> list[str]:
        return [self._cell(cells, column) for column in self.mapping.columns.candidate]

    def _contest(self, cells: Sequence[str]) -> str:
        contest = self.mapping.report.contest
        if isinstance(contest, str):
            return contest
        text = self._cell(cells, contest.column)
        found = self._contests.find(text) or [text]
        if len(found) > 1:
            raise ValueError(f"{contest.column} is {text!r}, which may be any of {', '.join(found)} under [contests]")
        if found[0] not in self.definition.contest_by_id:
            raise ValueError(f"{contest.column} is {text!r}, no contest of this run. Name it under [contests]")
        return found[0]

    def _district(self, cells: Sequence[str]) -> str:
        units = self.mapping.units
        province = self._cell(cells, units.province) if units.province else None
        return self._names.district(self._cell(cells, units.district), province)

    def _at(self, cells: Sequence[str]) -> datetime:
        report = self.mapping.report
        if isinstance(report.at, datetime):
            return self._times.with_zone(report.at, "report.at")
        return self._times.parse(self._cell(cells, report.at.column), report.at.column)

    def _revision(self, cells: Sequence[str], at: datetime) -> int:
        revision = self.mapping.report.revision
        if isinstance(revision, int):
            return revision
        if revision is None:
            return revision_of(at)
        number = self.mapping.table.numbers.parse(self._cell(cells, revision.column), revision.column, MAX_REVISION)
        if number == 0:
            raise ValueError(f"{revision.column} is 0, not a revision from 1 up")
        return number

    def _report(self, key: ReportKey, cells: Sequence[str], at: datetime) -> Reported:
        columns = self.mapping.columns
        boxes_opened = self._number(cells, columns.boxes_opened, MAX_DISTRICT_BOXES)
        cast, valid = self._number(cells, columns.cast), self._number(cells, columns.valid)
        if columns.invalid is None and valid > cast:
            raise ValueError(f"{columns.valid} is {valid}, over the {cast} of {columns.cast}")
        marked = self.mapping.report.correction
        is_correction = self.correction or (marked and self._cell(cells, marked.column) == marked.equals)
        return Reported(
            type="report_corrected" if is_correction else "reported",
            contest=key.contest,
            district=key.district,
            source=self.mapping.report.source,
            revision=key.revision,
            at=at,
            boxes_opened=boxes_opened,
            registered=self._number(cells, columns.registered),
            cast=cast,
            valid=valid,
            invalid=self._number(cells, columns.invalid) if columns.invalid else cast - valid,
            unattributed=self._number(cells, columns.unattributed) if columns.unattributed else 0,
            votes=self._votes(key, cells),
        )

    def _votes(self, key: ReportKey, cells: Sequence[str]) -> dict[str, int]:
        """Return a line's votes by candidate. Those of a candidate who is on another ballot only have to be 0."""
        columns = self.mapping.columns
        if columns.votes is not None:
            names, count = self._candidate_cells(cells), self._number(cells, columns.votes)
            if not count and self._names.is_elsewhere(key.contest, key.district, names):
                return {}
            return {self._names.candidate(key.contest, key.district, names): count}
        ballot = self.definition.ballot_ids(key.contest, key.district)
        votes = {name: self._number(cells, column) for column, name in self.mapping.votes.items()}
        strangers = [name for name, count in votes.items() if count and name not in ballot]
        if strangers:
            raise ValueError(f"no candidate {strangers[0]!r} on the ballot of {key.district}")
        return {name: count for name, count in votes.items() if name in ballot}

    def _number(self, cells: Sequence[str], column: str, most: int = MAX_DISTRICT_COUNT) -> int:
        return self.mapping.table.numbers.parse(self._cell(cells, column), column, most)


_HAVE_AN_END: Final = {".json", ".xml", ".parquet", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
"""Endings of the names of files that cannot be read at all where a part is missing."""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table that was read: the reports that can be used, and what is wrong with lines that cannot.

    `wrong_totals` has a sentence for each total row that is not the sum of the lines.
    """

    reports: tuple[Reported, ...]
    faults: LineFaults
    wrong_totals: tuple[str, ...] = ()


def read_reports(path: Path, mapping: ReportMapping, definition: Election, *, correction: bool = False) -> ReportTable:
    """Read a table of district totals. `correction` marks every report as one that may go backwards.

    Raises `MappingError` where mapping, table and definition do not fit each other, `TableError` where the file cannot
    be read.
    """
    check_mapping(mapping, definition)
    table, kind = mapping.table, path.suffix.lower()
    if mapping.report.unnamed and table.end is None and kind not in _HAVE_AN_END:
        raise MappingError(
            f'With report.unnamed = "zero", nothing shows that {path} is whole. Name as table.end in the mapping how '
            "the last line of a whole file begins."
        )
    with open_sheet(path, table.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        faults = LineFaults(str(path), "record" if kind in {".json", ".xml"} else "line")
        reader = ReportReader(sheet, mapping, definition, faults, correction)
        for line in sheet.lines:
            reader.read(line)
    if not (reader.reports or faults.count):
        raise TableError(f"{path} has no report. Is it the right file?")
    reports = tuple(reader.complete())
    return ReportTable(reports, faults, tuple(reader.wrong_totals()))
