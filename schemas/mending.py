"""Mending: what a quarantined record becomes when an operator lets it out. Pure.

Only what is wrong with how a record came can be mended; what it says is never changed, nor guessed. What a definition
does not have, it does not have in the next minute either.

What is let out keeps its source's revision and comes after it, before the source's next one: see `schemas.tally`. So
the source's own next word is not disturbed, and takes the place of what was let out as it would of anything else.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from msgspec import structs

from schemas.errors import UsageError
from schemas.fields import MAX_RELEASED
from schemas.quarantine import REASONS, Quarantined, Reason
from schemas.tally import Counted, Malformed, Reported, Tally, parse_tallies

MENDABLE: Final[frozenset[Reason]] = frozenset({"conflict", "backwards", "misrouted"})
"""What an operator's word can set right: which of two statements stands, that boxes do go backwards, where it goes."""


class Statement(NamedTuple):
    """What statements are about that exclude each other: one revision of one box, or of one report (`box` is None)."""

    contest: str
    source: str
    district: str
    box: int | None
    revision: int

    @classmethod
    def of(cls, event: Tally) -> "Statement":
        """What this event is about."""
        box = None if isinstance(event, Reported) else event.box
        return cls(event.contest, event.source, event.district, box, event.revision)


def statement_in(record: Quarantined) -> Statement | None:
    """What a quarantined record is about; `None` where it cannot be read."""
    (event,) = parse_tallies([record.original])
    return None if isinstance(event, Malformed) else Statement.of(event)


def mended(record: Quarantined, earlier: int = 0) -> Tally:
    """The event to publish: as it was said, under its own district's key, and marked as let out where that is needed.

    `earlier` is how many others were let out before that are about the same `Statement`; this one comes after them.
    Called again with the same `earlier` it gives the same event, so publishing it twice is harmless. Raises
    `UsageError` where there is nothing that an operator's word could set right.
    """
    if record.reason not in MENDABLE:
        raise UsageError(
            f"Nothing could make it count: {REASONS[record.reason]} ({record.detail}). Have its source send it "
            "again, and reject this one."
        )
    (event,) = parse_tallies([record.original])
    if isinstance(event, Malformed):
        raise UsageError(f"It cannot be read: {event.detail}. Reject it.")
    if record.reason == "misrouted":
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
