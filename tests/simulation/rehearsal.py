"""A rehearsal for tests: an archived stretch of a staged night, a replay of it, and a client that watches closely."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from consumers.aggregate import AggregateSettings, fold_run
from consumers.archive import Archiver
from eventlog.archive import Archive, open_archive
from eventlog.archive_files import Archived
from eventlog.clock import Clock, Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, create_run, find_run
from gateway.server import serve
from gateway.settings import GatewaySettings
from producers.publish import Publisher, entry, publish
from producers.replaying.inputs import ArchivedNight
from producers.replaying.replay import ArchiveReplay, ReplayObserver, ReplaySettings
from producers.simulating.library import read_scenario
from producers.simulating.simulate import night
from sandik.wiring import new_epoch
from schemas.asides import is_aside
from schemas.control import Order
from schemas.totals import parse_totals, state_of
from tabulation.replay_clock import LEASE_S
from tests.patience import LIMIT_S
from tests.schemas.orders import written

AGGREGATE: Final = AggregateSettings(tick_ms=10, checkpoint_ms=200, retry=RetryPolicy(0.05, 0.05))
GATEWAY: Final = GatewaySettings(
    tick_ms=5,
    watch_s=0.02,
    heartbeat_s=0.2,
    retry=RetryPolicy(0.01, 0.05, refused_s=0.05),
    read_wait_ms=100,
    drain_s=1,
)
DISTRICTS: Final = ("tr/34/adalar", "tr/34/sile", "tr/34/uskudar")
CONTEST: Final = "metropolitan_mayor"


async def archived(log: EventLog, folder: Path, name: str, boxes: int = 25) -> Archive:
    """Two sources' night in three districts, played into a run and archived."""
    scenario = read_scenario().shrink(districts=list(DISTRICTS), boxes_per_district=boxes)
    run = await create_run(log, name, scenario.definition(), mode="test", epoch="e0e0", clock=Wall(), partitions=3)
    staged = night(scenario, 7)
    await publish(Publisher(log, run.topics.tallies.name, Wall()), (entry(event) for _, event in staged))
    await Archiver(log, run, folder, Wall()).run_until_end()
    return open_archive(folder)


async def rehearsed(log: EventLog, archive: Archive, name: str) -> Run:
    """The run into which the archive is replayed."""
    manifest = archive.manifest
    return await create_run(
        log, name, manifest.definition, mode="replay", epoch="e1e1", clock=Wall(), partitions=manifest.partitions
    )


def replay(
    log: EventLog,
    run: Run,
    archive: Archive,
    settings: ReplaySettings,
    *,
    clock: Clock | None = None,
    observer: ReplayObserver | None = None,
) -> ArchiveReplay:
    """A replay that is about to begin."""
    publisher = Publisher(log, run.topics.tallies.name, clock or Wall())
    return ArchiveReplay(publisher, run, ArchivedNight(archive), settings, new_epoch, observer)


async def state(log: EventLog, name: str) -> str:
    """The state hash of the totals of the run's current take."""
    run = await find_run(log, name)
    found = [record async for record in read_to_end(log, run.topics.totals.name)]
    return state_of(parse_totals(record.value or b"") for record in found if not is_aside(record.key)).hex()


async def command(log: EventLog, run: Run, kind: type[Order], **fields: Any) -> None:
    """The director says something, from wherever they are."""
    value = written(kind, run=run.name, epoch=run.epoch, **fields)
    await log.append(run.topics.control.name, [Entry(b"order", value)])


@asynccontextmanager
async def working(*work: Any) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Let these coroutines run until the block is left; one that fails fails the block."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield tasks
        for task in tasks:
            if task.done():
                await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=LIMIT_S)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once this is so."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


def folding(log: EventLog, run: Run) -> Any:
    """An aggregator."""
    return fold_run(log, run, Wall(), AGGREGATE)


@asynccontextmanager
async def served(log: EventLog, name: str, port: int = 0) -> AsyncIterator[int]:
    """A gateway; its port."""
    ports: asyncio.Queue[int] = asyncio.Queue()
    serving = serve(log, name, host="127.0.0.1", port=port, clock=Wall(), settings=GATEWAY, started=ports.put_nowait)
    async with working(serving), asyncio.timeout(4 * LIMIT_S):
        yield await ports.get()


@dataclass
class Truth:
    """What a district's figures are after each of its records: when that one is due, boxes opened, and votes."""

    due: list[datetime] = field(default_factory=list)
    figures: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    def between(self, since: datetime, until: datetime) -> list[tuple[int, int]]:
        """Every figure that may be shown from a moment of the night to another."""
        return self.figures[bisect_right(self.due, since) : bisect_right(self.due, until) + 1]


def truths(archive: Archive, source: str = "aa") -> dict[str, Truth]:
    """The truth of every district, from the archive alone and as naively as can be."""
    found = {district: Truth() for district in DISTRICTS}
    boxes: dict[tuple[str, int], tuple[int, int | None]] = {}
    for due, record in _due(archive):
        said = orjson.loads(record.value)
        if (said["source"], said["contest"]) != (source, CONTEST):
            continue
        key = said["district"], said["box"]
        votes = sum(said["votes"].values()) if "votes" in said else None
        if said["revision"] > boxes.get(key, (0, None))[0]:
            boxes[key] = said["revision"], votes
        opened = [votes for (district, _), (_, votes) in boxes.items() if district == key[0] and votes is not None]
        found[key[0]].due.append(due)
        found[key[0]].figures.append((len(opened), sum(opened)))
    return found


