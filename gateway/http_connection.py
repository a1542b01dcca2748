"""uvicorn's HTTP protocol, with a limit on how long a connection may take to say what it wants."""

import asyncio
from typing import cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


class HttpConnection(HttpToolsProtocol):
    """Closes a connection whose first request's headers are not complete in time: upgrades to WebSocket among them.

    The timer exists only until then, so an open stream has none.
    """

    def __init__(
        self,
        open_timeout_s: float,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open_timeout_s = open_timeout_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._opening = self.loop.call_later(self._open_timeout_s, transport.close)

    def on_headers_complete(self) -> None:
        self._opening.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._opening.cancel()
        super().connection_lost(exc)
