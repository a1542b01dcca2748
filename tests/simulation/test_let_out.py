"""No public reader is ever told a figure that was not let out: over random nights, with the real aggregator and log.

Tallies, orders and embargoes come in while aggregators are up, away, or die in the middle of publishing; zombies say
again what was said before; the topic is compacted. Meanwhile every record of the totals topic is looked at by a naive
oracle, which knows for each cell what was public at some time. Whatever a gateway shows at any of its doors, whether it
has followed or starts now, and whatever the past tells of any moment, must be among that; and where nothing was
waiting, the past tells exactly what was shown.
"""

import asyncio
import random as chance
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumers.aggregate import Aggregator
from eventlog.clock import Manual
from eventlog.port import MIN_COMPACTION_LAG_MS, Entry, read_to_end
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from eventlog.sqlite.tables import compact
from gateway.gateway import Gateway
from gateway.routes.application import application
from gateway.settings import GatewaySettings
from sandik.past import past_of
from sandik.wiring import open_log
from schemas.asides import Override, is_aside, is_gate, is_override, overridden, parse_gate, parse_override, unreported
from schemas.control import (
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    Order,
    OverrideWithdrawn,
    Released,
    Taken,
)
from schemas.errors import LogUnavailable
from schemas.fields import Record
from schemas.moments import epoch_ms
from schemas.totals import Cell, Row, Totals, parse_totals
from schemas.trust import encode_order
from tabulation.orders.control import Control
from tabulation.program import Program
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of

ELECTION = small_election()
BEGAN = datetime(2024, 3, 31, 18, 0, tzinfo=UTC)
RUN = "gece"
UNITS = (None, "tr", "tr/34", *DISTRICTS[1:])
HOLDS: tuple[type[Order], ...] = (Held, Held, Taken, Released)
ROW_FIGURES = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed", "flagged", "overridden")

Figures = tuple[Any, ...]


def figures_of(shown: Totals | Row) -> Figures:
    """What a screen shows of a cell; a candidate without votes is the same as one who is not named."""
    votes = tuple(sorted((name, count) for name, count in shown.votes.items() if count))
    return *(getattr(shown, name) for name in ROW_FIGURES), votes


class Oracle:
    """What was public of each cell at some time: every record of totals looked at, in the order in which it came."""

    def __init__(self) -> None:
        self.let_out: dict[Cell, set[Figures]] = {}
        self.shown: dict[Cell, Totals] = {}
        self._reported: dict[Cell, Totals] = {}
        self._overrides: dict[Cell, Override] = {}
        self._by_hand: set[Cell] = set()
        self._orders: dict[Cell, tuple[int, int]] = {}
        self._held: set[Cell] = set()

    def look(self, record: Record) -> None:
        """What the record changes for the public."""
        value = record.value or b""
        if is_gate(record.key):
            gate = parse_gate(value)
            if (gate.gate, gate.again) <= self._orders.get(gate.cell, (-1, 0)):
                return
            self._orders[gate.cell] = gate.gate, gate.again
            if not gate.again:  # what is said again only says what is shown already
                self._held.discard(gate.cell)
                self._show(gate.cell)
            if gate.held:
                self._held.add(gate.cell)
        elif is_override(record.key):
            override = parse_override(value)
            known = self._overrides.get(override.cell)
            if override.figures:
                self._by_hand.add(override.cell)
            if known is None or override.override > known.override:
                self._overrides[override.cell] = override
                self._show(override.cell)
        elif not is_aside(record.key):
            totals = parse_totals(value)
            known_totals = self._reported.get(totals.cell)
            if known_totals is None or totals.version > known_totals.version:
                self._reported[totals.cell] = totals
                self._show(totals.cell)

    def publish(self) -> None:
        """Everybody may look now."""
        for cell, totals in self.shown.items():
            self.let_out.setdefault(cell, set()).add(figures_of(totals))

    def now(self) -> dict[Cell, Figures]:
        """What everybody sees now."""
        return {cell: figures_of(totals) for cell, totals in self.shown.items()}

    def _show(self, cell: Cell) -> None:
        if cell in self._held:
            return
        override, totals = self._overrides.get(cell), self._reported.get(cell)
        if override is not None and cell in self._by_hand:  # taking back what nobody has set shows nothing
            totals = overridden(totals or unreported(cell, override.at), override.figures)
        if totals is not None:
            self.shown[cell] = totals


class DyingLog:
    """A log whose appends to one topic fail from one on, before or after it is written; all else goes through."""

    def __init__(self, log: SqliteLog, topic: str, after: int, *, written: bool) -> None:
        self._log = log
        self._topic = topic
        self._after = after
        self._written = written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        if topic == self._topic:
            self._after -= 1
            if self._after < 0:
                if self._written:
                    await self._log.append(topic, entries)
                raise LogUnavailable("The machine is gone.")
        await self._log.append(topic, entries)


