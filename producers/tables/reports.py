"""An agency's district totals, from a table of theirs to `Reported` events.

Every line is checked. A line that cannot be used is named, and so is its district's report: half a report is none.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producers.tables.fitting import check_mapping
from producers.tables.line_faults import LineFaults
from producers.tables.report_lines import ReportReader
from producers.tables.report_mapping import ReportMapping
from producers.tables.sheet import open_sheet
from schemas.definition import Election
from schemas.errors import MappingError, TableError
from schemas.tally import Reported

_SAY_THEIR_END: Final = {".json", ".parquet"}
"""Files that cannot be read at all where their end is missing."""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """What a table came to: the reports that can be used, and what is wrong with lines that cannot.

    `wrong_totals` says which total rows are not the sum of the lines, in a sentence for each.
    """

    reports: tuple[Reported, ...]
    faults: LineFaults
    wrong_totals: tuple[str, ...] = ()


def read_reports(path: Path, mapping: ReportMapping, definition: Election, *, correction: bool = False) -> ReportTable:
    """Read a table of district totals. `correction` marks every report as one that may go backwards.

    Raises `MappingError` where mapping, table and definition do not fit, `TableError` where the file cannot be read.
    """
    check_mapping(mapping, definition)
    table, kind = mapping.table, path.suffix.lower()
    if mapping.report.unnamed and table.end is None and kind not in _SAY_THEIR_END:
        raise MappingError(
            f'With report.unnamed = "zero", nothing shows that {path} is whole. Name as table.end in the mapping how '
            "the last line of a whole file begins."
        )
    with open_sheet(path, table.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        faults = LineFaults(str(path), "record" if kind == ".json" else "line")
        reader = ReportReader(sheet, mapping, definition, faults, correction)
        for line in sheet.lines:
            reader.read(line)
    if not (reader.reports or faults.count):
        raise TableError(f"{path} has no report. Is it the right file?")
    reports = tuple(reader.whole())
    return ReportTable(reports, faults, tuple(reader.wrong_totals()))
