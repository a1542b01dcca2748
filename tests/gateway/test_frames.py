import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gateway.frames import PING, text_frame


def parsed(data: bytes) -> Frame:
    """The frame as a client reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=False)
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


def test_the_ping_is_one() -> None:
    assert parsed(PING).opcode is Opcode.PING
