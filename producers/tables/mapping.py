"""Mapping files: which column of a table is what, and what the table itself does not say.

A mapping is a small TOML file. Unknown keys are refused, so that a typo is reported. There are two kinds:

- `BoxMapping`, for official box tables (examples/turkiye-2014.toml).
- `ReportMapping`, for agencies' district totals (examples/agency-reports.toml), in one of two layouts: a line for each
  district with a column for each candidate (`[votes]`), or a line for each district and candidate (`columns.candidate`
  and `columns.votes`).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from producers.input_files import FileSection, all_faults, indented, parse_toml
from producers.tables.encodings import check_encoding
from producers.tables.line_checks import TOTAL_WORDS
from producers.tables.lines import Layout
from producers.tables.notation import Numbers, Times, check_pattern
from producers.tables.objects import check_path
from schemas.definition import Name
from schemas.errors import MappingError
from schemas.fields import MAX_REVISION, Color, Id, UnitId
from schemas.language import TURKISH, LanguageTag
from schemas.moments import Showing, zone_named

MAX_MAPPING_BYTES: Final = 1024 * 1024
"""A mapping names a few dozen columns: a mebibyte is a hundred times that."""

M = TypeVar("M", bound=BaseModel)

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class Column(FileSection):
    """The name of the column that has a value, where the value differs by row."""

    column: ColumnName


class ElectionSection(FileSection):
    """`[election]`: what the table is of. `language` is that of its names, which decides their case.

    Without `timezone` and `language`, times are İstanbul's and names are Turkish: `assumed` says so.
    """

    id: Id
    name: Name
    date: date
    timezone: Name = "Europe/Istanbul"
    language: LanguageTag = TURKISH
    polls_close: datetime | None = None

    @property
    def assumed(self) -> str:
        """Return a sentence on what the mapping does not say and what is taken for it, or an empty string."""
        values = {"timezone": self.timezone, "language": self.language}
        keys = [key for key in values if key not in self.model_fields_set]
        if not keys:
            return ""
        taken = " and ".join(f"{key} = {values[key]!r}" for key in keys)
        return f"[election] of the mapping does not say {' and '.join(keys)}: taken is {taken}. Name it there."

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        return zone_named(timezone).key


class NamedSection(FileSection):
    """`[contest]`, `[source]` and `units.country`: an id and a name."""

    id: Id
    name: Name


class BoxUnitsSection(FileSection):
    """`[units]`: the country, and the columns that say in which province and district a box is.

    `district_id` has the codes of districts whose names cannot be written in ASCII, and of those of one province whose
    names come to the same id.
    """

    country: NamedSection
    province_id: ColumnName
    province_name: ColumnName
    district_name: ColumnName
    district_id: ColumnName | None = None


class BoxColumnsSection(FileSection):
    """`[columns]`: where the counts of a box are."""

    box: ColumnName
    registered: ColumnName
    cast: ColumnName
    valid: ColumnName
    invalid: ColumnName


class Choice(FileSection):
    """One line of `[votes]`: whose votes a column holds. Without `party` (its full name) they are an independent."""

    id: Id
    name: Name
    party: Name | None = None
    color: Color = "#8a8f98"


class TimesSection(FileSection):
    """What both kinds of `[report]` have: the time of the counts, for the whole table or as a column, and its format.

    `repeated_hour` says which of two moments is meant by a time that clocks show twice when they are put back.
    """

    at: datetime | Column
    time_format: Name | None = None
    repeated_hour: Showing | None = None

    @field_validator("time_format")
    @classmethod
    def _whole(cls, time_format: str | None) -> str | None:
        return check_pattern(time_format) if time_format else None


class BoxReportSection(TimesSection):
    """`[report]` of a box table: when the counts were reported and at which revision; a constant, or a column."""

    revision: Annotated[int, Field(ge=1, le=MAX_REVISION)] | Column = 1


Mark = Annotated[str, Field(max_length=1, pattern=r"^[^0-9A-Za-z+\-]?$")]
"""What stands between the digits of a number."""


Format = Literal["csv", "tsv", "json", "jsonl", "xml", "workbook", "parquet"]
"""What a file is, where the ending of its name does not say so; see `parts.KINDS`."""

HeaderRow = Annotated[int, Field(ge=0, le=10_000)]


class TableSection(FileSection):
    """`[table]`: how the file is written: what separates its cells, how numbers are written, which lines are no data.

    What is not said here: see `Layout`. `header_row`: the line that names the columns, as an editor counts, 0 for none;
    or several, whose cells are joined. `totals`: a line whose unit is called by one of these words is the sum of
    others; it is checked and not published.
    """

    format: Format | None = None
    encoding: Name | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(max_length=1)] = '"'
    header_row: (
        HeaderRow | Annotated[tuple[HeaderRow, ...], Field(min_length=1, max_length=10, strict=False)] | None
    ) = None
    sheet: Name | None = None
    files: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    rows: Name | None = None
    each: Name | None = None
    thousands: Mark = ""
    decimal: Mark = ""
    skip: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    end: Name | None = None
    unended: bool = False
    only: dict[ColumnName, Name] = Field(default_factory=dict)
    totals: Annotated[tuple[Name, ...], Field(strict=False)] = TOTAL_WORDS

    @field_validator("encoding")
    @classmethod
    def _there_is_such(cls, encoding: str | None) -> str | None:
        return check_encoding(encoding) if encoding else None

    @field_validator("rows")
    @classmethod
    def _is_path(cls, rows: str | None) -> str | None:
        return check_path(rows) if rows else None

    @model_validator(mode="after")
    def _header_rows_rise(self) -> Self:
        rows = self._header_rows
        if len(rows) > 1 and (rows[0] == 0 or list(rows) != sorted(set(rows))):
            raise ValueError("table: the numbers of header_row must rise, from 1 up")
        return self

    @property
    def _header_rows(self) -> tuple[int, ...]:
        if self.header_row is None:
            return ()
        return (self.header_row,) if isinstance(self.header_row, int) else self.header_row

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.thousands and self.thousands == self.decimal:
            raise ValueError(f"table: {self.decimal!r} cannot be both the mark of thousands and the decimal mark")
        return self

    @property
    def numbers(self) -> Numbers:
        """Return how this table writes numbers."""
        return Numbers(self.thousands, self.decimal)

    @property
    def layout(self) -> Layout:
        """Return how this table's file is laid out."""
        return Layout(
            self.delimiter,
            rows=self.rows,
            each=self.each,
            skip=self.skip,
            end=self.end,
            unended=self.unended,
            only=tuple(self.only.items()),
            format=self.format,
            encoding=self.encoding,
            quote=self.quote,
            header_rows=self._header_rows,
            sheet=self.sheet,
            files=self.files,
        )


