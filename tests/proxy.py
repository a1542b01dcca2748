"""A line between somebody and a port of this machine that can be cut, slowed down, held up and half-opened."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from tests.patience import LIMIT_S

_CHUNK_BYTES: Final = 64 * 1024


class Proxy:
    """Passes bytes both ways between its own port and one of `targets`, as long as it is not told otherwise.

    Connections go to one target after the other; where nobody listens, to the next.
    """

    def __init__(self, *targets: int) -> None:
        self.targets: Sequence[int] = targets
        self.port = 0
        self.delay_s = 0.0
        """How late every piece arrives."""
        self.flows = asyncio.Event()
        """Unset while everything is held up."""
        self.flows.set()
        self._refuses = False
        self._deaf = False
        self._turn = 0
        self._lines: dict[_Line, asyncio.Task[None]] = {}

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._refuses = True
        self.drop()

    def drop(self) -> None:
        """Break every connection; new ones are welcome."""
        for line in tuple(self._lines):
            line.abort()

    def hold(self) -> None:
        """Let nothing through, and tell nobody. What was sent meanwhile arrives after the healing, as TCP sends again.

        New connections are made, and no byte gets through them.
        """
        self.flows.clear()

    def half_open(self) -> None:
        """From now on nothing passes, and nobody is told. What is open now stays so for ever."""
        self._deaf = True
        for line in self._lines:
            line.deaf = True

    def heal(self) -> None:
        """Let new connections through, at once, and what was held up. Those that were half open stay it."""
        self._refuses = self._deaf = False
        self.delay_s = 0.0
        self.flows.set()

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

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next target at which somebody listens. Raises `OSError` where nobody does."""
        self._turn += 1
        first = self._turn % len(self.targets) if self.targets else 0
        for target in (*self.targets[first:], *self.targets[:first]):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", target)
        raise ConnectionRefusedError("nobody listens at any target")

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
            server, writer = await self._proxy.connect()
            self._writers.append(writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client, writer))
                group.create_task(self._pump(server, self._writers[0]))
        except OSError:
            pass  # nobody listens: the client sees its connection end
        finally:
            self.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(_CHUNK_BYTES):
                if self._proxy.delay_s:
                    await asyncio.sleep(self._proxy.delay_s)
                await self._proxy.flows.wait()
                if not self.deaf:
                    sink.write(piece)
                    await sink.drain()
        except OSError:
            pass  # the other side is told below
        await self._proxy.flows.wait()
        if not self.deaf:
            self.abort()


@asynccontextmanager
async def proxy(*targets: int) -> AsyncIterator[Proxy]:
    """A proxy in front of ports of this machine."""
    carrier = Proxy(*targets)
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