class Night:
    """A night on the embedded log, step by step."""

    def __init__(self, seed: int, log: SqliteLog, run: Run, clock: Manual) -> None:
        self.random = chance.Random(seed)
        self.log, self.run, self.clock = log, run, clock
        self.oracle = Oracle()
        self.seen = 0
        self.revisions: dict[tuple[str, str, str, int], int] = {}
        self.orders = 0
        self.exact: list[tuple[datetime, dict[Cell, Figures]]] = []
        self.said: list[Record] = []
        self.gateway = Gateway(RUN, clock=clock, settings=GatewaySettings())
        self.gateway.begin(run)
        self.gateway.caught_up()
        self.obeyed = 0

    async def play(self, steps: int) -> None:
        moves = [self.report, self.report, self.report, self.hold, self.set_by_hand, self.embargo]
        moves += [
            self.aggregate,
            self.aggregate,
            self.die,
            self.haunt,
            self.compact,
            self.ask,
            self.overtake,
            self.ambush,
        ]
        for _ in range(steps):
            self.clock.advance(self.random.choice([2, 30, 600]))
            await self.random.choice(moves)()
            await self.look()
        self.clock.advance(2)
        await self.aggregate()
        await self.look()

    async def report(self) -> None:
        """A source counts a box, or corrects it, and an aggregator is there or not."""
        await self.count()
        if self.random.random() < 0.5:
            await self.aggregate()

    async def count(self) -> None:
        contest, source = self.random.choice(["mayor", "mayor", "district_mayor"]), self.random.choice(["aa", "anka"])
        district, box = self.random.choice(DISTRICTS[1:]), self.random.choice([1001, 1002])
        at = contest, source, district, box
        revision = self.revisions[at] = self.revisions.get(at, 0) + 1
        names = [candidate.id for candidate in ELECTION.contest_by_id[contest].ballot(district)]
        votes = {name: self.random.randint(0, 99) for name in names}
        where = {"contest": contest, "source": source, "district": district, "box": box}
        tally = counted(votes, **where, revision=revision, type="corrected" if revision > 1 else "counted")
        await self.log.append(self.run.topics.tallies.name, [Entry(district.encode(), value_of(tally))])

    async def hold(self) -> None:
        kind = self.random.choice(HOLDS)
        await self.order(kind, contest="mayor", unit=self.random.choice(UNITS))

    async def set_by_hand(self) -> None:
        where = {"contest": "mayor", "source": "aa", "unit": self.random.choice(DISTRICTS[1:])}
        if self.random.random() < 0.4:
            await self.order(OverrideWithdrawn, **where)
        else:
            figure = self.random.choice(["votes.kurum", "valid"])
            await self.order(FigureOverridden, **where, figures={figure: self.random.randint(100, 199)})

    async def overtake(self) -> None:
        """An operator is quicker than the tick that would have published a figure."""
        await self.count()
        self.clock.advance(0.4)
        await self.random.choice([self.hold, self.set_by_hand])()
        self.clock.advance(0.4)
        await self.aggregate()

    async def ambush(self) -> None:
        """An embargo begins before the tick that would have published a figure."""
        await self.count()
        self.clock.advance(0.4)
        await self.order(EmbargoSet, until=None)
        self.clock.advance(0.4)
        await self.aggregate()

    async def embargo(self) -> None:
        if self.random.random() < 0.5:
            await self.order(EmbargoLifted)
        else:
            await self.order(EmbargoSet, until=None)

    async def order(self, kind: type[Order], **fields: Any) -> None:
        self.orders += 1
        told: dict[str, Any] = {"run": RUN, "epoch": "e1e1", "id": f"order-{self.orders:04}", "by": "A", "at": NIGHT}
        told["reason"] = "why"
        value = encode_order(kind(**told, **fields), None)
        await self.log.append(self.run.topics.control.name, [Entry(b"order", value)])

    async def aggregate(self) -> None:
        """An aggregator does what there is to do. Nothing waits then, so the past must tell this moment exactly."""
        await Aggregator(self.log, self.run, self.clock).run_until_end()
        await self.look()
        if not await self.is_embargoed():
            self.exact.append((self.clock.now(), self.oracle.now()))

    async def die(self) -> None:
        """An aggregator dies at its first append to totals or at a later one, which is written or is not."""
        written = self.random.random() < 0.5
        log = DyingLog(self.log, self.run.topics.totals.name, self.random.randint(0, 2), written=written)
        try:
            await Aggregator(log, self.run, self.clock).run_until_end()
        except LogUnavailable:
            return

    async def haunt(self) -> None:
        """A zombie says again, late, what was said before."""
        if self.said:
            self.exact.clear()  # of a repeated order, compaction may leave the repetition alone, and its time
            record = self.random.choice(self.said)
            await self.log.append(self.run.topics.totals.name, [Entry(record.key or b"", record.value or b"")])
            await Aggregator(self.log, self.run, self.clock).run_until_end()  # the owner looks well before compaction

    async def compact(self) -> None:
        """Everything so far is old enough for compaction, and is compacted."""
        await self.look()
        self.clock.advance(MIN_COMPACTION_LAG_MS / 1_000 + 1)
        stored = await self.log.topic(self.run.topics.totals.name)
        now_ms = epoch_ms(self.clock.now())
        await self.log.writer.submit(lambda connection: compact(connection, stored, [0], now_ms))

    async def look(self) -> None:
        """Let the oracle see what is new, as it came."""
        embargoed = await self.is_embargoed()
        async for record in read_to_end(self.log, self.run.topics.totals.name):
            if record.offset < self.seen:
                continue
            self.seen = record.offset + 1
            self.said.append(record)
            self.oracle.look(record)
            self.gateway.fold([record])
            if not embargoed:
                self.oracle.publish()
        if not embargoed:
            self.oracle.publish()

    async def is_embargoed(self) -> bool:
        control = Control(self.run, ())
        async for record in read_to_end(self.log, self.run.topics.control.name):
            control.fold(record)
            if record.offset >= self.obeyed:
                self.obeyed = record.offset + 1
                self.gateway.fold_control([record])
        return control.embargo.is_in_force(self.clock.now())

    async def told_of(self, moment: datetime) -> dict[Cell, Figures]:
        """What the past tells the public of a moment, by district."""
        past = await past_of(self.log, self.run, moment)
        rows = [row for row in past.on_air if row.level == "district"]
        return {Cell(row.contest, row.source, row.unit): figures_of(row) for row in rows}

    async def ask(self) -> None:
        """The public asks for the present, for this moment and for one that was, before whatever comes next."""
        await self.ask_doors()
        for moment in (self.clock.now(), self.some_moment()):
            self.check(moment, await self.told_of(moment))

    async def ask_doors(self) -> None:
        """Every door that has figures tells the public what is on air, and nothing during an embargo."""
        await self.look()
        expected = 451 if await self.is_embargoed() else 200
        transport = httpx.ASGITransport(app=application(self.gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            answers = {path: await client.get(path) for path in ("/v1/totals", "/v1/rows.json", "/v1/facts")}
            compared = await client.get("/v1/compare?contest=mayor&unit=tr/34/uskudar&a=aa&b=anka")
        assert {expected} == {answer.status_code for answer in answers.values()}
        is_held = self.gateway.run_state is not None and self.gateway.run_state.program.is_held(
            "mayor", "tr/34/uskudar"
        )
        assert (451 if expected == 451 else 403 if is_held else 200) == compared.status_code
        if expected == 451:
            return
        shown = self.oracle.now()
        for row in answers["/v1/totals"].json()["totals"]:
            if row["level"] == "district":
                votes = tuple(sorted((name, count) for name, count in row["votes"].items() if count))
                figures = *(row[name] for name in ROW_FIGURES[:-1]), tuple(row["overridden"]), votes
                assert shown[Cell(row["contest"], row["source"], row["unit"])] == figures
        for path, field in (("/v1/rows.json", None), ("/v1/facts", "facts")):
            found = answers[path].json()
            for row in found if field is None else found[field]:
                cell = Cell(row["contest"], row["source"], row["unit"])
                if cell in shown and "valid" in row:
                    assert shown[cell][ROW_FIGURES.index("valid")] == row["valid"], path

    def some_moment(self) -> datetime:
        return BEGAN + timedelta(seconds=self.random.uniform(0, (self.clock.now() - BEGAN).total_seconds()))

    def check(self, moment: datetime, told: dict[Cell, Figures]) -> None:
        """Whatever is told of a moment was let out by now."""
        for cell, figures in told.items():
            assert figures in self.oracle.let_out.get(cell, set()), f"{cell} at {moment}: {figures}"

    async def shown_now(self) -> dict[Cell, Figures]:
        """What a gateway that starts now shows the public once there is no embargo."""
        program = Program(ELECTION)
        async for record in read_to_end(self.log, self.run.topics.totals.name):
            program.fold(record)
        rows = [row for row in program.view.rows() if row.level == "district"]
        return {Cell(row.contest, row.source, row.unit): figures_of(row) for row in rows}


async def check(seed: int, steps: int, folder: Path) -> None:
    clock = Manual(BEGAN)
    async with open_log(f"sqlite:{folder / 'night.db'}", clock) as log:
        assert isinstance(log, SqliteLog)
        run = await create_run(log, RUN, ELECTION, mode="test", epoch="e1e1", clock=clock, partitions=2)
        night = Night(seed, log, run, clock)
        await night.play(steps)
        await night.ask_doors()
        assert night.oracle.now() == await night.shown_now()
        for moment, shown in night.exact:
            assert shown == await night.told_of(moment), f"at {moment}"
        for _ in range(12):
            moment = night.some_moment()
            night.check(moment, await night.told_of(moment))


@settings(max_examples=20, deadline=None)  # some hundred milliseconds each
@given(st.integers(0, 2**32), st.integers(1, 25))
@example(16, 2)  # figures taken back that nobody had set
def test_no_public_reader_is_told_what_was_not_let_out(seed: int, steps: int) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(check(seed, steps, Path(folder)))
