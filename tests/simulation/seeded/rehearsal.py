"""A seed's rehearsal: an archived night replayed in virtual time, with faults; each life of the replay is another take.

A director lets it stand, step and seek meanwhile; an aggregator and a gateway follow it from take to take. In the end
the newest take is the whole night, for both.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from consumers.aggregate import fold_run
from eventlog.archive import Archive, open_archive
from eventlog.loops import forever
from eventlog.port import Entry
from eventlog.run import Run, create_run, find_run
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from producers.publish import Publisher
from producers.replaying.inputs import ArchivedNight
from producers.replaying.replay import ArchiveReplay, ReplaySettings
from sandik.orders import relay_amendments
from schemas.control import ReplayOrder, ReplayPaused, ReplayResumed, ReplaySought, ReplaySpeedSet, ReplayStepped
from schemas.moments import epoch_ms
from schemas.totals import Cell
from schemas.trust import encode_order
from tests.builders import NIGHT
from tests.simulation.seeded import faults as all_faults
from tests.simulation.seeded.archiving import SimulatedDisk, archiver
from tests.simulation.seeded.chronicle import Chronicle, Outcome, staged
from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.operators import EPOCH, RUN
from tests.simulation.seeded.oracle import NOTHING, Figures, Place, Shown, figures_in, places
from tests.simulation.seeded.process import Life, Process, Work
from tests.simulation.seeded.store import Store
from tests.simulation.seeded.story import ELECTION, PARTITIONS, STORY_S, tell
from tests.simulation.seeded.tallied import tallied
from tests.simulation.seeded.world import AGGREGATE, GATEWAY, PATIENCE_S, STEADY

AGAIN: Final = "again"
SPEED: Final = 600.0
"""An hour of the night in six seconds."""

FAULTS: Final = 10
PROCESSES: Final = ("aggregator", "gateway", "replay", "director")

_DIRECTED_S: Final = 8.0
"""How long the director has something to say, and faults happen."""


class Rehearsal:
    """One rehearsal as it happens."""

    def __init__(self, seed: object, folder: Path, *, verbose: bool) -> None:
        self.chronicle = Chronicle(verbose=verbose)
        self.gateway: Gateway | None = None
        self._seed = seed
        self._story = tell(seed)
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._clock = SimulatedClock(Line("log"), {})
        self._store = Store(lambda: epoch_ms(self._clock.now()), self._loop.time)
        self._processes: dict[str, Process] = {}
        self._takes = 0
        self._is_over = False
        self._directions = _directions(seed)
        self._directed = 0
        self._all_directed = asyncio.Event()
        self._night: Run
        self._again: Run
        self._began_s = 0.0

    async def begin(self) -> None:
        """Archive the night, create the run that it is replayed into, and start everybody."""
        async with SimulatedLog(self._store) as log:
            night = self._night = await create_run(
                log, RUN, ELECTION, mode="test", epoch=EPOCH, clock=self._clock, partitions=PARTITIONS
            )
            for said in sorted((*self._story.feeds, *self._story.amendments), key=lambda said: said.at_s):
                topic = night.topics.tallies if said.amendment is None else night.topics.control
                await log.append(topic.name, said.entries)
                if said.amendment is not None:
                    await relay_amendments(log, await find_run(log, RUN, self._story.operators.keys))
            await archiver(log, night, self._folder, self._clock, self._story.operators.keys).run_until_end(
                disk=SimulatedDisk(Line())
            )
            self._again = await create_run(
                log, AGAIN, ELECTION, mode="replay", epoch="e2e2", clock=self._clock, partitions=PARTITIONS
            )
        archive = open_archive(self._folder)
        self._began_s = self._loop.time()
        works: dict[str, Work] = {
            "aggregator": self._aggregate,
            "gateway": self._serve,
            "replay": self._replay(archive),
            "director": self._direct,
        }
        chronicle = self.chronicle
        for name, work in works.items():
            chance = random.Random(f"{name}-{self._seed}")
            process = Process(name, work, self._store, {}, chance, chronicle.record, chronicle.wrong)
            self._processes[name] = process
            process.start()

    def strike(self, fault: Fault) -> None:
        """Let a fault happen."""
        self.chronicle.record(f"fault {fault}")
        match fault.kind:
            case "rebalance":
                self._store.rebalance()
            case "compact":
                self._store.compact()
            case "clock_jump" | "disconnect" | "clog":
                pass  # nobody is here whose it could be
            case _:
                self._processes[fault.target].strike(fault)

    async def end(self) -> None:
        """Let everything come to its end without faults, and see what that is."""
        for process in self._processes.values():
            process.heal()
        until_s = self._loop.time() + PATIENCE_S
        await self._all_directed.wait()
        self._store.append(self._again.topics.control.name, _go_on())
        while (amiss := await self._amiss()) and not self.chronicle.failed.is_set():
            if self._loop.time() > until_s:
                self.chronicle.wrong(f"It does not settle: {amiss[:3]}")
            await asyncio.sleep(0.5)
        for process in self._processes.values():
            await process.stop()

    async def _amiss(self) -> list[str]:
        if not self._is_over:
            return ["the replay is not over"]
        async with SimulatedLog(self._store) as log:
            run = await find_run(log, AGAIN)
        shown = Shown(self._story.amending.newest)
        for record in self._store.partitions(run.topics.totals.name)[0].history:
            shown.hear(record)
        expected: dict[Place, Figures] = {}
        for partition in self._store.partitions(self._night.topics.tallies.name):
            expected |= tallied(partition.history, self._story.garbage, self._story.amending.laws).figures
        found = [
            f"{place} has {figures}"
            for place in places(shown.law)
            if (figures := shown.at(place, shown.end, public=True).plain) != expected.get(place, NOTHING).plain
        ]
        world = self.gateway.run_state if self.gateway is not None else None
        if world is None or (world.epoch, world.view.seq) != (run.log_epoch, shown.end):
            return [*found, f"the gateway is not at {shown.end} of take {run.topics.take}"]
        return found + [
            f"the gateway shows {figures} of {place}"
            for place in places(shown.law)
            if (figures := figures_in(world.view.totals(Cell(place[0], place[1], place[2]))).plain)
            != expected.get(place, NOTHING).plain
        ]

    async def _aggregate(self, life: Life) -> None:
        run = await find_run(life.log, AGAIN)
        await forever(fold_run(life.log, run, life.clock, AGGREGATE), "Folding")

    async def _serve(self, life: Life) -> None:
        gateway = self.gateway = Gateway(AGAIN, clock=life.clock, settings=GATEWAY, chance=life.chance.random)
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(follow(life.log, gateway, life.clock), "Following the log"))
            group.create_task(forever(pulse(gateway, life.clock), "Sending"))
            group.create_task(forever(watch(gateway, life.clock), "Watching the clients"))

    def _replay(self, archive: Archive) -> Work:
        async def replay(life: Life) -> Any:
            run: Run = await find_run(life.log, AGAIN)
            publisher = Publisher(life.log, run.topics.tallies.name, life.clock, retry=STEADY)
            await ArchiveReplay(
                publisher, run, ArchivedNight(archive), ReplaySettings(speed=SPEED), self._new_epoch
            ).play()
            self._is_over = True
            await asyncio.Event().wait()

        return replay

    async def _direct(self, life: Life) -> None:
        run = await find_run(life.log, AGAIN)
        publisher = Publisher(life.log, run.topics.control.name, life.clock, retry=STEADY)
        while self._directed < len(self._directions):
            at_s, entry = self._directions[self._directed]
            await life.clock.sleep(self._began_s + at_s - life.clock.monotonic())
            await publisher.append([entry])
            self._directed += 1
        self._all_directed.set()
        await asyncio.Event().wait()

    def _new_epoch(self) -> str:
        self._takes += 1
        return f"take-{self._takes}"


def _directions(seed: object) -> list[tuple[float, Entry]]:
    """What the director says, and when."""
    chance = random.Random(f"director-{seed}")
    times = sorted(round(chance.uniform(0, _DIRECTED_S), 3) for _ in range(chance.choice([0, 3, 6])))
    return [(at_s, _direction(f"direct-{number:03}", chance)) for number, at_s in enumerate(times)]


def _direction(order_id: str, chance: random.Random) -> Entry:
    match chance.randrange(5):
        case 0:
            return _entry(ReplayPaused, order_id)
        case 1:
            return _entry(ReplayResumed, order_id)
        case 2:
            return _entry(ReplaySought, order_id, to=NIGHT - timedelta(seconds=chance.randint(0, 3600)))
        case 3:
            return _entry(ReplayStepped, order_id, records=chance.randint(1, 20))
        case _:
            return _entry(ReplaySpeedSet, order_id, speed=chance.choice([0.0, 300.0, 2_000.0]))


def _go_on() -> list[Entry]:
    """What lets a replay that stands come to its end."""
    return [_entry(ReplaySpeedSet, "the-end-speed", speed=SPEED), _entry(ReplayResumed, "the-end-resume")]


def _entry(kind: type[ReplayOrder], order_id: str, **about: Any) -> Entry:
    told: dict[str, Any] = {
        "run": AGAIN,
        "epoch": "e2e2",
        "id": order_id,
        "by": "Ayşe",
        "at": NIGHT,
        "reason": "a test",
    }
    return Entry(b"order", encode_order(kind(**told, **about), None))


async def _play(seed: object, faults: Sequence[Fault], folder: Path, *, verbose: bool) -> Outcome:
    rehearsal = Rehearsal(seed, folder, verbose=verbose)
    await rehearsal.begin()
    loop = asyncio.get_running_loop()
    for fault in faults:
        loop.call_at(loop.time() + fault.at_s, rehearsal.strike, fault)
    await asyncio.sleep(STORY_S)
    await rehearsal.end()
    return rehearsal.chronicle.close()


def faults_of(seed: object) -> tuple[Fault, ...]:
    """The faults that a seed brings."""
    return all_faults.draw(f"again-{seed}", list(PROCESSES), ["nobody"], count=FAULTS, until_s=_DIRECTED_S)


def play(seed: object, faults: Sequence[Fault] | None = None, *, verbose: bool = False) -> Outcome:
    """Play the rehearsal of a seed, with its own faults or with these."""
    struck = faults_of(seed) if faults is None else faults
    return staged(lambda folder: _play(seed, struck, folder, verbose=verbose), seed)
