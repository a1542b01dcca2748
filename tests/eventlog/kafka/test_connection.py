"""Each broker is asked by itself, not twice within a moment, and in a few seconds whatever it does.

Why Kafka cannot be used is said in one line, each reason by itself; what no other try can mend is not retriable.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import errors as kafka
from aiokafka.errors import KafkaConnectionError, KafkaError

from eventlog.kafka.administration import Security
from eventlog.kafka.connection import BrokerAnswer, Brokers, Connection, explained, is_final, is_no_answer
from eventlog.kafka.log import KafkaLog
from schemas.errors import LogError, LogRefused, LogUnavailable
from tests.eventlog.certificates import Authority, authority, issued
from tests.patience import LIMIT_S


@contextlib.asynccontextmanager
async def listening(came: list[object]) -> AsyncIterator[str]:
    """Something that hangs up at once."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def brokers(servers: str) -> Brokers:
    return Connection(servers, Security()).brokers


async def test_what_was_answered_a_moment_ago_is_told_again() -> None:
    came: list[object] = []
    async with listening(came) as address:
        asked = brokers(address)
        answers = await asyncio.gather(asked.ask(), asked.ask())
    assert 1 == len(came)
    assert answers[0] is answers[1]
    assert address == answers[0][0].address
    assert "closed" in str(answers[0][0].error)


async def test_a_broker_that_never_answers_is_waited_for_a_few_seconds_beside_the_others() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = f"127.0.0.1:{deaf.getsockname()[1]}"
        async with listening([]) as address, asyncio.timeout(LIMIT_S):
            answers = await brokers(f"{silent},{address}").ask()
    assert {silent, address} == {one.address for one in answers}
    assert all(one.error is not None for one in answers)


async def test_the_cluster_knows_best_which_brokers_it_has() -> None:
    came: list[object] = []
    async with listening(came) as address:
        asked = brokers("127.0.0.1:9")
        host, port = address.split(":")
        asked.learn([(host, int(port))])
        asked.learn([])
        assert [address] == [one.address for one in await asked.ask()]


@pytest.mark.kafka
async def test_a_broker_that_is_well_has_no_error(kafka: str) -> None:
    (answer,) = await brokers(kafka).ask()
    assert (kafka, None) == (answer.address, answer.error)


SERVERS = "broker:9093"
REASONS = {
    kafka.SaslAuthenticationFailed: "user name or the password",
    kafka.AuthenticationFailedError: "user name or the password",
    kafka.UnsupportedSaslMechanismError: "SANDIK_KAFKA_SASL_MECHANISM",
    kafka.TopicAuthorizationFailedError: "ACL on it: Describe",
    kafka.GroupAuthorizationFailedError: "join the group",
    kafka.ClusterAuthorizationFailedError: "to the cluster",
    kafka.UnsupportedCodecError: "codec that is not installed",
    kafka.UnsupportedVersionError: "of a version",
    kafka.PolicyViolationError: "by its rules",
}


@pytest.mark.parametrize("kind", REASONS)
def test_what_another_try_cannot_mend_is_not_retriable_and_says_why(kind: type[KafkaError]) -> None:
    error = explained(kind("a detail"), SERVERS)
    assert not error.retriable
    assert REASONS[kind] in str(error)
    assert "a detail" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError("gone"),
        kafka.NodeNotReadyError(),
        kafka.KafkaTimeoutError(),
        kafka.NotLeaderForPartitionError(),
        kafka.CorruptRecordException(),
        ConnectionRefusedError("refused"),
        TimeoutError(),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    ],
)
def test_what_may_pass_is_retriable(error: Exception) -> None:
    assert isinstance(explained(error, SERVERS), LogUnavailable)
    assert not is_final(error)


def test_a_reason_behind_a_lost_connection_is_the_reason() -> None:
    lost = KafkaConnectionError("Connection at broker:9093 closed")
    lost.__cause__ = kafka.SaslAuthenticationFailed("wrong")
    lost.__cause__.__context__ = lost  # a circle ends nowhere
    assert is_final(lost)
    assert "password" in str(explained(lost, SERVERS))


