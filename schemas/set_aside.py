"""What is set aside, as statements: which source says what of which box or district, though it is not counted. Pure.

A quarantined record is bytes. As far as these can be read they are a statement about a cell, and so something that a
reader of this source's figures should know of.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import AwareDatetime

from schemas.fields import MAX_BOX_NUMBER, MAX_ID_CHARS, MAX_REVISION, Frozen, Total
from schemas.figures import stated_in
from schemas.quarantine import Quarantined, Reason
from schemas.tally import MAX_TALLY_BYTES, Malformed, Reported, Tally, Withdrawn, parse_tallies
from schemas.totals import Cell

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
    """The figures in a statement that was set aside: of one box, or of a district as its source reports it."""

    boxes_opened: Total
    registered: Total = 0
    cast: Total = 0
    valid: Total = 0
    invalid: Total = 0
    unattributed: Total = 0
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
    return SetAsideFigures(
        boxes_opened=event.boxes_opened if isinstance(event, Reported) else 1,
        **stated_in(event),
        votes={name: votes for name, votes in sorted(event.votes.items()) if votes},
    )
