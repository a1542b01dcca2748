"""The peers that are Python: `python -m benchmarks.gateway.loops NAME FRAME_FILE`, on uvloop, as sandik is.

Each prints its port; each line on standard input is one round, and the end of it ends the program.

- `loop`: prebuilt bytes written to every transport with nothing else. No protocol: the limit for any Python server.
- `broadcast`: `websockets.serve` and its `broadcast()` of one ready string, without compression.
- `broadcast-deflate`: the same as it comes, with compression negotiated; for memory.

`FRAME_FILE` holds the round's messages as frames: `loop` writes it whole, `broadcast` sends message by message.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, cast

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.gateway.handshake import GREETING
from sandik.process import calm_garbage_collector

BACKLOG: Final = 4_096
Send = Callable[[], None]


async def loop(frames: bytes) -> tuple[int, Send]:
    """Listen, bare."""
    transports: list[asyncio.Transport] = []

    class Bare(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = cast("asyncio.Transport", transport)
            accepted.write(GREETING)
            transports.append(accepted)

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
            transports.clear()  # they leave together, at the end

    def send() -> None:
        for transport in transports:
            transport.write(frames)

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=BACKLOG)
    return int(server.sockets[0].getsockname()[1]), send


async def broadcasting(frames: bytes, *, compression: str | None) -> tuple[int, Send]:
    """Listen with `websockets`."""
    connections: set[ServerConnection] = set()
    texts = messages(frames)

    async def keep(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    def send() -> None:
        for text in texts:
            broadcast(connections, text)

    server = await serve(keep, "127.0.0.1", 0, backlog=BACKLOG, compression=compression, ping_interval=None)
    return int(next(iter(server.sockets)).getsockname()[1]), send


def messages(frames: bytes) -> list[str]:
    """The messages in a row of unmasked frames."""
    found = []
    at = 0
    while at < len(frames):
        head, length = at + 2, frames[at + 1]
        if length >= 126:
            head += 2 if length == 126 else 8
            length = int.from_bytes(frames[at + 2 : head], "big")
        found.append(frames[head : head + length].decode())
        at = head + length
    return found


KINDS: Final[dict[str, Callable[[bytes], Awaitable[tuple[int, Send]]]]] = {
    "loop": loop,
    "broadcast": partial(broadcasting, compression=None),
    "broadcast-deflate": partial(broadcasting, compression="deflate"),
}


async def _serve(kind: str, frames: bytes) -> None:
    calm_garbage_collector()
    port, send = await KINDS[kind](frames)
    ended = asyncio.Event()

    def take_orders() -> None:
        orders = os.read(0, 256)
        for _ in range(orders.count(b"\n")):
            send()
        if not orders:
            ended.set()

    asyncio.get_running_loop().add_reader(0, take_orders)
    print(port, flush=True)
    await ended.wait()
    os._exit(0)  # ten thousand goodbyes are of no interest


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2]).read_bytes()))
