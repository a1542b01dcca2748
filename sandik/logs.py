"""The processes' own log lines: readable on a terminal, one JSON object a line for machines.

Everything logs through the standard library, so that a library's lines look like ours. A limit keeps a line from being
repeated: in an outage a client library writes ten a second, for hours.
"""

import json
import logging
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

PACKAGES: Final = ("eventlog", "producers", "consumers", "gateway", "sandik")
"""Whose lines `--verbose` shows."""

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What the standard library itself keeps in a record (`taskName` since Python 3.12): all else came as `extra`."""

_COLOUR: Final = {"debug": 32, "info": 32, "warning": 33, "error": 31, "critical": 31}
"""By level, the SGR code (ECMA-48, 8.3.117) of a terminal's colour."""


class LogForm(StrEnum):
    """How lines are written."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(form: LogForm, *, verbose: bool) -> None:
    """Write log lines to standard error; warnings only, unless `verbose`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form is LogForm.JSON else _ConsoleLines(colours=sys.stderr.isatty()))
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.INFO if verbose else logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET if verbose else logging.CRITICAL)  # our errors say it once


class _ConsoleLines(logging.Formatter):
    """`TIME [level] message [logger] name=value`, and a traceback below."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the standard library's name
        level = record.levelname.lower()
        padded = f"{level:<9}"
        if self._colours:
            padded = f"\x1b[{_COLOUR.get(level, 0)}m{padded}\x1b[0m"
        values = "".join(f" {name}={_shown(value)}" for name, value in sorted(_extra(record).items()))
        return f"{_time(record)} [{padded}] {record.message} [{record.name}]{values}"


class _JsonLines(logging.Formatter):
    """One JSON object a line: `event`, `level`, `logger`, `timestamp`, what came as `extra`, and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            **_extra(record),
            "timestamp": _time(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack_info"] = record.stack_info
        return json.dumps(line, ensure_ascii=False, default=repr)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def _shown(value: object) -> str:
    """A string as it is, unless where it ends would not be seen."""
    plain = isinstance(value, str) and not any(sign.isspace() or sign in "\"'=\\" for sign in value)
    return str(value) if plain else repr(value)


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


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
