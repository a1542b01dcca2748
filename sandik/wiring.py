"""Open the log that a URL names, and find, create or name runs in it.

The one place that knows which adapter a URL means. Kafka's TLS and SASL settings come from the environment
(`SANDIK_KAFKA_…`): they are too secret, or belong too much to the machine, for a command line.
"""

import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args
from urllib.parse import parse_qsl

from eventlog.clock import Clock
from eventlog.kafka.administration import KafkaCommands, Mechanism, Protocol, Security
from eventlog.loops import RetryPolicy, Tries, Waiting, retried
from eventlog.port import EventLog, RestorableLog
from eventlog.run import Run, create_run, find_run, open_run
from eventlog.sqlite.log import SqliteLog
from sandik import screen
from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import UnknownRun, UsageError

if TYPE_CHECKING:
    from schemas.trust import OperatorKey

_MEBIBYTE: Final = 1024 * 1024
_URL_FORMS: Final = "sqlite:PATH, sqlite:PATH?max_mb=N or kafka://HOST:PORT[,HOST:PORT]"
_SERVERS: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}(,([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5})*")


def open_log(url: str, clock: Clock) -> EventLog:
    """The event log that a URL names; enter it to open it. Raises `UsageError` for a URL that names none.

    The clock is the machine's, whatever speed events are played at: the embedded log's leases live by it. How to prove
    oneself to Kafka comes from the environment (`SANDIK_KAFKA_…`).
    """
    log = _adapter(url, clock)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from sandik.telemetry import traced  # noqa: PLC0415  few ask for spans

        return traced(log, os.environ)
    return log


def open_restorable_log(url: str, clock: Clock) -> RestorableLog:
    """As `open_log`, for writing records back with the append times that they had."""
    return _adapter(url, clock)


def kafka_commands(url: str) -> KafkaCommands | None:
    """Commands for the cluster that a URL names; `None` where it names an embedded log, or nothing."""
    if not url.startswith("kafka://"):
        return None
    return KafkaCommands(url.removeprefix("kafka://"), secured=kafka_security(os.environ).protocol != "PLAINTEXT")


def absent_file(url: str) -> Path | None:
    """Return the file of the embedded log that a URL names where it does not exist yet; opening that log makes it."""
    scheme, _, rest = url.partition(":")
    file = Path(rest.partition("?")[0])
    return file if scheme == "sqlite" and rest and not file.exists() else None


def _adapter(url: str, clock: Clock) -> RestorableLog:
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return _sqlite_log(rest, clock)
    servers = rest.removeprefix("//")
    if scheme == "kafka" and rest.startswith("//") and _SERVERS.fullmatch(servers):
        from eventlog.kafka.log import KafkaLog  # noqa: PLC0415  its client takes 10 MB, and the embedded log needs none

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


T = TypeVar("T")

_PREFIX: Final = "SANDIK_KAFKA_"
_KNOWN: Final = frozenset(
    {
        "SECURITY_PROTOCOL",
        *("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "SASL_PASSWORD_FILE"),
        *("SSL_CAFILE", "SSL_CERTFILE", "SSL_KEYFILE"),
    }
)


def kafka_security(environment: Mapping[str, str]) -> Security:
    """Kafka's TLS and SASL from `SANDIK_KAFKA_…`. Raises `UsageError` for values unknown, missing or contradicting."""
    given = {name.removeprefix(_PREFIX): value for name, value in environment.items() if name.startswith(_PREFIX)}
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        raise UsageError(f"There is no setting {_PREFIX}{unknown[0]}. Those there are, after {_PREFIX}: {known}.")
    protocols: tuple[Protocol, ...] = get_args(Protocol)
    protocol = _one_of(protocols, given.get("SECURITY_PROTOCOL", "PLAINTEXT"), "SECURITY_PROTOCOL")
    _refuse(given, "SASL_", unless=protocol.startswith("SASL_"), protocol=protocol)
    _refuse(given, "SSL_", unless=protocol.endswith("SSL"), protocol=protocol)
    if "SSL_KEYFILE" in given and "SSL_CERTFILE" not in given:
        raise UsageError(f"{_PREFIX}SSL_KEYFILE is the key of a certificate: give {_PREFIX}SSL_CERTFILE as well.")
    mechanism, username, password = _sasl(given) if protocol.startswith("SASL_") else (None, None, None)
    return Security(
        protocol=protocol,
        mechanism=mechanism,
        username=username,
        password=password,
        ca_file=_path(given, "SSL_CAFILE"),
        cert_file=_path(given, "SSL_CERTFILE"),
        key_file=_path(given, "SSL_KEYFILE"),
    )


def _sasl(given: Mapping[str, str]) -> tuple[Mechanism, str, str]:
    mechanisms: tuple[Mechanism, ...] = get_args(Mechanism)
    mechanism = _one_of(mechanisms, given.get("SASL_MECHANISM", "PLAIN"), "SASL_MECHANISM")
    username = given.get("SASL_USERNAME")
    if not username:
        raise UsageError(f"SASL needs a user: set {_PREFIX}SASL_USERNAME.")
    if ("SASL_PASSWORD" in given) == ("SASL_PASSWORD_FILE" in given):
        raise UsageError(f"SASL needs one password: set either {_PREFIX}SASL_PASSWORD or {_PREFIX}SASL_PASSWORD_FILE.")
    if "SASL_PASSWORD" in given:
        return mechanism, username, given["SASL_PASSWORD"]
    file = Path(given["SASL_PASSWORD_FILE"])
    try:
        return mechanism, username, file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{_PREFIX}SASL_PASSWORD_FILE names {file}, which cannot be read ({error}).") from error


def _one_of(choices: tuple[T, ...], value: str, name: str) -> T:
    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{_PREFIX}{name} is {value!r}. Give one of {', '.join(map(str, choices))}.")


def _refuse(given: Mapping[str, str], prefix: str, *, unless: bool, protocol: str) -> None:
    names = sorted(name for name in given if name.startswith(prefix))
    if names and not unless:
        raise UsageError(
            f"{_PREFIX}{names[0]} has no meaning with {_PREFIX}SECURITY_PROTOCOL={protocol}. Change one of the two."
        )


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


_log = logging.getLogger(__name__)

_RUN_RETRY: Final = RetryPolicy(longest_s=1.0)
"""A run that is created is found within a second."""


async def known_run(log: EventLog, name: str, operators: "Sequence[OperatorKey]" = ()) -> Run:
    """The run, by the orders of those who have these keys; says so where an amendment of it cannot be verified.

    Raises as `find_run`.
    """
    run = await find_run(log, name, operators)
    warn_of_missed(run)
    return run


def warn_of_missed(run: Run) -> None:
    """Say so where an amendment of the run's definition cannot be verified, and so is not in force here."""
    if run.missed:
        from tabulation.orders.effects import complaint  # noqa: PLC0415  it brings keys, which take 50 ms

        screen.warn(complaint(run.missed))


async def wait_for_run(log: EventLog, name: str, clock: Clock, operators: "Sequence[OperatorKey]" = ()) -> Run:
    """The run, once it is there; a log that is away is waited for too. Says so once."""
    last_reason = ""

    def say(waiting: Waiting) -> None:
        nonlocal last_reason
        error = waiting.error
        reason = "no producer has created it yet." if isinstance(error, UnknownRun) else str(error)
        if reason != last_reason:
            _log.warning("Waiting for run %r: %s", name, reason)
            last_reason = reason

    tries = Tries(clock, _RUN_RETRY, retriable=lambda error: error.retriable or isinstance(error, UnknownRun))
    return await retried(lambda: open_run(log, name, operators), tries, say)


def new_epoch() -> str:
    """A name for a new run's log that no other has."""
    return secrets.token_hex(4)


def parse_mode(mode: str) -> Mode:
    """The mode that an option names. Raises `UsageError`."""
    match mode:
        case "live" | "test" | "replay":
            return mode
    raise UsageError(f"{mode!r} is no mode. Give live, test or replay.")


@dataclass(frozen=True, slots=True)
class TargetRun:
    """The run that events go into; with a definition it is created where it is not there."""

    url: str
    name: str
    definition: Election | None
    mode: Mode
    partitions: int | None = None
    operators: "tuple[OperatorKey, ...]" = ()

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[tuple[EventLog, Run]]:
        """The log, open, and the run."""
        async with open_log(self.url, clock) as log:
            yield log, await self.found(log, clock)

    async def found(self, log: EventLog, clock: Clock) -> Run:
        """Return the run in an open log. Raises `UnknownRun`, `RunConflict`."""
        if self.definition is None:
            return await known_run(log, self.name, self.operators)
        run = await create_run(
            log,
            self.name,
            self.definition,
            mode=self.mode,
            epoch=new_epoch(),
            clock=clock,
            partitions=self.partitions,
            operators=self.operators,
        )
        warn_of_missed(run)
        return run

    async def known_definition(self, clock: Clock) -> Election | None:
        """Return the definition that is given, else that of the run; `None` where there is no such run."""
        if self.definition is not None or absent_file(self.url) is not None:
            return self.definition
        async with open_log(self.url, clock) as log:
            try:
                return (await known_run(log, self.name, self.operators)).definition
            except UnknownRun:
                return None
