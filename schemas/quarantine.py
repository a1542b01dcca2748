"""Quarantine: records that could not be used, why, what each states all the same, and how one is released. Pure.

A quarantined record is bytes. As far as these can be read they are a statement about a cell (`SetAside`), and so
something that a reader of this source's figures should know of.

A release repairs only how a record came: which of two statements stands, which district's key it has, that it came
before the amendment of the definition that it needs. What it states is never changed, nor guessed; what the definition
does not have cannot be repaired.

A released statement keeps its source's revision, and is ordered after it and before the source's next one (see
`schemas.tally`). So the source's own next statement replaces it as it would replace any other.
"""

import base64
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from msgspec import structs
from pydantic import AfterValidator, AwareDatetime, Field

from schemas.errors import UsageError
from schemas.fields import MAX_BOX_NUMBER, MAX_ID_CHARS, MAX_RELEASED, MAX_REVISION, Frozen, Total
from schemas.figures import STATED, read_told
from schemas.tally import MAX_TALLY_BYTES, Counted, Malformed, Reported, Tally, Withdrawn, parse_tallies
from schemas.totals import Cell

Reason = Literal[
    "malformed",
    "too_large",
    "misrouted",
    "unknown_contest",
    "unknown_source",
    "unknown_district",
    "unknown_box",
    "unknown_candidate",
    "wrong_kind",
    "conflict",
    "backwards",
]

REASONS: Final[dict[Reason, str]] = {
    "malformed": "not JSON, or a field is missing, negative, too big or of the wrong type",
    "too_large": "over the size limit of a tally event",
    "misrouted": "the record's key is not its district, or it lies in another partition than its key's",
    "unknown_contest": "the election definition has no such contest, or does not have it in that district",
    "unknown_source": "the election definition has no such source",
    "unknown_district": "the election definition has no such district",
    "unknown_box": "the district has no box of that number",
    "unknown_candidate": "the ballot of that contest and district has no such candidate",
    "wrong_kind": "its source reports whole districts and this is about a box, or the other way round",
    "conflict": "the same revision of the same box or report was in the log before with other counts; that one stands",
    "backwards": "a report with fewer boxes opened than the one that stands, and not marked as a correction",
}
"""Each reason in words, for the docs and the operator's screen."""


def _decodable(text: str) -> str:
    base64.b64decode(text, validate=True)
    return text


Base64 = Annotated[str, AfterValidator(_decodable)]
"""Bytes in base64; a record with anything else is not one that sandik wrote."""


class Quarantined(Frozen):
    """A record in quarantine. Its `position` identifies it for ever, so that a second copy of it is recognised."""

    v: Literal[1] = 1
    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    key_base64: Base64
    value_base64: Base64

    @property
    def position(self) -> bytes:
        """Where the original lies, such as `tallies/3/1812`: the key of the quarantine record."""
        return f"{self.topic}/{self.partition}/{self.offset}".encode()

    @property
    def is_control(self) -> bool:
        """Whether it comes from the control topic: then it is no statement of a source."""
        return self.topic.rpartition(".")[2] == "control"

    @property
    def original(self) -> bytes:
        """The bytes of the original record's value."""
        return base64.b64decode(self.value_base64)

    def encode(self) -> bytes:
        """The record value."""
        return orjson.dumps(self.model_dump())


Verdict = Literal["newer", "contradicts", "superseded", "counted"]
"""How a quarantined statement compares with the one that stands: `newer` (or nothing stands), `contradicts` it at the
same revision, is `superseded` by it, or has the same counts and so is `counted`."""

OPEN: Final[frozenset[Verdict]] = frozenset({"newer", "contradicts"})
"""The verdicts under which a source has stated something that its figures do not show."""


