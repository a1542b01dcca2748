"""Serving: uvicorn on one port, its WebSocket side ours, beside the loops that follow the log.

Several workers may be behind one port. The kernel deals connections out among them, so a scrape reaches one of them,
and another one the next time: whichever is asked at `/metrics` asks the others. Each listens at a Unix socket in a
folder that only they can open. A worker that does not answer is told as down, and keeps nobody waiting for long.
Whether it may be told what counts the night, each worker decides for itself.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, cast

from starlette.applications import Starlette
from uvicorn import Config, Server

from eventlog.clock import Clock
from eventlog.loops import forever
from eventlog.port import EventLog
from eventlog.run import check_run_name
from gateway.admission.access import PUBLIC, Grant
from gateway.admission.keys import tls_context
from gateway.connections.http import OpeningConnection
from gateway.connections.websocket import WebSocketConnection
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from gateway.health import workers_up
from gateway.pages import PAGES
from gateway.recall import Moments, NightSoFar, recall
from gateway.routes.application import application
from gateway.routes.boundaries import Boundaries
from gateway.settings import GatewaySettings
from schemas.errors import LoopEnded, UsageError

_DATE_S: Final = 1.0
"""How often the date in the headers of answers is made anew: its unit."""


async def serve(  # noqa: PLR0913  what a server stands on, and each is somebody else's to choose
    log: EventLog,
    run_name: str,
    *,
    host: str,
    port: int,
    clock: Clock,
    settings: GatewaySettings | None = None,
    started: Callable[[int], None] = lambda _: None,
    pages: Path = PAGES,
    moments: Moments | None = None,
    boundaries: Boundaries | None = None,
    night_so_far: NightSoFar | None = None,
) -> None:
    """Serve the run until cancelled; then let the clients go in batches, the last of them too, and return.

    `port` 0 takes a free one; `started` is called with the actual port once connections are accepted. `moments`
    works out what was shown before, for whoever asks; `boundaries` are the districts' outlines for the map, which
    draws equal tiles without; `night_so_far` is where the lead over time of before this start comes from. The run
    may come later. Raises `UsageError` where the name cannot be a run's or the address cannot be listened at, and
    `LoopEnded` where the server or a loop of its own ends by itself.
    """
    check_run_name(run_name)
    gateway = Gateway(run_name, clock=clock, settings=settings or GatewaySettings())
    worker_metrics = _worker_metrics(gateway)
    config = _config(
        application(gateway, pages, moments, boundaries, log, worker_metrics.scrape if worker_metrics else None),
        gateway,
    )
    listener = _listen(host, port, gateway.settings)
    server = _EmbeddedServer(config, partial(started, listener.getsockname()[1]))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(follow(log, gateway, clock), "Following the log"))
            group.create_task(forever(pulse(gateway, clock), "Sending"))
            group.create_task(forever(watch(gateway, clock), "Watching the clients"))
            if night_so_far is not None:
                group.create_task(forever(recall(gateway, night_so_far, clock), "Recalling the night so far"))
            if worker_metrics is not None:
                group.create_task(forever(worker_metrics.serve(clock), "Answering the other workers"))
            try:
                await asyncio.wait({serving})
                raise LoopEnded("The HTTP server", "it stopped serving")
            finally:
                if gateway.settings.share_port:  # the kernel then deals new connections to the other workers
                    server.stop_listening()
                await _let_go(gateway, clock)
    finally:
        try:
            await _end(server, serving)
        finally:
            listener.close()  # where it ended before it began, nobody else did
            for connection in list(server.server_state.connections):
                connection.transport.abort()


def _worker_metrics(gateway: Gateway) -> "WorkerMetrics | None":
    settings = gateway.settings
    if settings.worker_folder is None:
        return None
    return WorkerMetrics(
        settings.worker_folder, gateway.run_name, settings.worker, settings.workers, gateway.exposed_to
    )


async def _let_go(gateway: Gateway, clock: Clock) -> None:
    """Send the clients away, batch by batch; who still has to wait for that is served meanwhile."""
    batches = gateway.retire()
    leaving = sum(map(len, batches))
    for number, batch in enumerate(batches):
        if number:
            await clock.sleep(gateway.settings.drain_s / len(batches))
        gateway.broadcaster.dismiss(batch, leaving=leaving)


async def _end(server: "_EmbeddedServer", serving: asyncio.Task[None]) -> None:
    """End uvicorn in good order, also if that is interrupted: then without waiting for who is still there."""
    server.end()
    while not serving.done():
        try:
            await asyncio.wait({serving})
        except asyncio.CancelledError:
            server.force_exit = True
    serving.result()


class _EmbeddedServer(Server):
    """uvicorn inside somebody else's event loop: signals are the caller's, and so is the news that it started."""

    def __init__(self, config: Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_started()

    async def main_loop(self) -> None:
        """Keep the date of answers as uvicorn does, which wakes ten times a second to see whether it is to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_S):
                    await self._ending.wait()

    def end(self) -> None:
        """End in good order."""
        self.should_exit = True
        self._ending.set()

    def stop_listening(self) -> None:
        """Take no new connections; those that are there stay."""
        for server in getattr(self, "servers", ()):  # it has none before it has begun
            server.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Starlette, gateway: Gateway) -> Config:
    config = Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(OpeningConnection, gateway)),
        ws=cast("type[asyncio.Protocol]", partial(WebSocketConnection, gateway)),
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whom to believe is for the handshake to say: uvicorn believes every neighbour
        server_header=False,
        timeout_keep_alive=gateway.settings.keep_alive_s,
        timeout_graceful_shutdown=gateway.settings.drain_s,
    )
    config.load()
    config.ssl = tls_context(gateway.settings.tls) if gateway.settings.tls else None
    return config


