"""How a message is wrapped for the wire: once for each way, however many clients take it that way. Pure.

A WebSocket takes frames, plain or compressed; a stream of server-sent events takes events, each in an HTTP chunk of its
own (RFC 9112 section 7.1), so that they can be written to the socket as they are. The names of the events are the
messages' types, but for `error`: by that name a browser's EventSource tells of itself.
"""

from enum import IntEnum
from typing import Final

import orjson

from gateway.clients.frames import compressed_text_frame, text_frame

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
