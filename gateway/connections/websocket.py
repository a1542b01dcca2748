"""The WebSocket shell: bytes from a transport into the library's sans-I/O protocol, frames from the gateway out.

One of these is made for every request to upgrade, and handed the transport and the request as whoever read it parsed
it. The library's protocol for servers judges requests (see `upgrade`); for the connection's life there is its leaner
one, which knows frames alone: it keeps neither the request nor what may be negotiated. Even that is made only for a
client that sends more than what most ever send, whole text messages, pings and pongs, which it would forget at once.
There is no task, no queue and no timer per connection: the transport says whether it drains, and the gateway's one
timer checks.
"""

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from typing import Final, cast

import orjson
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode as StandardCode
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import CLOSING, CONNECTING, OPEN, SERVER, Protocol, State

from gateway.admission.access import Grant
from gateway.admission.handshake import Credentials, Meter, Refusal, peer_of
from gateway.clients.audience import RESTART_CODE, RESTART_REASON
from gateway.clients.framing import COMPRESSION_WINDOW_BITS, PING, Framing, plain_frame, pong, text_frame
from gateway.connections.http import hang_up
from gateway.connections.upgrade import LIBRARY_LOGGER, Accepted, Upgraded, UpgradeRequest, answer, handshake
from gateway.gateway import Gateway
from schemas.wire import CLOSE_REASONS, MAX_MESSAGE_BYTES, PROTOCOL, CloseCode

_CHECKS_TO_CLOSE: Final = 2
"""Heartbeats that a closing handshake may span: at least one whole one."""

_PIECE_BYTES: Final = 4 * 1024
"""Bytes that are parsed before the client's pace is looked at: 700 of the smallest frames, 5 ms."""

_TOO_FAST: Final = text_frame(
    orjson.dumps(
        {
            "type": "error",
            "code": "too_fast",
            "message": "More messages or bytes than a client needs; the connection is closed. Mend the client.",
            "id": None,
        }
    )
)


class _FrameByFrame(Protocol):
    """The library's protocol, which tells of each frame when it has read it, before it reads the next.

    By itself it reads all that has come and lists the frames afterwards: by then the pongs and the echo of a close are
    queued ahead of what answers the frames between them, and a text before a close comes to a protocol that is closing.
    """

    def __init__(self, state: State, extensions: Sequence[Extension], receive: Callable[[Frame], None]) -> None:
        super().__init__(SERVER, state=state, max_size=MAX_MESSAGE_BYTES, logger=LIBRARY_LOGGER)
        self.extensions = [copy(extension) for extension in extensions]
        self._receive = receive

    def recv_frame(self, frame: Frame) -> None:
        super().recv_frame(frame)
        self._receive(frame)


