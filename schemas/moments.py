"""Moments: as people write them, in which time zone, and as a log counts them. Pure: the time is handed in.

Where clocks go back, the times of an hour are there twice; where they go forward, those of an hour are never shown. An
election's night can be such a night, so a local time is never guessed: it is one moment, or it is refused.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from typing import Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from schemas.errors import UsageError
from schemas.fields import EVENTS_END, FIRST_EVENT

MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_LIKE: Final = "2024-03-31T22:14+03:00"
_FORMS: Final = f"Give a time such as 22:14 or 22:14:30, or a whole moment such as 2024-03-31T22:14 or {_LIKE}."


def epoch_ms(moment: datetime) -> int:
    """Convert to milliseconds since 1970, UTC: a log's unit of time."""
    return (moment - _EPOCH) // MILLISECOND


def parse_moment(text: str, zone: ZoneInfo, now: datetime, day: date | None = None) -> datetime:
    """Parse a moment: a time of day, a local time with its day, or a time with an offset.

    Without an offset it is in `zone`. A time of day is that of `day`, else the last one before `now`; where clocks
    showed it twice, the later of the two. Raises `UsageError` for what is no moment, for one after `now`, and for a
    local time with its day that clocks in the zone show twice or never.
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
    """Convert a local time. Raises `UsageError` where clocks in the zone show it twice or never."""
    try:
        return moment_in(local, zone)
    except ValueError as error:
        raise UsageError(f"{error}. Give the moment that is meant with its offset, as in {_LIKE}.") from error


def _last(clock: time, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the last moment at which clocks showed this time of day. Refuses one that they skipped today."""
    here = now.astimezone(zone)
    today = datetime.combine(here.date(), clock)
    if here.time() >= clock and not moments_at(today, zone):
        return local_moment(today, zone)
    yesterday = today - timedelta(days=1)
    been = [moment for local in (yesterday, today) for moment in moments_at(local, zone) if moment <= now]
    return been[-1] if been else local_moment(yesterday, zone)


Showing = Literal["first", "second"]
"""Which of two moments is meant by a local time that clocks show twice, because they were put back between them."""

_NOON: Final = time(12)

_FIRST_YEAR: Final = FIRST_EVENT.year
_LAST_YEAR: Final = EVENTS_END.year

_NEAREST_ZONES: Final = 3

_OF_THE_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
"""Names beside the zones that are another zone on another machine, or none."""

_OTHER_COUNTS: Final = ("posix/", "right/")
"""Copies of the zones, of which one counts leap seconds."""

_BY_OFFSET: Final = ("Etc/GMT+", "Etc/GMT-", "GMT+", "GMT-")
"""Zones not to suggest: `Etc/GMT+3` is three hours behind, and nobody who writes GMT+3 means that."""


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of this name, such as `Europe/Istanbul`.

    Raises `ValueError` where there is none, and names the nearest.
    """
    try:
        found = ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        found = None
    if found is None or name in _OF_THE_MACHINE or name.startswith(_OTHER_COUNTS):
        raise ValueError(f"there is no time zone {name!r}; {_nearest(name)}")
    return found


def moments_at(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the moments at which clocks in the zone show a local time, earliest first, each with its offset from UTC.

    They are two where clocks are put back, none where they are put forward, else one. Raises `ValueError` for a time
    at the calendar's end, which is no moment in every zone.
    """
    if not _FIRST_YEAR <= local.year <= _LAST_YEAR:
        raise ValueError(f"{_written(local)} is in no year that an event can be of")
    found: dict[datetime, datetime] = {}
    for fold in (0, 1):  # where clocks are put back, the two folds are two moments; else they are the same one
        moment = local.replace(tzinfo=zone, fold=fold)
        in_utc = moment.astimezone(UTC)
        # A local time that clocks skip comes back as another one.
        if in_utc.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0):
            found[in_utc] = in_utc.astimezone(timezone(moment.utcoffset() or timedelta()))
    return tuple(found.values())


def moment_in(local: datetime, zone: ZoneInfo, showing: Showing | None = None) -> datetime:
    """Return the moment at which clocks in the zone show a local time, with its offset from UTC.

    `showing` says which one is meant where they show it twice. Raises `ValueError` where they never show it, or show it
    twice and `showing` is `None`.
    """
    moments = moments_at(local, zone)
    if not moments:
        raise ValueError(f"{_written(local)} is never shown in {zone.key}: clocks go forward over it")
    if len(moments) > 1 and showing is None:
        first, second = (moment.isoformat(timespec="seconds") for moment in moments)
        raise ValueError(f"{_written(local)} is shown twice in {zone.key}, as clocks go back: {first} and {second}")
    return moments[-1 if showing == "second" else 0]


def day_of_night(of_day: time, night: date) -> date:
    """Return the day of a time in an election's night: from noon on the election's day, before noon the next."""
    return night if of_day >= _NOON else night + timedelta(days=1)


def _written(local: datetime) -> str:
    return local.isoformat(" ", "minutes" if local.second == local.microsecond == 0 else "auto")


def _nearest(name: str) -> str:
    """Suggest the nearest zones for a name that is none."""
    zones = available_timezones() - _OF_THE_MACHINE
    known = {zone.casefold(): zone for zone in zones if not zone.startswith(_BY_OFFSET)}
    wanted = name.strip().replace(" ", "_").casefold()
    place = wanted.rpartition("/")[2] or wanted
    near = [known[wanted]] if wanted in known else []
    near = near or [zone for folded, zone in sorted(known.items()) if folded.endswith(f"/{place}")]
    near = near or [known[match] for match in get_close_matches(wanted, known, _NEAREST_ZONES, 0.8)]
    if not near:
        return "write it like Europe/Istanbul"
    return f"did you mean {' or '.join(near[:_NEAREST_ZONES])}?"
