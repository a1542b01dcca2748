"""A seed's night: the product's own loops on a simulated log, in virtual time, with faults; and what is judged of it.

Two aggregators, two gateways and in some nights an archiver run as processes that die and come back; clients move
between the gateways; feeds and operators speak through the product's own publisher. Faults stop with the story. What
then stays wrong, or does not settle within `PATIENCE_S` of virtual time, is a fault of the product. In the end all that
compaction may take is taken, and whoever begins anew must come to the same.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from consumers.aggregate import AggregateSettings, Aggregator, fold_run
from eventlog.loops import RetryPolicy, forever
from eventlog.port import EventLog, partition_of
from eventlog.run import Run, create_run, find_run
from gateway.admission.access import PUBLIC, Grant
from gateway.admission.handshake import AccessSettings
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from producers.publish import Publisher
from sandik.orders import relay_amendments
from schemas.moments import epoch_ms
from schemas.quarantine import REPAIRABLE
from schemas.trust import OperatorKey
from tests.simulation.seeded import asking
from tests.simulation.seeded import faults as all_faults
from tests.simulation.seeded.archiving import SimulatedDisk, archiver, missing
from tests.simulation.seeded.chronicle import Chronicle, Outcome, staged
from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.ending import Ending
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.letting_out import LettingOut
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.operators import EPOCH, RUN
from tests.simulation.seeded.oracle import Place, Shown, too_new
from tests.simulation.seeded.orders import Orders
from tests.simulation.seeded.past import PastOracle
from tests.simulation.seeded.process import Life, Process, Work
from tests.simulation.seeded.screen import Screen
from tests.simulation.seeded.store import Store, Stored
from tests.simulation.seeded.story import ELECTION, PARTITIONS, Said, Story, tell

FAULTS: Final = 25
"""How many faults a night has."""

PATIENCE_S: Final = 40.0
"""How long after the last fault everything may take to be right: a few of the longest waits in the loops."""

STEADY: Final = RetryPolicy(0.3, 2, refused_s=4, chance=lambda: 0.0)
"""No chance but the seed's."""

AGGREGATE: Final = AggregateSettings(tick_ms=100, checkpoint_ms=1_500, retry=STEADY, compare_ms=4_000)
GATEWAY: Final = GatewaySettings(
    heartbeat_s=2, retry=STEADY, read_wait_ms=1_500, log_stuck_s=6, access=AccessSettings(keys=(asking.KEY,))
)
PROCESSES: Final = ("aggregator-1", "aggregator-2", "gateway-1", "gateway-2", "feed", "operator")
ARCHIVER: Final = "archiver"
"""Is there in one night of some: it writes files, and those take time."""

_ARCHIVED: Final = 0.2
"""The part of all nights in which it is there."""

_CLEANED: Final = 0.3
"""The part of all nights in which compaction never rests."""

_CLEANER_S: Final = 0.7

_ASKED_S: Final = 3.0
"""How often somebody asks what was."""

_ASKED_IN_THE_END: Final = 4
_PUBLIC: Final = 0.75

_FORGOTTEN: Final = 0.4
"""Of the lives of a process, where orders are signed, the part in which it was started without one of the keys."""

QUIET_S: Final = 3.0
"""After so long without anything new the owners have looked whether what they published still stands, and all that is
old may be compacted: a few checkpoint rounds."""

SCREENS: Final[dict[str, Grant]] = {"public-1": PUBLIC, "public-2": PUBLIC, "control-room": Grant(scope="control_room")}


