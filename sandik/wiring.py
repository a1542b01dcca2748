"""Builds the objects that the commands run: the one place that knows which adapter a URL means."""

from pathlib import Path
from urllib.parse import parse_qsl

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.sqlite import SqliteLog
from schemas.errors import UsageError

_MEBIBYTE = 1024 * 1024
_URL_FORMS = "sqlite:PATH, sqlite:PATH?max_mb=N or kafka://HOST:PORT[,HOST:PORT]"


def open_log(url: str, clock: Clock) -> EventLog:
    """The event log that a URL names; enter it to open it. Raises `UsageError` for a URL that names none."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return _sqlite_log(rest, clock)
    raise UsageError(f"{url!r} names no log. Give {_URL_FORMS}.")


def _sqlite_log(rest: str, clock: Clock) -> SqliteLog:
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    max_mb = options.pop("max_mb", None)
    if options or not path:
        raise UsageError(f"'sqlite:{rest}' names no log. Give {_URL_FORMS}.")
    if max_mb is None:
        return SqliteLog(Path(path), clock)
    if not max_mb.isdecimal() or int(max_mb) == 0:
        raise UsageError(f"max_mb={max_mb!r} is no size. Give whole mebibytes, for example max_mb=512.")
    return SqliteLog(Path(path), clock, max_bytes=int(max_mb) * _MEBIBYTE)
