"""Mapping files for agency reports: which column of a table is what, and whose report of which contest it is.

A small TOML file (examples/agency-reports.toml). Two layouts are understood: a line for each district with a column for
each candidate (`[votes]`), and a line for each district and candidate (`columns.candidate`, `columns.votes`).
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from producers.tables.mapping import Column, ColumnName, Section, TableSection, TimesSection, read_toml
from producers.tables.notation import Times
from producers.tables.sheet import Layout
from schemas.definition import Name
from schemas.fields import MAX_REVISION, Id, UnitId
from schemas.zones import zone_named

COUNTS: Final = ("boxes_opened", "registered", "cast", "valid")
"""What every report says. `invalid` is the rest of `cast` where there is no column for it."""


class CorrectionColumn(Column):
    """The column that marks a line as a correction, and what it then says."""

    equals: Name


class ReportSection(TimesSection):
    """`[report]`: whose it is, of which contest, from when, and at which revision.

    Without `revision` it is the update time in milliseconds since 1970: a later report is a higher revision. `unnamed`
    says that candidates without a line have no vote, in a table with a line for each, even where the others' votes do
    not come to what is valid.
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
        """How this table writes times; a time of day is of the night that begins on that day."""
        zone = zone_named(self.timezone) if self.timezone else None
        return Times(self.time_format, zone, night, self.repeated_hour)


class ReportTableSection(TableSection):
    """`[table]`: how the file is written. `rows` and `each` say where in a JSON file the lines are."""

    rows: Name | None = None
    each: Name | None = None

    @property
    def layout(self) -> Layout:
        """How this table's file is laid out."""
        return replace(super().layout, rows=self.rows, each=self.each)


class UnitsSection(Section):
    """`[units]`: the columns that say which district a line is of, and names that are not the definition's own."""

    district: ColumnName
    province: ColumnName | None = None
    within: UnitId | None = None
    names: dict[Name, UnitId] = Field(default_factory=dict)


class ColumnsSection(Section):
    """`[columns]`: where the figures are. `candidate` may name several columns: the first that is known counts."""

    boxes_opened: ColumnName
    registered: ColumnName
    cast: ColumnName
    valid: ColumnName
    invalid: ColumnName | None = None
    unattributed: ColumnName | None = None
    candidate: tuple[ColumnName, ...] = Field(default=(), strict=False)
    votes: ColumnName | None = None


class ReportMapping(Section):
    """A whole mapping file for agency reports."""

    report: ReportSection
    units: UnitsSection
    columns: ColumnsSection
    table: ReportTableSection = ReportTableSection()
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
        ids = list(self.votes.values())
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"votes: the id {twice[0]!r} is there twice; give each column an id of its own")
        return self


def read_report_mapping(path: Path) -> ReportMapping:
    """Read and check a mapping file. Raises `MappingError`, which says where it is wrong."""
    return read_toml(path, ReportMapping)
