"""One process of clients: connects them on the ramp's schedule, lets some stall, and reports once a second."""

import asyncio
import contextlib
import logging
import signal
import ssl
from itertools import count
from multiprocessing.connection import Connection as Pipe
from typing import Final

import uvloop
from websockets.uri import WebSocketURI

from eventlog.clock import Clock, Wall
from eventlog.loops import forever
from producers.chance import Chance, seeded
from sandik.client.night import Retry, may_reconnect
from sandik.load.clients import Client, LoadClients
from sandik.load.connection import (
    Address,
    Connection,
    Handshake,
    Refused,
    allow_clients,
    open_socket,
    reason,
    resolve,
    stream_uri,
)
from sandik.load.outcome import MICROSECONDS, Piece
from sandik.load.plan import PIECE_S, Begin, Done, Plan, Ready, Stop
from sandik.process import PipeClosed, PipeEnd, calm_garbage_collector, cpu_s
from schemas.errors import SandikError

OPEN_TIMEOUT_S: Final = 10.0
"""How long one attempt to open may take: the gateway's own limit for the request."""

_RETRY: Final = Retry(longest_s=5.0)
"""Before connecting again, a pause as every client of ours makes it.

No longer than half of the grace that there is at the end by default: a client that waits must not look like one lost.
"""

_LAG_EVERY_S: Final = 0.02
"""How often this process looks how late it is."""

_LOOK_EVERY_S: Final = 0.05
"""How often it looks whether everybody has caught up."""

_GOODBYE_S: Final = 0.2
"""For close frames to leave."""


