"""A run's topics with broken records in them: aggregator with its order relay, gateway, archiver: loops that go on.

An input is a topic, a key and a value in each line. It comes between good tallies, in virtual time over the simulated
log: no loop ends, what is good is counted exactly, what is not is in quarantine with its bytes and its position.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from consumers.aggregate import AggregateSettings, Aggregator
from consumers.archive import Archiver
from eventlog.archive import open_archive
from eventlog.loops import RetryPolicy, forever
from eventlog.port import Entry, partition_of
from eventlog.run import Run, create_run
from gateway.follow import follow, pulse, watch
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.asides import is_aside
from schemas.definition import Election
from schemas.moments import epoch_ms
from schemas.quarantine import Quarantined, is_assessment
from schemas.tally import MAX_TALLY_BYTES, TALLY, Counted, Reported, Tally, Withdrawn, encode
from schemas.totals import Cell, parse_totals
from tests.builders import counted, small_election, withdrawn
from tests.consumers.oracle import sums
from tests.fuzz.target import Broken, Opened, Target, expect
from tests.fuzz.targets import control as orders
from tests.fuzz.targets import totals as figures
from tests.fuzz.targets.tally import ranked
from tests.simulation.seeded.archiving import SETTINGS, SimulatedDisk
from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.loop import run as run_in_loop
from tests.simulation.seeded.store import Store, Stored

ELECTION: Final = small_election()
PARTITIONS: Final = 2
TOPICS: Final = ("tallies", "control", "totals", "ledger", "quarantine", "comparisons")
SETTLED_S: Final = 8.0
"""Virtual seconds after which everything has been read, folded and written that is to be."""

STEADY: Final = RetryPolicy(0.3, 0.5, refused_s=0.5, chance=lambda: 0.0)
AGGREGATE: Final = AggregateSettings(tick_ms=100, checkpoint_ms=1_000, retry=STEADY, compare_ms=1_000)
GATEWAY: Final = GatewaySettings(watch_s=0.5, retry=STEADY)
BEFORE: Final = tuple(counted(box=box) for box in (1001, 1002, 1003))
AFTER: Final = (counted({"kurum": 9}, box=1004), counted(box=1001, revision=9, source="anka"))


class Told(NamedTuple):
    """A line of an input."""

    topic: str
    key: bytes
    value: bytes


def lines_of(data: bytes) -> list[Told]:
    """The lines of an input; what names no topic is meant for the tallies."""
    found = []
    for line in data.split(b"\n"):
        topic, _, rest = line.partition(b"\t")
        key, _, value = rest.partition(b"\t")
        name = topic.decode(errors="replace")
        found.append(Told(name, key, value) if name in TOPICS else Told("tallies", key, line))
    return found


def corpus() -> tuple[bytes, ...]:
    """Some records of every topic, mixed."""
    tallies: list[Tally] = [
        counted(box=1005),
        counted(box=1006, revision=2),
        withdrawn(box=1005),
        counted(box=1005, source="anka"),
    ]
    tallies += [counted({"chp": 3}, contest="district_mayor", district="tr/41/gebze", box=1007), counted({}, box=1006)]
    said = [b"tallies\t" + one.district.encode() + b"\t" + encode(one) for one in tallies]
    ordered = [b"control\torder\t" + value for value in orders.corpus() if len(value) < MAX_TALLY_BYTES]
    told = [b"totals\t" + record.replace(b"\n", b"\t") for record in figures.corpus()]
    aside = [b"quarantine\t" + record.replace(b"\n", b"\t") for record in figures.corpus()]
    kept = [b"ledger\tmarker\t" + orjson.dumps({"v": 1, "position": 1, "followed": 0, "versions": []})]
    return tuple(
        b"\n".join(mixed)
        for mixed in (
            *(said, [*said[:2], *ordered[:6]], [*said[2:4], *ordered[6:12]], [*told[:6], *aside[:4], said[0]]),
            *([said[4], *kept, *told[6:], *aside[4:]], [*ordered[12:], said[5]], [said[1]] * 3),
        )
    )


class World:
    """A run, its loops, and who wrote what."""

    def __init__(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        self.errors: list[str] = []
        loop.set_exception_handler(lambda _, context: self.errors.append(str(context)))
        self.clock = SimulatedClock(Line("log"), {})
        self.store = Store(lambda: epoch_ms(self.clock.now()), loop.time)
        self.published: dict[Cell, bytes] = {}
        self.aside: dict[tuple[str, int, int], Quarantined] = {}
        self.gateway = Gateway("night", clock=self.clock, settings=GATEWAY)
        self._folder = folder
        self._is_ours = False

    async def play(self, told: list[Told]) -> None:
        """Let everybody go on while this is written, and look at what comes of it."""
        async with SimulatedLog(self.store) as log:
            run = await create_run(
                log, "night", ELECTION, mode="test", epoch="e1e1", clock=self.clock, partitions=PARTITIONS
            )
            self.store.appended.append(lambda topic, _, record: self._hear(run, topic, record))
            loops = {
                "the aggregator": Aggregator(log, run, self.clock, AGGREGATE).run(),
                "the archiver": Archiver(log, run, self._folder, self.clock, SETTINGS).follow(SimulatedDisk(Line())),
                "following": follow(log, self.gateway, self.clock),
                "sending": pulse(self.gateway, self.clock),
                "watching": watch(self.gateway, self.clock),
            }
            tasks = {name: asyncio.create_task(forever(loop, name)) for name, loop in loops.items()}
            good = [Told("tallies", one.district.encode(), encode(one)) for one in (*BEFORE, *AFTER)]
            for some in (good[: len(BEFORE)], told, good[len(BEFORE) :]):
                self._write(run, some)
                await asyncio.sleep(1)
            await asyncio.sleep(SETTLED_S)
            ended = {name: task.exception() for name, task in tasks.items() if task.done() and not task.cancelled()}
            for task in tasks.values():
                task.cancel()
            await asyncio.wait(tasks.values())
        for name, error in ended.items():
            raise Broken(f"{name} ended: {type(error).__name__}: {error}") from error
        expect(not self.errors, f"in a callback: {self.errors}")
        self._check(run)

    def _write(self, run: Run, told: list[Told]) -> None:
        self._is_ours = True
        for topic, key, value in told:
            self.store.append(getattr(run.topics, topic).name, [Entry(key, value)])
        self._is_ours = False

    def _hear(self, run: Run, topic: str, record: Stored) -> None:
        if topic == run.topics.totals.name and not self._is_ours and not is_aside(record.key):
            totals = parse_totals(record.value or b"")
            self.published[totals.cell] = record.value or b""
        if topic == run.topics.quarantine.name and not self._is_ours and not is_assessment(record.key):
            one = Quarantined.model_validate_json(record.value or b"")
            expect(record.key == one.position, "a quarantined record lies under another key")
            self.aside[one.topic, one.partition, one.offset] = one

    def _check(self, run: Run) -> None:
        world = self.gateway.run_state
        if world is None:
            raise Broken("the gateway has not found the run")
        read = world.control.position, world.view.seq, world.quarantine.seq
        ends = tuple(
            self.store.partitions(topic.name)[0].end
            for topic in (run.topics.control, run.topics.totals, run.topics.quarantine)
        )
        expect(self.gateway.ready and read == ends, f"the gateway is at {read} of {ends}")
        self._check_tallies(run)
        for record in self._records(run.topics.control.name, 0):
            if _is_no_json(record.value or b""):
                place = run.topics.control.name, 0, record.offset
                expect(place in self.aside or self._is_forged(run, place), "a broken order is not set aside")
        self._check_archive(run)

    def _is_forged(self, run: Run, place: tuple[str, int, int]) -> bool:
        """Whether somebody else has said that it was set aside: then it is not done twice."""
        key = "/".join(map(str, place)).encode()
        return any(record.key == key for record in self._records(run.topics.quarantine.name, 0))

    def _check_tallies(self, run: Run) -> None:
        name, counts = run.topics.tallies.name, []
        for partition in range(PARTITIONS):
            for record in self._records(name, partition):
                event, one = sound(ELECTION, record), self.aside.get((name, partition, record.offset))
                if one is not None:
                    expect(one.original == record.value, "other bytes are set aside")
                    expect(event is None or one.reason in {"conflict", "backwards"}, f"a good one is: {one.detail}")
                else:
                    expect(event is not None, "a broken tally is not set aside")
                    counts.append(event)
        expected = sums(ranked([one for one in counts if isinstance(one, Counted | Withdrawn)]))
        forged = self._forged(run)
        for key, wanted in expected.items():
            if Cell(*key) in forged:
                continue
            told = parse_totals(self.published[Cell(*key)]).model_dump()
            told["votes"] = {name: count for name, count in told["votes"].items() if count}
            wrong = {name for name, value in wanted.items() if told[name] != value}
            expect(not wrong, f"{wrong} of {key} are not the oracle's")

    def _forged(self, run: Run) -> set[Cell]:
        """Cells of which somebody else has written totals as well, or an order."""
        cells = set()
        for record in self._records(run.topics.totals.name, 0):
            try:
                totals = parse_totals(record.value or b"")
            except ValueError:
                continue
            if self.published.get(totals.cell) != record.value:
                cells.add(totals.cell)
        return {cell for cell in cells if not self._is_own(run, cell)}

    def _is_own(self, run: Run, cell: Cell) -> bool:
        """Whether all totals of the cell are under its own key and not newer than its tallies go."""
        ends = [partition.end for partition in self.store.partitions(run.topics.tallies.name)]
        end = ends[partition_of(cell.district.encode(), PARTITIONS)]
        for record in self._records(run.topics.totals.name, 0):
            try:
                totals = parse_totals(record.value or b"")
            except ValueError:
                continue
            if totals.cell == cell and (totals.version >= end or record.key != cell.key()):
                return False
        return True

    def _check_archive(self, run: Run) -> None:
        archive = open_archive(self._folder)
        for topic, records in ((run.topics.tallies, archive.tallies()), (run.topics.control, archive.control())):
            found = sorted((one.partition, one.offset, one.key, one.value) for one in records)
            written = [
                (number, record.offset, record.key, record.value)
                for number in range(topic.partitions)
                for record in self._records(topic.name, number)
            ]
            expect(found == written, "the archive holds other records than the log")

    def _records(self, topic: str, partition: int) -> list[Stored]:
        return self.store.partitions(topic)[partition].history


def sound(election: Election, record: Stored) -> Tally | None:
    """The tally that a record is, by the naive reading of the contract; `None` where it is none that could count."""
    value = record.value or b""
    try:
        event: Tally = TALLY.validate_json(value)
    except ValueError:
        return None
    votes = () if isinstance(event, Withdrawn) else event.votes
    cell = event.contest, event.source, event.district
    if len(value) > MAX_TALLY_BYTES or isinstance(event, Reported) or not election.knows(cell, votes):
        return None
    in_district = any(first <= event.box <= last for first, last in election.unit_by_id[event.district].boxes)
    return event if in_district and record.key == event.district.encode() else None


def _is_no_json(value: bytes) -> bool:
    try:
        orjson.loads(value)
    except ValueError:
        return True
    return False


@contextmanager
def opened() -> Iterator[Opened]:
    """With a folder for archives."""

    def check(data: bytes) -> None:
        async def play(folder: str) -> None:
            await World(Path(folder) / "archive").play(lines_of(data))

        with tempfile.TemporaryDirectory() as folder:
            run_in_loop(play(folder), data[:64])

    yield Opened(corpus(), check)


TARGET: Final = Target("loops", "records in every topic, under the loops that read them", 3, opened, cpu_s=20)
