"""A seed's night: the product's own loops on a simulated log, in virtual time, with faults; and what is judged of it.

Two aggregators, two gateways and in some nights an archiver run as processes that die and come back; clients move
between the gateways; feeds and operators speak through the product's own publisher. Faults stop at `STORY_S`. What then
stays wrong, or does not settle within `PATIENCE_S` of virtual time, is a fault of the product.
"""

import asyncio
import gc
import hashlib
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from consumers.aggregate import AggregateSettings, Aggregator
from consumers.takes import fold_takes
from eventlog.loops import forever
from eventlog.run import Run, create_run
from gateway.admission.access import PUBLIC, Grant
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from producers.publish import Publisher
from schemas.moments import epoch_ms
from tests.consumers import oracle as sums
from tests.simulation.seeded import faults as all_faults
from tests.simulation.seeded.archiving import SimulatedDisk, archiver, missing
from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.loop import run as run_in_loop
from tests.simulation.seeded.oracle import COUNTS, Orders, Shown, districts
from tests.simulation.seeded.process import Life, Process, Work
from tests.simulation.seeded.screen import Screen
from tests.simulation.seeded.store import Store, Stored
from tests.simulation.seeded.story import ELECTION, EPOCH, RUN, STORY_S, Said, Story, release_everything, tell

FAULTS: Final = 25
"""How many faults a night has."""

PATIENCE_S: Final = 40.0
"""How long after the last fault everything may take to be right: a few of the longest waits in the loops."""

PARTITIONS: Final = 3
AGGREGATE: Final = AggregateSettings(tick_ms=100, checkpoint_ms=1_500, retry_ms=300, compare_ms=4_000)
GATEWAY: Final = GatewaySettings(heartbeat_s=2, retry_max_s=2, read_wait_ms=500, log_stuck_s=6)
PROCESSES: Final = ("aggregator-1", "aggregator-2", "gateway-1", "gateway-2", "feed", "operator")
ARCHIVER: Final = "archiver"
"""Is there in one night of some: it writes files, and those take time."""

_ARCHIVED: Final = 0.2
"""The part of all nights in which it is there."""

SCREENS: Final[dict[str, Grant]] = {"public-1": PUBLIC, "public-2": PUBLIC, "control-room": Grant(scope="control_room")}


@dataclass
class Outcome:
    """What a night came to: nothing `wrong`, if all is well. `trace` is a hash of all that happened."""

    wrong: list[str] = field(default_factory=list)
    trace: str = ""
    lines: list[str] = field(default_factory=list)
    """All that happened, where it was asked for."""


