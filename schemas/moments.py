"""Moments, as people write them (`22:14`, `2024-03-31T22:14`, or with an offset) and as a log counts them.

Pure: the time is handed in.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import UsageError
from schemas.zones import moment_in, moments_at

MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_LIKE: Final = "2024-03-31T22:14+03:00"
_FORMS: Final = f"Give a time such as 22:14 or 22:14:30, or a whole moment such as 2024-03-31T22:14 or {_LIKE}."


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC: a log's unit of time."""
    return (moment - _EPOCH) // MILLISECOND


def parse_moment(text: str, zone: ZoneInfo, now: datetime, day: date | None = None) -> datetime:
    """The moment that a text means, in the zone where it says none.

    A time of day is the last such time there was, or that of `day`: of an hour that clocks showed twice, the later one
    that has been. Raises `UsageError` for what is no moment, for one that is still to come, and for a local time with
    its day that clocks in the zone show twice or never.
    """
    moment = _parsed(text.strip(), zone, now, day)
    if moment > now:
        raise UsageError(f"{moment.isoformat(timespec='seconds')} is still to come. Give a moment that has been.")
    return moment


def _parsed(text: str, zone: ZoneInfo, now: datetime, day: date | None) -> datetime:
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        clock = None
    if clock is not None and clock.tzinfo is None and ":" in text:
        return _last(clock, zone, now) if day is None else local_moment(datetime.combine(day, clock), zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or len(text) <= len("2024-03-31"):
        raise UsageError(f"{text!r} is no moment. {_FORMS} In a URL, '+' is written %2B.")
    if day is not None:
        raise UsageError(f"{text!r} has a date of its own. Leave the other one out.")
    return moment if moment.tzinfo is not None else local_moment(moment, zone)


def local_moment(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local time. Raises `UsageError` where clocks in the zone show it twice or never."""
    try:
        return moment_in(local, zone)
    except ValueError as error:
        raise UsageError(f"{error}. Give the moment that is meant with its offset, as in {_LIKE}.") from error


def _last(clock: time, zone: ZoneInfo, now: datetime) -> datetime:
    """The last moment at which clocks showed that time of day; where they went forward over it today, it is refused."""
    here = now.astimezone(zone)
    today = datetime.combine(here.date(), clock)
    if here.time() >= clock and not moments_at(today, zone):
        return local_moment(today, zone)
    yesterday = today - timedelta(days=1)
    been = [moment for local in (yesterday, today) for moment in moments_at(local, zone) if moment <= now]
    return been[-1] if been else local_moment(yesterday, zone)
