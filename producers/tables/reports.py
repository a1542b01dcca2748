"""A table of districts' or boxes' figures as events, whose units and candidates are found in the run's definition."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Generic, TypeVar, cast

from producers.tables.drafts import Statement
from producers.tables.fitting import check_mapping
from producers.tables.line_checks import LineFaults
from producers.tables.mapping import ReportMapping
from producers.tables.report_lines import Place, ReportReader
from producers.tables.sheet import open_sheet
from schemas.definition import Election
from schemas.errors import MappingError, TableError
from schemas.tally import Counted, Reported, Withdrawn

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
