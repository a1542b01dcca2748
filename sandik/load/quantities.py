"""Quantities as people type them: `10s`, `20%`, `2000/s`."""

import re
from typing import Final

from schemas.errors import UsageError

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*s")

_WHOLE: Final = 100


def seconds(text: str, option: str) -> float:
    """A length of time. Raises `UsageError`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} is {text!r}, which is no length of time. Give for example 500ms, 10s, 5m or 1h.")
    return float(found[1]) * _SECONDS[found[2]]


def share(text: str, option: str) -> float:
    """A share of the whole, as a number from 0 to 1. Raises `UsageError`."""
    found = _PERCENT.fullmatch(text.strip())
    if found is None or float(found[1]) > _WHOLE:
        raise UsageError(f"{option} is {text!r}, which is no share. Give for example 20%.")
    return float(found[1]) / _WHOLE


def rate(text: str, option: str) -> float:
    """So many a second. Raises `UsageError`."""
    found = _RATE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"{option} is {text!r}, which is no rate. Give for example 2000/s.")
    return float(found[1])
