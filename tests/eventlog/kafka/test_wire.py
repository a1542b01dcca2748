"""To send on a connection that was just reset is an error of Kafka's, on uvloop too, and ends the request alone."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import uvloop
from aiokafka import client, conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from eventlog.kafka.wire import Wire
from tests.patience import LIMIT_S

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset


class _Untold(Wire):
    """A connection that asks its broker nothing when it begins."""

    async def _do_version_lookup(self) -> None:
        self._versions = {ApiVersionRequest.API_KEY: (0, 0)}


async def _send_once_reset(send: Callable[[Wire], Any]) -> None:
    """Send in every turn of the loop, from the broker's reset until the connection says that it is closed."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        wire = _Untold(*listener.getsockname())
        await wire.connect()
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        peer.close()
        sent = []
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    sent.append(asyncio.ensure_future(send(wire)))
                    await asyncio.sleep(0)
        finally:
            for request in sent:
                request.cancel()
            await asyncio.gather(*sent, return_exceptions=True)
            assert not wire.connected()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    "send", [lambda wire: wire.send(ApiVersionRequest()), lambda wire: wire._send_sasl_token(b"x")]
)
def test_what_is_sent_on_a_connection_that_was_reset_is_an_error_of_kafkas(
    send: Callable[[Wire], Any], loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with pytest.raises(KafkaConnectionError), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_send_once_reset(send))


async def test_every_client_of_aiokafkas_makes_its_connections_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Wire] = []

    async def connect(wire: Wire) -> None:
        made.append(wire)

    monkeypatch.setattr(Wire, "connect", connect)
    assert client.create_conn is conn.create_conn
    assert [await client.create_conn("127.0.0.1", 9)] == made
    assert isinstance(made[0], Wire)
