"""WebSocket frames that a server builds once and writes to many (RFC 6455 section 5.2).

A server does not mask what it sends, so the bytes of a frame are the same for every client.
"""

from typing import Final

_FINAL_TEXT: Final = 0x81
_PING: Final = 0x89
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_MAX_7_BITS: Final = 125
_MAX_16_BITS: Final = 0xFFFF

PING: Final = bytes([_PING, 0])
"""A ping without a payload: every client gets the same one."""


def text_frame(payload: bytes) -> bytes:
    """The payload, which must be UTF-8, as one whole text frame."""
    size = len(payload)
    if size <= _MAX_7_BITS:
        return bytes([_FINAL_TEXT, size]) + payload
    if size <= _MAX_16_BITS:
        return bytes([_FINAL_TEXT, _LENGTH_IN_16_BITS]) + size.to_bytes(2, "big") + payload
    return bytes([_FINAL_TEXT, _LENGTH_IN_64_BITS]) + size.to_bytes(8, "big") + payload
