"""Messages wrapped for the wire, once for each way, and the frames that most clients send, read. Pure.

A WebSocket takes frames (RFC 6455 section 5.2), plain or compressed. A server does not mask what it sends, so the bytes
of a frame are the same for every client. Compressed by itself, without the messages before it as context (RFC 7692
section 7.1.1), it is the same for all who take compression, too.

A stream of server-sent events takes events, each in an HTTP chunk of its own (RFC 9112 section 7.1), so that they can
be written to the socket as they are. The names of the events are the messages' types, but for `error`: by that name a
browser's EventSource tells of itself.

A client subscribes once, and from then on answers pings. What most send is whole text messages, pings and pongs: frames
that depend on none before them and leave nothing behind, so they are read here by themselves; so are texts that were
compressed, each by itself, as browsers do that have agreed on it. Whatever else comes, and whatever is odd, is for the
library's protocol.
"""

import zlib
from collections.abc import Sequence
from copy import copy
from enum import IntEnum
from typing import Final, NamedTuple

import orjson
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from schemas.wire import MAX_MESSAGE_BYTES

_HEAD: Final = b'{"type":"'
_EVENT_NAMES: Final = {b"error": b"refusal"}
_MS_PER_S: Final = 1_000


class Framing(IntEnum):
    """The ways to wrap a message, from 0 up."""

    PLAIN = 0
    COMPRESSED = 1
    EVENTS = 2

    @property
    def for_one(self) -> "Framing":
        """How a message for one client alone goes: not compressed, which takes longer than sending so few bytes."""
        return Framing.PLAIN if self is Framing.COMPRESSED else self


def framed(payload: bytes, framing: Framing, cursor: str | None = None) -> bytes:
    """The message, ready to be written. `cursor` is where whoever has taken it stands; only events have room for it."""
    match framing:
        case Framing.PLAIN:
            return text_frame(payload)
        case Framing.COMPRESSED:
            return compressed_text_frame(payload)
        case _:  # events
            return chunk(_event(payload, cursor))


def chunk(data: bytes) -> bytes:
    """Some bytes of a body as one chunk; there must be some, since an empty chunk ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(payload: bytes, cursor: str | None) -> bytes:
    """The message as an event (HTML, section 9.2.6). JSON has no line breaks, so its data is one line."""
    name = _type(payload)
    lines = [b"event: " + _EVENT_NAMES.get(name, name)]
    if cursor is not None:
        lines.append(b"id: " + cursor.encode())
    if name == b"goodbye":  # the one wish about coming back that every EventSource heeds
        lines.append(b"retry: %d" % (orjson.loads(payload)["retry_after_s"] * _MS_PER_S))
    return b"\n".join([*lines, b"data: " + payload, b"", b""])


def _type(payload: bytes) -> bytes:
    """The type of a message of ours: it is written first."""
    if not payload.startswith(_HEAD):
        raise ValueError("A message begins with its type.")
    return payload[len(_HEAD) : payload.index(b'"', len(_HEAD))]


COMPRESS_FROM_BYTES: Final = 256
"""Shorter messages go as they are: 6 µs and a client's decompressor for less than 100 bytes saved (of 276, 99)."""

COMPRESSION_WINDOW_BITS: Final = 12
"""4 KiB hold the names of the entries before, which is what repeats: larger windows gain less than 1 % of a snapshot.

A frame with a small window serves whoever agreed to a larger one, and the Python library's clients ask for this one.
"""

_LEVEL: Final = 6
"""Against level 1 a fifth smaller for a third more time; level 9 gains nothing. `python -m benchmarks encodings`."""

_FIN: Final = 0x80
_COMPRESSED: Final = 0x40
_MASKED: Final = 0x80
_TEXT: Final = _FIN | Opcode.TEXT
_COMPRESSED_TEXT: Final = _TEXT | _COMPRESSED
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_MAX_7_BITS: Final = 125
_MAX_16_BITS: Final = 0xFFFF
_SYNC_MARKER_BYTES: Final = 4
"""A flush ends in 00 00 FF FF, which is not sent (RFC 7692 section 7.2.1)."""

PING: Final = bytes([_FIN | Opcode.PING, 0])
"""A ping without a payload: every client gets the same one."""


def text_frame(payload: bytes) -> bytes:
    """The payload, which must be UTF-8, as one whole text frame."""
    return _frame(_TEXT, payload)


def compressed_text_frame(payload: bytes) -> bytes:
    """The same for clients that negotiated compression: compressed, if that is worth it."""
    if len(payload) < COMPRESS_FROM_BYTES:
        return text_frame(payload)
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -COMPRESSION_WINDOW_BITS)
    compressed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_COMPRESSED_TEXT, compressed[:-_SYNC_MARKER_BYTES])


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _MAX_7_BITS:
        return bytes([first, size]) + payload
    if size <= _MAX_16_BITS:
        return bytes([first, _LENGTH_IN_16_BITS]) + size.to_bytes(2, "big") + payload
    return bytes([first, _LENGTH_IN_64_BITS]) + size.to_bytes(8, "big") + payload


_OPCODES: Final = {
    _COMPRESSED_TEXT: Opcode.TEXT,
    **{_FIN | opcode: opcode for opcode in (Opcode.TEXT, Opcode.PING, Opcode.PONG)},
}
_HEAD_BYTES: Final = 2
_EXTENDED_HEAD_BYTES: Final = 4
_MASK_BYTES: Final = 4


class PlainFrame(NamedTuple):
    """A whole frame, unmasked and unpacked."""

    opcode: Opcode
    payload: bytes
    end: int
    """Where the next one begins."""


def plain_frame(data: bytes, at: int, extensions: Sequence[Extension] = ()) -> PlainFrame | None:
    """The frame that begins there; `None` where it is not whole, or is another than those that are read here.

    `extensions` are those that were agreed on, none of which keeps anything from one message to the next.
    """
    start = at + _HEAD_BYTES
    if start > len(data):
        return None
    opcode, length = _OPCODES.get(data[at]), data[at + 1] - _MASKED
    if opcode is None or not 0 <= length <= _LENGTH_IN_16_BITS:
        return None
    if length == _LENGTH_IN_16_BITS:
        if opcode is not Opcode.TEXT:  # a control frame is no longer than 125 bytes
            return None
        start = at + _EXTENDED_HEAD_BYTES
        length = int.from_bytes(data[at + _HEAD_BYTES : start], "big")
    payload_at = start + _MASK_BYTES
    end = payload_at + length
    if end > len(data):
        return None
    payload = apply_mask(data[payload_at:end], data[start:payload_at]) if length else b""
    if data[at] != _COMPRESSED_TEXT:
        return PlainFrame(opcode, payload, end)
    text = _unpacked(payload, extensions)
    return None if text is None else PlainFrame(opcode, text, end)


def _unpacked(payload: bytes, extensions: Sequence[Extension]) -> bytes | None:
    """The text that was compressed; `None` where it was not, was not agreed to be, or is too long."""
    frame = Frame(Opcode.TEXT, payload, rsv1=True)
    try:
        for extension in reversed(extensions):
            frame = copy(extension).decode(frame, max_size=MAX_MESSAGE_BYTES)
        frame.check()
    except (ProtocolError, PayloadTooBig):
        return None
    return bytes(frame.data)


def pong(payload: bytes) -> bytes:
    """The answer to a ping: its payload, 125 bytes at most, back."""
    return bytes([_FIN | Opcode.PONG, len(payload)]) + payload