class Assessment(Frozen):
    """How a quarantined statement compares with what stands, as the aggregator of its district assesses it.

    It is published in the quarantine topic; the last one about a `position` holds. `revision` and `released` are those
    of the statement that stands about the same box or district, 0 where none does. `refusal` is the reason why
    releasing the record would change nothing; `None` where it would count.
    """

    v: Literal[1] = 1
    type: Literal["assessment"] = "assessment"
    position: str
    verdict: Verdict
    revision: Total = 0
    released: Total = 0
    refusal: str | None = None

    @property
    def key(self) -> bytes:
        """The record key, such as `assessment:tallies/3/1812`."""
        return _ASSESSMENT_PREFIX + self.position.encode()

    @property
    def is_open(self) -> bool:
        """Whether the source has stated something here that its figures do not show."""
        return self.verdict in OPEN

    def encode(self) -> bytes:
        """The record value."""
        return orjson.dumps(self.model_dump())


_ASSESSMENT_PREFIX: Final = b"assessment:"


def is_assessment(key: bytes | None) -> bool:
    """Whether a record of the quarantine topic is an assessment, by its key: no position has a colon."""
    return key is not None and key.startswith(_ASSESSMENT_PREFIX)


def quarantined(
    reason: Reason, detail: str, *, topic: str, partition: int, offset: int, key: bytes, value: bytes
) -> Quarantined:
    """Make the quarantine record of a record, with its original bytes."""
    return Quarantined(
        reason=reason,
        detail=detail,
        topic=topic,
        partition=partition,
        offset=offset,
        key_base64=base64.b64encode(key).decode(),
        value_base64=base64.b64encode(value).decode(),
    )


UNKNOWN: Final[frozenset[Reason]] = frozenset(
    {"unknown_contest", "unknown_district", "unknown_box", "unknown_candidate"}
)
"""What the definition did not have. An amendment may have added it since: then the statement counts as it is."""

REPAIRABLE: Final[frozenset[Reason]] = UNKNOWN | {"conflict", "backwards", "misrouted"}
"""What an operator can decide: which of two statements stands, that boxes go backwards, which district it is for."""


class Statement(NamedTuple):
    """What two statements that exclude each other have in common: one revision of a box, or of a report (no `box`)."""

    contest: str
    source: str
    district: str
    box: int | None
    revision: int

    @classmethod
    def of(cls, event: Tally) -> "Statement":
        """Return what this event is about."""
        box = None if isinstance(event, Reported) else event.box
        return cls(event.contest, event.source, event.district, box, event.revision)


def statement_in(record: Quarantined) -> Statement | None:
    """Return what a quarantined record is about; `None` where it cannot be read."""
    (event,) = parse_tallies([record.original])
    return None if isinstance(event, Malformed) else Statement.of(event)


def repaired(record: Quarantined, earlier: int = 0) -> Tally:
    """Return the event to publish in order to release a record: with its own content, and ordered after its revision.

    `earlier` is how many others about the same `Statement` were released before; this one is ordered after them. With
    the same `earlier` the event is the same, so releasing it twice is idempotent. Raises `UsageError` where the record
    cannot be repaired.
    """
    if record.reason not in REPAIRABLE:
        raise UsageError(
            f"Nothing could make it count: {REASONS[record.reason]} ({record.detail}). Have its source send it "
            "again, and reject this one."
        )
    (event,) = parse_tallies([record.original])
    if isinstance(event, Malformed):
        raise UsageError(f"It cannot be read: {event.detail}. Reject it.")
    if record.reason == "misrouted" or record.reason in UNKNOWN:
        return event
    return _after_its_revision(event, max(earlier, event.released) + 1)


def _after_its_revision(event: Tally, released: int) -> Tally:
    if released > MAX_RELEASED:
        raise UsageError(
            f"{MAX_RELEASED} statements were let out at revision {event.revision} already. Have its source send a "
            "higher revision."
        )
    if isinstance(event, Counted):
        return structs.replace(event, type="corrected", released=released)
    if isinstance(event, Reported):
        return replace(event, type="report_corrected", released=released)
    return replace(event, released=released)


MAX_STATEMENTS: Final = 5_000
"""Statements kept, the newest: ten bad hours at a conflict every few seconds. With figures of 8 KiB each, 40 MiB."""

MAX_KEPT_BYTES: Final = 8 * 1024
"""The largest statement whose figures are kept: four times a ballot of 49 candidates."""


