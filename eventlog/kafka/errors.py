"""Mapping errors of Kafka, and of TLS below it, to ours: one table has those that no retry can mend, and the remedy.

Everything that is not in the table is taken for an outage, which is retriable.
"""

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    IncompatibleBrokerVersion,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    PolicyViolationError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnrecognizedBrokerVersion,
    UnsupportedCodecError,
    UnsupportedForMessageFormatError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)

from schemas.errors import LogError, LogRefused, LogUnavailable

_FINAL: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    (
        (AuthenticationFailedError, SaslAuthenticationFailed),
        "does not accept the user name or the password. Check SANDIK_KAFKA_SASL_USERNAME and _PASSWORD",
    ),
    (
        (UnsupportedSaslMechanismError, IllegalSaslStateError, AuthenticationMethodNotSupported),
        "does not take this way of proving who we are. Check SANDIK_KAFKA_SASL_MECHANISM and the listener's port",
    ),
    (
        (TopicAuthorizationFailedError,),
        "does not allow this user to use the topic. Ask its operator for an ACL on it: Describe, and Read or Write",
    ),
    (
        (GroupAuthorizationFailedError,),
        "does not allow this user to join the group. Ask its operator for an ACL on it: Read",
    ),
    (
        (ClusterAuthorizationFailedError,),
        "does not allow this user to do that to the cluster. Ask its operator for an ACL: Create, or the topics",
    ),
    (
        (UnsupportedCodecError,),
        "holds a batch in a codec that is not installed here. Install the pinned dependencies, which have all of them",
    ),
    (
        (
            IncompatibleBrokerVersion,
            UnrecognizedBrokerVersion,
            UnsupportedVersionError,
            UnsupportedForMessageFormatError,
        ),
        "is of a version that cannot do this. Use Apache Kafka 2.1 or newer",
    ),
    ((InvalidTopicError, PolicyViolationError), "refuses this topic by its rules. Ask its operator"),
)
"""Errors with which the same call cannot succeed later, and how a message goes on after "Kafka at HOST:PORT"."""

_CERTIFICATE: Final = {
    9: "shows a certificate that is not valid yet. Check its dates and this machine's clock",
    10: "shows a certificate that has expired. Have it renewed; check this machine's clock as well",
    62: "shows a certificate for another host name. Use a name that it is for in the log's URL",
    64: "shows a certificate for another address. Use a name or an address that it is for in the log's URL",
}
"""By OpenSSL's number of what is wrong with a certificate (X509_V_ERR_…)."""

_UNKNOWN_CA: Final = (
    "shows a certificate that nobody vouches for whom we trust. Give its CA's file as SANDIK_KAFKA_SSL_CAFILE"
)

_NO_ANSWER: Final = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError)


_SECURITY_HINT: Final = (
    " Where that lasts, check SANDIK_KAFKA_SECURITY_PROTOCOL and _SASL_MECHANISM: a listener that asks for SASL takes"
    " the connection of a client without it, and then hangs up at its first request."
)


@dataclass(frozen=True, slots=True)
class BrokerAnswer:
    """What one broker answered when it was asked by itself; `error` is `None` where it accepted the connection."""

    address: str
    error: Exception | None = None


def is_final(error: BaseException) -> bool:
    """Whether no retry can mend it."""
    return _final(error) is not None


def is_no_answer(error: Exception) -> bool:
    """Whether an error says only that nobody answered, so that asking each broker may tell more."""
    return not is_final(error) and (not isinstance(error, KafkaError) or isinstance(error, _NO_ANSWER))


