"""WebSocket frames that a server builds once and writes to many (RFC 6455 section 5.2).

A server does not mask what it sends, so the bytes of a frame are the same for every client. Compressed by itself,
without the messages before it as context (RFC 7692 section 7.1.1), it is the same for all who take compression, too.
"""

import zlib
from typing import Final

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
