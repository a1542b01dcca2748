"""The sections of a mapping whose units and candidates are found in the run's definition: what a line says."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from producers.input_files import FileSection
from producers.tables.mapping_sections import Column, ColumnName, TimesSection, Word
from producers.tables.notation import Times
from schemas.definition import Name
from schemas.fields import MAX_REVISION, Id, UnitId
from schemas.moments import zone_named
from schemas.spelling import fold

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