def _listen(host: str, port: int, settings: GatewaySettings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if settings.share_port:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.kernel_send_bytes)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(
            f"Cannot listen at {host}:{port}: {error.strerror}. Choose another --port, or 0 for a free one."
        ) from error
    listener.setblocking(False)  # noqa: FBT003  the socket module's own
    return listener


ANSWER_S: Final = 1.0
"""How long a worker may take to answer another one: twenty ticks, and a tenth of the time that a scrape has."""

AGAIN_S: Final = 30.0
"""When to try again to listen for the others: twice in the time in which an alert of a worker that is down fires."""

_CONTROL_ROOM: Final = b"c"
_PUBLIC: Final = b"p"
"""The whole of a question: for whom the answer is."""


_log: Final = logging.getLogger(__name__)


class WorkerMetrics:
    """One worker among those of a port. `expose` gives its own metrics to whoever has a grant."""

    def __init__(self, folder: Path, run: str, number: int, count: int, expose: Callable[[Grant], bytes]) -> None:
        self._folder = folder
        self._run = run
        self._number = number
        self._count = count
        self._expose = expose

    async def serve(self, clock: Clock) -> NoReturn:
        """Answer the other workers until cancelled.

        Where the socket cannot be made (the path is too long, the disk is full), the log says so and it is tried again:
        viewers are served meanwhile, and the others tell this worker as down.
        """
        while True:
            try:
                await self._listen()
            except OSError as error:
                _log.warning("The other workers cannot ask this one for its metrics: %s", error)
            await clock.sleep(AGAIN_S)

    async def _listen(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleared the folder of temporary files
        path = self._path(self._number)
        path.unlink(missing_ok=True)  # of a worker of this number that has died
        server = await asyncio.start_unix_server(self._answer, path)
        async with server:
            await server.serve_forever()

    async def scrape(self, grant: Grant) -> bytes:
        """The metrics of all workers, those of each metric together as the text format has it."""
        others = [number for number in range(1, self._count + 1) if number != self._number]
        question = _CONTROL_ROOM if grant.allows("control_room") else _PUBLIC
        answers = await asyncio.gather(*(self._ask(number, question) for number in others))
        found = {number: answer for number, answer in zip(others, answers, strict=True) if answer is not None}
        found[self._number] = self._expose(grant)
        is_up = {number: number in found for number in range(1, self._count + 1)}
        return merged([*(found[number] for number in sorted(found)), workers_up(self._run, is_up)])

    async def _ask(self, number: int, question: bytes) -> bytes | None:
        """What another worker answers; `None` where it does not."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    writer.write(question)
                    return await reader.read() or None
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                question = await reader.read(1)
                writer.write(self._expose(Grant(scope="control_room") if question == _CONTROL_ROOM else PUBLIC))
                await writer.drain()
        except (OSError, TimeoutError):  # who asked has gone
            return
        finally:
            writer.close()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"


def merged(texts: Iterable[bytes]) -> bytes:
    """Several answers as one: the samples of each metric together, behind its one description."""
    families: dict[bytes, list[bytes]] = {}
    for text in texts:
        name = b""
        for line in text.splitlines():
            if line.startswith(b"# HELP "):
                name = line.split(b" ", 3)[2]
            lines = families.setdefault(name, [])
            if not line.startswith(b"#") or line not in lines:
                lines.append(line)
    return b"".join(line + b"\n" for lines in families.values() for line in lines)
