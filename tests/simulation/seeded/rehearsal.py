"""A seed's rehearsal: an archived night replayed in virtual time, with faults; each life of the replay is another take.

An aggregator and a gateway follow it from take to take. In the end the newest take is the whole night, for both.
"""

import asyncio
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from consumers.takes import fold_takes
from eventlog.archive import Archive, open_archive
from eventlog.loops import forever
from eventlog.run import Run, create_run, find_run
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from producers.publish import Publisher
from producers.replaying.archived import Night
from producers.replaying.replay import Replay, ReplaySettings
from schemas.moments import epoch_ms
from tests.consumers import oracle as sums
from tests.simulation.seeded import faults as all_faults
from tests.simulation.seeded.archiving import SimulatedDisk, archiver
from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.loop import run as run_in_loop
from tests.simulation.seeded.oracle import Shown, districts
from tests.simulation.seeded.process import Life, Process, Work
from tests.simulation.seeded.store import Store
from tests.simulation.seeded.story import ELECTION, EPOCH, RUN, STORY_S, tell
from tests.simulation.seeded.world import AGGREGATE, GATEWAY, PARTITIONS, PATIENCE_S, expected_figures

AGAIN: Final = "again"
SPEED: Final = 600.0
"""An hour of the night in six seconds."""

FAULTS: Final = 10
PROCESSES: Final = ("aggregator", "gateway", "replay")


class Rehearsal:
    """One rehearsal as it happens."""

    def __init__(self, seed: object, folder: Path) -> None:
        self.wrong: list[str] = []
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

    async def begin(self) -> None:
        """Archive the night, create the run that it is replayed into, and start everybody."""
        async with SimulatedLog(self._store) as log:
            night = await create_run(
                log, RUN, ELECTION, mode="test", epoch=EPOCH, clock=self._clock, partitions=PARTITIONS
            )
            for said in self._story.feeds:
                await log.append(night.topics.tallies.name, said.entries)
            await archiver(log, night, self._folder, self._clock).run_until_end(disk=SimulatedDisk(Line()))
            await create_run(
                log, AGAIN, ELECTION, mode="replay", epoch="e2e2", clock=self._clock, partitions=PARTITIONS
            )
        archive = open_archive(self._folder)
        works: dict[str, Work] = {
            "aggregator": self._aggregate,
            "gateway": self._serve,
            "replay": self._replay(archive),
        }
        for name, work in works.items():
            chance = random.Random(f"{name}-{self._seed}")
            process = Process(name, work, self._store, {}, chance, lambda _: None, self.wrong.append)
            self._processes[name] = process
            process.start()

    def strike(self, fault: Fault) -> None:
        """Let a fault happen."""
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
        while (amiss := await self._amiss()) and not self.wrong:
            if self._loop.time() > until_s:
                self.wrong.append(f"It does not settle: {amiss[:3]}")
            await asyncio.sleep(0.5)
        for process in self._processes.values():
            await process.stop()

    async def _amiss(self) -> list[str]:
        if not self._is_over:
            return ["the replay is not over"]
        async with SimulatedLog(self._store) as log:
            run = await find_run(log, AGAIN)
        shown = Shown()
        for record in self._store.partitions(run.topics.totals.name)[0].history:
            shown.hear(record)
        expected = sums.sums(self._story.statements)
        found = [
            f"{place} has {figures}"
            for place in districts()
            if (figures := shown.at(place, shown.end, public=True).plain) != expected_figures(expected.get(place))
        ]
        world = self.gateway.run_state if self.gateway is not None else None
        if world is None or (world.epoch, world.view.seq) != (run.epoch, shown.end):
            found.append(f"the gateway is not at {shown.end} of take {run.topics.take}")
        return found

    async def _aggregate(self, life: Life) -> None:
        run = await find_run(life.log, AGAIN)
        await forever(fold_takes(life.log, run, life.clock, AGGREGATE), "Folding")

    async def _serve(self, life: Life) -> None:
        gateway = self.gateway = Gateway(AGAIN, clock=life.clock, settings=GATEWAY, chance=life.chance.random)
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(follow(life.log, gateway, life.clock), "Following the log"))
            group.create_task(forever(pulse(gateway, life.clock), "Sending"))
            group.create_task(forever(watch(gateway, life.clock), "Watching the clients"))

    def _replay(self, archive: Archive) -> Work:
        async def replay(life: Life) -> Any:
            run: Run = await find_run(life.log, AGAIN)
            publisher = Publisher(life.log, run.topics.tallies.name, life.clock)
            await Replay(publisher, run, Night(archive), ReplaySettings(speed=SPEED), self._new_epoch).play()
            self._is_over = True
            await asyncio.Event().wait()

        return replay

    def _new_epoch(self) -> str:
        self._takes += 1
        return f"take-{self._takes}"


async def _play(seed: object, faults: Sequence[Fault], folder: Path) -> list[str]:
    rehearsal = Rehearsal(seed, folder)
    await rehearsal.begin()
    loop = asyncio.get_running_loop()
    for fault in faults:
        loop.call_at(loop.time() + fault.at_s, rehearsal.strike, fault)
    await asyncio.sleep(STORY_S)
    await rehearsal.end()
    return rehearsal.wrong


def faults_of(seed: object) -> tuple[Fault, ...]:
    """The faults that a seed brings."""
    return all_faults.draw(f"again-{seed}", list(PROCESSES), ["nobody"], count=FAULTS, until_s=8.0)


def play(seed: object, faults: Sequence[Fault] | None = None) -> list[str]:
    """Play the rehearsal of a seed, with its own faults or with these; what goes wrong."""
    with tempfile.TemporaryDirectory() as folder:
        return run_in_loop(_play(seed, faults_of(seed) if faults is None else faults, Path(folder)), seed)
