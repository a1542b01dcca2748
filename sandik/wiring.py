"""Builds the objects that the commands run: the one place that knows which adapter a URL means."""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from eventlog.clock import Clock
from eventlog.kafka_commands import KafkaCommands
from eventlog.port import EventLog, RestorableLog
from eventlog.sqlite import SqliteLog
from sandik.settings import kafka_security
from sandik.tracing import traced_where_asked
from schemas.errors import UsageError

_MEBIBYTE: Final = 1024 * 1024
_URL_FORMS: Final = "sqlite:PATH, sqlite:PATH?max_mb=N or kafka://HOST:PORT[,HOST:PORT]"
_SERVERS: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}(,([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5})*")


def open_log(url: str, clock: Clock) -> EventLog:
    """The event log that a URL names; enter it to open it. Raises `UsageError` for a URL that names none.

    The clock is the machine's, whatever speed events are played at: the embedded log's leases live by it. How to prove
    oneself to Kafka comes from the environment (`SANDIK_KAFKA_…`).
    """
    return traced_where_asked(_log(url, clock), os.environ)


def open_restorable_log(url: str, clock: Clock) -> RestorableLog:
    """As `open_log`, for writing records back with the append times that they had."""
    return _log(url, clock)


def kafka_commands(url: str) -> KafkaCommands | None:
    """Commands for the cluster that a URL names; `None` where it names an embedded log, or nothing."""
    if not url.startswith("kafka://"):
        return None
    return KafkaCommands(url.removeprefix("kafka://"), secured=kafka_security(os.environ).protocol != "PLAINTEXT")


def _log(url: str, clock: Clock) -> RestorableLog:
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return _sqlite_log(rest, clock)
    servers = rest.removeprefix("//")
    if scheme == "kafka" and rest.startswith("//") and _SERVERS.fullmatch(servers):
        from eventlog.kafka import KafkaLog  # noqa: PLC0415  its client takes 10 MB, and the embedded log needs none

        return KafkaLog(servers, security=kafka_security(os.environ))
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
