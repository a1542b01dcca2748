"""A gateway on a real embedded log and a real socket, for tests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from websockets.asyncio import client
from websockets.asyncio.client import ClientConnection

from eventlog.clock import Clock, Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import Limits
from gateway.server import serve
from gateway.settings import GatewaySettings
from schemas.definition import Election
from schemas.quarantine import Reason, quarantined
from schemas.tally import Tally, encode
from schemas.totals import Totals
from tests.gateway.nights import election, entries, totals
from tests.patience import LIMIT_S

RUN: Final = "night"
FAST: Final = GatewaySettings(
    tick_ms=1,
    watch_s=0.01,
    retry=RetryPolicy(0.01, 0.02, refused_s=0.02),
    open_timeout_s=LIMIT_S,
    answer_timeout_s=LIMIT_S,
    keep_alive_s=LIMIT_S,
    drain_s=LIMIT_S,
    stalled_s=10 * LIMIT_S,
    missed_pings=1_000_000,
    limits=Limits(message_burst=1_000_000),
)
"""Settings under which nothing waits for long, and nobody is given up because the machine is busy.

A test of who is given up says after how long, or after how much: a client of a test may answer at once all pings of the
minutes in which nobody took anything from it, and those of a heartbeat that a test has quickened.
"""

connect: Final = partial(client.connect, open_timeout=LIMIT_S, close_timeout=LIMIT_S, ping_interval=None)
"""A WebSocket client as patient as the test."""

WITHOUT_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: httpx would read all authorities of the world for each, 30 ms of work."""

CHANGES: Final = 200
"""More than the narrow sockets of a test hold, so that whoever does not read falls behind."""

Message = dict[str, object]


@dataclass(frozen=True)
class Running:
    """A gateway that runs: where it is, and how to stop it."""

    port: int
    stop: Callable[[], object] = lambda: None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"


@asynccontextmanager
async def night(folder: Path, definition: Election | None = None) -> AsyncIterator[SqliteLog]:
    """An embedded log with the run in it."""
    async with SqliteLog(folder / "night.db", Wall()) as log:
        await make_run(log, definition=definition)
        yield log


async def make_run(log: EventLog, epoch: str = "9f2c", definition: Election | None = None) -> None:
    """Create the run."""
    await create_run(log, RUN, definition or election(), mode="test", epoch=epoch, clock=Wall())


def http_client(gateway: Running, **options: Any) -> httpx.AsyncClient:
    """A client over plain HTTP that is as patient as the test."""
    return httpx.AsyncClient(base_url=gateway.http, timeout=LIMIT_S, verify=WITHOUT_TLS, **options)


async def get(gateway: Running, path: str, **headers: str) -> httpx.Response:
    """Ask over HTTP."""
    async with http_client(gateway) as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def is_ready(gateway: Running) -> None:
    """Return once the gateway greets its clients."""
    async with viewer(gateway) as client:
        await client.next("hello")


async def is_refused(gateway: Running, path: str, status: int, hint: str) -> None:
    """Ask for what cannot be had: the answer is a JSON error that helps."""
    await is_ready(gateway)
    answer = await get(gateway, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert hint in answer.json()["error"]


async def publish(log: EventLog, *records: Totals) -> None:
    """Append totals records."""
    await log.append(RunTopics(RUN).totals.name, entries(records))


async def set_aside(log: EventLog, said: Tally, reason: Reason = "conflict", position: int = 0) -> None:
    """Put a statement into quarantine, as an aggregator would."""
    topics = RunTopics(RUN)
    record = quarantined(
        *(reason, "a test"),
        topic=topics.tallies.name,
        partition=0,
        offset=position,
        key=said.district.encode(),
        value=encode(said),
    )
    await log.append(topics.quarantine.name, [Entry(record.position, record.encode())])


@asynccontextmanager
async def running(
    log: EventLog,
    *,
    run: str = RUN,
    port: int = 0,
    clock: Clock | None = None,
    settings: GatewaySettings = FAST,
    **options: Any,
) -> AsyncIterator[Running]:
    """A gateway that serves the run until the block is left."""
    ports: asyncio.Queue[int] = asyncio.Queue()
    server = asyncio.create_task(
        serve(
            log,
            run,
            host="127.0.0.1",
            port=port,
            clock=clock or Wall(),
            settings=settings,
            started=ports.put_nowait,
            **options,
        )
    )
    try:
        waiting = asyncio.create_task(ports.get())
        await asyncio.wait({server, waiting}, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if server.done():
            waiting.cancel()
            await server
        yield Running(await waiting, server.cancel)
    finally:
        server.cancel()
        await asyncio.wait({server}, timeout=LIMIT_S)


def rarely() -> GatewaySettings:
    """Fast settings, but no pings and no `state` after the first."""
    return replace(FAST, heartbeat_s=3600)


class Viewer:
    """A client that keeps what it is told, as a client should: entry by entry, field by field."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[Message] = []
        self.shown: dict[str, Message] = {}
        self.epoch = ""
        self.seq = 0

    async def send(self, **message: object) -> None:
        await self.socket.send(orjson.dumps(message).decode())

    async def subscribe(self, *units: str, **options: object) -> None:
        ask: Message = {"type": "subscribe", "id": "s1", "contest": "mayor", "source": "aa", "units": list(units)}
        await self.send(**{**ask, **options})

    async def next(self, *types: str) -> Message:
        """The next message of one of these types; the ones before it are applied and kept."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                message: Message = orjson.loads(await self.socket.recv())
                self.messages.append(message)
                self.apply(message)
                if message["type"] in types:
                    return message

    async def until(self, holds: Callable[[], bool]) -> None:
        """Apply messages until this is so."""
        while not holds():
            await self.next("snapshot", "delta")

    def apply(self, message: Message) -> None:
        """Apply a snapshot or a delta."""
        if message["type"] == "snapshot":
            self.shown = {}
            self.epoch = str(message["epoch"])
        elif message["type"] == "delta":
            assert int(str(message["from"])) <= self.seq, "a delta begins beyond what the client has"
        else:
            return
        assert int(str(message["seq"])) >= self.seq, "seq steps back"
        self.seq = int(str(message["seq"]))
        entries: Sequence[Message] = message["totals"]  # type: ignore[assignment]  # JSON knows no types
        for entry in entries:
            merge(self.shown.setdefault(str(entry["unit"]), {}), entry)


def merge(shown: Message, entry: Message) -> None:
    """Put an entry's fields over what is shown."""
    votes: dict[str, int] = {}
    for one in (shown, entry):
        votes.update(one.get("votes", {}))  # type: ignore[call-overload]  # JSON knows no types
    shown.update(entry)
    shown["votes"] = votes


@asynccontextmanager
async def viewer(gateway: Running) -> AsyncIterator[Viewer]:
    """A connected client."""
    async with connect(gateway.ws, subprotocols=None, compression=None) as socket:
        yield Viewer(socket)


async def change_often(log: EventLog, quick: Viewer) -> None:
    """Publish `CHANGES` to a log that is empty, each once this client of all units has got the one before it."""
    for version in range(CHANGES):
        await publish(log, totals(votes={"imamoglu": version, "kurum": version}, version=version))
        await quick.until(lambda seq=version + 1: quick.seq == seq)  # type: ignore[misc]  # bound per round
