"""A reader of a server's frames (RFC 6455 section 5.2): unmasked, no extension negotiated, mostly one whole text each.

Ours for its speed: with 10,000 clients on a machine, what the library spends on a frame is what the gateway should have
had. Everything else about WebSocket (the handshake, the few frames that a client sends) is the library's.
"""

from typing import Final

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Opcode

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The largest message taken: a snapshot of all of Türkiye's 1,055 units with 49 candidates each is 1 MB."""

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_WHOLE_TEXT: Final = _FINAL | Opcode.TEXT
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_SHORT_HEAD: Final = 2
_CONTROL: Final = 0x8


class FrameReader:
    """Bytes in, messages out, each with its opcode: text, binary, ping, pong or close."""

    __slots__ = ("_held", "_message", "_opcode")

    def __init__(self) -> None:
        self._held = b""
        self._message: bytearray | None = None
        self._opcode = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that are whole now. Raises `ProtocolError` or `PayloadTooBig` for what is no such frame."""
        if self._held:
            data = self._held + data
        messages: list[tuple[int, bytes]] = []
        at, size = 0, len(data)
        while size - at >= _SHORT_HEAD:
            first, length, start = data[at], data[at + 1], at + _SHORT_HEAD
            if length == _LENGTH_IN_16_BITS:
                start += 2
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == _LENGTH_IN_64_BITS:
                start += 8
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length & _MASKED:
                raise ProtocolError("a server must not mask its frames")
            if size < start:
                break
            if length > MAX_MESSAGE_BYTES:
                raise PayloadTooBig(length, MAX_MESSAGE_BYTES)
            end = start + length
            if size < end:
                break
            at = end
            if first == _WHOLE_TEXT and self._message is None:
                messages.append((Opcode.TEXT, data[start:end]))
            else:
                messages += self._other(first, data[start:end])
        self._held = data[at:]
        return messages

    def _other(self, first: int, payload: bytes) -> list[tuple[int, bytes]]:
        """Anything but a whole text: control frames, and messages in several frames."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise ProtocolError("reserved bits are set, but no extension was agreed")
        if opcode & _CONTROL:
            return [(opcode, payload)]
        if (opcode == Opcode.CONT) == (self._message is None):
            raise ProtocolError("a message begins within another, or goes on without a beginning")
        if self._message is None:
            self._message, self._opcode = bytearray(), opcode
        self._message += payload
        if len(self._message) > MAX_MESSAGE_BYTES:
            raise PayloadTooBig(len(self._message), MAX_MESSAGE_BYTES)
        if not first & _FINAL:
            return []
        message, self._message = bytes(self._message), None
        return [(self._opcode, message)]
