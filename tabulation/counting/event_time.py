"""Event time as far as it drives anything: never later than the log was given the word. Pure.

A source says itself when it counted, and may be wrong: a missing time zone is three hours, a slip a century. Its word
stands in the log and in the totals. But one box dated ahead would be the newest of every unit above it until that time
has come, so that a silent feed looks alive and nothing is seen to change. So whoever lets event time drive something
(what is newest, how old a feed is, how long a lead has lasted) takes the time at which the log was given it, where that
is earlier.

In a rehearsal of a night to come all event times lie ahead, and none is judged.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from schemas.definition import Election
from schemas.fields import EVENTS_END
from schemas.moments import MILLISECOND
from schemas.totals import Totals

AHEAD_S: Final = 120
"""How far ahead of its append an event time may be before a person is told: clocks that nobody keeps differ by less."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(seconds=AHEAD_S)


def effective(at: datetime, appended_ms: int, definition: Election) -> datetime:
    """The time that an event time counts as, in the same zone; the log was given it `appended_ms` after 1970."""
    appended = _EPOCH + timedelta(milliseconds=appended_ms)
    if at < appended + MILLISECOND or _is_rehearsed(appended, definition):
        return at
    return appended.astimezone(at.tzinfo)


def is_ahead(at: datetime, appended_ms: int, definition: Election) -> bool:
    """Whether an event time is so far ahead of its append that a person should be told."""
    appended = _EPOCH + timedelta(milliseconds=appended_ms)
    return at > appended + _AHEAD and not _is_rehearsed(appended, definition)


def surely_not_ahead(first_ms: int, last_ms: int, zone: tzinfo | None, definition: Election) -> datetime:
    """Up to when no event time is ahead that was appended between these; quick to compare with others in its zone."""
    if _is_rehearsed(_EPOCH + timedelta(milliseconds=last_ms), definition):
        return EVENTS_END
    return (_EPOCH + timedelta(milliseconds=first_ms) + _AHEAD).astimezone(zone)


def timely(totals: Totals, appended_ms: int, definition: Election) -> Totals:
    """The totals with the time that their `as_of` counts as."""
    as_of = effective(totals.as_of, appended_ms, definition)
    return totals if as_of is totals.as_of else totals.model_copy(update={"as_of": as_of})


def _is_rehearsed(appended: datetime, definition: Election) -> bool:
    """Whether the log was given it before the day of the election."""
    return appended.astimezone(ZoneInfo(definition.timezone)).date() < definition.date
