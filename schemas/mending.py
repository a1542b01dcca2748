"""Mending: what a quarantined record becomes when an operator lets it out. Pure.

Only what is wrong with how a record came can be mended; what it says is never changed, nor guessed. What a definition
does not have, it does not have in the next minute either.
"""

from dataclasses import replace
from typing import Final

from msgspec import structs

from schemas.errors import UsageError
from schemas.quarantine import REASONS, Quarantined, Reason
from schemas.tally import Counted, Malformed, Reported, Tally, parse_tallies

MENDABLE: Final[frozenset[Reason]] = frozenset({"conflict", "backwards", "misrouted"})
"""What an operator's word can set right: which of two statements stands, that boxes do go backwards, where it goes."""


def mended(record: Quarantined) -> Tally:
    """The event to publish: as it was said, under its own district's key, and where needed a revision later.

    Raises `UsageError` where there is nothing that an operator's word could set right.
    """
    if record.reason not in MENDABLE:
        raise UsageError(
            f"Nothing could make it count: {REASONS[record.reason]} ({record.detail}). Have its source send it "
            "again, and reject this one."
        )
    (event,) = parse_tallies([record.original])
    if isinstance(event, Malformed):
        raise UsageError(f"It cannot be read: {event.detail}. Reject it.")
    return event if record.reason == "misrouted" else _one_revision_later(event)


def _one_revision_later(event: Tally) -> Tally:
    if isinstance(event, Counted):
        return structs.replace(event, type="corrected", revision=event.revision + 1)
    if isinstance(event, Reported):
        return replace(event, type="report_corrected", revision=event.revision + 1)
    return replace(event, revision=event.revision + 1)
