"""A client that takes server-sent events: one more kind of connection, as far as the gateway is concerned.

What it is sent are whole HTTP chunks, the same bytes for all who follow the same, written straight to the transport; so
there is no queue and no task that copies. The transport says whether it drains, as it does for a WebSocket.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import orjson

from gateway.clients.framing import Framing, chunk
from gateway.connections.sockets import give_up_after, hang_up
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
        self._gateway.leave(self)
        if not self._ended.is_set():
            said = orjson.dumps({"type": "closed", "code": code, "reason": reason})
            self.send(chunk(b"event: closed\ndata: " + said + b"\n\n"))
            self._ended.set()

    def check(self) -> None:
        if self._ended.is_set():
            self._closing_checks += 1
            if self._closing_checks >= _CHECKS_TO_CLOSE:
                hang_up(self._transport)
        elif self._draining:
            self.send(HEARTBEAT)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent: the connection is lost, or the gateway has closed it."""
        return self._ended.is_set()

    # What the connection calls

    def set_draining(self, *, draining: bool) -> None:
        """The transport takes no more at the moment, or takes it again."""
        self._draining = draining
        self._gateway.set_draining(self, draining=draining)

    def lost(self) -> None:
        """The connection is gone."""
        self._gateway.disconnect(self)
        self._ended.set()

    async def ended(self) -> None:
        """Return when it is over."""
        await self._ended.wait()
