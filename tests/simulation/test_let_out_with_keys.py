"""No sequence of orders, forgeries, copies, restarts and keys lets the public see a figure that no operator let out.

Everything is real but the clock: orders in a log, aggregators that are started with some keys and end again, gateways
that read the whole log anew with some keys. The oracle is naive: it knows who is who, whatever keys a process has.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Manual
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.access import PUBLIC
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from sandik.past import past_of
from schemas.control import (
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    OverrideWithdrawn,
    Released,
    Taken,
)
from schemas.fields import CLOCK_TOLERANCE
from schemas.totals import Cell
from schemas.trust import OperatorKey, OrderSigner
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.builders import counted, small_election, value_of
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, new_signer, written

RUN, EPOCH = "gece", "e1e1"
BEGAN = datetime(2024, 3, 31, 17, tzinfo=UTC)
CELL = Cell("mayor", "aa", "tr/34/uskudar")
STAYS, LEFT, STRANGER = new_signer(), new_signer(), new_signer()
"""An operator who stays, one who has left after half an hour, and somebody who may write to the log."""

LEAVES = BEGAN + timedelta(minutes=30)
ONE_WHO_LEFT = OperatorKey(LEFT.public._key, LEAVES)
KEYS: dict[str, tuple[OperatorKey, ...]] = {
    "both": (STAYS.public, ONE_WHO_LEFT),
    "who stays": (STAYS.public,),
    "who left": (ONE_WHO_LEFT,),
    "none": (),
}


class Give(NamedTuple):
    """Somebody writes an order; `late`: it was signed long before."""

    kind: Kind
    signer: OrderSigner | None
    minutes: int | None
    unit: str | None
    late: bool
    boxes: int = 0


class Copy(NamedTuple):
    """Somebody writes an order that lies in the log already once more."""

    number: int


class Report(NamedTuple):
    """The feed reports one more box."""


class Aggregate(NamedTuple):
    """An aggregator is started with these keys, folds what there is, and ends."""

    keys: str


class Wait(NamedTuple):
    """Time passes."""

    minutes: int


Step = Give | Copy | Report | Aggregate | Wait

GIVES = st.builds(
    Give,
    st.sampled_from([EmbargoSet, EmbargoLifted, Held, Released, Taken, FigureOverridden, OverrideWithdrawn]),
    st.sampled_from([STAYS, LEFT, STRANGER, None]),
    st.sampled_from([None, -5, 10, 40]),
    st.sampled_from([None, "tr/34", "tr/34/uskudar", "tr/41"]),
    st.sampled_from([False, False, False, True]),
    st.integers(100, 10_000),
)
STEPS = st.one_of(
    GIVES,
    GIVES,
    st.builds(Copy, st.integers(0, 9)),
    st.just(Report()),
    st.builds(Aggregate, st.sampled_from(sorted(KEYS))),
    st.builds(Wait, st.sampled_from([1, 15])),
)


@dataclass
class Oracle:
    """What the operators have let out, by whoever they are. Figures are told apart by the boxes opened.

    A figure that is set by hand keeps back none of the source's own, and to take it back keeps nothing back: only a
    hold or an embargo does.
    """

    reported: int = 0
    published: int = 0
    embargo: Embargo = NO_EMBARGO
    by_hand: frozenset[int] = frozenset()
    frozen: frozenset[int] | None = None
    let_out: set[int] = field(default_factory=lambda: {0})

    def apply_order(self, give: Give, now: datetime) -> None:
        trusted = give.signer is STAYS or (give.signer is LEFT and now < LEAVES)
        if not trusted or give.late:
            return
        covers = give.unit != "tr/41"
        if give.kind is EmbargoSet:
            self.embargo = Embargo(None if give.minutes is None else now + timedelta(minutes=give.minutes))
        elif give.kind is EmbargoLifted:
            self.embargo = NO_EMBARGO
        elif give.kind is FigureOverridden:
            self.by_hand |= {give.boxes}
        elif covers and (give.kind, self.frozen is None) in {(Held, True), (Taken, False)}:
            self.frozen = self.figures
        elif give.kind is Released and covers:
            self.frozen = None

    @property
    def figures(self) -> frozenset[int]:
        """What there is: the source's own, and what was set by hand in its place."""
        return self.by_hand | {self.published}

    def look(self, now: datetime) -> None:
        """Whatever the public may see now is let out for good."""
        if not self.embargo.is_in_force(now):
            self.let_out |= self.figures if self.frozen is None else self.frozen


