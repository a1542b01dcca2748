"""Clients of Kafka: starting and stopping them, and mapping aiokafka's errors, and those of TLS below it, to ours.

One table has the errors that no retry can mend, with the remedy. Everything else is taken for an outage, which is
retriable.

aiokafka tries one broker after the other, writes into its log what each had against us, and raises something that says
neither which they were nor why. So `Brokers` asks each of them by itself, where a client could reach none of use.

aiokafka's `stop` may raise, may take for ever, and may end cancelled although nobody cancelled it: a fetcher awaits a
task of its own that it has just cancelled, while that one sleeps off a failed request. What comes after in the same
`stop` is then not done. So every step here has a task and a few seconds of its own, and the next follows however it
ended.

This module, `kafka.membership` and `kafka.log` are the only ones that use private attributes of aiokafka: here,
since it has no public way to abort a stop that hangs. So pyproject.toml has an upper bound for it, and
`tests/eventlog/kafka/test_closing.py` fails where a release has them no more.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
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

from eventlog.kafka.administration import KafkaCommands, Security
from eventlog.kafka.wire import collect_hosts, create_conn
from eventlog.loops import is_asked_to_end
from schemas.errors import LogError, LogRefused, LogUnavailable, UsageError

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


T = TypeVar("T")

_log: Final = logging.getLogger(__name__)

STOP_S: Final = 5.0
"""The deadline of one step of a stop, such as a flush, or closing connections that do not answer."""

CLOSE_S: Final = 6 * STOP_S
"""The deadline of a whole stop, also for a caller that is cancelled meanwhile: flush, abort, stop, its tasks, close."""


async def uninterrupted(step: Coroutine[object, object, T], patience_s: float = STOP_S) -> T:
    """Run a client's start or stop to its end. Where the caller is cancelled, wait `patience_s` seconds more for that.

    A start of aiokafka's that is cancelled leaks the connection that it is making, and a stop those that it has not
    closed yet. Raises what the step raises, and the caller's own `CancelledError`, which comes after the wait.
    """
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)
        if task.done() and not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it: the cancellation is raised instead
        raise


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within `CLOSE_S` seconds, whether or not its broker answers, also where the caller is cancelled.

    Raises nothing but the caller's own cancellation.
    """
    await uninterrupted(_stop_consumer(consumer), CLOSE_S)


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Flush the producer for `STOP_S` seconds at most, fail what is left, and stop it; then as `stop_consumer`."""
    await uninterrupted(_stop_producer(producer), CLOSE_S)


async def stop_admin(admin: AIOKafkaAdminClient) -> None:
    """Close an admin client, started or not; as `stop_consumer`."""
    await uninterrupted(_stop_admin(admin), CLOSE_S)


async def _stop_consumer(consumer: AIOKafkaConsumer) -> None:
    await asyncio.sleep(0)  # aiokafka's tasks let a cancellation through that comes before their first step
    if not await _completed(consumer.stop()):
        # `stop` broke off: do what it would have done after the step that failed
        await _cancelled(_tasks_of(consumer))
        await _close(getattr(consumer, "_client", None))


def _tasks_of(consumer: AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """The background tasks of a consumer; a stop that broke off has left some of them running.

    A consumer that was not started has neither a fetcher nor a coordinator.
    """
    fetcher, coordinator = (getattr(consumer, name, None) for name in ("_fetcher", "_coordinator"))
    tasks = set(getattr(fetcher, "_pending_tasks", ()))
    for part in (fetcher, coordinator):
        tasks |= {value for value in getattr(part, "__dict__", {}).values() if isinstance(value, asyncio.Task)}
    return tasks


async def _stop_producer(producer: AIOKafkaProducer) -> None:
    if not await _completed(producer.flush()):
        await _abort(producer)  # `stop` would wait for every batch, so for ever while no broker answers
    if not await _completed(producer.stop()):
        await _close(producer.client)


async def _stop_admin(admin: AIOKafkaAdminClient) -> None:
    if not await _completed(admin.close()):
        await _close(getattr(admin, "_client", None))


async def _close(client: AIOKafkaClient | None) -> None:
    """Close the client below a consumer, a producer or an admin client; if it does not, at least its connections."""
    if client is not None and not await _completed(client.close()):
        for connection in list(client._conns.values()):  # noqa: SLF001  no public way to reach them
            connection.close()


async def _abort(producer: AIOKafkaProducer) -> None:
    """Stop the producer's sending, and fail every batch that it holds, so that who waits for one is told."""
    # First the sender: a batch that is on its way to a broker would be failed under its hands.
    await _completed(producer._sender.close())  # noqa: SLF001  see the module
    accumulator = producer._message_accumulator  # noqa: SLF001  see the module
    for batches in accumulator._batches.values():  # noqa: SLF001  see the module
        # A batch that was sent before and waits for its retry takes itself out of the pending ones when it fails, and
        # raises where it is not among them.
        accumulator._pending_batches.update(batches)  # noqa: SLF001  see the module
        for batch in batches:
            batch._drain_waiter.cancel()  # noqa: SLF001  an error in it would be logged as one that nobody looked at
    accumulator.fail_all(KafkaError("the producer was stopped"))