class WebSocketConnection(Upgraded):
    """One client's connection."""

    __slots__ = (
        "_address",
        "_closing_checks",
        "_counted",
        "_draining",
        "_extensions",
        "_gateway",
        "_ignores_input",
        "_live",
        "_message",
        "_meter",
        "_protocol",
        "_server_state",
        "_silent_checks",
        "framing",
        "send",
        "transport",
    )

    transport: asyncio.Transport
    send: Callable[[bytes], None]
    """The transport's own `write`: what is sent to thousands is not passed on by thousands of calls of ours.

    Nobody sends to a client that leaves: `Gateway.leave` takes it out of everything that is sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        config: Config,  # noqa: ARG002  uvicorn names its arguments
        server_state: ServerState,
        app_state: dict[str, object],  # noqa: ARG002
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._gateway = gateway
        self._server_state = server_state
        self._protocol: _FrameByFrame | None = None
        """Made for the first that is no plain frame, and there from then on; until then, nothing is half done."""
        self._extensions: Sequence[Extension] = ()
        self.framing = Framing.PLAIN
        self._message: bytearray | None = None
        self._silent_checks = 0
        self._closing_checks = 0
        self._draining = True
        self._live = False
        self._ignores_input = False
        self._meter = Meter(gateway.settings.limits)
        self._address: str | None = None
        self._counted = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send = self.transport.write
        settings = self._gateway.settings
        self.transport.set_write_buffer_limits(high=settings.write_high_bytes, low=settings.write_low_bytes)
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own protocols

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  however it was lost, it is
        self._live = False
        self._server_state.connections.discard(self)
        self._gateway.broadcaster.disconnect(self)
        if self._counted:
            self._gateway.connection_counts.leave(self._address)

    def data_received(self, data: bytes) -> None:
        self._silent_checks = 0
        for start in range(0, len(data), _PIECE_BYTES):
            if self._ignores_input:
                return
            self._parse(data[start : start + _PIECE_BYTES])
        self._flush()

    def eof_received(self) -> None:
        self._library().receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        """Stop reading from a client whose socket does not drain (back-pressure).

        Else its requests would go on adding answers to what it does not take.
        """
        self._draining = False
        self.transport.pause_reading()
        self._gateway.broadcaster.set_draining(self, draining=False)

    def resume_writing(self) -> None:
        self._draining = True
        self.transport.resume_reading()
        self._gateway.broadcaster.set_draining(self, draining=True)

    # What calls it that has read the request

    def upgrade(self, request: UpgradeRequest) -> None:
        if self._gateway.retiring:
            self._refuse_for_now()
            return
        path, _, query = request.target.partition("?")
        brought = Credentials(query, request.headers, peer_of(self.transport.get_extra_info("peername")))
        decision = self._gateway.handshake.admit_to_stream(path, brought, self._gateway.clock.now())
        if isinstance(decision, Refusal):
            self._reject(decision)
            return
        self._address = self._gateway.handshake.counted_address(brought)
        over_limit = self._gateway.enter(self._address)
        if over_limit is not None:
            self._reject(over_limit)
            return
        self._counted = True
        answered = answer(request, self._date())
        if isinstance(answered, Response):
            self._end_with(answered)
        else:
            self._open(answered, decision)

    def _open(self, accepted: Accepted, grant: Grant) -> None:
        """Let the client in: the answer and the greeting go out in one write."""
        self._extensions = accepted.extensions
        self._live = True
        if any(map(_takes_our_frames, accepted.extensions)):
            self.framing = Framing.COMPRESSED
        first = [accepted.answer]
        self.send = first.append
        self._gateway.broadcaster.connect(self, grant)
        self.send = self.transport.write
        self.send(b"".join(first))

    def _date(self) -> str | None:
        """What the server says the date is, in all of its answers."""
        return next((value.decode() for name, value in self._server_state.default_headers if name == b"date"), None)

    # What uvicorn calls

    def shutdown(self) -> None:
        """Begin to close: the server stops."""
        if self._state is OPEN:
            self.close(RESTART_CODE, RESTART_REASON)
        elif self._state is not CLOSING:
            self.transport.close()

    # What the gateway calls

    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        protocol = self._library()
        self._leave()
        if protocol.state is OPEN:
            protocol.send_close(code, reason)
        self._flush()

    def check(self, news: bytes) -> None:
        if not self._live:
            self._closing_checks += 1
            if self._closing_checks >= _CHECKS_TO_CLOSE:
                hang_up(self.transport)
        elif self._silent_checks >= self._gateway.settings.missed_pings:
            self.close(CloseCode.STALLED, CLOSE_REASONS[CloseCode.STALLED])
        elif self._draining:  # else it was not asked either, and how long it may stall is the gateway's to say
            self._silent_checks += 1
            self.transport.write(news + PING)  # in one write, which costs more than all the rest

    def _parse(self, data: bytes) -> None:
        if self._counted and not self._meter.takes_bytes(len(data), self._gateway.clock.monotonic()):
            self._give_up()
            return
        at = self._receive_plain(data)
        if at < len(data) and not self._ignores_input:
            protocol = self._library()
            protocol.receive_data(data[at:])
            protocol.events_received()  # frames were received one by one, as they were read: let go of them

    def _receive_plain(self, data: bytes) -> int:
        """Answer the plain frames that these bytes begin with, each before the next is read; where the others begin."""
        at = 0
        while self._protocol is None and not self._ignores_input:
            frame = plain_frame(data, at, self._extensions)
            if frame is None:
                return at
            at = frame.end
            if not self._meter.takes_message(self._gateway.clock.monotonic()):
                self._give_up()
            elif frame.opcode is Opcode.TEXT:
                self._receive_text(frame.payload)
            elif frame.opcode is Opcode.PING:
                self.transport.write(pong(frame.payload))
        return at

    @property
    def _state(self) -> State:
        """Where the connection is in RFC 6455's terms."""
        if self._protocol is not None:
            return self._protocol.state
        return OPEN if self._live else CONNECTING

    def _library(self) -> _FrameByFrame:
        """The library's protocol for this connection, from where it stands."""
        if self._protocol is None:
            self._protocol = _FrameByFrame(self._state, self._extensions, self._receive)
        return self._protocol

    def _reject(self, refusal: Refusal) -> None:
        response = handshake().reject(refusal.status, refusal.body.decode())
        del response.headers["Content-Type"]
        for name, value in (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *refusal.headers):
            response.headers[name] = value
        self._end_with(response)

    def _give_up(self) -> None:
        """Say what was too much and hang up; what still comes is read, so that it does not cut our last words off."""
        if self._live:
            self.send(_TOO_FAST)
            self.close(CloseCode.TOO_FAST, CLOSE_REASONS[CloseCode.TOO_FAST])
        self._ignores_input = True
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _refuse_for_now(self) -> None:
        response = handshake().reject(503, f"{self._gateway.reason}\n")
        response.headers["Retry-After"] = "1"
        self._end_with(response)

    def _end_with(self, response: Response) -> None:
        self.transport.write(response.serialize())
        self.transport.close()

    def _leave(self) -> None:
        """Nothing more is to be sent: the connection is closing."""
        self._live = False
        self._gateway.broadcaster.leave(self)

    def _receive(self, frame: Frame) -> None:
        """Answer a frame before the next one is read: so answers, pongs and the echo of a close go out in order."""
        if self._ignores_input:
            return
        if not self._meter.takes_message(self._gateway.clock.monotonic()):
            self._give_up()
            return
        self._handle(frame)
        self._flush()

    def _handle(self, frame: Frame) -> None:
        if self._state is not OPEN:
            self._leave()
        elif frame.opcode is Opcode.BINARY:
            self.close(StandardCode.UNSUPPORTED_DATA, f"{PROTOCOL} is JSON in text messages")
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._gather(frame)

    def _gather(self, frame: Frame) -> None:
        """Put a message together from its frames; the protocol below bounds their sum."""
        data = bytes(frame.data)
        if not frame.fin:
            self._message = (self._message or bytearray()) + data
            return
        if self._message is not None:
            data, self._message = bytes(self._message + data), None
        self._receive_text(data)

    def _receive_text(self, data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.close(StandardCode.INVALID_DATA, "a text message must be UTF-8")
            return
        self._gateway.broadcaster.receive(self, text)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send() if self._protocol is not None else ():
            if data:
                if not self._ignores_input:  # after our last words nothing can be written
                    self.transport.write(data)
            else:
                self._leave()
                self.transport.close()


def _takes_our_frames(extension: Extension) -> bool:
    """Whether what was negotiated allows the window that shared frames are compressed with."""
    return isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= COMPRESSION_WINDOW_BITS
