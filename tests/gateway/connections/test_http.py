import asyncio
import socket

import pytest

from gateway.connections.http import give_up_after, hang_up
from tests.patience import LIMIT_S


async def pair() -> tuple[asyncio.Transport, socket.socket]:
    ours, theirs = _loopback()
    ours.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    return transport, theirs


def _loopback() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        return listener.accept()[0], theirs


async def test_hanging_up_resets_the_connection_and_may_be_done_twice() -> None:
    transport, theirs = await pair()
    with theirs:
        theirs.settimeout(LIMIT_S)
        hang_up(transport)
        await asyncio.sleep(0)
        hang_up(transport)
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(theirs.recv, 1)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system cannot be told")
async def test_the_kernel_is_told_how_long_to_wait_for_a_sign_of_life() -> None:
    transport, theirs = await pair()
    with theirs:
        ours = transport.get_extra_info("socket")
        give_up_after(transport, 30)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        give_up_after(transport, 10_000_000)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2**31 - 1
        hang_up(transport)
        await asyncio.sleep(0)
        give_up_after(transport, 30)
