"""Quarantine: what could not be used, why, exactly what it was, and what it comes to by what stands now."""

import base64
from typing import Annotated, Final, Literal

import orjson
from pydantic import AfterValidator

from schemas.fields import Frozen, Total

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
    "unknown_contest": "the election definition has no such contest",
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
"""Bytes as text; a record with anything else there is none of ours."""


class Quarantined(Frozen):
    """A record that was set aside. `position` names it for ever, so a second copy of the same one is recognised."""

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
        """Whether it lay in the control topic: then it is no statement of any source."""
        return self.topic.rpartition(".")[2] == "control"

    @property
    def original(self) -> bytes:
        """The bytes of the original record's value."""
        return base64.b64decode(self.value_base64)

    def encode(self) -> bytes:
        """The record value."""
        return orjson.dumps(self.model_dump())


Verdict = Literal["newer", "contradicts", "superseded", "counted"]
"""What a statement that was set aside is beside what stands: said after it (or nothing stands), said at the same
revision with other counts, said before it, or the same counts."""

OPEN: Final[frozenset[Verdict]] = frozenset({"newer", "contradicts"})
"""The verdicts under which a source has said something that its figures do not show."""


class Assessment(Frozen):
    """What a quarantined statement comes to by what stands, as the aggregator of its district sees it.

    It lies in the quarantine topic, and the last one about a `position` holds. `revision` and `released` say which
    statement stands about the same box or district; both are 0 where none does. `refusal` says why letting the record
    out would change nothing; `None` where it would count.
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
        """Whether the source has said something here that its figures do not show."""
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
    """Set one record aside, with its original bytes."""
    return Quarantined(
        reason=reason,
        detail=detail,
        topic=topic,
        partition=partition,
        offset=offset,
        key_base64=base64.b64encode(key).decode(),
        value_base64=base64.b64encode(value).decode(),
    )
