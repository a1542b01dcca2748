"""The past while no aggregator ran: what had not been published by then was not on air."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from consumers.aggregate import Aggregator
from eventlog.clock import Manual
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, create_run
from sandik.past import past_of
from sandik.wiring import open_log
from schemas.control import EmbargoLifted, EmbargoSet, FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.progress import parse_watermark
from schemas.trust import encode_order
from tabulation.program import Program
from tests.builders import NIGHT, counted, small_election, value_of

RUN = "gece"
ELECTION = small_election().model_copy(update={"embargo_until": None})
WHERE: dict[str, Any] = {"contest": "mayor", "unit": "tr/34/uskudar"}
BY_HAND: dict[str, Any] = {**WHERE, "source": "aa"}


class Thinned:
    """A log in which no watermark is left but those of a beginning, as after compaction within the second."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        kept = [
            one for one in entries if parse_watermark(one.key, one.value) is None or (one.key or b"").endswith(b"+0")
        ]
        await self._log.append(topic, kept)


class Night:
    """A run in which something is reported or ordered every minute. Kurum's votes in the country are its figures."""

    def __init__(self, log: EventLog, run: Run, clock: Manual) -> None:
        self.log, self.run, self.clock = log, run, clock
        self.revision = 0

    async def report(self, votes: int) -> datetime:
        """Count the one box anew, a minute later; the moment of it."""
        self.clock.advance(60)
        self.revision += 1
        kind = "counted" if self.revision == 1 else "corrected"
        tally = counted({"kurum": votes}, revision=self.revision, type=kind)
        await self.log.append(self.run.topics.tallies.name, [Entry(tally.district.encode(), value_of(tally))])
        return self.clock.now()

    async def order(self, kind: type[Order], *, after_s: float = 60, **fields: Any) -> datetime:
        """Give an order, a minute later; the moment of it."""
        self.clock.advance(after_s)
        number = int(self.clock.now().timestamp())
        told: dict[str, Any] = {"run": RUN, "epoch": "e1e1", "id": f"order-{number}", "by": "A", "at": NIGHT}
        order = kind(**told, reason="why", **fields)
        await self.log.append(self.run.topics.control.name, [Entry(b"order", encode_order(order, None))])
        return self.clock.now()

    async def aggregate(self, *, after_s: float = 1) -> datetime:
        """Let an aggregator do what there is to do, a second later; the moment of it."""
        self.clock.advance(after_s)
        await Aggregator(self.log, self.run, self.clock).run_until_end()
        return self.clock.now()

    async def on_air(self, moment: datetime) -> int | None:
        """What is told of a moment today; `None` where nothing is."""
        past = await past_of(self.log, self.run, moment)
        return next((row.votes["kurum"] for row in past.on_air if row.unit == "tr" and row.source == "aa"), None)

    async def on_air_now(self) -> int | None:
        """What a gateway shows the public."""
        program = Program(ELECTION)
        async for record in read_to_end(self.log, self.run.topics.totals.name):
            program.fold(record)
        return next((row.votes["kurum"] for row in program.view.rows(source="aa", units={"tr"})), None)


@asynccontextmanager
async def night(folder: Path) -> AsyncIterator[Night]:
    clock = Manual(datetime(2024, 3, 31, 18, 0, tzinfo=UTC))
    async with open_log(f"sqlite:{folder / 'night.db'}", clock) as log:
        run = await create_run(log, RUN, ELECTION, mode="test", epoch="e1e1", clock=clock)
        yield Night(log, run, clock)


