import random
from typing import Final

import pytest
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.connections.plain_frames import PlainFrame, plain_frame, pong
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from tests.gateway.attackers import frame
from tests.gateway.nights import START, election
from tests.gateway.test_mutations import client_on, mangled

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
        frame(b"x", 0xC1),
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


async def test_a_connection_says_what_it_would_say_if_the_library_read_every_frame() -> None:
    """Good frames and mangled ones, in segments as they come."""
    chance = random.Random(SEED)
    gateway = Gateway("night", clock=Manual(START), settings=GatewaySettings())
    gateway.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    gateway.caught_up()
    state = ServerState()
    kept = 0
    for _ in range(CONNECTIONS):
        (plain, ours, _), (whole, theirs, _) = client_on(gateway, state), client_on(gateway, state)
        whole._library()
        sent = b"".join(mangled(chance) for _ in range(chance.randint(1, 10)))
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
    assert kept > CONNECTIONS / 50


def frames_of(written: bytearray) -> bytes:
    """What was written behind the answer, which has a key of each client's own."""
    return bytes(written).partition(b"\r\n\r\n")[2]
