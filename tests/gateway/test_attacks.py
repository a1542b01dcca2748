"""Attacks, each tried, most of them over real sockets: the attacker is told or cut off, and nobody else notices."""

import asyncio
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.admission.access import RefusalCode
from gateway.admission.handshake import AccessSettings, Limits, proxies
from schemas.wire import MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS, CloseCode
from tests.gateway.attackers import MASKED, NO_MASK, OPENING, RESTLESS, attacked, closing, frame, opened, rest
from tests.gateway.gateways import FAST, Running, Viewer, connect, get, night, running, viewer
from tests.gateway.tokens import HS256, claims, forged, token
from tests.patience import LIMIT_S

TINY_MESSAGES: Final = 50_000
"""A million in principle: the client is cut off after some hundred of them, however many follow."""

BOMB_BYTES: Final = 64 * 1024 * 1024
BOMB_PEAK_BYTES: Final = 8 * 1024 * 1024

CLOSED_LIMITS: Final = Limits(connections=8, connections_per_address=2)
PROXIED: Final = AccessSettings(keys=(HS256,), trusted_proxies=proxies(["127.0.0.0/8"]))


# Before the stream


@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_slow_handshake_is_cut_off_however_it_drips(tmp_path: Path, first: bytes) -> None:
    """The first request of a connection, and the next one too: a byte now and then does not buy time."""
    hasty = replace(RESTLESS, open_timeout_s=1)
    async with attacked(tmp_path, hasty) as (_, reader, writer):
        writer.write(first)
        if first:
            await asyncio.wait_for(reader.readuntil(b"}"), LIMIT_S)
        writer.write(b"GET /v1/stream HTTP/1.1\r\n")
        gone = asyncio.create_task(rest(reader))
        while not gone.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.wait({gone}, timeout=0.02)
        assert await gone == b""


async def test_a_header_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (_, reader, writer):
        writer.write(b"GET /v1/stream HTTP/1.1\r\nX-A: ")
        gone = asyncio.create_task(rest(reader))
        sent = 0
        while not gone.done():
            writer.write(b"a" * 1_024)
            sent += 1_024
            await asyncio.wait({gone}, timeout=0.001)
        assert (await gone).startswith(b"HTTP/1.1 431") or sent > FAST.limits.header_bytes
        assert sent < 64 * FAST.limits.header_bytes


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /?" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 17_000 + b"\r\n\r\n", b"431"),
        (OPENING + b"X-A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"4"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"4"),
    ],
)
async def test_a_request_that_is_too_much_is_refused_and_cut_off(
    tmp_path: Path, request_: bytes, status: bytes
) -> None:
    async with attacked(tmp_path) as (_, reader, writer):
        writer.write(request_)
        assert (await rest(reader)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "target",
    [
        "/static/../http.py",
        "/static/%2e%2e/http.py",
        "/static/..%2fhttp.py",
        "/static/....//....//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\http.py",
        "/static/%5c..%5chttp.py",
        "/static/%c0%ae%c0%ae/http.py",
        "/static/fonts/../../http.py",
        "/static/main.js%00.txt",
        "//static//../../http.py",
        "http://evil.example/static/../http.py",
    ],
)
async def test_no_path_leads_out_of_the_pages(tmp_path: Path, target: str) -> None:
    async with attacked(tmp_path) as (_, reader, writer):
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await rest(reader)
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
        assert b"import" not in answer
        assert b"root:" not in answer


BAD_TOKENS: Final[dict[str, tuple[RefusalCode, int]]] = {
    forged(claims(exp=1)): ("expired", 401),
    forged(claims(exp=2**33), secret=b"another secret, long enough to be one"): ("bad_signature", 401),
    forged(claims(exp=2**33), header={"alg": "none"}): ("bad_signature", 401),
    forged(claims(exp=2**33), header={"alg": "none"}).rpartition(".")[0] + ".": ("bad_signature", 401),
    forged(claims(exp=2**33, run="another")): ("wrong_run", 403),
    forged(claims(exp=2**33, scope="root")): ("malformed", 401),
    forged(claims(exp=2**33, nbf=2**33 - 1)): ("not_yet", 401),
}


