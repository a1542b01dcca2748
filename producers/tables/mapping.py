"""Mapping files: which column of a table is what, and what the table itself does not say.

A mapping is a small TOML file. Unknown keys are refused, so that a typo is reported. There are two kinds:

- `BoxMapping`, for official box tables that the election definition is made of (examples/turkiye-2014.toml).
- `ReportMapping`, for tables of districts or of boxes whose units and candidates are found in the run's definition
  (examples/agency-reports.toml), in one of two layouts: a line for each district or box with a column for each
  candidate (`[votes]`), or a line for each of them and candidate (`columns.candidate` and `columns.votes`).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from producers.input_files import FileSection, Tree, all_faults, did_you_mean, indented, parse_toml
from producers.tables.lines import bounded
from producers.tables.mapping_sections import (
    COUNTS,
    AbsentSection,
    Column,
    ColumnName,
    DistrictColumnsSection,
    DistrictReportSection,
    DistrictUnitsSection,
    RowsSection,
    StatusSection,
    TableMapping,
    TimesSection,
)
from producers.tables.notation import Times
from schemas.definition import Name
from schemas.errors import MappingError
from schemas.fields import MAX_REVISION, Color, Id
from schemas.moments import zone_named
from schemas.spelling import TURKISH, LanguageTag

MAX_MAPPING_BYTES: Final = 1024 * 1024
"""A mapping names a few dozen columns: a mebibyte is a hundred times that."""

_UNKNOWN: Final = "Extra inputs are not permitted"
_MISSING: Final = "Field required"
"""What pydantic says of a key that it does not know, and of one that is not there."""

M = TypeVar("M", bound=BaseModel)


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


class BoxReportSection(TimesSection):
    """`[report]` of a box table: when the counts were reported and at which revision; a constant, or a column."""

    revision: Literal["content"] | Annotated[int, Field(ge=1, le=MAX_REVISION)] | Column = 1
    gone: Literal["withdrawn"] | None = None


class BoxMapping(TableMapping):
    """The mapping file of an official box table that the election definition is made of."""

    election: ElectionSection
    contest: NamedSection
    source: NamedSection
    units: BoxUnitsSection
    columns: BoxColumnsSection
    report: BoxReportSection
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


class ReportMapping(TableMapping):
    """The mapping file of a table whose units and candidates are found in the run's definition.

    Its lines are of districts (`sandik reports`), or with `columns.box` of boxes (`sandik boxes`).
    """

    report: DistrictReportSection
    units: DistrictUnitsSection
    columns: DistrictColumnsSection
    rows: RowsSection = RowsSection()
    absent: AbsentSection = AbsentSection()
    status: StatusSection | None = None
    votes: dict[ColumnName, Id] = Field(default_factory=dict)
    candidates: dict[Name, Id] = Field(default_factory=dict)
    contests: dict[Name, Id] = Field(default_factory=dict)

    @property
    def is_of_boxes(self) -> bool:
        """Return whether a line is of a box."""
        return self.columns.box is not None

    @property
    def is_by_content(self) -> bool:
        """Return whether other figures are what makes a statement a newer one, whatever its time."""
        report = self.report
        return report.revision == "content" or (report.revision is None and report.at in {"file", "fetch"})

    @property
    def is_by_time(self) -> bool:
        """Return whether a later time is what makes a statement a newer one."""
        return self.report.revision is None and not self.is_by_content

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        long = bool(self.columns.candidate)
        if long != (self.columns.votes is not None):
            raise ValueError("columns: candidate and votes go together, for a line for each district and candidate")
        if long == bool(self.votes):
            raise ValueError(
                "say either which column holds whose votes ([votes]) or which holds the candidate (columns.candidate)"
            )
        if not long and (self.rows.count_of or self.report.repeated):
            raise ValueError("rows and report.repeated are for tables with a line for each candidate")
        _check_ids_differ(self.votes.values())
        return self

    @model_validator(mode="after")
    def _counts_are_there(self) -> Self:
        in_rows = set(self.rows.count_of.values())
        wanted = [*COUNTS[:3], *(() if self.is_of_boxes else ("boxes_opened",))]
        for name in wanted:
            ways = [
                getattr(self.columns, name) is not None,
                name in in_rows,
                getattr(self.absent, name) is not None,
            ]
            if not any(ways):
                rule, *more = get_args(get_args(AbsentSection.model_fields[name].annotation)[0])
                others = "".join(f' or "{other}"' for other in more)
                raise ValueError(
                    f"columns: nothing says what is {name}. Name its column; or, where the source does not give it, "
                    f'say under [absent] {name} = "{rule}"{others}'
                )
        in_rows |= {"invalid"} if self.columns.blank or "blank" in in_rows else set()
        if self.absent.cast == "sum" and not (self.columns.invalid or "invalid" in in_rows or self.absent.invalid):
            raise ValueError(
                'absent: with cast = "sum" something has to say what is invalid: its column, its rows, or '
                'invalid = "none"'
            )
        if self.is_of_boxes and (self.columns.boxes_opened or self.absent.boxes_opened or "boxes_opened" in in_rows):
            raise ValueError("columns: a table of boxes has no boxes_opened; each line is of one box")
        if self.table.exports and self.report.at == "fetch":
            raise ValueError('table: with exports, each file has a time of its own: report.at = "file", or a column')
        if self.report.gone and not self.is_of_boxes:
            raise ValueError('report: gone = "withdrawn" is for boxes; what was reported of a district stands')
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


def read_boxes_mapping(path: Path) -> BoxMapping | ReportMapping:
    """Read and check the mapping file of a table of boxes: with `[election]`, one that a definition is made of.

    Raises `MappingError`, which says where it is wrong.
    """
    text = _text(path)
    try:
        has_election = "election" in parse_toml(text)
    except ValueError as error:
        raise MappingError(f"{path} is not readable as TOML: {error}.") from error
    return _parse(text, str(path), BoxMapping) if has_election else _parse(text, str(path), ReportMapping)


def _read(path: Path, kind: type[M]) -> M:
    return _parse(_text(path), str(path), kind)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MAPPING_BYTES:
            raise MappingError(f"{path} is over {MAX_MAPPING_BYTES} bytes: is it the table instead of its mapping?")
        return path.read_text(encoding="utf-8")
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
        raise MappingError(_refusal(name, tree, all_faults(error, kind))) from error


def _refusal(name: str, tree: Tree, faults: Iterable[str]) -> str:
    """Return what is wrong with a mapping and what to do; keys that there are not come first: they explain others."""
    unknown, missing = "there is no such key", "it is missing: add it"
    told = [fault.replace(_UNKNOWN, unknown).replace(_MISSING, missing) for fault in faults]
    told.sort(key=lambda fault: unknown not in fault)
    meant = [key for key in tree if key != "election" and did_you_mean(key, ["election"])]
    hint = f" If [{meant[0]}] is to be [election], the table makes its own definition." if meant else ""
    return (
        f"{name} does not say what it has to:\n{indented(bounded(told))}\n"
        f"Mend each there; docs/mapping-keys.md lists the keys that there are.{hint}"
    )


def _check_ids_differ(ids: Iterable[str]) -> None:
    """Raise `ValueError` where two columns of votes have the same id."""
    repeated = sorted(name for name, count in Counter(ids).items() if count > 1)
    if repeated:
        raise ValueError(f"votes: the id {repeated[0]!r} is there twice; give each column an id of its own")
