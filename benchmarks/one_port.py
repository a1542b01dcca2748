"""What one port costs: memory per idle connection and CPU per frame, side by side with the bare loop and with peers.

    python -m benchmarks.one_port [--clients 2000] [--rounds 30] [--repeats 3]

Each server runs in a process of its own, on uvloop; the clients are plain sockets in this one. A round is one message
to every client; the CPU counted is the server process's own, so waiting and the clients cost nothing. The servers:

- `bare`: prebuilt bytes written to the same kind of sockets, with nothing else: no protocol, no cursor, the limit.
- `sandik`: a record folded, the delta encoded and framed once, written to all; subscriptions, cursors and HTTP on.
- `sandik, deflate`: the same for clients that negotiated compression: one compressed frame, shared.
- `broadcast`: `websockets.serve` and its `broadcast()`, of one ready string, without compression.
- `broadcast, deflate`: the same as it comes, with compression negotiated; for memory.
"""

import argparse
import asyncio
import gc
import multiprocessing
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

import uvicorn
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websockets

from eventlog.clock import Wall
from eventlog.run import Run, RunTopics
from gateway.clients.framing import Framing, text_frame
from gateway.connections.http import OpeningConnection
from gateway.connections.websocket import WebSocketConnection
from gateway.gateway import Gateway
from gateway.routes.application import application
from gateway.settings import GatewaySettings
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.totals import Totals

CLIENTS: Final = 2_000
ROUNDS: Final = 30
REPEATS: Final = 3
LIMIT_S: Final = 30
CANDIDATES: Final = 10
"""Candidates whose votes change in a round: a delta of about 300 bytes, a busy province's."""

HANDSHAKE: Final = (
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{}\r\n"
)
DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
SUBSCRIBE: Final = b'{"type":"subscribe","id":"s1","contest":"mayor","units":["tr/34"],"source":"aa"}'


class Wire(Protocol):
    """A server under measurement: it listens, counts its clients, and sends a round to all of them."""

    async def listen(self) -> int: ...
    def clients(self) -> int: ...
    def send(self) -> int:
        """Send one message to every client; its size in bytes."""
        ...


class Bare(asyncio.Protocol):
    """Answers whatever comes with a handshake's worth of nothing, and then is written to."""

    transports: Final[list[asyncio.Transport]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(cast("asyncio.Transport", transport))


class BareServer:
    """Prebuilt bytes to every transport."""

    async def listen(self) -> int:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=4_096)
        return int(server.sockets[0].getsockname()[1])

    def clients(self) -> int:
        return len(Bare.transports)

    def send(self) -> int:
        for transport in Bare.transports:
            transport.write(FRAME)
        return len(FRAME)


class SandikServer:
    """The gateway, its view fed by hand."""

    def __init__(self) -> None:
        self._gateway = Gateway("bench", clock=Wall(), settings=GatewaySettings())
        self._rounds = 0

    async def listen(self) -> int:
        self._gateway.begin(Run(RunTopics("bench"), "test", "bench", election()))
        self._gateway.caught_up()
        listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        config = uvicorn.Config(
            application(self._gateway),
            http=partial(OpeningConnection, self._gateway),  # type: ignore[arg-type]  # a factory is all that is needed
            ws=partial(WebSocketConnection, self._gateway),  # type: ignore[arg-type]
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        self._serving = asyncio.create_task(uvicorn.Server(config).serve(sockets=[listener]))
        return int(listener.getsockname()[1])

    def clients(self) -> int:
        self._gateway.turn()
        run_state = self._gateway.run_state
        return sum(topic.followers for topic in run_state.hub._topics.values()) if run_state else 0  # noqa: SLF001  no other way to count

    def send(self) -> int:
        self._rounds += 1
        self._gateway.fold([Written(self._rounds, totals(self._rounds).encode())])
        self._gateway.turn()
        return len(FRAME)


class BroadcastServer:
    """`websockets.serve`, as it is with or without compression."""

    def __init__(self, compression: str | None) -> None:
        self._compression = compression
        self._connections: set[ServerConnection] = set()

    async def listen(self) -> int:
        server = await serve_websockets(
            self._keep, "127.0.0.1", 0, backlog=4_096, compression=self._compression, ping_interval=None
        )
        return int(next(iter(server.sockets)).getsockname()[1])

    async def _keep(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        await connection.wait_closed()

    def clients(self) -> int:
        return len(self._connections)

    def send(self) -> int:
        broadcast(self._connections, TEXT)
        return len(FRAME)


class Written(NamedTuple):
    """A record of the totals topic."""

    offset: int
    value: bytes | None
    timestamp: int = 0
    key: bytes | None = None


def election() -> Election:
    """One province with one district."""
    names = tuple(Candidate(id=f"candidate_{number:02}", name=f"Candidate {number}") for number in range(CANDIDATES))
    return Election(
        id="bench",
        name="Bench",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id="aa", name="AA"),),
        contests=(Contest(id="mayor", name="Mayor", candidates=names),),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            Unit(id="tr/34", level="province", name="İstanbul", parent="tr"),
            Unit(id="tr/34/uskudar", level="district", name="Üsküdar", parent="tr/34", boxes=((1, 1_000),)),
        ),
    )


