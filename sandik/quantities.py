"""Numbers and times as people read and type them. Pure.

Numbers are written as Turks read them: `11.360.000`, `%51,14`. Typed are `10s`, `20%`, `2000/s`, and the moments of an
election's night as its director writes them. For moments that have passed see `schemas/moments.py`.
"""

import re
from datetime import datetime, time
from typing import Final

from schemas.definition import Election
from schemas.errors import UsageError
from schemas.moments import day_of_night, local_moment

NOTHING: Final = "—"
"""What stands where there is no number."""

_SEPARATORS: Final = str.maketrans(",.", ".,")


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 11360000 is `11.360.000`."""
    return f"{number:,}".replace(",", ".")


def percent(part: int, whole: int, places: int = 2) -> str:
    """A share in percent, the sign in front: `%51,14`; a dash where there is nothing to divide by.

    Exact, and rounded half up, as shares on the board are.
    """
    if whole <= 0:
        return NOTHING
    units = 10**places
    rounded = (200 * units * part + whole) // (2 * whole)
    after = f",{rounded % units:0{places}}" if places else ""
    return f"%{grouped(rounded // units)}{after}"


def percent_from_bp(hundredths: int | None) -> str:
    """A share in hundredths of a per cent, as it is written: 5114 is `%51,14`; a dash where there is none."""
    return NOTHING if hundredths is None else percent(hundredths, 10_000)


def decimal(number: float, places: int = 1) -> str:
    """A number with decimals: 1234.56 is `1.234,6`."""
    return f"{number:,.{places}f}".translate(_SEPARATORS)


_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*s")

_WHOLE: Final = 100


def parse_seconds(text: str, option: str) -> float:
    """A length of time. Raises `UsageError`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} is {text!r}, which is no length of time. Give for example 500ms, 10s, 5m or 1h.")
    return float(found[1]) * _SECONDS[found[2]]


def parse_share(text: str, option: str) -> float:
    """A share of the whole, as a number from 0 to 1. Raises `UsageError`."""
    found = _PERCENT.fullmatch(text.strip())
    if found is None or float(found[1]) > _WHOLE:
        raise UsageError(f"{option} is {text!r}, which is no share. Give for example 20%.")
    return float(found[1]) / _WHOLE


def parse_rate(text: str, option: str) -> float:
    """So many a second. Raises `UsageError`."""
    found = _RATE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"{option} is {text!r}, which is no rate. Give for example 2000/s.")
    return float(found[1])


_OF_DAY: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def parse_night_moment(text: str, definition: Election) -> datetime:
    """The moment that is meant: `21:00` is on the evening of the election, `00:30` in the night after it.

    Raises `UsageError` for what is no time, and for one that clocks show twice or never in that night.
    """
    if not _OF_DAY.fullmatch(text):
        return parse_zoned_moment(text)
    hours, minutes, seconds = (int(part) for part in f"{text}:0".split(":")[:3])
    try:
        of_day = time(hours, minutes, seconds)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time of day. Give one such as 21:00 or 00:30:15.") from error
    local = datetime.combine(day_of_night(of_day, definition.date), of_day)
    return local_moment(local, definition.zone)


def parse_zoned_moment(text: str) -> datetime:
    """A time with its zone. Raises `UsageError` where it has none, or is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time. Give one with its zone, such as 2024-03-31T19:20+03:00.") from error
    if found.tzinfo is None:
        raise UsageError(f"{text!r} does not say in which zone. Give it, such as {text}+03:00.")
    return found
