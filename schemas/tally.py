"""Tally events: what one source says of one ballot box, or of a whole district, in one contest.

An event states absolute counts at a `revision`; nothing in it is an increment. The highest revision wins, so the order
in which events arrive, and how often, does not matter.

Between two revisions of a source is room for what an operator lets out of quarantine: `released` is 0 in what a source
says, and n in the n-th statement that was let out at that revision. It is after the revision and before the next one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast, final

import orjson
from msgspec import NODEFAULT, MsgspecError, Struct, structs
from msgspec.json import Decoder
from pydantic import ConfigDict, Field, GetCoreSchemaHandler, Json, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema

from schemas.fields import (
    EVENTS_END,
    FIRST_EVENT,
    MAX_RELEASED,
    BoxNumber,
    Count,
    DistrictBoxes,
    DistrictCount,
    EventTime,
    Released,
    Revision,
)

MAX_TALLY_BYTES: Final = 64 * 1024
"""The largest tally event: 49 candidates need about 2 KiB; thirty times that is room for any ballot on record."""

Name = str
"""An id of the definition. It is looked up there, so its letters are not checked here: a fourth of the time."""

NOT_GIVEN: Final[Any] = None
"""In place of a count that a statement does not give."""

if TYPE_CHECKING:
    # A number to whoever calculates: only where the definition says that the source does not give it does a statement
    # pass without it, and whoever calculates with it unasked fails at once.
    GivenCount = Count
    GivenDistrictCount = DistrictCount
else:
    GivenCount = Count | None
    GivenDistrictCount = DistrictCount | None

_GIVEN_FIRST: Final = ("registered", "cast", "valid", "invalid")

_CONFIG = ConfigDict(strict=True, extra="ignore")


@final
class Counted(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A box's counts as a source reports them. `corrected` is the same statement with a higher revision.

    `votes` names each candidate's votes; a candidate that is not named has none. `unattributed` holds votes that are
    valid but not yet given to a candidate. A count that is `None` is not given: the definition says of which sources
    that may be. `at` is event time: when the source says that it counted.
    """

    # Nearly every event is one of these, so it is a struct that msgspec decodes; what makes it one is not checked
    # where it is built, only where bytes come in.

    v: Literal[1] = 1
    type: Literal["counted", "corrected"]
    contest: Name
    district: Name
    box: BoxNumber
    source: Name
    revision: Revision
    released: Released = 0
    at: EventTime
    registered: GivenCount = NOT_GIVEN
    cast: GivenCount = NOT_GIVEN
    valid: GivenCount = NOT_GIVEN
    invalid: GivenCount = NOT_GIVEN
    unattributed: Count = 0
    blank: GivenCount = NOT_GIVEN
    votes: dict[Name, Count]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """To pydantic it is a dataclass of the same fields."""
        fields = structs.fields(cls)
        body: dict[str, object] = {one.name: one.default for one in fields if one.default is not NODEFAULT}
        body |= {"__doc__": cls.__doc__, "__annotations__": {one.name: one.type for one in fields}}
        same = dataclass(type(cls.__name__, (), body), kw_only=True, slots=True, config=_CONFIG)
        read = attrgetter(*cls.__struct_fields__)
        return core_schema.no_info_after_validator_function(
            lambda found: cls(**dict(zip(cls.__struct_fields__, read(found), strict=True))),
            handler.generate_schema(same),
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Withdrawn:
    """A box that no longer counts: `withdrawn` by its source, or `annulled` (iptal) by the authority.

    It is a revision like any other; a later revision with counts brings the box back.
    """

    v: Literal[1] = 1
    type: Literal["withdrawn", "annulled"]
    contest: Name
    district: Name
    box: BoxNumber
    source: Name
    revision: Revision
    released: Released = 0
    at: EventTime


@final
@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Reported:
    """A district's totals as an agency reports them: sums over the boxes it has opened by then.

    `report_corrected` is a report that may take `boxes_opened` backwards; without that mark, such a report is set
    aside. `at` is the agency's update time. Everything else is as in `Counted`.
    """

    v: Literal[1] = 1
    type: Literal["reported", "report_corrected"]
    contest: Name
    district: Name
    source: Name
    revision: Revision
    released: Released = 0
    at: EventTime
    boxes_opened: DistrictBoxes
    registered: GivenDistrictCount = NOT_GIVEN
    cast: GivenDistrictCount = NOT_GIVEN
    valid: GivenDistrictCount = NOT_GIVEN
    invalid: GivenDistrictCount = NOT_GIVEN
    unattributed: DistrictCount = 0
    blank: GivenDistrictCount = NOT_GIVEN
    votes: dict[Name, DistrictCount]


Tally = Annotated[Counted | Withdrawn | Reported, Field(discriminator="type")]
TALLY: Final[TypeAdapter[Tally]] = TypeAdapter(Tally)

RELEASED_BITS: Final = MAX_RELEASED.bit_length()


def order_of(revision: int, released: int) -> int:
    """A statement's place among all that its source said of the same thing: the one with the highest stands."""
    return revision << RELEASED_BITS | released


_TYPES: Final = frozenset({"counted", "corrected", "withdrawn", "annulled", "reported", "report_corrected"})

_FIRST_YEAR: Final = FIRST_EVENT.year
_LAST_YEAR: Final = EVENTS_END.year - 1
"""The years between these are event times in every time zone; of the edges pydantic judges."""

_decode: Final = Decoder(Counted).decode

_REFUSED: Final = (MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no `Counted`."""

_ROUNDED: Final = re.compile(rb"\.[0-9]{7}|\\u")
"""A fraction of a second that msgspec would round where pydantic cuts it off, or an escape that may hide one."""

# Each element is parsed by itself, inside one call into pydantic's core: no record can leak into its neighbour, however
# it is crafted (docs/decisions/batch-parsing.md).
_BATCH: Final[TypeAdapter[list[Tally]]] = TypeAdapter(list[Json[Tally]])


@final
@plain_dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not a tally event, with the first thing that is wrong with them."""

    detail: str


def parse_tallies(values: Sequence[bytes]) -> list[Tally | Malformed]:
    """Parse a batch of record values, one result for each, in order. Never raises for what is in the bytes."""
    decoded = _decode_counted(values)
    open_questions = [index for index, tally in enumerate(decoded) if tally is None]
    if not open_questions:
        return cast("list[Tally | Malformed]", decoded)
    parsed: list[Tally | Malformed | None] = [*decoded]
    for index, judged in zip(open_questions, _judge([values[index] for index in open_questions]), strict=True):
        parsed[index] = judged
    return cast("list[Tally | Malformed]", parsed)


def _decode_counted(values: Sequence[bytes]) -> list[Counted | None]:
    """Boxes' counts in the form that nearly all of them come in; `None` is for pydantic to judge.

    Whatever is decoded here, pydantic takes for the same event (tests/schemas/test_tally_decoding.py).
    """
    try:
        decoded: list[Counted | None] = [*map(_decode, values)]
    except _REFUSED:
        decoded = [_decode_one(value) for value in values]
    together = b"".join(values)  # looked through at once; where two values meet it may find more than is in them
    may_be_rounded = b"." in together or b"\\" in together
    return [
        counted
        if counted is not None
        and _FIRST_YEAR < counted.at.year < _LAST_YEAR
        and not (may_be_rounded and _ROUNDED.search(value))
        else None
        for value, counted in zip(values, decoded, strict=True)
    ]


def _decode_one(value: bytes) -> Counted | None:
    try:
        return _decode(value)
    except _REFUSED:
        return None


def _judge(values: Sequence[bytes]) -> list[Tally | Malformed]:
    """The contract's word on each value: pydantic's."""
    try:
        return list(_BATCH.validate_python(values))
    except ValidationError as error:
        wrong = _first_faults(error)
    parsed = iter(_BATCH.validate_python([value for index, value in enumerate(values) if index not in wrong]))
    return [wrong[index] if index in wrong else next(parsed) for index in range(len(values))]


def encode(event: Tally) -> bytes:
    """The record value: fields in their fixed order, votes by candidate id, so equal events are equal bytes.

    What says nothing is left out, as most boxes name most candidates with nothing: candidates without a vote, and
    `unattributed` and `released` where they are 0, and counts that the source does not give.
    """
    record: dict[str, object] = {"v": event.v, "type": event.type, "contest": event.contest, "district": event.district}
    if not isinstance(event, Reported):
        record["box"] = event.box
    record |= {"source": event.source, "revision": event.revision}
    if event.released:
        record["released"] = event.released
    record["at"] = event.at.isoformat()
    if isinstance(event, Reported):
        record["boxes_opened"] = event.boxes_opened
    if not isinstance(event, Withdrawn):
        record |= {name: getattr(event, name) for name in _GIVEN_FIRST if getattr(event, name) is not NOT_GIVEN}
        if event.unattributed:
            record["unattributed"] = event.unattributed
        if event.blank is not NOT_GIVEN:
            record["blank"] = event.blank
        record["votes"] = {name: votes for name, votes in sorted(event.votes.items()) if votes}
    return orjson.dumps(record)


def _first_faults(error: ValidationError) -> dict[int, Malformed]:
    """The first fault of each element, by its index in the batch."""
    faults: dict[int, Malformed] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        index, *path = fault["loc"]
        where = ".".join(str(step) for step in path if step not in _TYPES)
        faults.setdefault(int(index), Malformed(f"{where}: {fault['msg']}" if where else fault["msg"]))
    return faults
