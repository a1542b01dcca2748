import pytest
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gateway.clients.frames import COMPRESS_FROM_BYTES, COMPRESSION_WINDOW_BITS, PING, compressed_text_frame, text_frame


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