def totals(version: int) -> Totals:
    """Figures that all differ from those of the version before."""
    votes = {f"candidate_{number:02}": 10_000 + 10 * version + number for number in range(CANDIDATES)}
    cast = sum(votes.values())
    return Totals(
        contest="mayor",
        source="aa",
        district="tr/34/uskudar",
        version=version,
        as_of=datetime(2024, 3, 31, 18, 0, version % 60, tzinfo=UTC),
        boxes_opened=100 + version,
        annulled=0,
        registered=350 * (100 + version),
        cast=cast,
        valid=cast,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


def _delta() -> bytes:
    """The delta that the gateway sends in a round, so that the others send as many bytes."""
    gateway = SandikServer()._gateway  # noqa: SLF001
    gateway.begin(Run(RunTopics("bench"), "test", "bench", election()))
    gateway.caught_up()
    sent: list[bytes] = []

    class Listener:
        framing = Framing.PLAIN

        def send(self, data: bytes, /) -> None:
            sent.append(data)

        def unsent_bytes(self) -> int:
            return 0

        def close(self, code: int, reason: str) -> None: ...
        def check(self, news: bytes) -> None: ...

    listener = Listener()
    gateway.broadcaster.connect(listener)
    gateway.broadcaster.receive(listener, SUBSCRIBE.decode())
    for version in (1, 2):
        gateway.fold([Written(version, totals(version).encode())])
        gateway.turn()
    return sent[-1][4:]


TEXT: Final = _delta().decode()
FRAME: Final = text_frame(TEXT.encode())
SERVERS: Final[dict[str, Callable[[], Wire]]] = {
    "bare": BareServer,
    "sandik": SandikServer,
    "sandik, deflate": SandikServer,
    "broadcast": partial(BroadcastServer, None),
    "broadcast, deflate": partial(BroadcastServer, "deflate"),
}


def _resident_kb() -> int:
    gc.collect()
    return next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )


async def _serve(name: str, orders: Pipe) -> None:
    server = SERVERS[name]()
    orders.send(await server.listen())
    before_kb = await _settled_kb()
    for order in iter(partial(_next, orders), None):
        clients, rounds = await order
        if rounds == 0:
            return
        await _until(lambda wanted=clients: server.clients() >= wanted)  # type: ignore[misc]  # bound per order
        resident_kb = await _settled_kb() - before_kb
        orders.send((resident_kb / clients, await _cpu_us(server, clients, rounds)))


async def _settled_kb() -> int:
    await asyncio.sleep(0.3)
    return _resident_kb()


async def _next(orders: Pipe) -> tuple[int, int]:
    found: tuple[int, int] = await asyncio.to_thread(orders.recv)
    return found


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  peers announce their clients in ways of their own
            await asyncio.sleep(0.01)


async def _cpu_us(server: Wire, clients: int, rounds: int) -> float:
    used_s = 0.0
    for _ in range(rounds):
        began_s = time.process_time()
        server.send()
        await asyncio.sleep(0)
        used_s += time.process_time() - began_s
        await asyncio.sleep(0.03)  # the clients read
    return used_s / (rounds * clients) * 1e6


def _serve_in_process(name: str, orders: Pipe) -> None:
    uvloop.run(_serve(name, orders))


def _connect(port: int, *, name: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
    client.sendall(HANDSHAKE.format(DEFLATE if "deflate" in name else "").encode())
    if name != "bare":
        received = b""
        while b"\r\n\r\n" not in received:
            received += client.recv(4_096)
    if "sandik" in name:
        client.sendall(bytes([0x81, 0x80 | len(SUBSCRIBE)]) + bytes(4) + SUBSCRIBE)
    client.setblocking(False)  # noqa: FBT003  the socket module's own
    return client


def _drain(clients: list[socket.socket], stop: threading.Event) -> None:
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while not stop.is_set():
            for key, _ in selector.select(0.05):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.recv(1 << 16)


def measure(name: str, clients: int, rounds: int) -> tuple[float, float]:
    """KB resident per connection and CPU µs per frame of one server."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve_in_process, args=(name, theirs), daemon=True)
    server.start()
    stop = threading.Event()
    sockets: list[socket.socket] = []
    try:
        port = ours.recv()
        time.sleep(0.5)
        sockets += [_connect(port, name=name) for _ in range(clients)]
        draining = threading.Thread(target=_drain, args=(sockets, stop))
        draining.start()
        ours.send((clients, rounds))
        found: tuple[float, float] = ours.recv()
        ours.send((0, 0))
    finally:
        stop.set()
        draining.join(LIMIT_S)
        for client in sockets:
            client.close()
        server.join(LIMIT_S)
        server.kill()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SERVERS}
    for _ in range(options.repeats):  # in turn, so that a busy moment hits them all
        for name, results in found.items():
            results.append(measure(name, options.clients, options.rounds))
    limit_us = statistics.median(cpu for _, cpu in found["bare"])
    print(f"{options.clients} clients, {len(FRAME)} bytes a frame, median of {options.repeats} [lowest, highest]")
    print(f"{'':20} {'KB a connection':>24} {'CPU µs a frame':>24} {'× bare':>8}")
    for name, results in found.items():
        memory, cpu = ([result[index] for result in results] for index in (0, 1))
        ratio = statistics.median(cpu) / limit_us
        print(f"{name:20} {_spread(memory):>24} {_spread(cpu):>24} {ratio:>8.2f}")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} [{min(values):.1f}, {max(values):.1f}]"


if __name__ == "__main__":
    main()
