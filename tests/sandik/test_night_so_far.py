"""The course of a night that has been, from the log: what was on air, and when it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from consumers.aggregate import Aggregator
from eventlog.clock import Manual, Wall
from eventlog.port import Entry
from eventlog.run import create_run, find_run
from sandik.past import PastWorker, courses_so_far
from sandik.wiring import open_log
from schemas.control import Held, Order, Released
from schemas.tally import Counted
from schemas.trust import encode_order
from tabulation.derived.history import Courses
from tests.builders import NIGHT, counted, small_election, value_of

RUN = "gece"
BEGAN = datetime(2024, 3, 31, 20, 0, tzinfo=ZoneInfo("Europe/Istanbul"))
TOLD: Final[dict[str, Any]] = {"run": RUN, "epoch": "e1e1", "by": "A", "at": NIGHT, "reason": "why"}
HELD: Order = Held(id="order-01", contest="mayor", **TOLD)
RELEASED: Order = Released(id="order-02", contest="mayor", **TOLD)


def told(minute: int, kurum: int) -> Counted:
    """A box that is counted at this minute."""
    return counted(
        {"kurum": kurum}, box=1001 + minute // 10, at=BEGAN + timedelta(minutes=minute), registered=kurum + 50
    )


async def staged(url: str, *steps: tuple[int, Counted | Order, bool]) -> None:
    """Each step at its minute; with true an aggregator counts after it."""
    clock = Manual(BEGAN.astimezone(UTC))
    async with open_log(url, clock) as log:
        run = await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=clock)
        at = 0
        for minute, step, counts in steps:
            clock.advance(60 * (minute - at))
            at = minute
            if isinstance(step, Counted):
                await log.append(run.topics.tallies.name, [Entry(step.district.encode(), value_of(step))])
            else:
                await log.append(run.topics.control.name, [Entry(b"order", encode_order(step, None))])
            if counts:
                await Aggregator(log, run, clock).run_until_end()


async def so_far(url: str) -> Courses:
    async with open_log(url, Wall()) as log:
        return await courses_so_far(log, await find_run(log, RUN))


def line(courses: Courses) -> list[tuple[float, int]]:
    points = courses.get(("mayor", "aa", "tr"), ())
    return [((point.as_of - BEGAN).total_seconds() / 60, point.votes["kurum"]) for point in points]


async def test_the_line_is_what_was_on_air_with_what_was_held_as_it_stood(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'night.db'}"
    await staged(
        url,
        (10, told(10, 1), True),
        (20, told(20, 10), True),
        (25, HELD, True),
        (30, told(30, 100), True),
        (45, RELEASED, True),
        (50, told(50, 1_000), True),
    )
    assert [(10, 1), (20, 11), (50, 1_111)] == line(await so_far(url))


async def test_what_was_never_published_is_not_in_it(tmp_path: Path) -> None:
    """Corrected before any aggregator counted it, held before it was on air, or in the log alone so far."""
    url = f"sqlite:{tmp_path / 'night.db'}"
    wrong = told(20, 500)
    right = counted({"kurum": 5}, box=wrong.box, revision=2, at=BEGAN + timedelta(minutes=30))
    await staged(
        url,
        (10, told(10, 1), True),
        (20, wrong, False),
        (30, right, True),
        (40, told(40, 700), False),
        (41, HELD, True),
        (50, told(50, 90), False),
    )
    assert [(10, 1), (30, 6)] == line(await so_far(url))


async def test_a_process_of_its_own_comes_to_the_same(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'night.db'}"
    await staged(url, (10, told(10, 1), True), (20, told(20, 10), True))
    here = await so_far(url)
    there = await PastWorker(url, RUN).courses()
    assert {where: list(points) for where, points in here.items()} == there
    assert [(10, 1), (20, 11)] == line(there)


def test_a_night_in_which_nothing_was_said_has_none(tmp_path: Path) -> None:
    async def empty() -> Courses:
        await staged(f"sqlite:{tmp_path / 'night.db'}")
        return await so_far(f"sqlite:{tmp_path / 'night.db'}")

    assert {} == asyncio.run(empty())