@pytest.mark.parametrize(("text", "code", "status"), [(text, *found) for text, found in BAD_TOKENS.items()])
async def test_a_bad_token_opens_neither_door(tmp_path: Path, text: str, code: str, status: int) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with attacked(tmp_path, settings) as (gateway, _, _):
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{gateway.ws}?token={text}")
        assert caught.value.response.status_code == status
        assert code in (caught.value.response.body or b"").decode()
        answer = await get(gateway, f"/v1/totals?token={text}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_page_of_another_origin_gets_no_stream(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (gateway, _, _):
        for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example"):
            with pytest.raises(InvalidStatus) as caught:
                await connect(gateway.ws, origin=origin)  # type: ignore[arg-type]  # a NewType of str
            assert caught.value.response.status_code == 403


async def test_one_address_cannot_take_all_connections(tmp_path: Path) -> None:
    """What the attacker says about its address counts for nothing; only what our proxy says."""
    settings = replace(FAST, access=PROXIED, limits=CLOSED_LIMITS)
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        mine = {"X-Forwarded-For": "1.1.1.1, 203.0.113.7"}
        first = [await connect(gateway.ws, additional_headers=mine) for _ in range(2)]
        for claimed in ("2.2.2.2", "127.0.0.1"):
            with pytest.raises(InvalidStatus) as caught:
                await connect(gateway.ws, additional_headers={"X-Forwarded-For": f"{claimed}, 203.0.113.7"})
            assert caught.value.response.status_code == 429
            assert caught.value.response.headers["Retry-After"]
        other = await connect(gateway.ws, additional_headers={"X-Forwarded-For": "198.51.100.1"})
        await first[0].close()
        again = await connected_at_last(gateway, mine)
        for socket in (*first, other, again):
            await socket.close()


async def connected_at_last(gateway: Running, headers: dict[str, str]) -> ClientConnection:
    """A connection, once there is room again."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                return await connect(gateway.ws, additional_headers=headers)
            except InvalidStatus:
                await asyncio.sleep(0)


async def test_a_full_gateway_says_so_to_everybody_else(tmp_path: Path) -> None:
    """Connections that say nothing count as well."""
    settings = replace(FAST, limits=CLOSED_LIMITS)
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        writers = [(await asyncio.open_connection("127.0.0.1", gateway.port))[1] for _ in range(8)]
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        answer = await rest(reader)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Try another one" in answer
        for each in (*writers, writer):
            each.transport.abort()
        await (await connected_at_last(gateway, {})).close()


# On the stream


@pytest.mark.parametrize(
    ("first", "tiny"),
    [
        (b"", frame(b"")),
        (b"", frame(b"x")),
        (b"", frame(b"", 0x89)),
        (b"", frame(b"", 0x8A)),
        (frame(b"", 0x01), frame(b"", 0x00)),
        (b"", frame(b'{"type":"unsubscribe","id":"s1"}')),
    ],
    ids=["empty", "one letter", "ping", "pong", "fragments", "mistakes"],
)
async def test_a_million_tiny_messages_end_the_connection(tmp_path: Path, first: bytes, tiny: bytes) -> None:
    async with attacked(tmp_path) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(first + tiny * TINY_MESSAGES)
        received = await rest(reader)
        too_fast = b'"too_fast"' in received and closing(CloseCode.TOO_FAST) in received
        assert too_fast or closing(CloseCode.TOO_MANY_ERRORS) in received


async def test_bytes_without_end_end_the_connection(tmp_path: Path) -> None:
    """Each message is short enough and right; there are too many bytes of them."""
    slow = replace(RESTLESS, limits=Limits(byte_burst=64 * 1024, message_burst=10_000))
    ask = {"type": "subscribe", "id": "s1", "contest": "mayor", "units": ["tr"], "source": "aa", "x": "y" * 8_000}
    async with attacked(tmp_path, slow) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(frame(orjson.dumps(ask)) * 20)
        received = await rest(reader)
        assert b'"too_fast"' in received
        assert closing(CloseCode.TOO_FAST) in received


async def test_a_patient_client_is_never_cut_off(tmp_path: Path) -> None:
    """Everything that a client is allowed at once, it can do at once."""
    async with attacked(tmp_path) as (gateway, _, _), viewer(gateway) as client:
        for _ in range(2):
            for number in range(MAX_SUBSCRIPTIONS):
                await client.subscribe("tr", id=f"s{number}")
        answered: set[object] = set()
        while len(answered) < MAX_SUBSCRIPTIONS:
            answered.add((await client.next("snapshot", "error"))["id"])
        assert "error" not in {message["type"] for message in client.messages}


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (bytes([0x81, MASKED | 127]) + (2**62).to_bytes(8, "big") + NO_MASK, 1009),
        (bytes([0x81, MASKED | 127]) + (2**63).to_bytes(8, "big") + NO_MASK, 1009),
        (frame(b"x" * (MAX_MESSAGE_BYTES + 1)), 1009),
        (frame(b"x" * 8_192, 0x01) + frame(b"x" * 8_192, 0x00) * 2, 1009),
        (frame(b"x", 0x01) + frame(b"x", 0x01), 1002),
        (frame(b"x", 0x00), 1002),
        (b"\x81\x01x", 1002),
        (frame(b"x", 0x83), 1002),
        (frame(b"x", 0xF1), 1002),
        (frame(b"x" * 126, 0x89), 1002),
        (frame(b"", 0x09), 1002),
        (frame(b"\x03", 0x88), 1002),
        (frame(b"\x00\x01", 0x88), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"x", 0x82), 1003),
    ],
)
async def test_frames_that_are_too_large_or_broken_close_with_a_documented_code(
    tmp_path: Path, attack: bytes, code: int
) -> None:
    async with attacked(tmp_path) as (_, reader, writer):
        await opened(reader, writer)
        writer.write(attack)
        received = await rest(reader)
        assert b"\x88" + bytes([len(received.rpartition(b"\x88")[2]) - 1]) + closing(code) in received


async def test_a_compression_bomb_does_not_go_off(tmp_path: Path) -> None:
    """64 MiB of zeros in 64 KB: unpacked no further than a message may be long."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(bytes(BOMB_BYTES)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    offer = b"Sec-WebSocket-Extensions: permessage-deflate"
    for attack in (
        frame(bomb[: MAX_MESSAGE_BYTES - 1], 0xC1),
        frame(bomb[:8_000], 0x41) + frame(bomb[8_000:16_000], 0),
    ):
        async with attacked(tmp_path) as (_, reader, writer):
            await opened(reader, writer, offer)
            tracemalloc.start()
            try:
                writer.write(attack)
                received = await rest(reader)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert closing(1009) in received
        assert peak < BOMB_PEAK_BYTES


async def flood(client: Viewer) -> None:
    for number in range(10_000):
        await client.subscribe("tr", "tr/*", "tr/34/*", id=f"s{number}")
        await client.next("snapshot", "error")


async def test_a_flood_of_subscriptions_ends_the_connection(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (gateway, _, _), viewer(gateway) as client:
        with pytest.raises(ConnectionClosed):
            await flood(client)
        assert client.socket.close_code in {CloseCode.TOO_MANY_ERRORS, CloseCode.TOO_FAST}


def test_refusals_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    for code in get_args(RefusalCode):
        assert f"`{code}`" in page


async def test_an_order_that_is_cut_off_is_no_fault_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever hangs up in the middle of one writes nothing, and no traceback into the log either."""
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    secret = token("operator").encode()
    async with attacked(tmp_path, settings) as (gateway, reader, writer):
        writer.write(
            b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + secret
            + b"\r\nContent-Length: 9\r\n\r\n{"
        )
        await get(gateway, "/healthz")  # the gateway has read the head by then
        writer.write_eof()
        await rest(reader)
    assert [] == [record for record in caplog.records if record.exc_info]
