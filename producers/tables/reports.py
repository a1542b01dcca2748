"""An agency's district totals, from a table of theirs to `Reported` events.

Every line is checked. A line that cannot be used is named, and so is its district's report: half a report is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from producers.tables.line_faults import LineFaults
from producers.tables.mapping import Column
from producers.tables.names import Names
from producers.tables.notation import Times
from producers.tables.report_mapping import COUNTS, ReportMapping
from producers.tables.sheet import Line, Sheet, column_of, open_sheet
from schemas.definition import Election
from schemas.errors import MappingError, TableError
from schemas.fields import MAX_DISTRICT_BOXES, MAX_DISTRICT_COUNT, MAX_REVISION
from schemas.tally import Reported

_FIGURES: Final = (*COUNTS, "invalid", "unattributed")


class Key(NamedTuple):
    """What makes a report one: the contest, the district and the revision."""

    contest: str
    district: str
    revision: int


@dataclass(frozen=True, slots=True)
class ReportTable:
    """What a table came to: the reports that can be used, and what is wrong with lines that cannot."""

    reports: tuple[Reported, ...]
    faults: LineFaults


def check_mapping(mapping: ReportMapping, definition: Election) -> None:
    """Raise `MappingError` where the mapping names what the run's definition does not have."""
    sources = {source.id: source for source in definition.sources}
    source = sources.get(mapping.report.source)
    if source is None:
        raise MappingError(f"The run has no source {mapping.report.source!r}. It has: {', '.join(sources)}.")
    if source.reports != "districts":
        raise MappingError(
            f"Source {source.id!r} of this run reports each box by itself. "
            'Give the run\'s definition a source with reports = "districts", and name that one.'
        )
    contests = mapping.contests.values()
    named = [mapping.report.contest] if isinstance(mapping.report.contest, str) else list(contests)
    for contest in named:
        if contest not in definition.contest_by_id:
            raise MappingError(f"The run has no contest {contest!r}. It has: {', '.join(definition.contest_by_id)}.")
    if mapping.units.within not in {None, *definition.unit_by_id}:
        raise MappingError(f"The run has no unit {mapping.units.within!r}, which units.within names.")
    for name, unit in mapping.units.names.items():
        if unit not in definition.unit_by_id or definition.unit_by_id[unit].level != "district":
            raise MappingError(f"The run has no district {unit!r}, which units.names gives for {name!r}.")


def read_reports(path: Path, mapping: ReportMapping, definition: Election, *, correction: bool = False) -> ReportTable:
    """Read a table of district totals. `correction` marks every report as one that may go backwards.

    Raises `MappingError` where mapping, table and definition do not fit, `TableError` where the file cannot be read.
    """
    check_mapping(mapping, definition)
    table = mapping.table
    with open_sheet(path, table.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        faults = LineFaults(str(path), "record" if path.suffix.lower() == ".json" else "line")
        reader = _Reader(sheet, mapping, definition, faults, correction)
        for line in sheet.lines:
            reader.read(line)
    if not (reader.reports or faults.count):
        raise TableError(f"{path} has no report. Is it the right file?")
    return ReportTable(tuple(reader.whole()), faults)


@dataclass(slots=True)
class _Reader:
    """Turns lines into reports, and collects what is wrong with them."""

    sheet: Sheet
    mapping: ReportMapping
    definition: Election
    faults: LineFaults
    correction: bool
    reports: dict[Key, Reported] = field(default_factory=dict)
    _spoilt: set[Key] = field(default_factory=set)
    _first_lines: dict[Key, int] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _names: Names = field(init=False)
    _times: Times = field(init=False)

    def __post_init__(self) -> None:
        self._times = self.mapping.report.times(self.definition.date)
        units, columns, report = self.mapping.units, self.mapping.columns, self.mapping.report
        self._names = Names(self.definition, within=units.within, districts=units.names)
        wanted = [units.district, units.province, columns.votes, *columns.candidate, *self.mapping.votes]
        wanted += [getattr(columns, name) for name in _FIGURES]
        wanted += [
            said.column
            for said in (report.contest, report.at, report.revision, report.correction)
            if isinstance(said, Column)
        ]
        for name in wanted:
            if name is not None:
                self._places[name] = column_of(name, self.sheet.header, self.faults.file)

    def read(self, line: Line) -> None:
        """Read one line, or note why it cannot be read."""
        key: Key | None = None
        if len(line.cells) != len(self.sheet.header):
            self.faults.add(line.number, f"{len(line.cells)} cells under a header of {len(self.sheet.header)}")
            return
        try:
            at = self._at(line.cells)
            key = Key(self._contest(line.cells), self._district(line.cells), self._revision(line.cells, at))
            self._keep(key, line.number, self._report(key, line.cells, at))
        except ValueError as error:
            self.faults.add(line.number, error)
            if key is not None:
                self._spoilt.add(key)

    def whole(self) -> list[Reported]:
        """The reports of which every line could be used, in the order of the table."""
        return [report for key, report in self.reports.items() if key not in self._spoilt]

    def _keep(self, key: Key, number: int, report: Reported) -> None:
        known = self.reports.setdefault(key, report)
        first = self._first_lines.setdefault(key, number)
        if known is report:
            return
        what = f"revision {key.revision} of {key.district}"
        if replace(known, votes={}) != replace(report, votes={}):
            raise ValueError(f"{what} is in {self.faults.line} {first} with other figures")
        for candidate, votes in report.votes.items():
            if known.votes.get(candidate, votes) != votes:
                raise ValueError(f"{what} has other votes of {candidate!r} in a {self.faults.line} before")
        self.reports[key] = replace(known, votes=known.votes | report.votes)

    def _cell(self, cells: Sequence[str], column: str) -> str:
        return cells[self._places[column]].strip()

    def _contest(self, cells: Sequence[str]) -> str:
        contest = self.mapping.report.contest
        if isinstance(contest, str):
            return contest
        text = self._cell(cells, contest.column)
        found = self.mapping.contests.get(text, text)
        if found not in self.definition.contest_by_id:
            raise ValueError(f"{contest.column} is {text!r}, no contest of this run. Name it under [contests]")
        return found

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
            return int(at.timestamp() * 1000)
        number = self.mapping.table.numbers.parse(self._cell(cells, revision.column), revision.column, MAX_REVISION)
        if number == 0:
            raise ValueError(f"{revision.column} is 0, not a revision from 1 up")
        return number

    def _report(self, key: Key, cells: Sequence[str], at: datetime) -> Reported:
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

    def _votes(self, key: Key, cells: Sequence[str]) -> dict[str, int]:
        columns = self.mapping.columns
        if columns.votes is not None:
            names = [self._cell(cells, column) for column in columns.candidate]
            candidate = self._names.candidate(key.contest, key.district, names, self.mapping.candidates)
            return {candidate: self._number(cells, columns.votes)}
        ballot = {candidate.id for candidate in self.definition.contest_by_id[key.contest].ballot(key.district)}
        votes = {name: self._number(cells, column) for column, name in self.mapping.votes.items()}
        strangers = [name for name, count in votes.items() if count and name not in ballot]
        if strangers:
            raise ValueError(f"no candidate {strangers[0]!r} on the ballot of {key.district}")
        return {name: count for name, count in votes.items() if name in ballot}

    def _number(self, cells: Sequence[str], column: str, most: int = MAX_DISTRICT_COUNT) -> int:
        return self.mapping.table.numbers.parse(self._cell(cells, column), column, most)
