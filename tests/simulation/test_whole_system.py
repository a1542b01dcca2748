"""A seeded simulation of the whole system against a naive oracle.

Every seed is a night of its own: feeds that repeat, reorder and garble, aggregators that are killed between any two
steps and started again, zombies that publish what they knew, operators who hold and release, gateways that restart,
clients that come and go with their cursor. A failure names its seed; run that one alone with `-k "seed-17"`.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from schemas.asides import is_gate, parse_gate
from schemas.control import Held, Released
from schemas.fields import Record
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell, Row, Totals, encode_rows
from tabulation.program import Program
from tabulation.view import View
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of, withdrawn
from tests.consumers import oracle
from tests.patience import LIMIT_S
from tests.schemas.orders import written

SEEDS = range(24)
BOXES = 6
CONTESTS = ("mayor", "district_mayor")
STEPS = 40
FAST = AggregateSettings(tick_ms=1, checkpoint_ms=5, retry=RetryPolicy(0.001, 0.001))
ELECTION = small_election(boxes=BOXES)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        yield log


@dataclass
class Client:
    """What a screen on air knows: absolute values by unit, and its cursor. Any gateway may answer it."""

    seq: int = 0
    boxes: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def catch_up(self, view: View) -> None:
        """Take what is owed since the cursor; nothing may step back but a figure, and no gap may show."""
        assert view.seq >= self.seq, "a gateway that has read less than the client must not be asked yet"
        for contest in ("mayor", "district_mayor"):
            for source in ("aa", "anka"):
                for wire in view.changed_since(contest, source, list(ELECTION.unit_by_id), self.seq):
                    if "boxes_opened" in wire:
                        self.boxes[contest, source, str(wire["unit"])] = int(str(wire["boxes_opened"]))
        self.seq = view.seq


class Night:
    """One seed's night."""

    def __init__(self, seed: int, log: EventLog, run: Run) -> None:
        self.random = random.Random(f"night-{seed}")
        self.log = log
        self.run = run
        self.said: list[Counted | Withdrawn] = []
        self.revisions: dict[tuple[str, str, str, int], int] = {}
        self.aggregators: list[asyncio.Task[None]] = []
        self.client = Client()

    async def play(self) -> None:
        often = (self.report, self.report, self.settle, self.settle)
        seldom = (self.repeat, self.garble, self.start, self.start, self.kill, self.haunt, self.look)
        steps = (*often, *seldom, self.hold, self.release)
        async with asyncio.TaskGroup() as group:
            for _ in range(STEPS):
                await self.random.choice(steps)(group)
            for task in self.aggregators:
                task.cancel()

    async def report(self, _: asyncio.TaskGroup) -> None:
        """A burst of new statements, in any order."""
        events = [self.statement() for _ in range(self.random.randint(1, 12))]
        self.said += events
        self.random.shuffle(events)
        await self.append(events)

    def statement(self) -> Counted | Withdrawn:
        contest = self.random.choice(["mayor", "district_mayor"])
        source = self.random.choice(["aa", "anka"])
        district, box = self.random.choice(DISTRICTS), self.random.randint(1001, 1000 + BOXES)
        key = (contest, source, district, box)
        self.revisions[key] = revision = self.revisions.get(key, 0) + self.random.randint(1, 3)
        where = {"contest": contest, "source": source, "district": district, "box": box, "revision": revision}
        at = NIGHT + timedelta(seconds=self.random.randint(0, 9000))
        if self.random.random() < 0.15:
            return withdrawn(type=self.random.choice(["withdrawn", "annulled"]), at=at, **where)
        names = ["chp"] if contest == "district_mayor" else ["imamoglu", "kurum", "bagimsiz_1"]
        votes = {name: self.random.randint(0, 200) for name in names}
        return counted(votes, at=at, registered=self.random.randint(100, 400), **where)

    async def repeat(self, _: asyncio.TaskGroup) -> None:
        """A feed sends again what it sent before."""
        if self.said:
            await self.append(self.random.choices(self.said, k=10))

    async def garble(self, _: asyncio.TaskGroup) -> None:
        """Bytes that are no tally, and a contradiction of what was said."""
        entries = [Entry(self.random.choice(DISTRICTS).encode(), self.random.randbytes(20))]
        for event in self.said[:1]:
            changed = orjson.loads(value_of(event)) | {"type": "counted", "box": 9_000}
            entries.append(Entry(event.district.encode(), orjson.dumps(changed)))
        await self.log.append(self.run.topics.tallies.name, entries)

    async def start(self, group: asyncio.TaskGroup) -> None:
        if len(self.aggregators) < 3:
            self.aggregators.append(group.create_task(Aggregator(self.log, self.run, Wall(), FAST).run()))

    async def kill(self, _: asyncio.TaskGroup) -> None:
        """Stop one wherever it is; what it had not said to the log is gone."""
        if self.aggregators:
            self.aggregators.pop(self.random.randrange(len(self.aggregators))).cancel()

    async def haunt(self, _: asyncio.TaskGroup) -> None:
        """A zombie publishes, late, a record that was published before."""
        known = await self.read_totals()
        if known:
            zombie = self.random.choice(known)
            await self.log.append(self.run.topics.totals.name, [Entry(zombie.key or b"", zombie.value or b"")])

    async def hold(self, _: asyncio.TaskGroup) -> None:
        """An operator freezes a contest, or a part of it."""
        unit = self.random.choice([None, "tr", "tr/34", *DISTRICTS])
        await self.command(written(Held, run=self.run.name, contest=self.random.choice(CONTESTS), unit=unit))

    async def release(self, _: asyncio.TaskGroup) -> None:
        """An operator lets go of it, or of what was never held."""
        unit = self.random.choice([None, "tr", "tr/34", *DISTRICTS])
        await self.command(written(Released, run=self.run.name, contest=self.random.choice(CONTESTS), unit=unit))

    async def command(self, order: bytes) -> None:
        await self.log.append(self.run.topics.control.name, [Entry(b"order", order)])

    async def look(self, _: asyncio.TaskGroup) -> None:
        """The client asks a gateway that has just started."""
        self.client.catch_up((await self.program()).view)

    async def settle(self, _: asyncio.TaskGroup) -> None:
        """Time passes: until something more is published, or a little while where nothing is."""
        name = self.run.topics.totals.name
        async with self.log.reader(name, await self.log.end_offsets(name)) as reader:
            await reader.read(max_records=1, wait_ms=30)

    async def append(self, events: list[Counted | Withdrawn]) -> None:
        entries = [Entry(event.district.encode(), value_of(event)) for event in events]
        await self.log.append(self.run.topics.tallies.name, entries)

    async def program(self) -> Program:
        program = Program(self.run.definition)
        for record in await self.read_totals():
            program.fold(record)
        return program

    async def view(self) -> View:
        return (await self.program()).live

    async def read_totals(self) -> list[Record]:
        records: list[Record] = []
        name = self.run.topics.totals.name
        end = (await self.log.end_offsets(name))[0]
        async with self.log.reader(name, {0: 0}) as reader:
            while reader.positions[0] < end:
                for batch in await reader.read(max_records=1000, wait_ms=1000):
                    records += batch.records
        return records


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
async def test_whatever_happens_the_night_ends_as_the_oracle_says(seed: int, log: EventLog) -> None:
    run = await create_run(log, "night", ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=3)
    night = Night(seed, log, run)
    async with asyncio.timeout(4 * LIMIT_S):
        await night.play()
        await Aggregator(log, run, Wall(), FAST).run_until_end()
        view = await night.view()
        check_holds(await night.read_totals())
        for contest in CONTESTS:
            await night.command(written(Released, run=run.name, contest=contest))
        await Aggregator(log, run, Wall(), FAST).run_until_end()
        program = await night.program()
        night.client.catch_up(program.view)
        assert encode_rows(program.view.rows()) == encode_rows(view.rows())
        assert program.hold == ()

    expected = oracle.sums(night.said)
    found = {(row.contest, row.source, row.unit): row for row in view.rows() if row.level == "district"}
    assert expected.keys() == found.keys()
    for key, figures in expected.items():
        reported = {name: value for name, value in figures.items() if name not in {"annulled", "excess", "blank"}}
        row = as_figures(found[key])
        assert row["blank"] is None, "no contest of this night counts blank votes apart"
        assert reported | {"overridden": ()} == {name: row[name] for name in (*reported, "overridden")}
    assert {key: row.boxes_opened for key, row in every_unit(view).items()} == night.client.boxes


