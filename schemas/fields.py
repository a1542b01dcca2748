"""What the models share: identifiers, counts and limits, their base classes, and the reason why one is refused.

Every record has the version of its shape in `v`; one without it has the first. A reader accepts the versions that it
knows and no other, since a record that is half understood gives wrong figures.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, Protocol

import orjson
from msgspec import Meta
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

MAX_ID_CHARS: Final = 96
"""The longest identifier: `tr/81/` and the longest district name, with room to spare."""

MAX_BOX_COUNT: Final = 500_000
"""The most any count of one box can be: by law a box has about 400 voters, but where a city's postal votes are counted
together they are one box. More than that is a district's report."""

MAX_BOX_NUMBER: Final = 9_999_999
"""The highest box number: those in the record have four digits; three more are room for other schemes."""

MAX_DISTRICT_COUNT: Final = 1_000_000_000
"""The most any count of one district can be: a whole country may be one, and the largest electorate, India's in
2024, is 969 million."""

MAX_DISTRICT_BOXES: Final = 100_000
"""The most boxes a district can have: the largest has 1,869; fifty times that is a whole country's in one."""

MAX_REVISION: Final = 2**53 - 1
"""The highest revision: what a JavaScript number holds exactly; room for milliseconds since 1970."""

MAX_RELEASED: Final = 255
"""The most releases from quarantine at one revision: nobody rules on one box 255 times."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS, pattern=r"^[a-z0-9][a-z0-9_\-]*$")]
"""The id of a contest, candidate, party or source: lower-case ASCII, digits, `_` and `-`."""

UnitId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_ID_CHARS, pattern=r"^[a-z0-9][a-z0-9_\-]*(/[a-z0-9][a-z0-9_\-]*)*$"),
]
"""The id of a unit: its path from the country down, such as `tr/34/uskudar`."""

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
"""A colour as `#rrggbb`, lower case."""

FIRST_EVENT: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""The earliest event time."""

EVENTS_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Every event time is before it."""

# The types of a box's counts have their bounds twice: for pydantic, and for msgspec, which decodes nearly all tallies
# (docs/decisions/batch-parsing.md). tests/schemas/test_tally_decoding.py checks that they agree.

BoxNumber = Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER), Meta(ge=1, le=MAX_BOX_NUMBER)]
"""The number of a box within its district."""

Revision = Annotated[int, Field(ge=1, le=MAX_REVISION), Meta(ge=1, le=MAX_REVISION)]
"""Which of a source's statements of one thing this is; the highest stands."""

Count = Annotated[int, Field(ge=0, le=MAX_BOX_COUNT), Meta(ge=0, le=MAX_BOX_COUNT)]
"""A count within one box."""

Released = Annotated[int, Field(ge=0, le=MAX_RELEASED), Meta(ge=0, le=MAX_RELEASED)]
"""Which of the statements released from quarantine at one revision this is; 0 for what the source itself sent."""

DistrictCount = Annotated[int, Field(ge=0, le=MAX_DISTRICT_COUNT)]
"""A count within one district."""

DistrictBoxes = Annotated[int, Field(ge=0, le=MAX_DISTRICT_BOXES)]
"""A number of boxes within one district."""

_DATE_AND_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt _][0-9]{2}:[0-9]{2}")


def _written_out(moment: object) -> object:
    """Refuse digits alone, which pydantic would take for seconds since 1970."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and _DATE_AND_TIME.match(moment)):
        return moment
    raise ValueError("a time is text as in RFC 3339, such as 2024-03-31T19:00:00+03:00")


# Not strict: what comes here is text or a time already, and text that a validator has seen is no JSON to pydantic.
_WRITTEN_OUT: Final = (Field(strict=False), BeforeValidator(_written_out))

Moment = Annotated[AwareDatetime, *_WRITTEN_OUT]
"""A time with its zone, as RFC 3339 writes it. `20240331`, a day in 1970 to who counts seconds, is refused."""

EventTime = Annotated[
    datetime,
    AwareDatetime,
    Field(ge=FIRST_EVENT, lt=EVENTS_END),
    *_WRITTEN_OUT,
    Meta(tz=True),
]
"""When a source says that it counted: any time that is a date in every time zone; one at the calendar's end is not."""

MAX_TOTAL: Final = 2**53 - 1
"""The most that anything is counted to: what a JavaScript number holds exactly, and every writer of JSON can write."""

MAX_CELL_TOTAL: Final = 2 * MAX_DISTRICT_BOXES * MAX_BOX_COUNT
"""The most a count of one district's totals can be, twice over for what its boxes leave in doubt. The sums of
90,000 such districts are below `MAX_TOTAL`."""

Total = Annotated[int, Field(ge=0, le=MAX_TOTAL)]
"""A count summed over boxes, or a position in a log."""

CellTotal = Annotated[int, Field(ge=0, le=MAX_CELL_TOTAL)]
"""A count summed over the boxes of one district."""

Version = Annotated[int, Field(ge=-1, le=MAX_TOTAL)]
"""The offset of the last tally that changed a district's totals; -1 before the first."""


class Frozen(BaseModel):
    """A model that never changes after it was made, takes no type for another, and ignores fields it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


def first_fault(error: ValidationError, *, quoted_chars: int = 0) -> str:
    """Return where it is and what, as in `figures.votes.kurum: Input should be a valid integer`, with no full stop.

    The input may hold a secret or be long, so it is left out. `quoted_chars` quotes so many characters of it behind its
    place: `units.3.name '–': …`.
    """
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    if quoted_chars:
        where = f"{where} {str(fault['input'])[:quoted_chars]!r}".lstrip()
    return f"{where}: {fault['msg']}" if where else fault["msg"]


def unknown_keys(error: ValidationError) -> list[tuple[int | str, ...]]:
    """Return where there are keys that a model does not have, if it was validated with `extra="forbid"`."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return [fault["loc"] for fault in faults if fault["type"] == "extra_forbidden"]


VERSION: Final = 1
"""The version of every shape in the log but the ledger's, which says its own (`tabulation.counting.checkpoint`)."""


def other_version(value: bytes | None, within: str | None = None) -> str | None:
    """Return the version of a record, or of the object in its field `within`, where this release does not read it.

    `None` where it is `VERSION`, or there is no such object.
    """
    try:
        record = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    if within is not None:
        record = record.get(within) if isinstance(record, dict) else None
    if not isinstance(record, dict) or "v" not in record:
        return None
    version: object = record["v"]
    return None if version == VERSION else str(version)


class Record(Protocol):
    """A record as a fold sees it: every log's own record has these fields, and no fold needs more.

    `timestamp` is its append time in milliseconds since 1970, UTC.
    """

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


MAX_REASON_CHARS: Final = 500
"""A reason is a sentence or two for whoever reads the audit."""

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far an operator's clock and the log's may be apart: clocks that are kept by NTP differ by less than a second, one
that was set by hand by less than a minute."""


class SignedOrder(Frozen):
    """What every order says: which run it is for, who gave it, when and why.

    `deliver_by` is the last moment at which it may be appended to the log; orders of before there was such a field have
    none, and never expire.
    """

    v: Literal[1] = 1
    run: str
    epoch: str
    id: Annotated[str, Field(min_length=8, max_length=64)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    at: Moment
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARS)]
    deliver_by: Moment | None = None

    def is_late(self, appended: datetime) -> bool:
        """Whether it was appended after it was to be delivered, and the clocks' difference does not explain it."""
        return self.deliver_by is not None and appended - self.deliver_by > CLOCK_TOLERANCE
