import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.connections.http import give_up_after, hang_up
from tests.gateway.attackers import OPENING, attacked, frame, rest
from tests.gateway.gateways import FAST, get, night, running
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


PLAIN = OPENING + b"\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("cut", [1, len("GET /v1/stream"), len(OPENING), len(PLAIN) - 1])
async def test_a_request_that_comes_in_pieces_is_answered_like_one_that_comes_whole(tmp_path: Path, cut: int) -> None:
    """But for the moment at which they are answered."""
    async with attacked(tmp_path, FAST) as (gateway, reader, writer):
        writer.write(PLAIN)
        whole = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
        again, writes = await asyncio.open_connection("127.0.0.1", gateway.port)
        writes.write(PLAIN[:cut])
        await writes.drain()
        await asyncio.wait_for(reader.readuntil(b'"type":"hello"'), LIMIT_S)
        writes.write(PLAIN[cut:])
        apart = await asyncio.wait_for(again.readuntil(b"\r\n\r\n"), LIMIT_S)
        assert [line for line in apart.split(b"\r\n") if not line.startswith(b"Date")] == [
            line for line in whole.split(b"\r\n") if not line.startswith(b"Date")
        ]
        await asyncio.wait_for(again.readuntil(b'"type":"hello"'), LIMIT_S)
        writes.transport.abort()


@pytest.mark.parametrize("first", [b"", HEALTH])
@pytest.mark.parametrize("cut", [0, 1, 7])
async def test_what_follows_a_request_to_upgrade_in_its_packet_is_heard(tmp_path: Path, first: bytes, cut: int) -> None:
    """It was dropped: who subscribed without waiting for the answer was greeted, and then shown nothing for ever.

    Also where a request over HTTP came before, on the same connection, and where a part of it comes later.
    """
    ask = frame(b'{"type":"subscribe","id":"s1","contest":"mayor","units":["tr"],"source":"aa"}')
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        if first:
            writer.write(first)
            await asyncio.wait_for(reader.readuntil(b"}"), LIMIT_S)
        writer.write(PLAIN + ask[: len(ask) - cut])
        await asyncio.wait_for(reader.readuntil(b'"type":"state"'), LIMIT_S)
        writer.write(ask[len(ask) - cut :])
        await asyncio.wait_for(reader.readuntil(b'"type":"snapshot"'), LIMIT_S)


async def test_what_follows_a_request_to_upgrade_that_is_refused_is_not_answered(tmp_path: Path) -> None:
    async with attacked(tmp_path, FAST) as (_, reader, writer):
        writer.write(PLAIN.replace(b"/v1/stream", b"/v1/nothing") + frame(b"", 0x89))
        assert (await rest(reader)).endswith(b'"unknown_path"}')


async def test_who_says_nothing_is_cut_off(tmp_path: Path) -> None:
    async with attacked(tmp_path, replace(FAST, open_timeout_s=0.1)) as (_, reader, _writer):
        assert await rest(reader) == b""


async def test_who_has_said_nothing_holds_up_no_end_of_the_server(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log, settings=FAST) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        await get(gateway, "/healthz")  # who came before is there by now
        gateway.stop()
        assert await rest(reader) == b""
        writer.close()