@pytest.mark.parametrize("seed", [3, 11], ids=lambda seed: f"seed-{seed}")
async def test_the_same_events_undisturbed_end_in_the_same_bytes(seed: int, log: EventLog) -> None:
    run = await create_run(log, "wild", ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=3)
    calm = await create_run(log, "calm", ELECTION, mode="test", epoch="e2e2", clock=Wall(), partitions=3)
    wild, quiet = Night(seed, log, run), Night(seed, log, calm)
    async with asyncio.timeout(4 * LIMIT_S):
        await wild.play()
        await quiet.append(wild.said)
        for each in (run, calm):
            await Aggregator(log, each, Wall(), FAST).run_until_end()

    assert encode_rows((await quiet.view()).rows()) == encode_rows((await wild.view()).rows())


def check_holds(records: list[Record]) -> None:
    """What is held shows the same at every position until another order's gate stands."""
    program, gates = Program(ELECTION), dict[Cell, int]()
    held: dict[Cell, Totals | None] = {}
    for record in records:
        program.fold(record)
        if is_gate(record.key):
            gate = parse_gate(record.value or b"")
            if gate.gate > gates.get(gate.cell, -1):
                gates[gate.cell] = gate.gate
                held.pop(gate.cell, None)
                if gate.held:
                    held[gate.cell] = program.view.totals(gate.cell)
        for cell, shown in held.items():
            assert program.view.totals(cell) == shown


def as_figures(row: Row) -> dict[str, object]:
    return row._asdict() | {"votes": {name: votes for name, votes in row.votes.items() if votes}}


def every_unit(view: View) -> dict[tuple[str, str, str], Row]:
    return {(row.contest, row.source, row.unit): row for row in view.rows()}