async def test_what_an_operator_held_before_it_was_published_never_shows(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        first = await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        held = await run.order(Held, **WHERE)
        assert [None, 829, 829] == [await run.on_air(moment) for moment in (first, wrong, held)]

        up = await run.aggregate()

        moments = (first, wrong, held, up)
        assert [None, 829, 829, 829] == [await run.on_air(moment) for moment in moments]
        assert 829 == await run.on_air_now()
        past = await past_of(run.log, run.run, up)
        assert ("mayor/tr/34/uskudar",) == past.hold
        assert [78_606] == [row.votes["kurum"] for row in past.control_room if row.unit == "tr"]


async def test_what_was_set_by_hand_before_a_figure_was_published_hides_it_at_every_moment(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        by_hand = await run.order(FigureOverridden, **BY_HAND, figures={"votes.kurum": 830})
        assert [829, 829] == [await run.on_air(moment) for moment in (wrong, by_hand)]

        up = await run.aggregate()

        assert [829, 829, 830] == [await run.on_air(moment) for moment in (wrong, by_hand, up)]


async def test_an_override_that_was_taken_back_unseen_leaves_the_older_figures(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        await run.report(829)
        await run.order(FigureOverridden, **BY_HAND, figures={"votes.kurum": 830})
        by_hand = await run.aggregate()
        wrong = await run.report(78_606)
        held = await run.order(Held, **WHERE)
        taken_back = await run.order(OverrideWithdrawn, **BY_HAND)
        up = await run.aggregate()

        assert [830] * 5 == [await run.on_air(moment) for moment in (by_hand, wrong, held, taken_back, up)]


async def test_a_hold_that_came_and_went_while_nothing_was_published_still_keeps_what_it_was_for(
    tmp_path: Path,
) -> None:
    async with night(tmp_path) as run:
        await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        held = await run.order(Held, **WHERE)
        right = await run.report(900)
        released = await run.order(Released, **WHERE)
        up = await run.aggregate()

        assert [829, 829, 829] == [await run.on_air(moment) for moment in (wrong, held, right)]
        assert [829, 900] == [await run.on_air(moment) for moment in (released, up)]


async def test_each_taking_shows_what_it_took_and_a_release_that_nobody_relayed_nothing_more(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        await run.report(1)
        held = await run.order(Held, **WHERE)
        await run.aggregate()
        await run.report(2)
        await run.aggregate()
        unseen = await run.report(3)
        await run.order(Taken, **WHERE)
        taken = await run.aggregate()
        await run.report(4)
        released = await run.order(Released, **WHERE)

        assert [None, None, 2, 2] == [await run.on_air(moment) for moment in (held, unseen, taken, released)]

        up = await run.aggregate()

        assert [2, 4] == [await run.on_air(moment) for moment in (released, up)]


async def test_what_was_corrected_before_anybody_published_it_was_never_on_air(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        first = await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        right = await run.report(900)
        up = await run.aggregate()
        later = await run.report(901)
        await run.aggregate()

        moments = (first, wrong, right, up, later)
        assert [None, 829, 829, 900, 900] == [await run.on_air(moment) for moment in moments]


async def test_an_embargo_that_began_before_anybody_published_a_figure_keeps_it_at_the_moment_before_as_well(
    tmp_path: Path,
) -> None:
    async with night(tmp_path) as run:
        await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        await run.order(EmbargoSet, until=None)
        await run.aggregate()
        await run.report(900)
        await run.aggregate()
        lifted = await run.order(EmbargoLifted)

        assert [829, 900] == [await run.on_air(moment) for moment in (wrong, lifted)]


async def test_a_figure_that_came_a_moment_before_an_embargo_is_not_told_of_that_moment(tmp_path: Path) -> None:
    """Nobody has written down whether the tick that published it came before the embargo or after."""
    async with night(tmp_path) as run:
        await run.report(829)
        await run.aggregate()
        wrong = await run.report(78_606)
        await run.order(EmbargoSet, after_s=0.4, until=None)
        await run.aggregate(after_s=0.5)
        await run.order(EmbargoLifted)

        assert 829 == await run.on_air(wrong)


async def test_before_the_first_aggregator_nothing_was_on_air(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        counted_at = await run.report(829)

        assert await run.on_air(counted_at) is None


async def test_what_an_order_was_published_after_is_told_though_its_watermark_is_gone(tmp_path: Path) -> None:
    async with night(tmp_path) as run:
        await run.report(829)
        run.log = cast(EventLog, Thinned(run.log))
        up = await run.aggregate()
        await run.order(FigureOverridden, **BY_HAND, figures={"cast": 900})
        by_hand = await run.aggregate()

        assert [None, 829] == [await run.on_air(moment) for moment in (up, by_hand)]