class BoxMapping(FileSection):
    """The mapping file of an official box table."""

    election: ElectionSection
    contest: NamedSection
    source: NamedSection
    units: BoxUnitsSection
    columns: BoxColumnsSection
    report: BoxReportSection
    table: TableSection = TableSection()
    votes: Annotated[dict[ColumnName, Choice], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        _check_ids_differ(choice.id for choice in self.votes.values())
        return self

    @model_validator(mode="after")
    def _times_are_moments(self) -> Self:
        if self.election.polls_close is not None:
            self.times.with_zone(self.election.polls_close, "election.polls_close")
        if isinstance(self.report.at, datetime):
            self.times.with_zone(self.report.at, "report.at")
        return self

    @property
    def times(self) -> Times:
        """Return how this table writes times; those without a zone are in the election's."""
        report, election = self.report, self.election
        return Times(report.time_format, zone_named(election.timezone), election.date, report.repeated_hour)


COUNTS: Final = ("boxes_opened", "registered", "cast", "valid")
"""The columns that every report has. `invalid` is `cast` less `valid` where there is no column for it."""


class CorrectionColumn(Column):
    """The column that marks a line as a correction, and the text that it then has."""

    equals: Name


class DistrictReportSection(TimesSection):
    """`[report]` of an agency's table: its source and contest, its time and its revision.

    Without `revision`, a report's revision is its time in milliseconds since 1970. `unnamed` is for tables with a line
    for each candidate: those without a line have no vote, even where the others' votes do not come to what is valid.
    """

    source: Id
    contest: Id | Column
    timezone: Name | None = None
    revision: Annotated[int, Field(ge=1, le=MAX_REVISION)] | Column | None = None
    correction: CorrectionColumn | None = None
    unnamed: Literal["zero"] | None = None

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str | None) -> str | None:
        return zone_named(timezone).key if timezone else None

    def times(self, night: date) -> Times:
        """Return how this table writes times; a time of day is of the night that begins on the day `night`."""
        zone = zone_named(self.timezone) if self.timezone else None
        return Times(self.time_format, zone, night, self.repeated_hour)


