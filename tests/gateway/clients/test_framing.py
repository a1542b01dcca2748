import re
from typing import get_args

import orjson
import pytest
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gateway.clients.framing import (
    COMPRESS_FROM_BYTES,
    COMPRESSION_WINDOW_BITS,
    PING,
    Framing,
    chunk,
    compressed_text_frame,
    framed,
    text_frame,
)
from gateway.clients.liveness import goodbye_message
from schemas.wire import Error
from tests.gateway.clients.test_hub import messages_in

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