class SetAside(NamedTuple):
    """One statement that was set aside. What cannot be read of it is `None`, and so is `event` if anything cannot."""

    position: str
    reason: Reason
    cell: Cell
    box: int | None
    revision: int | None
    at: datetime | None
    event: Tally | None


class SetAsideFigures(Frozen):
    """The figures in a statement that was set aside: of one box, or of a district as its source reports it.

    A count that it does not give is `None`.
    """

    boxes_opened: Total
    registered: Total | None = 0
    cast: Total | None = 0
    valid: Total | None = 0
    invalid: Total | None = 0
    unattributed: Total = 0
    blank: Annotated[Total | None, Field(exclude_if=lambda blank: blank is None)] = None
    votes: dict[str, Total]


class SetAsideStatement(Frozen):
    """A statement that was set aside, for the control room. `figures` is `None` where they cannot be read.

    `position` names the record in quarantine; `box` is `None` where a whole district is reported.
    """

    position: str
    reason: Reason
    district: str
    box: Total | None
    revision: Total | None
    at: AwareDatetime | None
    figures: SetAsideFigures | None


class SetAsideHere(Frozen):
    """That newer words of a source on a unit, or words that contradict what stands, are set aside and not counted.

    `count` says how many, in the unit and below it; `reason` is that of the newest, which is `newest`. The public is
    not told what it says: nobody has let its figures out.
    """

    count: Total
    reason: Reason
    newest: SetAsideStatement | None = None

    def for_public(self) -> "SetAsideHere":
        """The same without any figure."""
        return self.model_copy(update={"newest": None})


def set_aside_in(record: Quarantined) -> SetAside | None:
    """What the record says, as far as it can be read; `None` where not even its source can be, or it is no tally."""
    original = record.original
    if record.is_control or len(original) > MAX_TALLY_BYTES:
        return None
    (event,) = parse_tallies([original])
    if isinstance(event, Malformed):
        return _in_part(record, original)
    return SetAside(
        position=record.position.decode(),
        reason=record.reason,
        cell=Cell(event.contest, event.source, event.district),
        box=None if isinstance(event, Reported) else event.box,
        revision=event.revision,
        at=event.at,
        event=event if len(original) <= MAX_KEPT_BYTES else None,
    )


def _in_part(record: Quarantined, original: bytes) -> SetAside | None:
    """A record that is no tally event, but says whose it is."""
    try:
        payload = orjson.loads(original)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(payload, dict) or not _name(payload, "source"):
        return None
    return SetAside(
        position=record.position.decode(),
        reason=record.reason,
        cell=Cell(_name(payload, "contest"), _name(payload, "source"), _name(payload, "district")),
        box=_number(payload, "box", MAX_BOX_NUMBER),
        revision=_number(payload, "revision", MAX_REVISION),
        at=_time(payload, "at"),
        event=None,
    )


def _name(payload: dict[str, Any], field: str) -> str:
    """An id, or an empty text where there is none."""
    found = payload.get(field)
    return found if isinstance(found, str) and len(found) <= MAX_ID_CHARS else ""


def _number(payload: dict[str, Any], field: str, most: int) -> int | None:
    found = payload.get(field)
    return found if type(found) is int and 1 <= found <= most else None


def _time(payload: dict[str, Any], field: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_name(payload, field))
    except ValueError:
        return None
    return found if found.utcoffset() is not None else None


def statement_of(found: SetAside) -> SetAsideStatement:
    """The statement as the control room is told it."""
    return SetAsideStatement(
        position=found.position,
        reason=found.reason,
        district=found.cell.district,
        box=found.box,
        revision=found.revision,
        at=found.at,
        figures=_figures_of(found.event) if found.event is not None else None,
    )


def _figures_of(event: Tally) -> SetAsideFigures:
    if isinstance(event, Withdrawn):
        return SetAsideFigures(boxes_opened=0, votes={})
    counts: dict[str, Any] = dict(zip(STATED, read_told(event), strict=True))
    return SetAsideFigures(
        boxes_opened=event.boxes_opened if isinstance(event, Reported) else 1,
        **counts,
        votes={name: votes for name, votes in sorted(event.votes.items()) if votes},
    )