class DistrictUnitsSection(FileSection):
    """`[units]` of an agency's table: the columns with the district, and names that the definition does not have."""

    district: ColumnName
    province: ColumnName | None = None
    within: UnitId | None = None
    names: dict[Name, UnitId] = Field(default_factory=dict)


class DistrictColumnsSection(FileSection):
    """`[columns]` of an agency's table. `candidate` may name several columns: the first name that is known counts."""

    boxes_opened: ColumnName
    registered: ColumnName
    cast: ColumnName
    valid: ColumnName
    invalid: ColumnName | None = None
    unattributed: ColumnName | None = None
    candidate: tuple[ColumnName, ...] = Field(default=(), strict=False)
    votes: ColumnName | None = None


class ReportMapping(FileSection):
    """The mapping file of an agency's table of district totals."""

    report: DistrictReportSection
    units: DistrictUnitsSection
    columns: DistrictColumnsSection
    table: TableSection = TableSection()
    votes: dict[ColumnName, Id] = Field(default_factory=dict)
    candidates: dict[Name, Id] = Field(default_factory=dict)
    contests: dict[Name, Id] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        long = bool(self.columns.candidate)
        if long != (self.columns.votes is not None):
            raise ValueError("columns: candidate and votes go together, for a line for each district and candidate")
        if long == bool(self.votes):
            raise ValueError(
                "say either which column holds whose votes ([votes]) or which holds the candidate (columns.candidate)"
            )
        _check_ids_differ(self.votes.values())
        return self


def read_mapping(path: Path) -> BoxMapping:
    """Read and check the mapping file of a box table. Raises `MappingError`, which says where it is wrong."""
    return _read(path, BoxMapping)


def parse_mapping(text: str, name: str = "the mapping") -> BoxMapping:
    """Parse the text of such a file. Raises `MappingError`, which calls the file by `name`."""
    return _parse(text, name, BoxMapping)


def read_report_mapping(path: Path) -> ReportMapping:
    """Read and check the mapping file of an agency's table. Raises `MappingError`, which says where it is wrong."""
    return _read(path, ReportMapping)


def _read(path: Path, kind: type[M]) -> M:
    try:
        if path.stat().st_size > MAX_MAPPING_BYTES:
            raise MappingError(f"{path} is over {MAX_MAPPING_BYTES} bytes: is it the table instead of its mapping?")
        return _parse(path.read_text(encoding="utf-8"), str(path), kind)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"The mapping {path} cannot be read ({error}). Give the path of a TOML file.") from error


def _parse(text: str, name: str, kind: type[M]) -> M:
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise MappingError(f"{name} is not readable as TOML: {error}.") from error
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise MappingError(f"{name} does not say what it has to:\n{indented(all_faults(error, kind))}") from error


def _check_ids_differ(ids: Iterable[str]) -> None:
    """Raise `ValueError` where two columns of votes have the same id."""
    repeated = sorted(name for name, count in Counter(ids).items() if count > 1)
    if repeated:
        raise ValueError(f"votes: the id {repeated[0]!r} is there twice; give each column an id of its own")