class Night:
    """One night as it happens."""

    def __init__(self, seed: object, story: Story, folder: Path, *, verbose: bool = False) -> None:
        self.story = story
        self.chronicle = Chronicle(verbose=verbose)
        self.wrong, self.record, self.failed = self.chronicle.wrong, self.chronicle.record, self.chronicle.failed
        self._seed = seed
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._clocks: dict[str, float] = {}
        self._clock = SimulatedClock(Line("log"), self._clocks)
        self.store = Store(lambda: epoch_ms(self._clock.now()), self._loop.time)
        self.store.appended.append(self._hear)
        self.views = [Shown(law) for law in story.amending.laws]
        self.shown = self.views[-1]
        self.orders = Orders(story.ignored, self.shown.law.districts)
        self.gateways: dict[str, Gateway] = {}
        self.processes: dict[str, Process] = {}
        self.screens = {name: self._screen(name, grant) for name, grant in SCREENS.items()}
        self._screening: list[asyncio.Task[None]] = []
        self._told: dict[str, int] = {"feed": 0, "operator": 0}
        self._acknowledged: set[bytes] = set()
        self._forgetful: set[str] = set()
        """Processes that were started without one of the keys."""
        self._is_healed = False
        self._asking_chance = self.chance("who asks")
        self.run: Run
        self._ending: Ending
        self._letting_out: LettingOut
        self._asking: asking.Asking

    async def begin(self) -> None:
        """Create the run, and start everybody."""
        async with SimulatedLog(self.store) as log:
            self.run = await create_run(
                log, RUN, ELECTION, mode="test", epoch=EPOCH, clock=self._clock, partitions=PARTITIONS
            )
        self._ending = Ending(self.store, self.run, self.story, self.shown, self.orders)
        self._letting_out = LettingOut(
            self.store, self.run.topics, self.story.operators, REPAIRABLE if self.story.amending else {"conflict"}
        )
        self._asking = asking.Asking(
            *(self.store, self.run, self.story.operators.keys),
            PastOracle(self.store, self.run.topics, self.story, self.shown, self.orders),
            chance=self.chance("asking"),
            record=self.record,
            wrong=self.wrong,
        )
        works: dict[str, Work] = {
            "aggregator-1": self._aggregate,
            "aggregator-2": self._aggregate,
            "gateway-1": self._serve,
            "gateway-2": self._serve,
            "feed": self._feed,
            "operator": self._order,
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
        self._screening.append(self._loop.create_task(self._ask()))
        if random.Random(f"cleaner-{self._seed}").random() < _CLEANED:
            self._screening.append(self._loop.create_task(self._clean()))

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(_ASKED_S)
            await self.ask_for_the_past()

    async def ask_for_the_past(self) -> None:
        """The public, or sometimes the control room, asks a gateway what there was at a moment."""
        if self.gateways:
            gateway = self._asking_chance.choice(list(self.gateways.values()))
            await self._asking.ask(gateway, public=self._asking_chance.random() < _PUBLIC)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(_CLEANER_S)
            self.store.compact()

    def strike(self, fault: Fault) -> None:
        """Let a fault happen."""
        self.record(f"fault {fault}")
        match fault.kind:
            case "rebalance":
                self.store.rebalance()
            case "compact":
                self.store.compact()
            case "clock_jump":
                before_ms = self.store.now_ms()
                self._clocks[fault.target] = fault.amount
                if fault.target == "log":
                    self._asking.clock_set(before_ms, self.store.now_ms())
            case "disconnect":
                self._at_connection(fault, 0.0)
            case "clog":
                self._at_connection(fault, fault.amount)
            case _:
                self.processes[fault.target].strike(fault)

    def heal(self) -> None:
        """From now on nothing more happens to anybody, and whoever lacks a key is started again with it."""
        self.record("the faults are over")
        self._is_healed = True
        for name, process in self.processes.items():
            process.heal()
            if name in self._forgetful:
                process.die()

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
            position = gateway.run_state.control.position if gateway.run_state is not None else 0
            if position != self.orders.end:
                found.append(f"{name} has read {position} of {self.orders.end} orders")
        if found:
            return found  # the rest takes longer to look at
        found += self._ending.amiss(self._acknowledged)
        for name, screen in self.screens.items():
            if (released or not screen.is_public or self.orders.bans[-1] is None) and (places := screen.behind()):
                found.append(f"{name} does not show {places[0]} as it is")
        return found

    async def check_archive(self) -> None:
        """The archive holds what the log does, whatever happened to whoever wrote it.

        The last tallies may be folded by nobody yet: a night has settled once they change no figure.
        """
        if has_archiver(self._seed):
            async with SimulatedLog(self.store) as log:
                settings = self._aggregate_settings(self.story.operators.keys)
                run = await find_run(log, RUN, settings.operators)
                await Aggregator(log, run, self._clock, settings).run_until_end()
                for what in await missing(
                    log, self.store, self.run, self._folder, self._clock, self.story.operators.keys
                ):
                    self.wrong(what)

    async def check_beginners(self) -> None:
        """Who begins anew, once all that is old was compacted away, comes to the same."""
        self.store.compact(lag_s=0.0)
        settings = self._aggregate_settings(self.story.operators.keys)
        async with SimulatedLog(self.store) as log:
            for what in await self._ending.of_beginners(log, self._clock, settings):
                self.wrong(what)

    # The processes

    async def _aggregate(self, life: Life) -> None:
        settings = self._aggregate_settings(self._keys(life))
        run = await find_run(life.log, RUN, settings.operators) if self.story.amending else self.run
        await forever(fold_run(life.log, run, life.clock, settings), "Folding")

    def _aggregate_settings(self, keys: tuple[OperatorKey, ...]) -> AggregateSettings:
        return replace(AGGREGATE, operators=keys)

    async def _archive(self, life: Life) -> None:
        await archiver(life.log, self.run, self._folder, life.clock, self.story.operators.keys).follow(
            SimulatedDisk(life.line)
        )

    async def _serve(self, life: Life) -> None:
        settings = replace(GATEWAY, operators=self._keys(life))
        gateway = Gateway(RUN, clock=life.clock, settings=settings, chance=life.chance.random)
        self.gateways[life.line.name] = gateway
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(follow(life.log, gateway, life.clock), "Following the log"))
            group.create_task(forever(pulse(gateway, life.clock), "Sending"))
            group.create_task(forever(watch(gateway, life.clock), "Watching the clients"))

    def _keys(self, life: Life) -> tuple[OperatorKey, ...]:
        """The keys that a process is started with: until the faults are over one may have been forgotten."""
        operators, name = self.story.operators, life.line.name
        self._forgetful.discard(name)
        if not operators.sign or self._is_healed or life.chance.random() >= _FORGOTTEN:
            return operators.keys
        self._forgetful.add(name)
        return operators.fewer_keys

    async def _feed(self, life: Life) -> None:
        await self._say(life, self.run.topics.tallies.name, self.story.feeds)

    async def _order(self, life: Life) -> None:
        await self._say(life, self.run.topics.control.name, self.story.orders)

    async def _say(self, life: Life, topic: str, all_said: Sequence[Said]) -> None:
        name = life.line.name
        while self._told[name] < len(all_said):
            said = all_said[self._told[name]]
            await life.clock.sleep(said.at_s - life.clock.monotonic())
            entries = {topic: said.entries} if said.entries else self._letting_out.next()
            for where, some in entries.items():
                await Publisher(life.log, where, life.clock, retry=STEADY).append(list(some))
                self._acknowledged |= {entry.value or b"" for entry in some}
            self._letting_out.done()
            if said.amendment is not None and said.amendment.is_relayed:
                await self._relay_amendments(life.log)
            self._told[name] += 1
        await asyncio.Event().wait()

    async def _relay_amendments(self, log: EventLog) -> None:
        """Bring what is amended among the tallies, as whoever ordered it does."""
        run = await find_run(log, RUN, self.story.operators.keys)
        await relay_amendments(log, run)

    def _to_say(self, name: str) -> int:
        return len(self.story.feeds if name == "feed" else self.story.orders)

    # What they come to

    def _hear(self, topic: str, _: int, record: Stored) -> None:
        if topic.endswith(".totals"):
            place = [shown.hear(record) for shown in self.views][-1]
            if place is not None:
                self._look_whether_held(place)
        elif topic.endswith(".control"):
            self.orders.hear(record)

    def _look_whether_held(self, place: Place) -> None:
        """What is held shows nothing that came after the order that says so."""
        contest, _, district = place
        since = self.orders.frozen.get((contest, district))
        if since is None:
            return
        shown = self.shown.at(place, self.shown.end, public=True)
        told_s = None
        if shown.version is not None and shown.version >= 0:
            partitions = self.store.partitions(self.run.topics.tallies.name)
            partition = partitions[partition_of(district.encode(), len(partitions))]
            told_s = partition.history[shown.version].at_s
        if (what := too_new(shown, since, told_s)) is not None:
            self.wrong(f"{place} shows everybody {what}")

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
            *(name, grant, self.views),
            chance=self.chance(name),
            wrong=self.wrong,
            embargoed=self._knows_of_embargo,
            record=self.record,
        )

    def _knows_of_embargo(self, gateway: Gateway) -> bool:
        """Whether what the gateway has read of the control topic comes to an embargo by its clock."""
        return gateway.run_state is not None and self.orders.is_banned(
            gateway.run_state.control.position, gateway.clock.now()
        )


