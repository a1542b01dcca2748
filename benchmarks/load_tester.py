"""What the load tester itself costs: a frame that it checks, beside the system call alone, and a tally of its feed."""

import asyncio
import gc
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.connection import Connection as Pipe

import orjson
import uvloop

from benchmarks.gateway.servers import frame
from benchmarks.measure import spread
from benchmarks.night import election
from sandik.load.clients import LoadClients
from sandik.load.connection import Connection
from sandik.load.feed import Feed, Prior
from sandik.load.plan import Plan, Schedule, Stalling

CLIENTS = 500
ROUNDS = 60
REPEATS = 5
TALLIES = 20_000
PAUSE_S = 0.02
"""Between two rounds of the server, so that every frame is read by itself."""

Receiver = Callable[[], asyncio.Protocol]


def load_tester() -> Iterator[str]:
    """CPU µs a frame of the load tester, and of a client that looks at nothing; CPU µs a tally of its feeder."""
    gc.freeze()
    costs = [(_received(_nobody), _received(_clients)) for _ in range(REPEATS)]
    nobody, checked = (spread([1e6 * value for value in values]) for values in zip(*costs, strict=True))
    definition = election()
    entries = Feed(definition, Schedule.of(definition, 100_000.0, seed=1), Prior()).entries(1_711_897_200.0)
    made = spread([1e6 * _made(entries) for _ in range(REPEATS)])
    yield "| | CPU µs |"
    yield "|---|---:|"
    yield f"| a frame to a client that looks at nothing (uvloop) | {nobody.text()} |"
    yield f"| a frame to a client of `sandik load`, every check on | {checked.text()} |"
    yield f"| a tally of its feed, made and encoded | {made.text('.2f')} |"


def _made(entries: Iterator[object]) -> float:
    began = time.process_time()
    for _ in islice(entries, TALLIES):
        pass
    return (time.process_time() - began) / TALLIES


def _received(receivers: Callable[[], Receiver]) -> float:
    """CPU seconds a frame, the kernel's included, of a process with `CLIENTS` connections."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,))
    server.start()
    try:
        return uvloop.run(_receive(ours, receivers()))
    finally:
        server.terminate()
        server.join()


async def _receive(server: "Pipe[object, object]", receiver: Receiver) -> float:
    port = int(str(server.recv()))
    loop = asyncio.get_running_loop()
    connections = [await loop.create_connection(receiver, "127.0.0.1", port) for _ in range(CLIENTS)]
    began = time.process_time()
    server.send(b"go")
    while not server.poll():  # noqa: ASYNC110  the server is another process
        await asyncio.sleep(PAUSE_S)
    took = time.process_time() - began
    for transport, _ in connections:
        transport.abort()
    return took / (CLIENTS * ROUNDS)


class _Nobody(asyncio.Protocol):
    """Gets bytes."""

    def data_received(self, data: bytes) -> None:
        """Look at nothing."""


def _nobody() -> Receiver:
    return _Nobody


def _clients() -> Receiver:
    subscription = {"type": "subscribe", "id": "load", "contest": "mayor", "source": "aa", "units": ["tr/34"]}
    plan = Plan(
        url="",
        token=None,
        clients=CLIENTS,
        processes=1,
        ramp_s=0,
        duration_s=60,
        grace_s=0,
        stalling=Stalling(),
        subscriptions=(subscription,),
        units=(frozenset({"tr/34"}),),
        allotted=(0,) * CLIENTS,
        schedule=None,
        wall_s=time.time() - time.monotonic(),
        seed=1,
    )
    clients = LoadClients(plan, range(CLIENTS))
    clients.began = time.monotonic()
    waiting = iter(clients.clients)
    return lambda: Connection(next(waiting), clients, None, time.monotonic, lambda *_: None)


def _serve(pipe: "Pipe[object, object]") -> None:
    """Send everybody a snapshot and then deltas, round by round."""
    with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS) as listener:
        pipe.send(listener.getsockname()[1])
        sockets = [listener.accept()[0] for _ in range(CLIENTS)]
        for one in sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe.recv()
        for number in range(ROUNDS):
            message = frame(_message(number))
            for one in sockets:
                one.sendall(message)
            time.sleep(PAUSE_S)
        time.sleep(1)
        pipe.send(b"done")
        pipe.recv()


def _message(number: int) -> bytes:
    votes = {f"candidate_{place}": 1_000 * place + number for place in range(8)}
    totals = [{"unit": "tr/34", "boxes_opened": number + 1, "as_of": "2024-03-31T19:00:00+03:00", "votes": votes}]
    if not number:
        return orjson.dumps({"type": "snapshot", "id": "load", "epoch": "bench", "seq": 1, "totals": totals})
    return orjson.dumps({"type": "delta", "id": "load", "from": number, "seq": number + 1, "totals": totals})
