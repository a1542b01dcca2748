import asyncio
import random
from typing import Any, Final

import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.http11 import Response

from eventlog.clock import Manual
from gateway.admission.handshake import Limits
from gateway.connections.http import HttpConnection
from gateway.connections.upgrade import Accepted, Upgraded, UpgradeRequest, answer, handshake, read_plain
from gateway.connections.websocket import WebSocketConnection
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from tests.gateway.attackers import OPENING
from tests.gateway.nights import START
from tests.gateway.test_mutations import Wire

SEED: Final = 20_240_331
MUTATIONS: Final = 4_000
PLAIN: Final = OPENING + b"\r\n"
OFFER: Final = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
BROWSERS: Final = (
    PLAIN,
    PLAIN.replace(b"/v1/stream", b"/v1/stream?token=a.b-c_d&view=program"),
    OPENING + b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nOrigin: http://x\r\n" + OFFER + b"\r\n",
    PLAIN.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
    OPENING + b"Sec-WebSocket-Protocol: sandik.v1\r\nAuthorization: Bearer a.b.c\r\n\r\n",
)
DATE: Final = "Tue, 01 Dec 2026 09:00:00 GMT"


class Recorder(Upgraded):
    """Keeps the request with which it was handed a connection."""

    requests: Final[list[UpgradeRequest]] = []

    def __init__(self, **_: Any) -> None: ...

    def upgrade(self, request: UpgradeRequest) -> None:
        self.requests.append(request)


def parsed(data: bytes, gateway: Gateway) -> UpgradeRequest | None:
    """The request to upgrade as the parser of HTTP reads it; `None` where there is none, or it is refused."""
    config = Config("nothing", log_config=None, ws=Recorder)
    config.load_app = lambda: None  # type: ignore[method-assign]  # it is never asked
    config.load()
    connection = HttpConnection(gateway, config, ServerState(), {}, asyncio.get_running_loop())
    Recorder.requests.clear()
    connection.connection_made(Wire())
    connection.data_received(data)
    connection.connection_lost(None)
    return Recorder.requests[0] if Recorder.requests else None


@pytest.fixture
def gateway() -> Gateway:
    return Gateway("night", clock=Manual(START), settings=GatewaySettings())


@pytest.mark.parametrize("request_", BROWSERS)
async def test_what_browsers_send_is_read_as_the_parser_reads_it(gateway: Gateway, request_: bytes) -> None:
    found = read_plain(request_, Limits())
    assert found is not None
    assert found == parsed(request_, gateway)


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        OPENING,
        PLAIN[:-1],
        PLAIN + b"x",
        PLAIN + PLAIN,
        b"\r\n" + PLAIN,
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b"GET", b"POST"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"/v1/stream", b"/v1/strea%6D"),
        PLAIN.replace(b"/v1/stream", b"/v1/stream/"),
        PLAIN.replace(b"/v1/stream", b"/v1/stream#x"),
        PLAIN.replace(b"/v1/stream", b"/v1/stream?" + b"a" * 5_000),
        PLAIN.replace(b"Host: x\r\n", b""),
        PLAIN.replace(b"Host: x\r\n", b"Host: x\r\nHost: x\r\n"),
        PLAIN.replace(b"Host: x", b"Host: a b"),
        PLAIN.replace(b"websocket", b"h2c"),
        PLAIN.replace(b"Connection: Upgrade", b"Connection: close"),
        OPENING + b"Connection: close\r\n\r\n",
        OPENING + b"Upgrade: websocket\r\n\r\n",
        OPENING + b"Content-Length: 0\r\n\r\n",
        OPENING + b"Transfer-Encoding: chunked\r\n\r\n",
        OPENING + b"X-Odd: a\r\n b\r\n\r\n",
        OPENING + b"X-Odd: \xe4\r\n\r\n",
        OPENING + b"X-Odd: a\x01b\r\n\r\n",
        OPENING + b"X-Odd : a\r\n\r\n",
        OPENING + b"X-Odd: \r\n\r\n",
        OPENING + b"X-A: b\r\n" * 200 + b"\r\n",
        OPENING + b"X-A: " + b"b" * 17_000 + b"\r\n\r\n",
    ],
)
def test_whatever_is_odd_is_left_to_the_parser(request_: bytes) -> None:
    assert read_plain(request_, Limits()) is None