@contextlib.asynccontextmanager
async def hanging_up(certificate: Path | None) -> AsyncIterator[int]:
    """Something that takes connections and hangs up after the handshake; its port."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def reason(port: int, trusts: Authority, host: str = "127.0.0.1") -> LogError:
    """What is said of a broker there by who trusts this CA."""
    security = Security(protocol="SSL", ca_file=trusts.file)
    with pytest.raises(LogError) as refused:
        async with asyncio.timeout(LIMIT_S), KafkaLog(f"{host}:{port}", security=security):
            pass
    return refused.value


async def test_a_certificate_of_a_ca_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    async with hanging_up(issued(authority(tmp_path, "theirs"), tmp_path)) as port:
        error = await reason(port, authority(tmp_path, "ours"))
    assert not error.retriable
    assert "SANDIK_KAFKA_SSL_CAFILE" in str(error)


async def test_a_certificate_that_has_expired_is_told(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    async with hanging_up(issued(ca, tmp_path, expires=datetime.now(UTC) - timedelta(hours=1))) as port:
        error = await reason(port, ca)
    assert not error.retriable
    assert "has expired" in str(error)


@pytest.mark.parametrize(("host", "hint"), [("localhost", "another host name"), ("127.0.0.1", "another address")])
async def test_a_certificate_for_another_host_is_told(tmp_path: Path, host: str, hint: str) -> None:
    ca = authority(tmp_path)
    async with hanging_up(issued(ca, tmp_path, host="other.example")) as port:
        error = await reason(port, ca, host)
    assert not error.retriable
    assert hint in str(error)


async def test_a_port_without_tls_is_told(tmp_path: Path) -> None:
    async with hanging_up(None) as port:
        error = await reason(port, authority(tmp_path))
    assert not error.retriable
    assert "does not speak TLS" in str(error)


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SANDIK_KAFKA_SSL_CERTFILE"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "SANDIK_KAFKA_SSL_CERTFILE"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "version of TLS"),
    ],
)
def test_an_alert_of_the_brokers_is_told(reason: str, hint: str) -> None:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    lost = KafkaConnectionError("Connection at broker:9093 closed")
    lost.__cause__ = error
    assert hint in str(explained(lost, SERVERS))
    assert not explained(lost, SERVERS).retriable


GONE = KafkaConnectionError("No connection to node with id 3")
WELL, SILENT = BrokerAnswer("a:9092"), BrokerAnswer("c:9092", TimeoutError())
REFUSING = BrokerAnswer("b:9092", kafka.SaslAuthenticationFailed("wrong"))


def test_one_silent_broker_of_three_is_told_from_none_that_answers() -> None:
    error = explained(GONE, SERVERS, [WELL, BrokerAnswer("b:9092"), SILENT])
    assert isinstance(error, LogUnavailable)
    assert "Of Kafka's brokers a:9092 and b:9092 answer, but c:9092 does not answer." in str(error)


def test_one_broker_that_refuses_us_while_another_does_not_is_no_reason_to_end() -> None:
    error = explained(GONE, SERVERS, [WELL, REFUSING])
    assert isinstance(error, LogUnavailable)
    assert "a:9092 answers, but b:9092 does not accept the user name or the password" in str(error)


def test_brokers_of_which_none_takes_us_refuse_us() -> None:
    error = explained(GONE, SERVERS, [SILENT, REFUSING])
    assert isinstance(error, LogRefused)
    assert "Kafka at b:9092 does not accept the user name or the password" in str(error)


def test_brokers_that_all_answer_could_only_not_do_it() -> None:
    assert "could not do it just now" in str(explained(GONE, SERVERS, [WELL]))


def test_brokers_that_take_the_connection_and_answer_no_request_may_ask_for_sasl() -> None:
    assert "check SANDIK_KAFKA_SECURITY_PROTOCOL" in str(explained(GONE, SERVERS, [WELL]))
    busy = kafka.NotLeaderForPartitionError()
    assert "SECURITY_PROTOCOL" not in str(explained(busy, SERVERS, [WELL]))


@pytest.mark.parametrize("end", [KafkaConnectionError("Connection at b:9092 closed"), ConnectionResetError()])
def test_a_broker_that_hangs_up_is_told_so(end: Exception) -> None:
    error = explained(GONE, SERVERS, [SILENT, BrokerAnswer("b:9092", end)])
    assert isinstance(error, LogUnavailable)
    assert "Kafka at b:9092 hangs up" in str(error)
    assert "No Kafka broker answers" in str(explained(GONE, SERVERS, [SILENT]))


def test_only_who_says_nothing_is_asked_again() -> None:
    assert is_no_answer(GONE)
    assert is_no_answer(TimeoutError())
    assert not is_no_answer(kafka.NotLeaderForPartitionError())
    assert not is_no_answer(kafka.SaslAuthenticationFailed())


def turn_away(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Take connections as a broker does that asks for a certificate: an alert, and then the end of the line."""
    with contextlib.suppress(OSError):
        while True:
            taken, _ = listener.accept()
            with taken.dup() as line, contextlib.suppress(ssl.SSLError):
                try:
                    context.wrap_socket(taken, server_side=True).close()
                finally:
                    line.shutdown(socket.SHUT_WR)
                    while line.recv(1_000):  # else what was not read would undo what was said
                        pass


async def test_a_broker_that_wants_a_certificate_of_ours_is_told(tmp_path: Path) -> None:
    """It says so only after the handshake, to who goes on and reads."""
    ca = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued(ca, tmp_path))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.file)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        turning_away = asyncio.create_task(asyncio.to_thread(turn_away, listener, context))
        error = await reason(listener.getsockname()[1], ca)
        listener.shutdown(socket.SHUT_RDWR)
        await turning_away
    assert isinstance(error, LogRefused)
    assert "asks for one and we show none" in str(error)
