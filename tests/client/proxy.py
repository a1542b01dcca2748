"""A line between a client and a gateway that can be cut, slowed down and half-opened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.patience import LIMIT_S

_CHUNK_BYTES: Final = 64 * 1024


class Proxy:
    """Passes bytes both ways between its own port and `target`, as long as it is not told otherwise."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay_s = 0.0
        """How late every piece arrives."""
        self._refuses = False
        self._deaf = False
        self._lines: dict[_Line, asyncio.Task[None]] = {}

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._refuses = True
        self.drop()

    def drop(self) -> None:
        """Break every connection; new ones are welcome."""
        for line in tuple(self._lines):
            line.abort()

    def half_open(self) -> None:
        """From now on nothing passes, and nobody is told. What is open now stays so for ever."""
        self._deaf = True
        for line in self._lines:
            line.deaf = True

    def heal(self) -> None:
        """Let new connections through, at once. Those that were half open stay it."""
        self._refuses = self._deaf = False
        self.delay_s = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        line = _Line(self, writer)
        if self._refuses:
            line.abort()
            return
        task = asyncio.current_task()
        if task is not None:
            self._lines[line] = task
        try:
            await line.carry(reader)
        finally:
            self._lines.pop(line, None)

    async def end(self) -> None:
        """Break everything, and wait until it is over."""
        tasks = tuple(self._lines.values())
        self.cut()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LIMIT_S)


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.deaf = proxy._deaf
        self._proxy = proxy
        self._writers = [client]

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def carry(self, client: asyncio.StreamReader) -> None:
        try:
            gateway, writer = await asyncio.open_connection("127.0.0.1", self._proxy.target)
            self._writers.append(writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client, writer))
                group.create_task(self._pump(gateway, self._writers[0]))
        except OSError:
            pass  # no gateway: the client sees its connection end
        finally:
            self.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(_CHUNK_BYTES):
                await asyncio.sleep(self._proxy.delay_s)
                if not self.deaf:
                    sink.write(piece)
                    await sink.drain()
        except OSError:
            pass  # the other side is told below
        if not self.deaf:
            self.abort()


@asynccontextmanager
async def proxy(target: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine."""
    carrier = Proxy(target)
    server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0)
    carrier.port = server.sockets[0].getsockname()[1]
    try:
        yield carrier
    finally:
        server.close()
        await carrier.end()
        for _ in range(3):  # who was accepted at the very last comes to `serve`, and is refused there
            await asyncio.sleep(0)
        async with asyncio.timeout(LIMIT_S):
            await server.wait_closed()
