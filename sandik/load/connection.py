"""One client's connection: an asyncio protocol with as little between the socket and the crowd as there can be."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import orjson
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close, Frame, Opcode

from sandik.load.crowd import Client, Crowd
from sandik.load.frames import FrameReader
from sandik.load.handshake import Handshake, Refused

NOT_CLEAN: Final = 1006
"""What RFC 6455 section 7.4.1 calls a connection that ended without a close frame."""

_NORMAL: Final = 1000

OnLost = Callable[[Client, int], None]
"""Told when an open connection ended, with its close code."""


class Connection(asyncio.Protocol):
    """Opens with the handshake, subscribes from the client's cursor, and hands every text to the crowd."""

    __slots__ = (
        "_client",
        "_code",
        "_crowd",
        "_handshake",
        "_leaving",
        "_now",
        "_on_lost",
        "_reader",
        "_transport",
        "opened",
    )

    def __init__(
        self, client: Client, crowd: Crowd, handshake: Handshake, now: Callable[[], float], on_lost: OnLost
    ) -> None:
        self._client = client
        self._crowd = crowd
        self._handshake: Handshake | None = handshake
        self._now = now
        self._on_lost = on_lost
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._code = NOT_CLEAN
        self._leaving = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._handshake is not None:
            self._transport.write(self._handshake.request())

    def data_received(self, data: bytes) -> None:
        now = self._now()
        client = self._client
        client.size_bytes += len(data)
        self._crowd.figures.size_bytes += len(data)
        try:
            if self._handshake is not None:
                data = self._open(self._handshake, data)
            for opcode, payload in self._reader.feed(data):
                if opcode == Opcode.TEXT:
                    self._crowd.figures.frames += 1
                    self._crowd.take(client, payload, now)
                else:
                    self._control(opcode, payload)
        except Refused as refused:
            self._fail(refused)
        except (ProtocolError, PayloadTooBig) as error:
            self._crowd.figures.fault("unreadable", str(error))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._handshake is not None:
            self._fail(exc or ConnectionResetError("closed before the stream was open"))
        elif not self._leaving:
            self._on_lost(self._client, self._code)

    # What the worker calls

    def pause(self) -> None:
        """Stop reading."""
        if self._transport is not None and not self._transport.is_closing() and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()

    def leave(self) -> None:
        """Say goodbye and go, without waiting for an answer."""
        self._leaving = True
        if self._transport is not None:
            self._transport.write(_frame(Opcode.CLOSE, Close(_NORMAL, "").serialize()))
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _open(self, handshake: Handshake, data: bytes) -> bytes:
        rest = handshake.feed(data)
        if rest is None:
            return b""
        self._handshake = None
        standing = self._client.standing
        ask = dict(standing.subject.message)
        cursor = standing.cursor
        if cursor is not None:
            ask["since"] = cursor.model_dump()
        self._send(Opcode.TEXT, orjson.dumps(ask))
        if not self.opened.done():
            self.opened.set_result(None)
        return rest

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self._send(Opcode.PONG, payload)
        elif opcode == Opcode.CLOSE:
            self._code = Close.parse(payload).code
            self._send(Opcode.CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()
        elif opcode == Opcode.BINARY:
            self._crowd.figures.fault("unreadable", "a binary message")

    def _send(self, opcode: Opcode, payload: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_frame(opcode, payload))

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        self.abort()


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    return Frame(opcode, payload).serialize(mask=True)
