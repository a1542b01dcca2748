"""A connection until its first bytes have come: then it is known who reads it.

Thousands of clients may come back at once, each with the request to upgrade that its browser or library always sends.
That is read here and goes straight to the stream; whatever else comes goes to the parser of HTTP, byte for byte.
"""

import asyncio
from typing import cast

from uvicorn import Config
from uvicorn.server import ServerState

from gateway.admission.handshake import peer_of
from gateway.admission.limits import counted_address
from gateway.connections.http import HttpConnection
from gateway.connections.upgrade import hand_over, read_plain
from gateway.gateway import Gateway


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
        peer = peer_of(transport.get_extra_info("peername"))
        self._address = None if self._gateway.handshake.is_proxy(peer) else counted_address(peer)
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
            hand_over(self.transport, request, self._config, self._server_state, self._app_state)

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
