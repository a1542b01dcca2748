from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode

from sandik.load import frames
from sandik.load.frames import FrameReader

SIZES = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
FRAMES = st.lists(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE]), SIZES), max_size=5
)


def serialize(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=False)


@given(FRAMES, st.lists(st.integers(0, 200_000), max_size=6))
def test_what_the_library_frames_is_read_however_it_is_cut(wanted: list[tuple[Opcode, int]], cuts: list[int]) -> None:
    messages = [(opcode, b"x" * (min(size, 125) if opcode >= Opcode.CLOSE else size)) for opcode, size in wanted]
    stream = b"".join(serialize(opcode, data) for opcode, data in messages)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    reader = FrameReader()

    found = [message for a, b in pairwise(edges) for message in reader.feed(stream[a:b])]
    assert messages == found


def test_byte_by_byte_is_the_same() -> None:
    reader = FrameReader()
    stream = serialize(Opcode.TEXT, b"a" * 300) + serialize(Opcode.PING, b"")

    assert [(Opcode.TEXT, b"a" * 300), (Opcode.PING, b"")] == [
        message for byte in stream for message in reader.feed(bytes([byte]))
    ]


def test_a_message_in_parts_is_put_together_around_a_ping() -> None:
    stream = (
        serialize(Opcode.TEXT, b"one ", fin=False)
        + serialize(Opcode.PING, b"p")
        + serialize(Opcode.CONT, b"two ", fin=False)
        + serialize(Opcode.CONT, b"three")
        + serialize(Opcode.TEXT, b"next")
    )

    assert [(Opcode.PING, b"p"), (Opcode.TEXT, b"one two three"), (Opcode.TEXT, b"next")] == FrameReader().feed(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"\x81\x80\x00\x00\x00\x00",
        b"\xc1\x00",
        b"\x80\x00",
        b"\x01\x00\x81\x00",
        b"\x01\x00\x02\x00",
    ],
    ids=["masked", "compressed", "goes on from nothing", "text in a text", "binary in a text"],
)
def test_what_no_server_may_send_is_an_error(stream: bytes) -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(stream)


def test_a_message_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_MESSAGE_BYTES", 10)
    for stream in (serialize(Opcode.TEXT, b"x" * 11), serialize(Opcode.TEXT, b"x" * 6, fin=False) + b"\x00\x06yyyyyy"):
        with pytest.raises(PayloadTooBig):
            FrameReader().feed(stream)