async def _completed(step: Coroutine[Any, Any, object]) -> bool:
    """Run a step of a stop for `STOP_S` seconds at most. Returns whether it ended by itself and without an error."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.wait({task}, timeout=STOP_S)
    finally:
        task.cancel()
    await _cancelled({task})
    error = None if not task.done() or task.cancelled() else task.exception()
    if error is not None:
        _log.info("A client of Kafka could not be stopped in good order: %r", error)
    return task.done() and not task.cancelled() and error is None


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait `STOP_S` seconds for their end. What they raise is dropped."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=STOP_S)
    for task in done:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it


REQUEST_TIMEOUT_MS: Final = 10_000
"""A broker on the same continent answers within a second; a leader's election takes a few."""

RETRY_BACKOFF_MS: Final = 100
"""The pause between two tries at a broker that does not answer."""


ASK_S: Final = 3.0
"""The deadline for one broker: one that runs answers within a second, also over TLS."""

AGAIN_S: Final = 5.0
"""How long answers are cached: many readers fail at the same moment, and all ask."""

_CONNECTING: Final = frozenset(
    {
        *("client_id", "security_protocol", "ssl_context"),
        *("sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
    }
)
"""The options that a single connection takes; the others are for clients of several."""


def _tls(security: Security) -> ssl.SSLContext | None:
    """Return the TLS context, where the protocol has one. Raises `UsageError` for files that do not fit."""
    if security.protocol not in ("SSL", "SASL_SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.cert_file is not None:
            context.load_cert_chain(security.cert_file, security.key_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"Kafka's TLS files cannot be used ({error}). Check SANDIK_KAFKA_SSL_CAFILE, _CERTFILE and _KEYFILE."
        ) from error
    return context


class Connection:
    """The options that every client of one cluster is made with. To be made on a running event loop, not at import."""

    def __init__(self, servers: str, security: Security) -> None:
        self.servers = servers
        self.commands = KafkaCommands(servers, secured=security.protocol != "PLAINTEXT")
        self.options: dict[str, object] = {
            "bootstrap_servers": servers.split(","),
            "client_id": "sandik",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "retry_backoff_ms": RETRY_BACKOFF_MS,
            "security_protocol": security.protocol,
            "ssl_context": _tls(security),
        }
        if security.mechanism is not None:
            self.options |= {
                "sasl_mechanism": security.mechanism,
                "sasl_plain_username": security.username,
                "sasl_plain_password": security.password,
            }
        self.brokers = Brokers(self.options)

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Raise `LogError` for aiokafka's errors and for a deadline that passed, with what the brokers themselves say.

        A cancellation that nobody requested is an error too: one of aiokafka's own tasks was cancelled while it was
        awaited here. Passed on, it would end the loop that reads or writes, without an error.
        """
        task = asyncio.current_task()
        asked = 0 if task is None else task.cancelling()
        try:
            yield
        except asyncio.CancelledError as stray:
            if is_asked_to_end(asked):
                raise
            raise LogUnavailable(
                f"Kafka's client for {self.servers} broke off what it was doing, and nobody had asked it to."
                " The same can be tried again."
            ) from stray
        except (KafkaError, OSError, TimeoutError) as error:
            answers = await self.brokers.ask() if is_no_answer(error) else []
            raise explained(error, self.servers, answers) from error

    async def begin(self, start: Coroutine[object, object, object]) -> None:
        """Run a client's start, `REQUEST_TIMEOUT_MS` at most. Raises `LogError`."""
        async with self.translated(), asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            await uninterrupted(start)


async def start_consumer(consumer: AIOKafkaConsumer, connection: Connection) -> None:
    """Start a consumer within a few seconds, or leave nothing of it behind. Raises `LogError` where it may not."""
    try:
        await connection.begin(consumer.start())
    except BaseException:
        await stop_consumer(consumer)
        raise


class Brokers:
    """Asks each broker of a cluster: first those that were configured, later those that the cluster has named."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._options = {name: value for name, value in options.items() if name in _CONNECTING}
        self._options["request_timeout_ms"] = round(ASK_S * 1000)
        self._addresses = sorted({(host, port) for host, port, _ in collect_hosts(options["bootstrap_servers"])})
        self._answers: list[BrokerAnswer] = []
        self._asked_s = float("-inf")
        self._asking = asyncio.Lock()

    def learn(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Replace the addresses by those that the cluster named; by none of them where it named none."""
        self._addresses = sorted(set(addresses)) or self._addresses

    async def ask(self) -> list[BrokerAnswer]:
        """Connect to each broker, and return what each answered, or its answer of the last `AGAIN_S` seconds."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() - self._asked_s > AGAIN_S:
                asking = asyncio.gather(*(self._ask(*address) for address in self._addresses))
                self._answers = await uninterrupted(_of(asking))
                self._asked_s = loop.time()
            return self._answers

    async def _ask(self, host: str, port: int) -> BrokerAnswer:
        address = f"{host}:{port}"
        try:
            async with asyncio.timeout(ASK_S):
                connection = await create_conn(host, port, **self._options)
        except (KafkaError, OSError, TimeoutError) as error:
            return BrokerAnswer(address, error)
        connection.close()
        return BrokerAnswer(address)


async def _of(asking: "asyncio.Future[list[BrokerAnswer]]") -> list[BrokerAnswer]:
    return await asking
