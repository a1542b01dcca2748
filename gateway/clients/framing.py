"""How a message is wrapped for the wire: once for each way, however many clients take it that way. Pure.

A WebSocket takes frames (RFC 6455 section 5.2), plain or compressed. A server does not mask what it sends, so the bytes
of a frame are the same for every client. Compressed by itself, without the messages before it as context (RFC 7692
section 7.1.1), it is the same for all who take compression, too.

A stream of server-sent events takes events, each in an HTTP chunk of its own (RFC 9112 section 7.1), so that they can
be written to the socket as they are. The names of the events are the messages' types, but for `error`: by that name a
browser's EventSource tells of itself.
"""

import zlib
from enum import IntEnum
from typing import Final

import orjson

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

_FINAL_TEXT: Final = 0x81
_COMPRESSED: Final = 0x40
_PING: Final = 0x89
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_MAX_7_BITS: Final = 125
_MAX_16_BITS: Final = 0xFFFF
_SYNC_MARKER_BYTES: Final = 4
"""A flush ends in 00 00 FF FF, which is not sent (RFC 7692 section 7.2.1)."""

PING: Final = bytes([_PING, 0])
"""A ping without a payload: every client gets the same one."""


def text_frame(payload: bytes) -> bytes:
    """The payload, which must be UTF-8, as one whole text frame."""
    return _frame(_FINAL_TEXT, payload)


def compressed_text_frame(payload: bytes) -> bytes:
    """The same for clients that negotiated compression: compressed, if that is worth it."""
    if len(payload) < COMPRESS_FROM_BYTES:
        return text_frame(payload)
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -COMPRESSION_WINDOW_BITS)
    compressed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_FINAL_TEXT | _COMPRESSED, compressed[:-_SYNC_MARKER_BYTES])


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _MAX_7_BITS:
        return bytes([first, size]) + payload
    if size <= _MAX_16_BITS:
        return bytes([first, _LENGTH_IN_16_BITS]) + size.to_bytes(2, "big") + payload
    return bytes([first, _LENGTH_IN_64_BITS]) + size.to_bytes(8, "big") + payload