async def _play(seed: object, faults: Sequence[Fault], folder: Path, *, verbose: bool) -> Outcome:
    world = Night(seed, tell(seed), folder, verbose=verbose)
    await world.begin()
    loop = asyncio.get_running_loop()
    for fault in faults:
        loop.call_at(fault.at_s, world.strike, fault)
    await _or_failed(world, asyncio.sleep(world.story.length_s))
    world.heal()
    await world.settled(lambda: world.amiss(released=False))
    if not world.failed.is_set():
        world.store.append(world.run.topics.control.name, world.story.operators.release_everything())
        await world.settled(lambda: world.amiss(released=True))
    if not world.failed.is_set():
        await asyncio.sleep(QUIET_S)
        for _ in range(_ASKED_IN_THE_END):
            await world.ask_for_the_past()
    await world.end()
    if not world.failed.is_set():
        try:
            async with asyncio.timeout(PATIENCE_S):
                await world.check_archive()
                await world.check_beginners()
        except Exception as error:  # noqa: BLE001  whoever begins now must not fail
            world.wrong(f"{type(error).__name__}: {error}")
    return world.chronicle.close()


async def _or_failed(world: Night, work: Any) -> None:
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
    until_s = tell(seed).length_s - all_faults.MAX_FAULT_S
    return all_faults.draw(seed, processes, list(SCREENS), count=FAULTS, until_s=until_s)


def play(seed: object, faults: Sequence[Fault] | None = None, *, verbose: bool = False) -> Outcome:
    """Play the night of a seed, with its own faults or with these."""
    struck = faults_of(seed) if faults is None else faults
    return staged(lambda folder: _play(seed, struck, folder, verbose=verbose), seed)
