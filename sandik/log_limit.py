"""A limit on log lines that say the same again and again: in an outage a client library says ten a second, for hours.

Pure: the time is the record's own.
"""

import logging
import re
from dataclasses import dataclass
from typing import Final

LINES: Final = 5
PERIOD_S: Final = 30
"""So many lines of a kind are written in so many seconds; the next one says how many were left out."""

_MAX_KINDS: Final = 1_000
"""Kinds of lines that are remembered: some hundred bytes each."""

_NUMBER: Final = re.compile(r"\d+")


@dataclass(slots=True)
class _Period:
    began: float
    written: int = 0
    left_out: int = 0


class Repeats(logging.Filter):
    """Lets the first few lines of a kind through, and of the others their number once the period is over.

    Two lines are of one kind if the same logger wrote them at the same level, in the same words but for numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._periods: dict[tuple[str, int, str], _Period] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written; where lines were left out before it, it says so from now on."""
        message = record.getMessage()
        kind = (record.name, record.levelno, _NUMBER.sub("#", message))
        period = self._periods.get(kind)
        if period is None or not 0 <= record.created - period.began < PERIOD_S:  # a clock that was put back counts anew
            left_out = period.left_out if period is not None else 0
            period = self._begin(kind, record.created)
            if left_out:
                record.msg, record.args = f"{message} (It was said {left_out} times more meanwhile.)", None
        if period.written >= LINES:
            period.left_out += 1
            return False
        period.written += 1
        return True

    def _begin(self, kind: tuple[str, int, str], now: float) -> _Period:
        if len(self._periods) >= _MAX_KINDS:
            self._periods.clear()
        period = self._periods[kind] = _Period(now)
        return period
