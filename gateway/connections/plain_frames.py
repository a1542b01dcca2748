"""Frames that most clients send and nothing else: whole text messages, pings and pongs (RFC 6455, section 5.2).

A client subscribes once, and from then on answers pings. These frames depend on none before them and leave nothing
behind, so they are read here by themselves. Whatever else comes, and whatever is odd, is for the library's protocol.
"""

from typing import Final, NamedTuple

from websockets.frames import Opcode
from websockets.utils import apply_mask

_FIN: Final = 0x80
_OPCODES: Final = {_FIN | opcode: opcode for opcode in (Opcode.TEXT, Opcode.PING, Opcode.PONG)}
_MASKED: Final = 0x80
_LENGTH_IN_16_BITS: Final = 126
_HEAD_BYTES: Final = 2
_EXTENDED_HEAD_BYTES: Final = 4
_MASK_BYTES: Final = 4


class PlainFrame(NamedTuple):
    """A whole frame, unmasked."""

    opcode: Opcode
    payload: bytes
    end: int
    """Where the next one begins."""


def plain_frame(data: bytes, at: int) -> PlainFrame | None:
    """The frame that begins there; `None` where it is not whole, or is another than those that are read here."""
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
    return PlainFrame(opcode, apply_mask(data[payload_at:end], data[start:payload_at]) if length else b"", end)


def pong(payload: bytes) -> bytes:
    """The answer to a ping: its payload, 125 bytes at most, back."""
    return bytes([_FIN | Opcode.PONG, len(payload)]) + payload