def explained(error: Exception, servers: str, answers: Sequence[BrokerAnswer] = ()) -> LogError:
    """Map an error of aiokafka, TLS or the network to ours, with what is wrong and what to do, in one line.

    `answers` are those of the brokers themselves, for an error that says only that nobody answered.
    """
    final = _final(error)
    if final is not None:
        return LogRefused(f"Kafka at {servers} {final}. ({_short(error)})")
    silent = [one for one in answers if one.error is not None]
    if silent and len(silent) == len(answers):
        return _unanswered(error, servers, silent)
    if silent:
        return _answered_in_part(error, answers)
    if answers or not is_no_answer(error):
        return LogUnavailable(
            f"Kafka at {servers} could not do it just now ({_short(error)}). Try again; its own log says more."
            + (_SECURITY_HINT if answers and is_no_answer(error) else "")
        )
    return _nobody(error, servers)


def _unanswered(error: Exception, servers: str, answers: Sequence[BrokerAnswer]) -> LogError:
    """Map an error where no broker accepted a connection: the first that gives a reason decides."""
    for one in answers:
        final = None if one.error is None else _final(one.error)
        if one.error is not None and final is not None:
            return LogRefused(f"Kafka at {one.address} {final}. ({_short(one.error)})")
    for one in answers:
        if one.error is not None and _is_hung_up(one.error):
            return LogUnavailable(
                f"Kafka at {one.address} hangs up before it says anything. Check the port,"
                " SANDIK_KAFKA_SECURITY_PROTOCOL and, where it asks for a certificate, SANDIK_KAFKA_SSL_CERTFILE;"
                f" if it is shutting down, the same can be tried again. ({_short(one.error)})"
            )
    return _nobody(error, servers)


def _is_hung_up(error: Exception) -> bool:
    """Whether a broker was there and closed the connection. Kafka resets one that speaks TLS to a plain listener."""
    if any(isinstance(one, ConnectionResetError) for one in _chain(error)):
        return True
    return isinstance(error, KafkaConnectionError) and "closed" in str(error)


def _nobody(error: Exception, servers: str) -> LogUnavailable:
    return LogUnavailable(
        f"No Kafka broker answers at {servers}. Check the address, that the broker runs, and the"
        f" SANDIK_KAFKA_… security settings; then the same can be tried again. ({_short(error)})"
    )


def _answered_in_part(error: Exception, answers: Sequence[BrokerAnswer]) -> LogUnavailable:
    """Map an error where some brokers answer: what lies with the others waits for them."""
    well = [one.address for one in answers if one.error is None]
    others = [f"{one.address} {_final(one.error) or 'does not answer'}" for one in answers if one.error is not None]
    return LogUnavailable(
        f"Of Kafka's brokers {' and '.join(well)} {'answers' if len(well) == 1 else 'answer'}, but {'; '.join(others)}."
        f" What lies there waits; the same can be tried again. ({_short(error)})"
    )


def _final(error: BaseException) -> str | None:
    """Return the remedy for an error that no retry can mend, by itself or by its cause; `None` for any other."""
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(one.verify_code, _UNKNOWN_CA)
        if isinstance(one, ssl.SSLError):
            return _handshake(one)
        for kinds, what in _FINAL:
            if isinstance(one, kinds):
                return what
    return None


def _handshake(error: ssl.SSLError) -> str | None:
    """Return the remedy for a failed TLS handshake, by OpenSSL's reason; `None` for one that a retry may mend."""
    reason = str(getattr(error, "reason", None) or "").upper()
    if "WRONG_VERSION" in reason or "RECORD_LAYER" in reason or "HTTP_REQUEST" in reason:
        return "does not speak TLS on this port. Check the port and SANDIK_KAFKA_SECURITY_PROTOCOL"
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "HANDSHAKE_FAILURE" in reason):
        return (
            "does not accept our certificate, or asks for one and we show none."
            " Check SANDIK_KAFKA_SSL_CERTFILE and SANDIK_KAFKA_SSL_KEYFILE"
        )
    if "PROTOCOL_VERSION" in reason or "NO_SHARED_CIPHER" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return "speaks no version of TLS that is allowed here. Have TLS 1.2 or newer enabled there"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _short(error: BaseException) -> str:
    """Return the error in one line, as a person would look it up."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
