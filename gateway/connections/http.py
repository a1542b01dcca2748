"""Connections over HTTP, from before their first bytes: uvicorn's protocol behind limits, and the stream of events.

Limits are how many connections, what a request may bring, how long it may take. Thousands of clients may come back at
once, each with the request to upgrade that its browser or library always sends. That is read before all else and goes
straight to the stream; whatever else comes goes to the parser of HTTP, byte for byte.

A connection has one timer. It runs while a request's headers are awaited, and then until its answer is out of our
hands; an open stream has none. Whoever is refused here is told so in one answer, and the connection ends.

A stream is the last answer of its connection: what a client sends behind the request for one is not looked at. Whoever
is refused while answers to earlier requests are owed gets those, and then the connection ends without a word, for a
client takes what comes first for the first answer.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import unquote

import orjson
from httptools import HttpParserError, HttpParserUpgrade, parse_url
from starlette.types import Scope
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState
from websockets.exceptions import InvalidHeaderValue

from gateway.admission.handshake import (
    STREAM_PATH,
    Refusal,
    RequestHead,
    counted_address,
    peer_of,
    refuse_head,
    too_large,
)
from gateway.clients.framing import Framing, chunk
from gateway.connections.upgrade import UpgradeRequest, hand_over, read_plain
from gateway.gateway import Gateway

HEARTBEAT: Final = chunk(b":\n\n")
"""A comment: a sign of life that no client has to understand."""

_CHECKS_TO_CLOSE: Final = 2
"""Heartbeats that the last bytes may take to be out of our hands: at least one whole one."""


class EventStream:
    """One client of the stream of events. After its request it says nothing: all there is to wait for is its end."""

    framing: Final = Framing.EVENTS

    def __init__(self, gateway: Gateway, transport: asyncio.Transport) -> None:
        self._gateway = gateway
        self._transport = transport
        self._draining = True
        self._closing_checks = 0
        self._ended = asyncio.Event()
        self.send: Final[Callable[[bytes], None]] = transport.write
        give_up_after(transport, gateway.settings.heartbeat_s * gateway.settings.missed_pings)

    # What the gateway calls

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Say why and end; an EventSource comes back by itself, with its cursor."""
        self._gateway.broadcaster.leave(self)
        if not self._ended.is_set():
            message = orjson.dumps({"type": "closed", "code": code, "reason": reason})
            self.send(chunk(b"event: closed\ndata: " + message + b"\n\n"))
            self._ended.set()

    def check(self, news: bytes) -> None:
        if self._ended.is_set():
            self._closing_checks += 1
            if self._closing_checks >= _CHECKS_TO_CLOSE:
                hang_up(self._transport)
        elif self._draining:
            self.send(news + HEARTBEAT)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent: the connection is lost, or the gateway has closed it."""
        return self._ended.is_set()

    # What the connection calls

    def set_draining(self, *, draining: bool) -> None:
        """The transport takes no more at the moment, or takes it again."""
        self._draining = draining
        self._gateway.broadcaster.set_draining(self, draining=draining)

    def lost(self) -> None:
        """The connection is gone."""
        self._gateway.broadcaster.disconnect(self)
        self._ended.set()

    async def ended(self) -> None:
        """Return when it is over."""
        await self._ended.wait()


_CONNECTION: Final = "sandik.connection"
"""Where in a request's scope its connection is, for the one route that writes to it by itself."""

_REASONS: Final = {
    400: "Bad Request",
    413: "Content Too Large",
    414: "URI Too Long",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

_UNREADABLE: Final = Refusal(400, "bad_request", "This is no request over HTTP/1.1 that can be read. Mend the client.")

_logger: Final = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)  # uvicorn warns of each request that it cannot read: anybody could fill the disk


