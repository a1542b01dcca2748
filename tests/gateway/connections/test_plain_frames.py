import random
import zlib
from functools import partial
from typing import Final

import pytest
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.connections.plain_frames import PlainFrame, plain_frame, pong
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.wire import MAX_MESSAGE_BYTES
from tests.gateway.attackers import frame
from tests.gateway.nights import START, election
from tests.gateway.test_mutations import VALID, client_on, mangled

AGREED: Final = PerMessageDeflate(
    remote_no_context_takeover=True,
    local_no_context_takeover=True,
    remote_max_window_bits=15,
    local_max_window_bits=15,
)


def squeezed(text: bytes) -> bytes:
    """The text as a client compresses it: by itself, without the marker at its end."""
    squeeze = zlib.compressobj(wbits=-15)
    return (squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


SEED: Final = 20_240_331
CONNECTIONS: Final = 400


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.PING, Opcode.PONG])
@pytest.mark.parametrize("size", [0, 1, 3, 4, 125])
def test_what_most_clients_send_is_read_whatever_its_mask(opcode: Opcode, size: int) -> None:
    payload = bytes(range(size))
    data = Frame(opcode, payload).serialize(mask=True)
    assert plain_frame(b"xyz" + data + b"rest", 3) == PlainFrame(opcode, payload, 3 + len(data))


@pytest.mark.parametrize("size", [126, 1_000, 4_000])
def test_a_longer_text_is_read(size: int) -> None:
    data = Frame(Opcode.TEXT, b"x" * size).serialize(mask=True)
    assert plain_frame(data, 0) == PlainFrame(Opcode.TEXT, b"x" * size, len(data))


def test_what_is_not_whole_is_not_read() -> None:
    for data in (Frame(Opcode.TEXT, b"x" * size).serialize(mask=True) for size in (0, 5, 125, 126, 1_000)):
        assert [cut for cut in range(len(data)) if plain_frame(data[:cut], 0) is not None] == []


@pytest.mark.parametrize(
    "data",
    [
        frame(b"x", 0x01),
        frame(b"x", 0x00),
        frame(b"x", 0x80),
        frame(b"x", 0x82),
        frame(b"", 0x88),
        frame(squeezed(b"x"), 0xC1),
        frame(b"x", 0x09),
        frame(b"x" * 126, 0x89),
        frame(b"x" * 70_000),
        b"\x81\x01x",
    ],
    ids=["begun", "continued", "ended", "binary", "close", "compressed", "part", "long ping", "64 bits", "no mask"],
)
def test_whatever_else_comes_is_left_to_the_library(data: bytes) -> None:
    assert plain_frame(data, 0) is None


def test_a_pong_is_the_one_that_the_library_sends() -> None:
    for payload in (b"", b"x", bytes(125)):
        assert pong(payload) == Frame(Opcode.PONG, payload).serialize(mask=False)


def test_a_compressed_text_is_unpacked_where_that_was_agreed_on_and_it_is_no_bomb() -> None:
    read = partial(plain_frame, at=0, extensions=(AGREED,))
    good = frame(squeezed(b"x" * MAX_MESSAGE_BYTES), 0xC1)
    assert read(good) == PlainFrame(Opcode.TEXT, b"x" * MAX_MESSAGE_BYTES, len(good))
    assert read(good) == read(good)
    assert read(frame(squeezed(b"x" * (MAX_MESSAGE_BYTES + 1)), 0xC1)) is None
    assert read(frame(b"\xff" * 8, 0xC1)) is None
    assert read(frame(b"", 0xC9)) is None
    assert read(frame(b"x")) == PlainFrame(Opcode.TEXT, b"x", 7)


@pytest.mark.parametrize("offers", [(), (("sec-websocket-extensions", "permessage-deflate"),)])
async def test_a_connection_says_what_it_would_say_if_the_library_read_every_frame(
    offers: tuple[tuple[str, str], ...],
) -> None:
    """Good frames and mangled ones, in segments as they come, compressed ones among them."""
    chance = random.Random(SEED)
    gateway = Gateway("night", clock=Manual(START), settings=GatewaySettings())
    gateway.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    gateway.caught_up()
    state = ServerState()
    kept = 0
    for _ in range(CONNECTIONS):
        (plain, ours, _), (whole, theirs, _) = (client_on(gateway, state, *offers) for _ in range(2))
        whole._library()
        sent = b"".join(some_frame(chance) for _ in range(chance.randint(1, 10)))
        while sent:
            cut = chance.choice([len(sent), chance.randint(1, len(sent))])
            for connection, wire in ((plain, ours), (whole, theirs)):
                if not wire.closed:
                    connection.data_received(sent[:cut])
            sent = sent[cut:]
        kept += plain._protocol is None
        assert frames_of(ours.written) == frames_of(theirs.written), f"seed {SEED}"
        assert ours.closed == theirs.closed
        plain.connection_lost(None)
        whole.connection_lost(None)
    assert kept > (CONNECTIONS / 20 if offers else 0)


def some_frame(chance: random.Random) -> bytes:
    """A frame, good or mangled; in two of three cases a compressed text, good mostly."""
    if chance.random() < 1 / 3:
        return mangled(chance)
    packed = bytearray(squeezed(chance.choice(VALID)))
    if chance.random() < 1 / 4:
        packed[chance.randrange(len(packed))] = chance.randrange(256)
    return frame(bytes(packed), chance.choice([0xC1, 0xC1, 0xC1, 0xC1, 0x41, 0xC0]))


def frames_of(written: bytearray) -> bytes:
    """What was written behind the answer, which has a key of each client's own."""
    return bytes(written).partition(b"\r\n\r\n")[2]
