import random
import re
import zlib
from functools import partial
from typing import Final, get_args

import orjson
import pytest
from uvicorn.server import ServerState
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.clients.audience import goodbye_message
from gateway.clients.framing import (
    COMPRESS_FROM_BYTES,
    COMPRESSION_WINDOW_BITS,
    PING,
    Framing,
    PlainFrame,
    chunk,
    compressed_text_frame,
    framed,
    plain_frame,
    pong,
    text_frame,
)
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.wire import MAX_MESSAGE_BYTES, Error
from tests.gateway.attackers import frame
from tests.gateway.clients.test_hub import messages_in
from tests.gateway.nights import START, election
from tests.gateway.test_mutations import VALID, client_on, mangled

DELTA = orjson.dumps(
    {
        "type": "delta",
        "id": "s1",
        "from": 3,
        "seq": 5,
        "as_of": None,
        "totals": [{"unit": f"tr/{number}"} for number in range(100)],
    }
)


def body(data: bytes) -> bytes:
    """What one chunk holds."""
    size, _, rest = data.partition(b"\r\n")
    assert rest[int(size, 16) :] == b"\r\n"
    return rest[:-2]


def test_a_websocket_takes_the_same_message_plain_or_compressed() -> None:
    plain, squeezed = framed(DELTA, Framing.PLAIN), framed(DELTA, Framing.COMPRESSED)
    assert messages_in(plain) == messages_in(squeezed) == [orjson.loads(DELTA)]
    assert len(squeezed) < len(plain)


def test_an_event_is_one_chunk_with_its_cursor_for_an_id() -> None:
    event = body(framed(DELTA, Framing.EVENTS, "9f2c.5"))
    assert event == b"event: delta\nid: 9f2c.5\ndata: " + DELTA + b"\n\n"


def test_what_cannot_be_resumed_from_leaves_the_id_as_it_was() -> None:
    assert b"\nid:" not in framed(b'{"type":"state","seq":5}', Framing.EVENTS)


def test_a_goodbye_says_when_to_come_back_in_the_streams_own_words() -> None:
    assert body(framed(goodbye_message(1012, 3.217), Framing.EVENTS)).startswith(b"event: goodbye\nretry: 3217\ndata: ")


def test_an_error_has_a_name_that_no_event_source_uses_itself() -> None:
    (name,) = get_args(Error.model_fields["type"].annotation)
    assert re.match(rb"event: refusal\n", body(framed(b'{"type":"%b"}' % name.encode(), Framing.EVENTS)))


def test_a_message_of_ours_begins_with_its_type() -> None:
    with pytest.raises(ValueError, match="begins with its type"):
        framed(b'{"id":"s1","type":"delta"}', Framing.EVENTS)


def test_a_chunk_says_its_length_in_hexadecimal() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_what_is_for_one_alone_is_not_compressed() -> None:
    assert [framing.for_one for framing in Framing] == [Framing.PLAIN, Framing.PLAIN, Framing.EVENTS]


def parsed(data: bytes, *extensions: Extension) -> Frame:
    """The frame as a client reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=False, extensions=extensions)
    with pytest.raises(StopIteration) as stopped:
        next(parser)
    assert reader.buffer == b""
    frame: Frame = stopped.value.value
    return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_text_frame_reads_back_whole(size: int) -> None:
    """At every length that changes how the length is written."""
    frame = parsed(text_frame(b"x" * size))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"x" * size)


def test_a_compressed_frame_reads_back_whole() -> None:
    """Also by a client that agreed to no more than the small window."""
    payload = bytes(range(256)) * 40
    data = compressed_text_frame(payload)
    agreed = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=COMPRESSION_WINDOW_BITS,
        local_max_window_bits=COMPRESSION_WINDOW_BITS,
    )
    assert len(data) < len(payload)
    assert bytes(parsed(data, agreed).data) == payload


def test_a_short_message_is_not_compressed() -> None:
    payload = b"x" * (COMPRESS_FROM_BYTES - 1)
    assert compressed_text_frame(payload) == text_frame(payload)


def test_the_ping_is_one() -> None:
    assert parsed(PING).opcode is Opcode.PING


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