class HttpConnection(HttpToolsProtocol):
    """One connection that speaks HTTP, perhaps only to ask for the stream."""

    def __init__(
        self,
        gateway: Gateway,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _logger
        self._gateway = gateway
        self._limits = gateway.settings.limits
        self._address: str | None = None
        self._counted = False
        self._refused = False
        self._in_head = True
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stream: EventStream | None = None
        self._is_last = False
        """Whether the request for a stream has begun: nothing that follows it is answered."""
        self._has_ended = False
        """Whether that request has been read to its end."""
        self._cycles: list[RequestResponseCycle] = []
        """The requests that are being answered or wait for that, in their order."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._address = _counted_address(self._gateway, transport)
        refusal = self._gateway.enter(self._address)
        self._counted = refusal is None
        if refusal is not None:
            self._refuse(refusal)
        else:
            self._set_timer(self._gateway.settings.open_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._count_out()
        if self._stream is not None:
            self._stream.lost()
        # uvicorn tells only the last; one that is not told writes to a transport that is gone
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stream is not None:
            self._stream.set_draining(draining=False)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stream is not None:
            self._stream.set_draining(draining=True)

    def data_received(self, data: bytes) -> None:
        if self._reads_no_more():
            return
        if self._in_head:
            self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        while data and not self._reads_no_more():
            data = self._parse(data)
        if self._in_head and self._head_bytes > self._limits.url_bytes + self._limits.header_bytes:
            self._refuse(too_large("headers", 431, self._limits))

    def _reads_no_more(self) -> bool:
        """Whether nothing more is read: a request was refused, or the stream has begun."""
        return self._refused or self._is_last

    def _parse(self, data: bytes) -> bytes:
        """Parse what has come. Returns what is behind a request to upgrade to a protocol that is not spoken here."""
        try:
            self.parser.feed_data(data)
        except HttpParserError:
            self._refuse(_UNREADABLE)
        except HttpParserUpgrade as upgrade:
            (end,) = upgrade.args
            if not self._should_upgrade():  # it is answered like any other request, and so is what follows it
                return data[end:]
            self._upgrade(data[end:])
        return b""

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._is_last:
            self._set_timer(self._gateway.settings.open_timeout_s)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._is_last:
            return
        path = unquote((parse_url(self.url).path or b"").decode("ascii"))
        head = RequestHead(self.parser.get_http_version(), path, len(self.url), self.headers)
        refusal = refuse_head(head, self._limits)
        if refusal is not None:
            self._refuse(refusal)
        elif not self._refused:
            self._set_timer(self._gateway.settings.answer_timeout_s)
            self.scope[_CONNECTION] = self  # type: ignore[typeddict-unknown-key]  # a server may add to it
            before = self.cycle
            super().on_headers_complete()
            if self.cycle is not before:  # it is no upgrade
                self._begin_to_answer(self.cycle, path)

    def on_body(self, body: bytes) -> None:
        if not self._refused and not self._has_ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        if not self._refused and not self._has_ended:
            super().on_message_complete()
            self._has_ended = self._is_last

    # What uvicorn calls

    def _get_upgrade(self) -> bytes | None:
        """To what the connection is to be upgraded. `Connection` may come in several lines (RFC 9110 section 5.3)."""
        lines = b",".join(value for name, value in self.headers if name == b"connection")
        if b"upgrade" not in [token.strip().lower() for token in lines.split(b",")]:
            return None
        return next((value.lower() for name, value in reversed(self.headers) if name == b"upgrade"), None)

    def on_response_complete(self) -> None:
        self._cycles = [cycle for cycle in self._cycles if not cycle.response_complete]
        if not self.pipeline and not self.transport.get_write_buffer_size():
            self._stop_timer()
        super().on_response_complete()

    def _upgrade(self, behind: bytes) -> None:
        """Let the stream answer the request that was parsed last, and read what has come behind it."""
        if self._cycles:  # an answer that is owed would be written into the WebSocket
            self._end_after_answers()
        elif not self._refused:
            self._stop_timer()
            self._count_out()  # the stream counts in its own clients, by their own address
            try:
                request = self._request()
            except (UnicodeDecodeError, InvalidHeaderValue):
                self._refuse(_UNREADABLE)
                return
            self.connections.discard(self)
            hand_over(self.transport, request, behind, self.config, self.server_state, self.app_state)

    def _request(self) -> UpgradeRequest:
        """The request as it was parsed.

        Raises `UnicodeDecodeError` and `InvalidHeaderValue` for what no URL or header may hold.
        """
        headers = [(name.decode("ascii"), value.decode("iso-8859-1")) for name, value in self.headers]
        request = UpgradeRequest(self.parser.get_method().decode("ascii"), self.url.decode("ascii"), headers)
        request.for_library()
        return request

    def cut(self) -> None:
        """End at once in the middle of an answer: what is left of it may not be given any more."""
        for cycle in self._cycles:
            cycle.disconnected = True
        hang_up(self.transport)

    # What the route of the event stream calls

    def open_stream(self, address: str | None) -> EventStream | Refusal:
        """Make the answer that is being given an endless one, to a client that counts for this address."""
        self._stop_timer()
        self._count_out()
        refusal = self._gateway.enter(address)
        if refusal is not None:
            return refusal
        self._address, self._counted = address, True
        settings = self._gateway.settings
        self.transport.set_write_buffer_limits(high=settings.write_high_bytes, low=settings.write_low_bytes)
        self._stream = EventStream(self._gateway, self.transport)
        return self._stream

    def _begin_to_answer(self, cycle: RequestResponseCycle, path: str) -> None:
        self._cycles.append(cycle)
        if path == STREAM_PATH:  # decoded, as the routes see it: there are many ways to write it
            self._is_last = True
            cycle.keep_alive = False

    def _end_after_answers(self) -> None:
        """Read nothing more; the answer that is owed last ends the connection."""
        self._refused = True
        self._cycles[-1].keep_alive = False
        if not self._is_last:
            self._set_timer(self._gateway.settings.answer_timeout_s)

    def _refuse(self, refusal: Refusal) -> None:
        if self._cycles:
            self._end_after_answers()
            return
        self._refused = True
        headers = {
            "content-type": "application/json",
            "content-length": str(len(refusal.body)),
            "cache-control": "no-store",
            "connection": "close",
            **dict(refusal.headers),
        }
        lines = [f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + refusal.body)
        self.transport.close()

    def _count_out(self) -> None:
        if self._counted:
            self._counted = False
            self._gateway.connection_counts.leave(self._address)

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class OpeningConnection(asyncio.Protocol):
    """A connection from which nothing has come. It is counted, and has its time to begin."""

    __slots__ = ("_address", "_app_state", "_config", "_gateway", "_loop", "_server_state", "_timer", "transport")

    transport: asyncio.Transport

    def __init__(
        self,
        gateway: Gateway,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._gateway = gateway
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._address: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._address = _counted_address(self._gateway, transport)
        if self._gateway.enter(self._address) is not None:
            self._begin_http()  # which finds the same, and says so
            return
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own protocols
        self._timer = self._loop.call_later(self._gateway.settings.open_timeout_s, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  however it was lost, it is
        self._let_go()

    def data_received(self, data: bytes) -> None:
        self._let_go()  # whoever reads on counts it in again
        request = read_plain(data, self._gateway.settings.limits)
        if request is None:
            self._begin_http().data_received(data)
        else:
            hand_over(self.transport, request, b"", self._config, self._server_state, self._app_state)

    # What uvicorn calls

    def shutdown(self) -> None:
        """Close: the server stops."""
        self.transport.close()

    def _begin_http(self) -> HttpConnection:
        http = HttpConnection(self._gateway, self._config, self._server_state, self._app_state, self._loop)
        http.connection_made(self.transport)
        self.transport.set_protocol(http)
        return http

    def _let_go(self) -> None:
        """Count the connection out; a no-op where that was done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._server_state.connections.discard(self)
            self._gateway.connection_counts.leave(self._address)


def _counted_address(gateway: Gateway, transport: asyncio.BaseTransport) -> str | None:
    """For which address a connection counts; `None` for a proxy's, which says whose it brings."""
    peer = peer_of(transport.get_extra_info("peername"))
    return None if gateway.handshake.is_proxy(peer) else counted_address(peer)


def connection_of(scope: Scope) -> HttpConnection:
    """The connection that a request came by."""
    return cast("HttpConnection", scope[_CONNECTION])


def cut_off(scope: Scope) -> None:
    """End the connection that a request came by; a no-op where none is told, as in an application without a server."""
    connection = scope.get(_CONNECTION)
    if isinstance(connection, HttpConnection):
        connection.cut()


_NO_LINGERING: Final = struct.pack("ii", 1, 0)
"""`struct linger` (POSIX, setsockopt): on, for no second."""

_MS_PER_S: Final = 1_000

_MAX_TIMEOUT_MS: Final = 2**31 - 1
"""What the kernel takes for a timeout: an int of C, 24 days."""


def hang_up(transport: asyncio.Transport) -> None:
    """End at once. The kernel, too, forgets what the peer does not take; else it would keep it for minutes."""
    with contextlib.suppress(OSError, ValueError):  # it may be closed already
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()


def give_up_after(transport: asyncio.Transport, seconds: float) -> None:
    """Let the kernel give up a peer that acknowledges nothing for so long, where it can (Linux, RFC 5482).

    For whoever is sent something now and then, but never says anything: the kernel by itself would try for a quarter of
    an hour.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(seconds * _MS_PER_S), _MAX_TIMEOUT_MS)
        )