class RunState:
    """One night as it happens."""

    def __init__(self, seed: object, story: Story, folder: Path, *, verbose: bool = False) -> None:
        self.story = story
        self.outcome = Outcome()
        self.failed = asyncio.Event()
        self._seed = seed
        self._folder = folder
        self._verbose = verbose
        self._trace = hashlib.blake2b(digest_size=16)
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _, context: self.wrong(f"in a callback: {context}"))
        self._clocks: dict[str, float] = {}
        self._clock = SimulatedClock(Line("log"), self._clocks)
        self.store = Store(lambda: epoch_ms(self._clock.now()), self._loop.time)
        self.store.appended.append(self._hear)
        self.shown = Shown()
        self.orders = Orders()
        self.gateways: dict[str, Gateway] = {}
        self.processes: dict[str, Process] = {}
        self.screens = {name: self._screen(name, grant) for name, grant in SCREENS.items()}
        self._screening: list[asyncio.Task[None]] = []
        self._told: dict[str, int] = {"feed": 0, "operator": 0}
        self.run: Run

    async def begin(self) -> None:
        """Create the run, and start everybody."""
        async with SimulatedLog(self.store) as log:
            self.run = await create_run(
                log, RUN, ELECTION, mode="test", epoch=EPOCH, clock=self._clock, partitions=PARTITIONS
            )
        topics = self.run.topics
        works: dict[str, Work] = {
            "aggregator-1": self._aggregate,
            "aggregator-2": self._aggregate,
            "gateway-1": self._serve("gateway-1"),
            "gateway-2": self._serve("gateway-2"),
            "feed": self._say("feed", topics.tallies.name, self.story.feeds),
            "operator": self._say("operator", topics.control.name, self.story.orders),
        }
        if has_archiver(self._seed):
            works[ARCHIVER] = self._archive
        for name, work in works.items():
            process = Process(name, work, self.store, self._clocks, self.chance(name), self.record, self.wrong)
            process.ended = lambda name=name: self._let_go(name)  # type: ignore[misc]  # bound each time
            self.processes[name] = process
            process.start()
        gateways = lambda: list(self.gateways.values())  # noqa: E731  a name for what follows
        self._screening = [self._loop.create_task(screen.live(gateways)) for screen in self.screens.values()]

    def strike(self, fault: Fault) -> None:
        """Let a fault happen."""
        self.record(f"fault {fault}")
        match fault.kind:
            case "rebalance":
                self.store.rebalance()
            case "compact":
                self.store.compact()
            case "clock_jump":
                self._clocks[fault.target] = fault.amount
            case "disconnect":
                self._at_connection(fault, 0.0)
            case "clog":
                self._at_connection(fault, fault.amount)
            case _:
                self.processes[fault.target].strike(fault)

    def heal(self) -> None:
        """From now on nothing more happens to anybody."""
        self.record("the faults are over")
        for process in self.processes.values():
            process.heal()

    async def settled(self, holds: Callable[[], list[str]]) -> None:
        """Return once nothing is amiss; if that takes too long, what is amiss is wrong."""
        until_s = self._loop.time() + PATIENCE_S
        while not self.failed.is_set() and (amiss := holds()):
            if self._loop.time() > until_s:
                self.wrong(f"It does not settle: {'; '.join(amiss[:5])}")
            await asyncio.sleep(0.25)

    async def end(self) -> None:
        """Stop everybody."""
        for process in self.processes.values():
            await process.stop()
        for task in self._screening:
            task.cancel()
        await asyncio.wait(self._screening)
        self.outcome.trace = self._trace.hexdigest()

    def wrong(self, what: str) -> None:
        """Something is that must not be."""
        self.outcome.wrong.append(f"{self._loop.time():.3f}: {what}")
        self.record(f"WRONG {what}")
        self.failed.set()

    def record(self, what: str) -> None:
        """Something has happened."""
        line = f"{self._loop.time():.6f} {what}"
        self._trace.update(line.encode())
        if self._verbose:
            self.outcome.lines.append(line)

    def chance(self, name: str) -> random.Random:
        """A source of chance for somebody alone."""
        return random.Random(f"{name}-{self._seed}")

    # What must be, once nothing happens any more

    def amiss(self, *, released: bool) -> list[str]:
        """What is not yet as it must be."""
        found = [f"{name} has not said everything" for name, count in self._told.items() if count < self._to_say(name)]
        found += [f"{name} is away" for name in PROCESSES if name.startswith("gateway") and name not in self.gateways]
        for name, gateway in self.gateways.items():
            seq = gateway.run_state.view.seq if gateway.run_state is not None else 0
            if seq != self.shown.end:
                found.append(f"{name} has read {seq} of {self.shown.end}")
        found += self._amiss_in_totals()
        held = [
            place for place in districts() if self.shown.is_held(place) != ((place[0], place[2]) in self.orders.held)
        ]
        found += [f"the gate of {place} is not as ordered" for place in held]
        for name, screen in self.screens.items():
            if (released or not screen.is_public or not self.orders.embargoed[-1]) and (places := screen.behind()):
                found.append(f"{name} does not show {places[0]} as it is")
        return found

    def _amiss_in_totals(self) -> list[str]:
        expected = sums.sums(self.story.statements)
        found = []
        for place in districts():
            figures = self.shown.at(place, self.shown.end, public=False).plain
            if figures != expected_figures(expected.get(place)):
                found.append(f"{place} has {figures}, and the oracle {expected_figures(expected.get(place))}")
        topics = self.run.topics
        aside = {record.key for record in self.store.partitions(topics.quarantine.name)[0].history}
        for number, partition in enumerate(self.store.partitions(topics.tallies.name)):
            for record in partition.history:
                position = f"{topics.tallies.name}/{number}/{record.offset}".encode()
                if (record.value in self.story.garbage) != (position in aside):
                    found.append(f"{position.decode()} is not where it belongs")
        return found

    async def check_archive(self) -> None:
        """The archive holds what the log does, whatever happened to whoever wrote it."""
        if has_archiver(self._seed):
            async with SimulatedLog(self.store) as log:
                for what in await missing(log, self.store, self.run, self._folder, self._clock):
                    self.wrong(what)

    async def check_takeover(self) -> None:
        """An aggregator that takes over from the checkpoints holds what the oracle says."""
        async with SimulatedLog(self.store) as log:
            aggregator = Aggregator(log, self.run, self._clock, AGGREGATE)
            await aggregator.run_until_end()
        expected = sums.sums(self.story.statements)
        for cell, ledger in aggregator._fold.ledgers.items():
            totals = ledger.totals(aggregator._zone)
            votes = {name: count for name, count in totals.votes.items() if count}
            figures = tuple(getattr(totals, name) for name in COUNTS), votes
            if figures != expected_figures(expected.get((cell.contest, cell.source, cell.district))):
                self.wrong(f"the checkpoint of {cell} says {totals}")

    # The processes

    async def _aggregate(self, life: Life) -> None:
        await forever(fold_takes(life.log, self.run, life.clock, AGGREGATE), "Folding")

    async def _archive(self, life: Life) -> None:
        await archiver(life.log, self.run, self._folder, life.clock).follow(SimulatedDisk(life.line))

    def _serve(self, name: str) -> Work:
        async def serve(life: Life) -> None:
            gateway = Gateway(RUN, clock=life.clock, settings=GATEWAY, chance=life.chance.random)
            self.gateways[name] = gateway
            async with asyncio.TaskGroup() as group:
                group.create_task(forever(follow(life.log, gateway, life.clock), "Following the log"))
                group.create_task(forever(pulse(gateway, life.clock), "Sending"))
                group.create_task(forever(watch(gateway, life.clock), "Watching the clients"))

        return serve

    def _say(self, name: str, topic: str, all_said: Sequence[Said]) -> Work:
        async def say(life: Life) -> None:
            publisher = Publisher(life.log, topic, life.clock)
            while self._told[name] < len(all_said):
                said = all_said[self._told[name]]
                await life.clock.sleep(said.at_s - life.clock.monotonic())
                await publisher.append(list(said.entries))
                self._told[name] += 1
            await asyncio.Event().wait()

        return say

    def _to_say(self, name: str) -> int:
        return len(self.story.feeds if name == "feed" else self.story.orders)

    # What they come to

    def _hear(self, topic: str, _: int, record: Stored) -> None:
        if topic.endswith(".totals"):
            self.shown.hear(record)
        elif topic.endswith(".control"):
            self.orders.hear(record)

    def _let_go(self, name: str) -> None:
        """A process is no more: so are its connections."""
        gateway = self.gateways.pop(name, None)
        for screen in self.screens.values():
            if gateway is not None and screen.connection is not None and screen.connection.gateway is gateway:
                screen.connection.lose(gateway_lives=False)

    def _at_connection(self, fault: Fault, clogged_s: float) -> None:
        connection = self.screens[fault.target].connection
        if connection is None:
            return
        if not clogged_s:
            connection.lose()
            return
        connection.clog(True)
        self._loop.call_later(clogged_s, connection.clog, False)

    def _screen(self, name: str, grant: Grant) -> Screen:
        return Screen(
            *(name, grant, self.shown),
            chance=self.chance(name),
            wrong=self.wrong,
            embargoed=self._knows_of_embargo,
            record=self.record,
        )

    def _knows_of_embargo(self, gateway: Gateway) -> bool:
        """Whether what the gateway has read of the control topic ends in an embargo."""
        return gateway.run_state is not None and self.orders.embargoed[gateway.run_state.control.position]


