"""Good messages and good frames, changed at random: only documented answers, no crash, no growth."""

import asyncio
import gc
import random
import tracemalloc
from typing import Any, Final

import orjson
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Close as CloseFrame
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.clients.session import Catalogue, Close, Follow, Reply, Session, State, Unfollow
from gateway.connections.upgrade import UpgradeRequest
from gateway.connections.websocket import WebSocketConnection
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.wire import SERVER_MESSAGE, CloseCode, Error, Unsubscribed
from tests.gateway.nights import START, election

SEED: Final = 20_240_331
MUTATED_FRAMES: Final = 100_000
GROWTH_BYTES: Final = 256 * 1024
"""What 50,000 frames may leave behind: some selections of units that happened to be good, and caches of the library."""

CONNECTIONS: Final = 1_000
FRAMES: Final = 10
DOCUMENTED: Final = {1002, 1003, 1007, 1009, *map(int, CloseCode)}
"""What docs/protocol.md lists."""

VALID: Final = tuple(
    orjson.dumps(message)
    for message in (
        {"type": "subscribe", "id": "s1", "contest": "mayor", "units": ["tr", "tr/34/*"], "source": "aa"},
        {"type": "subscribe", "id": "s2", "contest": "council", "units": ["tr/*"], "source": "anka", "max_rate_hz": 2},
        {
            "type": "subscribe",
            "id": "s3",
            "contest": "mayor",
            "units": ["tr/06/cankaya"],
            "source": "aa",
            "since": {"epoch": "9f2c", "seq": 17},
        },
        {"type": "unsubscribe", "id": "s1"},
    )
)
PIECES: Final = (b'"', b"\\", b"{", b"}", b"[", b"null", b"1e999", b"\\ud800", b"\xc3\xa9", b"*", b"/", b"-1", b"\x00")


def mutated(chance: random.Random) -> str:
    """A good message, changed in a few places; such as is no UTF-8 never gets to a session."""
    text = bytearray(chance.choice(VALID))
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0:
                text[place : place + 1] = bytes([chance.randrange(128)])
            case 1:
                del text[place : place + chance.randint(1, 8)]
            case 2:
                text[place:place] = chance.choice(PIECES)
            case 3:
                text[place:place] = text[place : place + chance.randint(1, 40)] * chance.randint(1, 5)
            case _:
                text[place:] = chance.choice(VALID)[place:]
    return text.decode(errors="replace")


def assert_documented(outputs: list[object]) -> None:
    for output in outputs:
        match output:
            case Reply(payload):
                assert isinstance(SERVER_MESSAGE.validate_json(payload), Error | Unsubscribed)
            case Close(code):
                assert code == CloseCode.TOO_MANY_ERRORS
            case _:
                assert isinstance(output, Follow | Unfollow)


def test_mutated_frames_lead_to_documented_answers_and_leave_nothing_behind() -> None:
    chance, catalogue, session = random.Random(SEED), Catalogue(election()), Session()
    session.ready(catalogue)
    for number in range(MUTATED_FRAMES):
        if number == MUTATED_FRAMES // 2:
            gc.collect()
            tracemalloc.start()
        if session.state is State.CLOSED:
            session = Session()
            session.ready(catalogue)
        outputs = session.receive(mutated(chance))
        if number % 16 == 0:
            assert_documented(list(outputs))
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < GROWTH_BYTES, f"seed {SEED}"


class Wire(asyncio.Transport):
    """A transport that leads nowhere, and keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.7", 1)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


def client_on(
    gateway: Gateway, state: ServerState, *offers: tuple[str, str]
) -> tuple[WebSocketConnection, Wire, ClientProtocol]:
    """A connection with an open stream, and a client at its other end, which says this besides in its request."""
    connection, wire = WebSocketConnection(gateway, Config("nothing", log_config=None), state, {}), Wire()
    connection.connection_made(wire)
    client = ClientProtocol(parse_uri("ws://gateway/v1/stream"), max_size=None)
    request = client.connect()
    client.send_request(request)
    headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
    connection.upgrade(UpgradeRequest("GET", request.path, [*headers, *offers]))
    return connection, wire, client


def mangled(chance: random.Random) -> bytes:
    """A frame with a good message, a few of its bytes changed."""
    payload = chance.choice([*VALID, b"", b"x" * 200])
    kind = chance.choice([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.CLOSE])
    frame = bytearray(Frame(kind, payload[:125] if kind >= Opcode.CLOSE else payload).serialize(mask=True))
    for _ in range(chance.randint(0, 3)):
        frame[chance.randrange(len(frame))] = chance.randrange(256)
    return bytes(frame[: chance.randint(1, len(frame))] if chance.random() < 0.1 else frame)


def codes_in(client: ClientProtocol, written: bytes) -> list[int]:
    """The codes with which the gateway closed, everything else being good messages."""
    client.receive_data(written)
    codes = []
    for event in client.events_received():
        match event:
            case Response():
                assert event.status_code == 101
            case Frame(opcode=Opcode.TEXT):
                SERVER_MESSAGE.validate_json(bytes(event.data))
            case Frame(opcode=Opcode.CLOSE):
                codes.append(CloseFrame.parse(event.data).code)
            case Frame():
                assert event.opcode in {Opcode.PING, Opcode.PONG}
    return codes


async def test_mangled_frames_lead_to_documented_answers_and_close_codes() -> None:
    gateway = Gateway("night", clock=Manual(START), settings=GatewaySettings())
    gateway.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    gateway.caught_up()
    chance, state = random.Random(SEED), ServerState()
    codes: set[int] = set()
    for _ in range(CONNECTIONS):
        connection, wire, client = client_on(gateway, state)
        for _ in range(FRAMES):
            if not wire.closed:
                connection.data_received(mangled(chance))
        gateway.turn()
        found = codes_in(client, bytes(wire.written))
        protocol = connection._protocol
        if protocol is None or not protocol.close_rcvd_then_sent:  # else it says the client's own code back (RFC 6455)
            codes.update(found)
        connection.connection_lost(None)
    assert codes <= DOCUMENTED, f"seed {SEED}"
    assert {1002, 1003, 1007} <= codes
    assert (gateway.connection_counts.total, len(state.connections)) == (0, 0)
