"""Settings that come from the environment: what is too secret, or too much of the place, for a command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar, get_args

from eventlog.kafka_security import Mechanism, Protocol, Security
from schemas.errors import UsageError

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
