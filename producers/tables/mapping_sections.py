"""What both kinds of mapping have: how the file is written, how numbers and times are, and columns made of others."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from producers.input_files import FileSection
from producers.tables.encodings import check_encoding
from producers.tables.line_checks import TOTAL_WORDS
from producers.tables.lines import FILE_COLUMN, Layout, Sheet
from producers.tables.notation import Numbers, Times, check_pattern
from producers.tables.objects import check_path
from producers.tables.shaping import Condition, DerivedColumn, filled, shaped
from schemas.definition import Name
from schemas.moments import Showing
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


Mark = Annotated[str, Field(max_length=1, pattern=r"^[^0-9A-Za-z+\-]?$")]
"""What stands between the digits of a number."""


Format = Literal["csv", "tsv", "json", "jsonl", "xml", "workbook", "parquet"]
"""What a file is, where the ending of its name does not say so; see `parts.KINDS`."""

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
