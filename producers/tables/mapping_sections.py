"""The sections of a mapping: how the file is written, its numbers and times, columns made of others, what a line says.

The first are in both kinds of mapping. What a line says is in those whose units and candidates are found in the run's
definition.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from producers.input_files import FileSection
from producers.tables.formats import check_path
from producers.tables.layout import FILE_COLUMN, Layout, Sheet, check_encoding
from producers.tables.lines import TOTAL_WORDS, Condition, DerivedColumn, filled, shaped
from producers.tables.notation import Numbers, Times, check_pattern
from schemas.definition import Name
from schemas.fields import MAX_REVISION, Id, UnitId
from schemas.moments import Showing, zone_named
from schemas.spelling import fold

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class Column(FileSection):
    """The name of the column that has a value, where the value differs by row."""

    column: ColumnName


class TimesSection(FileSection):
    """What both kinds of `[report]` have: the time of the counts, for the whole table or as a column, and its format.

    `at` is "file" for when the file was written, "fetch" for when it was read.
    `repeated_hour` says which of two moments is meant by a time that clocks show twice when they are put back.
    """

    at: datetime | Column | Literal["file", "fetch"]
    time_format: Name | None = None
    repeated_hour: Showing | None = None

    def moment(self, times: Times, sheet: Sheet, fetched: datetime | None) -> datetime | None:
        """Return the time of all lines of a table, `None` where a column has it.

        `fetched` is when the table was read. Raises `ValueError` where the time is no moment.
        """
        if isinstance(self.at, Column):
            return None
        moment = sheet.written if self.at == "file" else fetched if self.at == "fetch" else self.at
        if not isinstance(moment, datetime):
            raise ValueError(f'nothing says when it was, as report.at = "{self.at}" asks')  # noqa: TRY004
        return times.with_zone(moment, "report.at")

    @field_validator("time_format")
    @classmethod
    def _whole(cls, time_format: str | None) -> str | None:
        return check_pattern(time_format) if time_format else None


class LineTimes:
    """The time of each line of a table: one for all of them, or what a column says."""

    def __init__(
        self, section: TimesSection, times: Times, sheet: Sheet, fetched: datetime | None, column: Callable[[str], int]
    ) -> None:
        """`column` finds a column's place by its name. Raises `ValueError` where the time of all lines is no moment."""
        self._times = times
        self._constant = section.moment(times, sheet, fetched)
        self._name = section.at.column if isinstance(section.at, Column) else ""
        self._place = column(self._name) if self._name else 0
        self._known: dict[str, datetime] = {}  # by their text: many lines have the same

    def of(self, cells: Sequence[str]) -> datetime:
        """Return the time of a line. Raises `ValueError` for a text that is none."""
        if self._constant is not None:
            return self._constant
        text = cells[self._place].strip()
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._times.parse(text, self._name)
        return known


Mark = Annotated[str, Field(max_length=1, pattern=r"^[^0-9A-Za-z+\-]?$")]
"""What stands between the digits of a number."""


Format = Literal["csv", "tsv", "json", "jsonl", "xml", "workbook", "parquet"]
"""What a file is, where the ending of its name does not say so; see `layout.KINDS`."""

HeaderRow = Annotated[int, Field(ge=0, le=10_000)]


Word = Annotated[str, Field(max_length=200)]


class TableSection(FileSection):
    """`[table]`: how the file is written: what separates its cells, how numbers are written, which lines are no data.

    What is not said here: see `Layout`. `header_row`: the line that names the columns, as an editor counts, 0 for
    none; or several, whose cells are joined. `exports`: each file of a folder is all of the table as it was then, in
    the order of their names. `renamed`: what some files call a column, and its name here. `fill_down`: columns whose
    empty cells have the text above them. `zero` and `unreadable`
    are words in place of a number. `where`: what the cells of a line
    must be for it to count. `totals`: a line whose unit is called by one of these words is the sum of
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
    exports: bool = False
    rows: Name | None = None
    each: Name | None = None
    thousands: Mark = ""
    decimal: Mark = ""
    renamed: dict[Name, ColumnName] = Field(default_factory=dict)
    fill_down: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    zero: Annotated[tuple[Word, ...], Field(strict=False)] = ()
    unreadable: Annotated[tuple[Word, ...], Field(strict=False)] = ()
    where: dict[ColumnName, Condition] = Field(default_factory=dict)
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
        zero, unreadable = (frozenset(map(fold, words)) for words in (self.zero, self.unreadable))
        return Numbers(self.thousands, self.decimal, zero, unreadable)

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
            renamed=tuple(self.renamed.items()),
        )


class TableMapping(FileSection):
    """What both kinds of mapping have: how the file is written, and columns made of others."""

    table: TableSection = TableSection()
    derived: dict[ColumnName, DerivedColumn] = Field(default_factory=dict)

    @field_validator("derived")
    @classmethod
    def _in_order(cls, derived: dict[str, DerivedColumn]) -> dict[str, DerivedColumn]:
        names = list(derived)
        for index, (name, column) in enumerate(derived.items()):
            later = sorted(set(column.columns) & set(names[index + 1 :]))
            if later:
                raise ValueError(f"{name!r} is made of {later[0]!r}, which comes after it: put {later[0]!r} before it")
        return derived

    @property
    def layout(self) -> Layout:
        """Return how this table's file is laid out."""
        asked = {name for column in self.derived.values() for name in column.columns} | set(self.table.where)
        return replace(self.table.layout, with_file=FILE_COLUMN in asked)

    def shape(self, sheet: Sheet, file: str) -> Sheet:
        """Return the table with its derived columns, without the lines that are left out; see `shaped`."""
        sheet = filled(sheet, self.table.fill_down, file)
        return shaped(sheet, tuple(self.derived.items()), tuple(self.table.where.items()), self.table.numbers, file)


