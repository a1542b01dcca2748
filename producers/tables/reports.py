"""A table of districts' or boxes' figures as events, whose units and candidates are found in the run's definition.

Every line is checked, and a line that cannot be used spoils its statement: half a report is worse than none. Where a
line is one candidate's, a statement is complete once its lines name everybody on the ballot, or their votes come to
what the line says is valid. So a file that is cut off at the end of a line is not read as zeros.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Generic, TypeVar, cast

from producers.input_files import some_of
from producers.tables.fitting import check_mapping
from producers.tables.layout import MAY_BE_CUT, Sheet, TableLine
from producers.tables.lines import LineFaults, LineFigures, check_totals, total_figures
from producers.tables.mapping import ReportMapping
from producers.tables.notation import SetAside
from producers.tables.report_cells import FIGURES, SAID_ELSEWHERE, ReportCells, WholeLines
from producers.tables.sheet import open_sheet
from producers.tables.statements import COUNTED, VOTES, Draft, Part, Statement, StatementKey, statement
from schemas.definition import Election
from schemas.errors import MappingError, TableError
from schemas.fields import (
    MAX_DISTRICT_BOXES,
)
from schemas.tally import NOT_GIVEN, Counted, Reported, Withdrawn

_MISSING_SHOWN: Final = 5
"""How many candidates without a line a message names."""

Place = tuple[str, str, int]
"""A contest, a district, and a box or 0."""

WholeLine = tuple[Counted, int]
"""A statement that one line says all of, and the number of the line."""


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
    strays: int = 0  # lines that do not say of what they are
    repeats: int = 0
    _reports: dict[StatementKey, Statement] = field(default_factory=dict)
    _places: set[Place] = field(default_factory=set)  # of which there is a line, usable or not, but for whole lines
    _drafts: dict[StatementKey, Draft | WholeLine] = field(default_factory=dict)
    _spoilt: set[StatementKey] = field(default_factory=set)  # statements of which a line could not be used
    _spoilt_places: set[Place] = field(default_factory=set)  # the same, where no line says at which revision
    _total_rows: list[LineFigures] = field(default_factory=list)
    _votes_of_all: list[tuple[int, StatementKey, int]] = field(default_factory=list)
    _unended: StatementKey | None = None
    _cells: ReportCells = field(init=False)
    _whole: WholeLines | None = None
    _width: int = field(init=False)

    def __post_init__(self) -> None:
        self._width = len(self.sheet.header)
        self._cells = ReportCells(self.sheet, self.mapping, self.definition, self.faults.file, self.fetched)
        if WholeLines.are_in(self.mapping) and not self.correction:
            self._whole = WholeLines(self.mapping, self.definition, self._cells.columns)

    def read(self, line: TableLine) -> None:
        """Read one line, or note in `faults` why it cannot be used."""
        if self._is_whole(line):
            return
        if self._cells.is_total(line.cells):
            self._total_rows += self._total(line)
            return
        if line.fault or len(line.cells) != self._width:
            self._note(line)
            return
        key: StatementKey | None = None
        place: Place | None = None
        try:
            state = self._cells.state(line.cells)
            if state == SAID_ELSEWHERE or self._cells.is_skipped(line.cells):
                return
            contest = self._cells.contest(line.cells)
            district = self._cells.district(line.cells)
            self._cells.check_told(contest, district)
            place = contest, district, self._cells.box(line.cells, district)
            self._places.add(place)
            at = self._cells.times.of(line.cells)
            key = StatementKey(*place, self._cells.revision(line.cells, at))
            if self._cells.is_of_all_candidates(key.contest, line.cells):
                self._votes_of_all += self._all_candidates(key, line)
                return
            self._unended = None if line.ended else key
            self._keep(key, self._draft(key, line, at, state))
            if self._whole is not None:
                self._whole.learn(line.cells, key, at, self._cells.boxes.of(district))
        except ValueError as error:
            self.faults.add(line.number, error)
            if key is not None:
                self._spoilt.add(key)
            elif place is not None:
                self._spoilt_places.add(place)
            else:
                self.strays += 1

    def _is_whole(self, line: TableLine) -> bool:
        """Take in a line that says all of a statement; `False` for any other, which is to be read part by part."""
        number, cells, ended, fault, _ = line
        if self._whole is None or fault or not ended or len(cells) != self._width:
            return False
        found = self._whole.event(cells)
        if found is None:
            return False
        key, event = found
        draft = event, number
        if self._drafts.setdefault(key, draft) is not draft:
            return False
        self._unended = None
        return True

    def _note(self, line: TableLine) -> None:
        """Note why a line cannot be used, and of what it is, as far as it says that."""
        fault = line.fault or f"{len(line.cells)} cells under a header of {self._width}"
        self.faults.add(line.number, SetAside(fault) if line.is_aside else fault)
        if len(line.cells) != self._width:
            self.strays += 1
            return
        try:
            district = self._cells.district(line.cells)
            place = self._cells.contest(line.cells), district, self._cells.box(line.cells, district)
        except ValueError:
            self.strays += 1
        else:
            self._places.add(place)
            self._spoilt_places.add(place)

    def complete(self) -> list[Statement]:
        """Return the statements that are complete, in the order of the table; note in `faults` why others are not.

        Call it once, after the last line.
        """
        spoilt_places, statements = self._spoilt_places, list[Statement]()
        for key, draft in self._drafts.items():
            if spoilt_places and key[:3] in spoilt_places:
                self._spoilt.add(key)
            if isinstance(draft, tuple):
                if not self._spoilt or key not in self._spoilt:
                    statements.append(draft[0])
                continue
            try:
                figures = self._figures_of(key, draft)
                event = self._reports[key] = statement(key, draft, figures, self.mapping.report.source)
            except ValueError as error:
                if key not in self._spoilt:
                    self.faults.add(draft.lines[-1], error)
                    self._spoilt.add(key)
                continue
            if key not in self._spoilt and not isinstance(event, Withdrawn) and (missing := self._missing(key, event)):
                self.faults.add(draft.lines[-1], missing)
                self._spoilt.add(key)
            if key not in self._spoilt:
                statements.append(event)
        return statements

    @property
    def is_empty(self) -> bool:
        """Return whether no line says of what it is."""
        return not (self._places or self._drafts)

    def places(self) -> frozenset[Place]:
        """Return everything of which there is a line, usable or not."""
        return frozenset(self._places.union(key[:3] for key in self._drafts))

    def _report_of(self, key: StatementKey) -> Statement | None:
        draft = self._drafts.get(key)
        return draft[0] if isinstance(draft, tuple) else self._reports.get(key)

    def _figures_of(self, key: StatementKey, draft: Draft) -> dict[str, int]:
        if draft.state != COUNTED:
            return {}
        figures = draft.figures(
            self.mapping.absent,
            self._cells.called,
            lambda: self.definition.boxes_of(key.contest).get(key.district, 0),
            self.definition.given(key.contest, self.mapping.report.source),
        )
        if max(figures.values()) > self._cells.most or max(draft.parts.values(), default=0) > self._cells.most:
            over = [name for name, count in (figures | draft.votes).items() if count > self._cells.most]
            raise ValueError(f"{over[0]} of {key.what} comes to more than the {self._cells.most} that there can be")
        return figures

    def wrong_totals(self) -> list[str]:
        """Return a sentence for each total row that is wrong; none where any line could not be used."""
        if self.faults.count or not (self._total_rows or self._votes_of_all):
            return []
        newest: dict[Place, StatementKey] = {}
        for key in self._drafts:
            known = newest.setdefault(key[:3], key)
            newest[key[:3]] = max(known, key)
        told = [(key, self._report_of(key)) for key in newest.values()]
        events = [(key, event) for key, event in told if event is not None and not isinstance(event, Withdrawn)]
        lines = [
            LineFigures(self._draft_of(key).lines[0], key.contest, self._figures(key, event)) for key, event in events
        ]
        return [*check_totals(self._total_rows, lines, self.faults.line), *self._wrong_votes_of_all()]

    def _wrong_votes_of_all(self) -> Iterator[str]:
        """Yield a sentence for each wrong line of the votes that all candidates of a district have together."""
        for number, key, count in self._votes_of_all:
            report = self._report_of(key)
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
        if key not in self._drafts:
            self._drafts[key] = draft
            draft.first_of = dict.fromkeys(draft.parts, draft.lines[0])
            return
        known = self._draft_of(key)
        what = f"revision {key.revision} of {key.what}"
        adds = self.mapping.report.repeated == "add"
        self.repeats += not known.join(draft, what, self.faults.line, adds=adds)

    def _draft_of(self, key: StatementKey) -> Draft:
        """Return what lines say of a statement, also where one of them has said all of it."""
        known = self._drafts[key]
        if isinstance(known, tuple):
            event, line = known
            parts: dict[Part, int] = {(VOTES, name): count for name, count in event.votes.items()}
            counts = {name: getattr(event, name) for name in self._cells.called}
            first = dict.fromkeys(parts, line)
            known = self._drafts[key] = Draft(event.at, counts=counts, parts=parts, lines=[line], first_of=first)
        return known

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
        named = {name for name, index in self._cells.columns.items() if index == last}
        if not named:
            return last not in self.sheet.wanted  # what is derived of it may be cut off with it
        if named.intersection({*self.mapping.votes, columns.votes, columns.unattributed, columns.valid}):
            return adds_up
        summed = {columns.cast, columns.invalid} if columns.invalid else set()
        counts = report.valid, report.invalid, report.cast
        return bool(named & summed) and NOT_GIVEN not in counts and counts[0] + counts[1] == counts[2]

    def _all_candidates(self, key: StatementKey, line: TableLine) -> Iterator[tuple[int, StatementKey, int]]:
        """Yield the votes of such a line, where its cell is a number and the line has its end."""
        try:
            if self.mapping.columns.votes is not None and line.ended:
                yield line.number, key, self._cells.number(line.cells, self.mapping.columns.votes)
        except ValueError:
            return  # a cell that is no number, such as a share, is not compared

    def _total(self, line: TableLine) -> Iterator[LineFigures]:
        """Yield the figures of a total row, as far as they are numbers, if it is of a contest of the run."""
        cells = [*line.cells, *[""] * len(self.sheet.header)]
        columns = self.mapping.columns
        named = {str(getattr(columns, name)) for name in FIGURES if getattr(columns, name)}
        try:
            contest = self._cells.contest(cells)
            labels = {name: name for name in (*named, *self.mapping.votes)}
            if columns.votes is not None:
                candidate = self._cells.anywhere(contest, cells)
                labels |= {columns.votes: f"{columns.votes} of {candidate}"} if candidate else {}
        except ValueError:
            return
        texts = {label: self._cells.cell(cells, column) for column, label in labels.items()}
        yield LineFigures(line.number, contest, total_figures(texts, self.mapping.table.numbers))

    def _figures(self, key: StatementKey, report: Counted | Reported) -> dict[str, int]:
        """Return a report's figures by the names of their columns, as `_total` does."""
        columns, mapping, counts = self.mapping.columns, self.mapping, self._draft_of(key).counts
        figures = {str(getattr(columns, name)): count for name, count in counts.items()}
        if columns.votes is not None:
            return figures | {f"{columns.votes} of {name}": count for name, count in report.votes.items()}
        return figures | {column: report.votes.get(name, 0) for column, name in mapping.votes.items()}

    def _draft(self, key: StatementKey, line: TableLine, at: datetime, state: str) -> Draft:
        """Return what one line says."""
        columns, marked, cells = self.mapping.columns, self.mapping.report.correction, line.cells
        draft = Draft(at, state=state, lines=[line.number])
        draft.is_correction = self.correction or bool(
            marked and self._cells.cell(cells, marked.column) == marked.equals
        )
        if self.mapping.report.repeated:
            draft.cells = {tuple(cells)}
        if state != COUNTED:
            return draft
        numbers = self._cells.line_numbers.read(cells)
        draft.counts = dict(zip(self._cells.called, numbers, strict=False))
        if columns.votes is None:
            draft.parts = self._cells.votes_of_columns(key, numbers[len(self._cells.called) :])
            return draft
        counted, word = self._cells.word(cells)
        if counted:
            most = MAX_DISTRICT_BOXES if counted == "boxes_opened" else self._cells.most
            draft.parts[counted, word] = self._cells.number(cells, columns.votes, most)
        else:
            draft.parts = self._cells.votes_of_line(key, cells, columns.votes)
        return draft


