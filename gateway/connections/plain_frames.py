"""Frames that most clients send and nothing else: whole text messages, pings and pongs (RFC 6455, section 5.2).

A client subscribes once, and from then on answers pings. These frames depend on none before them and leave nothing
behind, so they are read here by themselves; so are texts that were compressed, each by itself, as browsers do that have
agreed on it. Whatever else comes, and whatever is odd, is for the library's protocol.
"""

from collections.abc import Sequence
from copy import copy
from typing import Final, NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from schemas.wire import MAX_MESSAGE_BYTES

_FIN: Final = 0x80
_COMPRESSED: Final = 0x40
_COMPRESSED_TEXT: Final = _FIN | _COMPRESSED | Opcode.TEXT
_OPCODES: Final = {
    _COMPRESSED_TEXT: Opcode.TEXT,
    **{_FIN | opcode: opcode for opcode in (Opcode.TEXT, Opcode.PING, Opcode.PONG)},
}
_MASKED: Final = 0x80
_LENGTH_IN_16_BITS: Final = 126
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