def work(plan: Plan, process: int, pipe: "Pipe[object, object]") -> None:
    """Be the `process`-th of the plan's processes: every so many-th client is this one's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the conductor says when to end
    logging.disable(logging.CRITICAL)  # what goes wrong is counted
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_work(plan, process, pipe))
        except* PipeClosed:
            pass  # nobody is left to report to


async def _work(plan: Plan, process: int, pipe: "Pipe[object, object]") -> None:
    began_cpu_s = cpu_s()
    with PipeEnd(pipe) as channel:
        try:
            worker = Worker(plan, range(process, plan.clients, plan.processes), Wall(), channel)
            calm_garbage_collector()
            await worker.run()
        except SandikError as error:
            channel.send(Done(cpu_s() - began_cpu_s, str(error)))
            return
        channel.send(Done(cpu_s() - began_cpu_s))


class Worker:
    """The clients of one process, in one event loop."""

    def __init__(self, plan: Plan, numbers: range, clock: Clock, channel: PipeEnd) -> None:
        allow_clients(len(numbers))
        self._plan = plan
        self._clock = clock
        self._channel = channel
        self._load_clients = LoadClients(plan, numbers)
        self._uri: WebSocketURI = stream_uri(plan.url)
        self._address: Address = resolve(self._uri.host, self._uri.port)
        self._tls = ssl.create_default_context() if self._uri.secure else None
        self._chance: Chance = seeded(plan.seed, "retries", numbers.start)
        self._connections: dict[Client, Connection] = {}
        self._end = asyncio.Event()
        self._end_s = plan.end_s
        self._stalled = False
        self._finishing = False
        self._finished = False
        self._group = asyncio.TaskGroup()
        self._opening: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Everything from the first connection to the last report."""
        self._channel.send(Ready())
        begin = await self._channel.receive()
        if not isinstance(begin, Begin):
            raise PipeClosed
        self._load_clients.began = begin.at
        async with self._group as group:
            tasks = [
                group.create_task(one)
                for one in (
                    *(self._open_all(), self._stall()),
                    forever(self._listen(), "Listening to the conductor"),
                    forever(self._report(), "Reporting"),
                    forever(self._look_at_lag(), "Looking at the lag"),
                )
            ]
            await self._until_end()
            await self._finish()
            self._finished = True
            for task in (*tasks, *self._opening):
                task.cancel()
        self._load_clients.close_books(self._end_s)
        self._channel.send(self._piece())

    # Connecting

    async def _open_all(self) -> None:
        for client in self._load_clients.clients:
            await self._sleep_until(client.due_s)
            self._begin_to_open(client)

    def _begin_to_open(self, client: Client, after_s: float = 0.0) -> None:
        task = self._group.create_task(self._open(client, after_s))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, client: Client, after_s: float) -> None:
        """Open a connection for the client, however many attempts it takes."""
        await self._clock.sleep(after_s)
        for failures in count():
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    await self._connect(client)
                break
            except (OSError, TimeoutError, Refused) as error:
                self._load_clients.figures.refused[reason(error)] += 1
            await self._clock.sleep(_RETRY.delay_s(failures, self._chance.random))
        self._load_clients.figures.opened += 1
        if not client.joined and client.lost_at is None:
            since_due_s = self._elapsed() - client.due_s
            self._load_clients.figures.opening.record(round(since_due_s * MICROSECONDS))

    async def _connect(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(
            client, self._load_clients, Handshake(self._uri, self._plan.token), self._clock.monotonic, self._lost
        )
        made = open_socket(self._address, client.number, stalls=client.stalls)
        try:
            await loop.sock_connect(made, self._address[1])
            await loop.create_connection(
                lambda: connection, sock=made, ssl=self._tls, server_hostname=self._uri.host if self._tls else None
            )
        except BaseException:
            made.close()
            raise
        try:
            await connection.opened
        except BaseException:
            connection.abort()
            raise
        self._connections[client] = connection

    def _lost(self, client: Client, code: int) -> None:
        """An open connection ended: come back with the cursor, unless told not to."""
        self._connections.pop(client, None)
        if self._finished:
            return
        self._load_clients.figures.closes[code] += 1
        if not may_reconnect(code):
            self._load_clients.figures.fault("error", f"sent away with close code {code}")
            return
        self._load_clients.lose(client, self._clock.monotonic())
        self._load_clients.figures.reconnects += 1
        asked_s, client.retry_after_s = client.retry_after_s, None
        self._begin_to_open(client, _RETRY.delay_s(0, self._chance.random) if asked_s is None else asked_s)

    # Stalling

    async def _stall(self) -> None:
        """Let the stalled clients stop reading from the end of the ramp on, in cycles if the plan has them."""
        await self._sleep_until(self._plan.ramp_s)
        cycle_s = self._plan.stalling.cycle_s
        while not self._finishing:
            self._stalled = True
            for client, connection in self._connections.items():
                if client.stalls and client.joined:
                    connection.pause()
            await self._clock.sleep(cycle_s or self._plan.duration_s)
            self._resume()
            await self._clock.sleep(cycle_s or self._plan.duration_s)

    def _resume(self) -> None:
        if not self._stalled:
            return
        self._stalled = False
        now = self._clock.monotonic()
        for client in self._load_clients.clients:
            if client.stalls and client.joined:
                self._load_clients.resume(client, now)
                if client in self._connections:
                    self._connections[client].resume()

    # The end

    async def _until_end(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._plan.end_s - self._elapsed())):
                await self._end.wait()

    async def _finish(self) -> None:
        """Let everybody catch up, for as long as the plan allows, and say goodbye."""
        self._finishing = True
        self._resume()
        deadline_s = self._elapsed() + self._plan.grace_s
        while self._load_clients.behind(self._end_s) and self._elapsed() < deadline_s:
            await self._clock.sleep(_LOOK_EVERY_S)
        self._finished = True
        for connection in list(self._connections.values()):
            connection.leave()
        await self._clock.sleep(_GOODBYE_S)
        for connection in list(self._connections.values()):
            connection.abort()

    # Talking to the conductor

    async def _listen(self) -> None:
        while True:
            message = await self._channel.receive()
            if isinstance(message, Stop):
                self._end_s = min(message.at_s, self._end_s)
                self._end.set()

    async def _report(self) -> None:
        while True:
            await self._sleep_until(int(self._elapsed() / PIECE_S + 1) * PIECE_S)
            self._channel.send(self._piece())

    def _piece(self) -> Piece:
        second = max(0, round(self._elapsed() / PIECE_S) - 1)
        return Piece(second, len(self._connections), self._load_clients.flush())

    async def _look_at_lag(self) -> None:
        while True:
            due = self._clock.monotonic() + _LAG_EVERY_S
            await self._clock.sleep(_LAG_EVERY_S)
            self._load_clients.figures.own_lag.record(round((self._clock.monotonic() - due) * MICROSECONDS))

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._load_clients.began

    async def _sleep_until(self, elapsed_s: float) -> None:
        await self._clock.sleep(elapsed_s - self._elapsed())
