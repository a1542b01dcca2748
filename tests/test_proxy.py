"""The line that tests put between two of their parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.proxy import Proxy, proxy


@asynccontextmanager
async def echo(says: bytes = b"") -> AsyncIterator[int]:
    """A server that says something, and then what it is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        while piece := await reader.read(100):
            writer.write(piece)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def connected(line: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield reader, writer
    finally:
        writer.transport.abort()


async def ends(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends, in whichever way, before anything more comes."""
    try:
        return await reader.read(100) == b""
    except ConnectionError:
        return True


async def test_what_was_held_up_arrives_after_the_healing_on_the_same_connection() -> None:
    async with echo() as port, proxy(port) as line, connected(line) as (reader, writer):
        line.hold()
        writer.write(b"first")
        held = asyncio.create_task(reader.read(100))
        async with connected(line) as (_, other):
            other.write(b"somebody")
            await other.drain()
        assert not held.done()
        line.heal()

        assert await held == b"first"


async def test_a_connection_that_is_cut_ends_and_the_next_one_is_refused_until_the_healing() -> None:
    async with echo() as port, proxy(port) as line, connected(line) as (reader, writer):
        writer.write(b"first")
        assert await reader.read(100) == b"first"
        line.cut()
        assert await ends(reader)
        async with connected(line) as (refused, _):
            assert await ends(refused)
        line.heal()
        async with connected(line) as (again, writes):
            writes.write(b"again")
            assert await again.read(100) == b"again"


async def test_connections_go_to_the_targets_in_turn_and_past_one_that_is_away() -> None:
    async with echo(b"one") as one, echo(b"two") as two, proxy(one, free_port(), two) as line:
        heard = set()
        for _ in range(3):
            async with connected(line) as (reader, _):
                heard.add(await reader.read(100))

    assert heard == {b"one", b"two"}


async def test_where_nobody_listens_the_connection_ends() -> None:
    async with proxy() as line, connected(line) as (reader, _):
        assert await ends(reader)