def _due(archive: Archive) -> Iterator[tuple[datetime, Archived]]:
    newest: datetime | None = None
    for record in archive.tallies():
        if record.event_time is not None:
            newest = record.event_time if newest is None else max(newest, record.event_time)
        assert newest is not None
        yield newest, record


class Spectator:
    """A client that follows three districts through everything, and looks at each message as it comes.

    Whenever it is told a clock that stands, its figures are what the night knew at that very moment. While the clock
    runs they are no older than the last clock that was true, from which a gateway lets it run for `LEASE_S`; and no
    newer than a replay can be that has played at this speed ever since this client is there, however long that is on
    the machine at hand, or than `heading`. While it seeks they are on their way to where it seeks. In one epoch no
    figures come back that others have followed.
    """

    def __init__(self, url: str, truth: dict[str, Truth]) -> None:
        self._url = url
        self._truth = truth
        self._since = monotonic()
        self.heading: datetime | None = None
        """Where the director is about to send the replay: word of it and figures come through two topics."""
        self.changes = 0
        self.epochs: list[str] = []
        self.playback: dict[str, Any] | None = None
        self.modes: set[str] = set()
        self._seq = 0
        self._shown: dict[str, dict[str, Any]] = {}
        self._reached: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._wrong: AssertionError | None = None

    async def watch(self) -> None:
        """Stay connected for ever."""
        while True:
            try:
                async with connect(self._url, compression=None) as socket:
                    await self._listen(socket)
            except (ConnectionClosed, OSError):
                await asyncio.sleep(0.01)
            except AssertionError as wrong:
                self._wrong = wrong
                self._changed.set()
                return

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once this is so."""
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                if self._wrong is not None:
                    raise self._wrong
                self._changed.clear()
                await self._changed.wait()

    def is_at(self, status: str, clock: datetime | None = None) -> bool:
        """Whether the replay was last said to be so, and there."""
        said = self.playback
        return said is not None and said["status"] == status and clock in {None, datetime.fromisoformat(said["clock"])}

    def figures(self, district: str) -> tuple[int, int]:
        """What is shown of a district: boxes opened, and votes."""
        entry = self._shown.get(district)
        return (entry["boxes_opened"], sum(entry["votes"].values())) if entry else (0, 0)

    async def _listen(self, socket: ClientConnection) -> None:
        ask = {"type": "subscribe", "id": "s", "contest": CONTEST, "source": "aa", "units": list(DISTRICTS)}
        await socket.send(orjson.dumps(ask).decode())
        self.playback, self._seq = None, 0
        async for text in socket:
            self._hear(orjson.loads(text))
            self._changed.set()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "hello":
                self.modes.add(message["mode"])
                if message["epoch"] not in self.epochs:
                    self.epochs.append(message["epoch"])
                    self._reached.clear()
            case "snapshot":
                self._shown, self._seq = {}, message["seq"]
                self._take(message)
            case "delta":
                assert message["from"] <= self._seq, "a gap"
                self._seq = message["seq"]
                self._take(message)
            case "state":
                self._look(message)
        if message["type"] in {"snapshot", "delta"}:
            self._go_on()
            self._check(stands=False)

    def _take(self, message: dict[str, Any]) -> None:
        self.changes += len(message["totals"])
        for told in message["totals"]:
            held = self._shown.setdefault(told["unit"], {"votes": {}})
            votes = held["votes"] | told.get("votes", {})
            held |= told
            held["votes"] = votes

    def _look(self, message: dict[str, Any]) -> None:
        self.playback = message["replay"]
        if self.playback is None or self._seq == 0:
            return
        self._check(stands=self.playback["status"] in {"paused", "ended"})

    def _go_on(self) -> None:
        for district, truth in self._truth.items():
            try:
                self._reached[district] = truth.figures.index(self.figures(district), self._reached.get(district, 0))
            except ValueError:
                raise AssertionError(f"{district} goes back to {self.figures(district)}") from None

    def _check(self, *, stands: bool) -> None:
        if self.playback is None:
            return
        since, until = self._bounds(self.playback)
        if stands:
            since = until = datetime.fromisoformat(self.playback["clock"])
        for district, truth in self._truth.items():
            possible = truth.between(since, until)
            assert self.figures(district) in possible, (district, self.playback, self.figures(district), possible[:3])

    def _bounds(self, playback: dict[str, Any]) -> tuple[datetime, datetime]:
        """From when and until when figures may be beside a clock that moves."""
        clock, last = (datetime.fromisoformat(playback[name]) for name in ("clock", "last"))
        since = clock - timedelta(seconds=LEASE_S * playback["speed"])
        if playback["status"] == "seeking":
            return since, last
        played = clock + timedelta(seconds=(monotonic() - self._since) * playback["speed"])
        return since, max(played, self.heading or played)
