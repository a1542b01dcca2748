"""What comes behind something else, requests and frames: each is answered in its place, or the connection ends."""

import asyncio
import logging
import re
import socket
import struct
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from eventlog.clock import Wall
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import Limits
from schemas.wire import CloseCode
from tests.gateway.attackers import OPENING, attacked, closing, frame, opened, rest
from tests.gateway.gateways import FAST, Running, get, http_client, is_ready, night, publish, running
from tests.gateway.nights import totals
from tests.patience import LIMIT_S

# Behind the stream

STREAM: Final = b"GET /v1/stream?contest=mayor&source=aa&unit=tr HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
RESET: Final = struct.pack("ii", 1, 0)


async def connections(gateway: Running) -> int:
    """How many clients the gateway counts."""
    text = (await get(gateway, "/metrics")).text
    (count,) = re.findall(r"^sandik_gateway_connections\{.+\} (.+)$", text, re.MULTILINE)
    return int(float(count))


@pytest.mark.parametrize("apart", [True, False])
async def test_a_stream_with_a_request_behind_it_that_is_reset_leaves_nothing(
    tmp_path: Path, apart: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Its end was missed, what was gone was written to, and each time the loop stood still for a traceback."""
    async with night(tmp_path) as log, running(log, settings=FAST) as gateway:
        await is_ready(gateway)
        for _ in range(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(STREAM if apart else STREAM + HEALTH * 3)
            await asyncio.wait_for(reader.readuntil(b"event: state"), LIMIT_S)
            if apart:
                writer.write(HEALTH * 3)
            await publish(log, totals())
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        async with asyncio.timeout(LIMIT_S):
            while await connections(gateway):
                pass
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_follows_the_request_for_a_stream_is_not_answered(tmp_path: Path) -> None:
    """Neither in the middle of the stream nor after a refusal, which ends the connection."""
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(STREAM.replace(b"mayor", b"president") + HEALTH)
        received = await rest(reader)
        assert received.startswith(b"HTTP/1.1 404")
        assert b"alive" not in received
    async with SqliteLog(tmp_path / "night.db", Wall()) as log, running(log) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(STREAM + HEALTH)
        await asyncio.wait_for(reader.readuntil(b"event: snapshot"), LIMIT_S)
        writer.write(HEALTH)
        gateway.stop()
        assert b"alive" not in await rest(reader)
        writer.close()


async def test_an_answer_that_is_owed_is_not_written_into_a_websocket(tmp_path: Path) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(HEALTH + OPENING + b"\r\n")
        received = await rest(reader)
        assert b"101" not in received.partition(b"\r\n")[0]
        assert b"Switching" not in received


async def test_requests_one_behind_the_other_are_answered_in_their_order(tmp_path: Path) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(HEALTH + HEALTH.replace(b"healthz", b"readyz") + HEALTH)
        answers = [await asyncio.wait_for(reader.readuntil(b"}"), LIMIT_S) for _ in range(3)]
        assert [b"alive" in answer for answer in answers] == [True, False, True]


async def test_what_follows_a_request_to_upgrade_to_something_else_is_answered(tmp_path: Path) -> None:
    """HTTP/2 is asked for so, by libraries that go on without it (RFC 9110 section 7.8)."""
    offering = HEALTH[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(offering * 2 + HEALTH.replace(b"healthz", b"readyz"))
        answers = [await asyncio.wait_for(reader.readuntil(b"}"), LIMIT_S) for _ in range(3)]
        assert [b"alive" in answer for answer in answers] == [True, True, False]


async def test_nobody_is_redirected_with_their_token(tmp_path: Path) -> None:
    """A redirect would go to the host that the client names, over http, with the query."""
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, "/v1/totals/?unit=secret", host="evil.example")
        assert answer.status_code == 404
        assert "location" not in answer.headers


async def test_a_forwarded_address_is_not_believed_of_who_is_no_proxy(tmp_path: Path) -> None:
    """Whoever came from the gateway's own machine was believed, as if there were a proxy on it."""
    settings = replace(FAST, limits=Limits(connections_per_address=1))
    path, claims_to_be = "/v1/stream?contest=mayor&source=aa&unit=tr", {"x-forwarded-for": "10.0.0.1"}
    async with (
        night(tmp_path) as log,
        running(log, settings=settings) as gateway,
        http_client(gateway) as client,
        client.stream("GET", path, headers=claims_to_be) as first,
        client.stream("GET", path, headers=claims_to_be) as second,
    ):
        assert [first.status_code, second.status_code] == [200, 200]


@pytest.mark.parametrize("path", [b"/v1/%73tream", b"http://x/v1/stream", b"/v1/strea%6D"])
async def test_a_stream_is_the_last_answer_however_its_path_is_written(tmp_path: Path, path: bytes) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(STREAM.replace(b"/v1/stream", path).replace(b"mayor", b"president") + HEALTH)
        received = await rest(reader)
        assert received.startswith(b"HTTP/1.1 404")
        assert b"alive" not in received


@pytest.mark.parametrize(
    "second",
    [
        b"rubbish\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
        b"GET /?" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        OPENING + b"\r\n",
    ],
    ids=["rubbish", "hosts", "body", "url", "upgrade"],
)
async def test_a_refusal_is_never_taken_for_the_answer_to_an_earlier_request(tmp_path: Path, second: bytes) -> None:
    """What is owed is answered; then the connection ends."""
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(HEALTH + HEALTH + second)
        received = await rest(reader)
        assert received.startswith(b"HTTP/1.1 200")
        assert received.count(b"HTTP/1.1 ") == received.count(b'{"alive":true}') == 2


async def test_rubbish_behind_the_request_for_a_stream_is_not_answered_in_it(tmp_path: Path) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(STREAM + b"rubbish\r\n\r\n")
        received = await asyncio.wait_for(reader.readuntil(b"event: snapshot"), LIMIT_S)
        assert received.startswith(b"HTTP/1.1 200")
        assert b" 400 " not in received


# Versions and hosts


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEALTH.replace(b"Host: x\r\n", b""), b"400"),
        (HEALTH.replace(b"Host: x\r\n", b"Host: x\r\nHost: x\r\n"), b"400"),
        (HEALTH.replace(b"Host: x\r\n", b"Host: a b\r\n"), b"400"),
        (OPENING.replace(b"Host: x\r\n", b"") + b"\r\n", b"400"),
        (STREAM.replace(b"Host: x\r\n", b""), b"400"),
        (STREAM.replace(b"HTTP/1.1", b"HTTP/1.0"), b"505"),
        (OPENING.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", b"505"),
        (OPENING.replace(b" HTTP/1.1", b"") + b"\r\n", b"505"),
        (OPENING.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n", b"505"),
        (b"GET /healthz\r\n\r\n", b"505"),
        (HEALTH.replace(b"HTTP/1.1\r\nHost: x", b"HTTP/1.0"), b"200"),
    ],
)
async def test_there_is_one_rule_for_versions_and_hosts_at_every_door(
    tmp_path: Path, request_: bytes, status: bytes
) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(request_)
        received = await rest(reader)
        assert received.startswith(b"HTTP/1.1 " + status)
        assert b"chunked" not in received