COUNTS: Final = ("registered", "cast", "valid", "invalid")
"""The counts of a statement beside its votes. `invalid` is `cast` less `valid` where nothing else says it."""

Words = Annotated[tuple[Word, ...], Field(strict=False)]


class CorrectionColumn(Column):
    """The column that marks a line as a correction, and the text that it then has."""

    equals: Name


class DistrictReportSection(TimesSection):
    """`[report]` of an agency's table: its source and contest, its time and its revision.

    - Without `revision`, a report's revision is its time in milliseconds since 1970. With "content", what has other
      figures than the newest in the log gets the next revision, whatever its time.
    - `unnamed` is for tables with a line for each candidate: those without a line have no vote, even where the others'
      votes do not come to what is valid. `repeated`: several lines of a candidate are added up.
    - `gone`: a box that is no more in the file is withdrawn.
    """

    source: Id
    contest: Id | Column
    timezone: Name | None = None
    revision: Literal["content"] | Annotated[int, Field(ge=1, le=MAX_REVISION)] | Column | None = None
    correction: CorrectionColumn | None = None
    unnamed: Literal["zero"] | None = None
    repeated: Literal["add"] | None = None
    gone: Literal["withdrawn"] | None = None

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
    """`[columns]`: where the counts are. With `box` a line is of a box, without it of a district.

    `candidate` may name several columns: the first name that is known counts. What no column has, `[rows]` or
    `[absent]` have to say. `boxes_total` and `party` are for a definition that is made of the table.
    """

    box: ColumnName | None = None
    boxes_opened: ColumnName | None = None
    boxes_total: ColumnName | None = None
    registered: ColumnName | None = None
    cast: ColumnName | None = None
    valid: ColumnName | None = None
    invalid: ColumnName | None = None
    blank: ColumnName | None = None
    unattributed: ColumnName | None = None
    candidate: tuple[ColumnName, ...] = Field(default=(), strict=False)
    votes: ColumnName | None = None
    party: ColumnName | None = None


class RowsSection(FileSection):
    """`[rows]`: what a line is where its candidate is called by one of these words, in place of a candidate.

    Several lines of one count are added up. `blank` are votes for nobody; they count as invalid ones in contests that
    do not count them apart. Lines of a `skip` word are left out. A total of all candidates is known by `table.totals`.
    """

    boxes_opened: Words = ()
    registered: Words = ()
    cast: Words = ()
    valid: Words = ()
    invalid: Words = ()
    blank: Words = ()
    unattributed: Words = ()
    skip: Words = ()

    @property
    def count_of(self) -> dict[str, str]:
        """Return what is counted by a line, by the key of its word; `skip` is none of the counts."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {fold(word): name for name, words in named.items() for word in words}


class AbsentSection(FileSection):
    """`[absent]`: what is taken for a count that the source does not give.

    "unknown" is for counts that the source does not give by the definition either (its `absent`): statements are
    silent on them, and nothing is said of them anywhere. Where the definition says nothing of it, `registered` is
    written as 0, which is no electorate: then nothing is said of turnout.

    - `valid = "sum"`: the votes of all candidates, and the unattributed ones.
    - `cast = "sum"`: the valid and the invalid ones.
    - `invalid = "none"`, `blank = "none"`: the source counts none. Without `invalid`, it is `cast` less `valid`.
    - `boxes_opened = "all"`: figures of districts are final, of all of their boxes.
    """

    boxes_opened: Literal["all"] | None = None
    registered: Literal["unknown"] | None = None
    cast: Literal["sum", "unknown"] | None = None
    valid: Literal["sum", "unknown"] | None = None
    invalid: Literal["none", "unknown"] | None = None
    blank: Literal["none", "unknown"] | None = None


class StatusSection(FileSection):
    """`[status]`: the column that says what becomes of a line, and what its texts mean.

    A `withdrawn` or `annulled` box counts no more; lines of a `skip` text are left out. With `counted`, any text that
    none of these has is a fault; without it, such lines count.
    """

    column: ColumnName
    counted: Words = ()
    withdrawn: Words = ()
    annulled: Words = ()
    skip: Words = ()

    @property
    def meanings(self) -> dict[str, str]:
        """Return what each text means, by its key."""
        named = ("counted", "withdrawn", "annulled", "skip")
        return {fold(word): name for name in named for word in getattr(self, name)}