async def test_a_request_that_is_read_plainly_is_never_another_than_the_parser_reads(gateway: Gateway) -> None:
    chance = random.Random(SEED)
    read = 0
    for _ in range(MUTATIONS):
        data = bytearray(chance.choice(BROWSERS))
        for _ in range(chance.randint(1, 2)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 2)] = bytes(chance.choices(b"aZ09 :,-=/?&%\r\n\t\x00\xff", k=1))
        found = read_plain(bytes(data), Limits())
        if found is not None:
            read += 1
            assert found == parsed(bytes(data), gateway), f"seed {SEED}: {bytes(data)!r}"
    assert read > MUTATIONS / 20


def asked(*headers: tuple[str, str], method: str = "GET", **changes: str) -> UpgradeRequest:
    said = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    changed = said | {name.replace("_", "-"): value for name, value in changes.items()}
    return UpgradeRequest(
        method, "/v1/stream", [*((name, value) for name, value in changed.items() if value), *headers]
    )


def by_library(request: UpgradeRequest) -> bytes:
    """The answer of the library, at `DATE`."""
    response = handshake().accept(request.for_library())
    return response.serialize().replace(response.headers["Date"].encode(), DATE.encode())


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(method="POST"),
        asked(connection="close"),
        asked(connection=""),
        asked(upgrade="h2c"),
        asked(sec_websocket_version="12"),
        asked(sec_websocket_version=""),
        asked(sec_websocket_key=""),
        asked(sec_websocket_key="dGhlIHNhbXBsZSBub25jZR=="),
        asked(sec_websocket_key="dGhlIHNhbXBsZSBub25j"),
        asked(sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==x"),
        asked(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")),
        asked(sec_websocket_protocol="sandik.v1"),
        asked(sec_websocket_protocol="other, sandik.v1"),
        asked(sec_websocket_protocol="other"),
        asked(sec_websocket_extensions="permessage-deflate"),
        asked(sec_websocket_extensions="permessage-deflate; server_max_window_bits=10; client_max_window_bits"),
        asked(sec_websocket_extensions="permessage-deflate; server_max_window_bits=8"),
        asked(sec_websocket_extensions="x-odd, permessage-deflate"),
        asked(sec_websocket_extensions=";"),
    ],
)
def test_every_client_is_answered_as_the_library_answers_it(request_: UpgradeRequest) -> None:
    """The first of its kind, and those that say the same after it."""
    for _ in range(2):
        found = answer(request_, DATE)
        if isinstance(found, Response):
            found.headers["Date"], date = DATE, found.headers.pop("Date")
            assert sorted(found.serialize().split(b"\r\n")) == sorted(by_library(request_).split(b"\r\n")), date
        else:
            assert found.answer == by_library(request_)


def test_the_key_of_the_rfc_is_answered_as_the_rfc_says() -> None:
    """RFC 6455, section 1.3."""
    found = answer(asked(), DATE)
    assert isinstance(found, Accepted)
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in found.answer
    assert f"\r\nDate: {DATE}\r\n".encode() in found.answer


async def test_clients_of_one_kind_have_extensions_of_their_own(gateway: Gateway) -> None:
    """Each keeps whether it is in the middle of a compressed message."""
    extensions = []
    for _ in range(2):
        connection = WebSocketConnection(gateway, Config("nothing", log_config=None), ServerState(), {})
        connection.connection_made(Wire())
        connection.upgrade(asked(host="x", sec_websocket_extensions="permessage-deflate"))
        extensions += connection._library().extensions
    one, other = extensions
    assert repr(one) == repr(other)
    assert one is not other


def test_where_the_date_is_not_known_the_library_says_it() -> None:
    found = answer(asked(), None)
    assert isinstance(found, Accepted)
    assert b"\r\nDate: " in found.answer