T = TypeVar("T", bound=Statement)

_HAVE_AN_END: Final = {".json", ".xml", ".parquet", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
"""Endings of the names of files that cannot be read at all where a part is missing."""


@dataclass(frozen=True, slots=True)
class ReportTable(Generic[T]):
    """A table that was read: the statements that can be used, and what is wrong with lines that cannot.

    - `wrong_totals` has a sentence for each total row that is not the sum of the lines.
    - `places`: all of which there is a line, usable or not, if the mapping asks what is gone; `None` where some lines
      do not say of what they are.
    - `repeats`: lines that are there twice and counted once.
    """

    reports: tuple[T, ...]
    faults: LineFaults
    wrong_totals: tuple[str, ...] = ()
    places: frozenset[Place] | None = None
    repeats: int = 0


def read_reports(
    path: Path,
    mapping: ReportMapping,
    definition: Election,
    *,
    correction: bool = False,
    fetched: datetime | None = None,
) -> ReportTable[Reported]:
    """Read a table of district totals. `correction` marks every report as one that may go backwards.

    `fetched` is when it was read. Raises `MappingError` where mapping, table and definition do not fit each other,
    `TableError` where the file cannot be read.
    """
    if mapping.is_of_boxes:
        raise MappingError("This mapping is of boxes (columns.box): publish its table with sandik boxes.")
    table = _read(path, mapping, definition, correction=correction, fetched=fetched)
    reports = tuple(each for each in table.reports if isinstance(each, Reported))
    return ReportTable(reports, table.faults, table.wrong_totals, table.places, table.repeats)


def read_box_statements(
    path: Path, mapping: ReportMapping, definition: Election, *, fetched: datetime | None = None
) -> ReportTable[Counted | Withdrawn]:
    """Read a table of boxes, as `read_reports`."""
    if not mapping.is_of_boxes:
        raise MappingError(
            "This mapping names no columns.box: is it of districts? Publish its table with sandik reports."
        )
    table = _read(path, mapping, definition, correction=False, fetched=fetched)
    boxes = cast("tuple[Counted | Withdrawn, ...]", table.reports)  # each has a box, which a report has not
    return ReportTable(boxes, table.faults, table.wrong_totals, table.places, table.repeats)


def _read(
    path: Path, mapping: ReportMapping, definition: Election, *, correction: bool, fetched: datetime | None
) -> ReportTable[Statement]:
    check_mapping(mapping, definition)
    table, kind = mapping.table, path.suffix.lower()
    if mapping.report.unnamed and table.end is None and kind not in _HAVE_AN_END:
        raise MappingError(
            f'With report.unnamed = "zero", nothing shows that {path} is whole. Name as table.end in the mapping how '
            "the last line of a whole file begins."
        )
    with open_sheet(path, mapping.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        faults = LineFaults(str(path), "record" if kind in {".json", ".xml"} else "line")
        shaped = mapping.shape(sheet, str(path))
        reader = ReportReader(shaped, mapping, definition, faults, correction, fetched)
        for line in shaped.lines:
            reader.read(line)
    if reader.is_empty and not faults.count:
        raise TableError(f"{path} has no report. Is it the right file?")
    reports = tuple(reader.complete())
    places = reader.places() if mapping.report.gone and not reader.strays else None
    return ReportTable(reports, faults, tuple(reader.wrong_totals()), places, reader.repeats)