async def test_requests_that_cannot_be_read_fill_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    h2c = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    async with attacked(tmp_path, FAST) as (gateway, _, _):
        for request in (b"rubbish\r\n\r\n", h2c, HEALTH.replace(b"Host: x\r\n", b"")):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(request)
            await asyncio.wait_for(reader.read(1), LIMIT_S)
            writer.transport.abort()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (OPENING.replace(b"GET", b"POST") + b"\r\n", b"405"),
        (OPENING.replace(b"Version: 13", b"Version: 12") + b"\r\n", b"400"),
        (OPENING.replace(b"/v1/stream", b"/v1/stream?a=\xff") + b"\r\n", b"400"),
        (OPENING + b"X-Odd: a\x01b\r\n\r\n", b"400"),
        (OPENING + b"X-Odd: \xe4\r\n\r\n", b"101"),
        (OPENING + b"Connection: keep-alive\r\n\r\n", b"101"),
    ],
    ids=["method", "version", "url", "control", "latin", "lines"],
)
async def test_a_request_to_upgrade_is_judged_as_it_was_parsed(tmp_path: Path, request_: bytes, status: bytes) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(request_)
        received = await asyncio.wait_for(reader.readuntil(b"\r\n"), LIMIT_S)
        assert received.startswith(b"HTTP/1.1 " + status)


# Frames in one segment


async def test_answers_and_pongs_go_out_in_the_order_of_what_came_in(tmp_path: Path) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(frame(b"one", 0x89) + frame(b"garbage") + frame(b"two", 0x89) + frame(b"garbage"))
        writer.write(frame(closing(1000), 0x88))
        received = await rest(reader)
        places = [received.index(b"\x8a\x03one"), received.index(b"malformed"), received.index(b"\x8a\x03two")]
        places += [received.rindex(b"malformed"), received.index(b"\x88\x02" + closing(1000))]
        assert places == sorted(set(places))


@pytest.mark.parametrize("pieces", [[b"garbage"], [b"gar", b"bage"]])
async def test_a_text_before_a_close_in_one_segment_is_heard(tmp_path: Path, pieces: list[bytes]) -> None:
    *parts, last = pieces
    text = b"".join(frame(part, 0x01) for part in parts) + frame(last, 0x80 if parts else 0x81)
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(text + frame(closing(1001), 0x88) + frame(b"afterwards"))
        received = await rest(reader)
        assert received.count(b'"malformed"') == 1
        assert received.endswith(b"\x88\x02" + closing(1001))


async def test_nothing_is_written_after_the_last_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Pings behind what was too much, and then the end of the file."""
    async with attacked(tmp_path) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(frame(b"garbage") * 200 + frame(b"", 0x89) * 200)
        writer.write_eof()
        received = await rest(reader)
        assert closing(CloseCode.TOO_FAST) in received or closing(CloseCode.TOO_MANY_ERRORS) in received
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