class Night:
    """A live night in a log, and the oracle beside it."""

    def __init__(self, log: EventLog, run: Run, clock: Manual) -> None:
        self.oracle = Oracle()
        self._log, self._run, self._clock = log, run, clock
        self._given: list[bytes] = []

    async def take(self, step: Step) -> None:
        match step:
            case Give():
                await self._give(step)
            case Copy() if self._given:
                await self._write(self._given[step.number % len(self._given)])
            case Report():
                self.oracle.reported += 1
                tally = counted({"kurum": 1}, box=1000 + self.oracle.reported)
                entry = Entry(CELL.district.encode(), value_of(tally))
                await self._log.append(self._run.topics.tallies.name, [entry])
            case Aggregate():
                how = AggregateSettings(operators=KEYS[step.keys])
                await Aggregator(self._log, self._run, self._clock, how).run_until_end()
                self.oracle.published = self.oracle.reported
            case Wait():
                self._clock.advance(60 * step.minutes)
            case _:
                pass
        self.oracle.look(self._clock.now())

    async def _give(self, give: Give) -> None:
        now = self._clock.now()
        fields: dict[str, Any] = {"run": RUN, "epoch": EPOCH, "at": now}
        fields["deliver_by"] = now - 2 * CLOCK_TOLERANCE if give.late else now + timedelta(minutes=5)
        if give.kind is EmbargoSet:
            fields["until"] = None if give.minutes is None else now + timedelta(minutes=give.minutes)
        elif give.kind in {FigureOverridden, OverrideWithdrawn}:
            fields |= {"contest": "mayor", "source": "aa", "unit": CELL.district}
            fields |= {"figures": {"boxes_opened": give.boxes}} if give.kind is FigureOverridden else {}
        elif give.kind is not EmbargoLifted:
            fields |= {"contest": "mayor", "unit": give.unit}
        self._given.append(written(give.kind, give.signer, **fields))
        await self._write(self._given[-1])
        self.oracle.apply_order(give, now)

    async def _write(self, value: bytes) -> None:
        await self._log.append(self._run.topics.control.name, [Entry(b"order", value)])

    async def seen(self) -> Iterator[tuple[str, int]]:
        """What a gateway shows the public that is started now, by the keys that it is given."""
        topics = self._run.topics
        control, totals = [
            [record async for record in read_to_end(self._log, topic.name)] for topic in (topics.control, topics.totals)
        ]
        found = []
        for name, operators in KEYS.items():
            gateway = Gateway(RUN, clock=self._clock, settings=GatewaySettings(operators=operators))
            run_state = gateway.begin(self._run)
            gateway.fold_control(control)
            gateway.fold(totals)
            gateway.caught_up()
            shown = run_state.view_for("public").totals(CELL)
            if gateway.may_see_numbers(PUBLIC) and shown is not None:
                found.append((name, shown.boxes_opened))
        return iter(found)

    async def told(self, moment: datetime) -> Iterator[tuple[str, int]]:
        """What whoever asks for a moment that has been is told of the air, by the keys that it is worked out with."""
        found = []
        for name, operators in KEYS.items():
            past = await past_of(self._log, self._run, moment, operators)
            found += [
                (name, row.boxes_opened) for row in past.on_air if (row.unit, row.contest) == (CELL.district, "mayor")
            ]
        return iter(found)


async def played(folder: Path, steps: Sequence[Step]) -> None:
    clock = Manual(BEGAN)
    async with SqliteLog(folder / "night.db", clock) as log:
        run = await create_run(log, RUN, small_election(40), mode="live", epoch=EPOCH, clock=clock, partitions=1)
        night = Night(log, run, clock)
        moments = [clock.now()]
        for number, step in enumerate(steps):
            await night.take(step)
            moments.append(clock.now())
            for keys, boxes in await night.seen():
                assert boxes in night.oracle.let_out, (
                    f"after step {number} a gateway with the keys of {keys} shows {boxes}"
                )

        for moment in sorted(set(moments)):
            for keys, boxes in await night.told(moment):
                assert boxes in night.oracle.let_out, f"of {moment:%H:%M} with the keys of {keys} {boxes} are told"


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=14))
def test_the_public_sees_nothing_that_no_operator_has_let_out(
    steps: list[Step],
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(played(Path(folder), steps), LIMIT_S))


HELD = Give(Held, STAYS, None, None, late=False)
LATER_KEY: dict[str, list[Give]] = {
    "taken": [Give(Taken, LEFT, None, None, late=False)],
    "released and held": [Give(Released, LEFT, None, None, late=False), Give(Held, LEFT, None, None, late=False)],
}


@pytest.mark.parametrize("orders", LATER_KEY.values(), ids=LATER_KEY)
async def test_an_order_that_is_verified_late_lets_out_nothing_that_came_after_it(
    tmp_path: Path, orders: list[Give]
) -> None:
    """An aggregator without the key goes on publishing for the control room; then one with the key takes over."""
    steps: list[Step] = [Report(), Aggregate("both"), HELD, Aggregate("who stays"), *orders, Wait(1)]
    await played(tmp_path, [*steps, Report(), Aggregate("who stays"), Wait(1), Aggregate("both")])


async def test_a_hold_holds_though_the_release_before_it_cannot_be_verified_any_more(tmp_path: Path) -> None:
    """To an aggregator without that key the district was held all the time; to everybody else it was not."""
    released = Give(Released, LEFT, None, None, late=False)
    steps: list[Step] = [Report(), Aggregate("both"), HELD, Aggregate("both"), released, Aggregate("both"), HELD]
    await played(tmp_path, [*steps, Report(), Aggregate("who stays")])


async def test_a_take_that_is_verified_late_shows_no_figure_that_was_set_by_hand_after_it(tmp_path: Path) -> None:
    taken = Give(Taken, LEFT, None, None, late=False)
    by_hand = Give(FigureOverridden, STAYS, None, None, late=False, boxes=500)
    steps: list[Step] = [Report(), Aggregate("both"), HELD, Aggregate("both"), taken, by_hand]
    await played(tmp_path, [*steps, Aggregate("who stays"), Aggregate("both")])
