"""Moments of an election's night, as who directs it writes them. Those that have been: `schemas/moments.py`."""

import re
from datetime import datetime, time
from typing import Final

from schemas.definition import Election
from schemas.errors import UsageError
from schemas.moments import local_moment
from schemas.zones import day_of_night

_OF_DAY: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def moment_of(text: str, definition: Election) -> datetime:
    """The moment that is meant: `21:00` is on the evening of the election, `00:30` in the night after it.

    Raises `UsageError` for what is no time, and for one that clocks show twice or never in that night.
    """
    if not _OF_DAY.fullmatch(text):
        return moment(text)
    hours, minutes, seconds = (int(part) for part in f"{text}:0".split(":")[:3])
    try:
        of_day = time(hours, minutes, seconds)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time of day. Give one such as 21:00 or 00:30:15.") from error
    local = datetime.combine(day_of_night(of_day, definition.date), of_day)
    return local_moment(local, definition.zone)


def moment(text: str) -> datetime:
    """A time with its zone. Raises `UsageError` where it has none, or is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time. Give one with its zone, such as 2024-03-31T19:20+03:00.") from error
    if found.tzinfo is None:
        raise UsageError(f"{text!r} does not say in which zone. Give it, such as {text}+03:00.")
    return found
