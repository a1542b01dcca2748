"""Moments as people write them: `22:14`, `2024-03-31T22:14`, or with an offset. Pure: the time is handed in."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.errors import UsageError

_FORMS = "Give a time such as 22:14 or 22:14:30, or a whole moment such as 2024-03-31T22:14 or 2024-03-31T22:14+03:00."


def parse_moment(text: str, zone: ZoneInfo, now: datetime, day: date | None = None) -> datetime:
    """The moment that a text means, in the zone where it says none.

    A time of day is the last such time there was, or that of `day`. Raises `UsageError` for what is no moment, and for
    one that is still to come.
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
        if day is not None:
            return datetime.combine(day, clock, zone)
        today = datetime.combine(now.astimezone(zone).date(), clock, zone)
        return today if today <= now else _the_day_before(today, clock, zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or len(text) <= len("2024-03-31"):
        raise UsageError(f"{text!r} is no moment. {_FORMS} In a URL, '+' is written %2B.")
    if day is not None:
        raise UsageError(f"{text!r} has a date of its own. Leave the other one out.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _the_day_before(moment: datetime, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(moment.date() - timedelta(days=1), clock, zone)
