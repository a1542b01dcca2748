"""The WebSocket shell: bytes from a transport into the library's sans-I/O protocol, frames from the gateway out.

uvicorn makes one of these for every request to upgrade, hands over the transport and replays the request. There is no
task, no queue and no timer per connection: the transport says whether it drains, and the gateway's one timer checks.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, cast

from uvicorn import Config
from uvicorn.server import ServerState
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode as StandardCode
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gateway.frames import COMPRESSION_WINDOW_BITS, PING
from gateway.gateway import Gateway
from schemas.wire import CLOSE_REASONS, MAX_MESSAGE_BYTES, PROTOCOL, CloseCode

STREAM_PATH: Final = "/v1/stream"

_CHECKS_TO_CLOSE: Final = 2
"""Heartbeats that a closing handshake may span: at least one whole one."""

_EXTENSIONS: Final = (ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True),)
"""Compression of each message by itself: our frames are shared, and no connection keeps a window of 32 KiB either way.

A client's message is unpacked up to `MAX_MESSAGE_BYTES` and no further.
"""

_logger: Final = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_closing_checks",
        "_draining",
        "_gateway",
        "_live",
        "_message",
        "_open_connections",
        "_protocol",
        "_silent_checks",
        "compressed",
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
        self._open_connections = cast("set[Connection]", server_state.connections)
        self._protocol = ServerProtocol(
            select_subprotocol=_select_subprotocol,
            extensions=_EXTENSIONS,
            max_size=MAX_MESSAGE_BYTES,
            logger=_logger,
        )
        self.compressed = False
        self._message: bytearray | None = None
        self._silent_checks = 0
        self._closing_checks = 0
        self._draining = True
        self._live = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send = self.transport.write
        settings = self._gateway.settings
        self.transport.set_write_buffer_limits(high=settings.write_high_bytes, low=settings.write_low_bytes)
        self._open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  however it was lost, it is
        self._live = False
        self._open_connections.discard(self)
        self._gateway.disconnect(self)

    def data_received(self, data: bytes) -> None:
        self._silent_checks = 0
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._upgrade(event)
            elif isinstance(event, Frame):
                self._receive(event)
        self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        self._draining = False
        self._gateway.set_draining(self, draining=False)

    def resume_writing(self) -> None:
        self._draining = True
        self._gateway.set_draining(self, draining=True)

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server stops: say goodbye."""
        if self._protocol.state is OPEN:
            self.close(StandardCode.SERVICE_RESTART, "the server restarts; connect again with the cursor")
        else:
            self.transport.close()

    # What the gateway calls

    def close(self, code: int, reason: str) -> None:
        self._leave()
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
        self._flush()

    def check(self) -> None:
        if not self._live:
            self._closing_checks += 1
            if self._closing_checks >= _CHECKS_TO_CLOSE:
                self.transport.abort()
        elif self._silent_checks >= self._gateway.settings.missed_pings:
            self.close(CloseCode.STALLED, CLOSE_REASONS[CloseCode.STALLED])
        else:
            self._silent_checks += 1
            if self._draining:
                self.transport.write(PING)

    def _upgrade(self, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path != STREAM_PATH:
            text = f"There is no stream at {path}. Connect to {STREAM_PATH}.\n"
            self._protocol.send_response(self._protocol.reject(404, text))
            return
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        if self._protocol.state is OPEN:
            self._live = True
            self.compressed = any(map(_takes_our_frames, self._protocol.extensions))
            self._gateway.connect(self)

    def _leave(self) -> None:
        """Nothing more is to be sent: the connection is closing."""
        self._live = False
        self._gateway.leave(self)

    def _receive(self, frame: Frame) -> None:
        if self._protocol.state is not OPEN:
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
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.close(StandardCode.INVALID_DATA, "a text message must be UTF-8")
            return
        self._gateway.receive(self, text)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self._leave()
                self.transport.close()


def _takes_our_frames(extension: Extension) -> bool:
    """Whether what was negotiated allows the window that shared frames are compressed with."""
    return isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= COMPRESSION_WINDOW_BITS


def _select_subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Ours if the client names it; none otherwise, which a client that named another one takes as a refusal."""
    return Subprotocol(PROTOCOL) if PROTOCOL in offered else None