async def _play(seed: object, faults: Sequence[Fault], folder: Path, *, verbose: bool) -> Outcome:
    world = RunState(seed, tell(seed), folder, verbose=verbose)
    await world.begin()
    loop = asyncio.get_running_loop()
    for fault in faults:
        loop.call_at(fault.at_s, world.strike, fault)
    await _or_failed(world, asyncio.sleep(STORY_S))
    world.heal()
    await world.settled(lambda: world.amiss(released=False))
    if not world.failed.is_set():
        world.store.append(world.run.topics.control.name, release_everything())
        await world.settled(lambda: world.amiss(released=True))
    await world.end()
    if not world.failed.is_set():
        async with asyncio.timeout(PATIENCE_S):
            await world.check_takeover()
            await world.check_archive()
    return world.outcome


async def _or_failed(world: RunState, work: Any) -> None:
    tasks = {asyncio.ensure_future(work), asyncio.ensure_future(world.failed.wait())}
    _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()


def has_archiver(seed: object) -> bool:
    """Whether there is an archiver in a seed's night."""
    return random.Random(f"{ARCHIVER}-{seed}").random() < _ARCHIVED


def faults_of(seed: object) -> tuple[Fault, ...]:
    """The faults that a seed brings."""
    processes = [*PROCESSES, ARCHIVER] if has_archiver(seed) else list(PROCESSES)
    return all_faults.draw(seed, processes, list(SCREENS), count=FAULTS, until_s=STORY_S - all_faults.MAX_FAULT_S)


def play(seed: object, faults: Sequence[Fault] | None = None, *, verbose: bool = False) -> Outcome:
    """Play the night of a seed, with its own faults or with these."""
    struck = faults_of(seed) if faults is None else faults
    collects = gc.isenabled()
    gc.disable()  # what it finds it would end at a moment of its own
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_in_loop(_play(seed, struck, Path(folder), verbose=verbose), seed)
    except Exception as error:  # noqa: BLE001  whatever it is, a night does not end by it
        return Outcome([f"{type(error).__name__}: {error}"])
    finally:
        if collects:
            gc.enable()


def expected_figures(figures: dict[str, object] | None) -> tuple[tuple[object, ...], object]:
    """What the oracle sums up of a district, as figures are compared here."""
    if figures is None:
        return (0,) * len(COUNTS), {}
    return tuple(figures[name] for name in COUNTS), figures["votes"]
