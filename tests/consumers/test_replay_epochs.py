"""Folding a replay take after take, on both logs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from consumers.aggregate import Progress, fold_run
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, begin_replay_epoch, create_run, find_run
from schemas.asides import is_aside
from schemas.errors import LogUnavailable
from schemas.progress import PartitionProgress, ReplayMoved, is_progress, parse_progress
from tests.builders import NIGHT, counted, small_election
from tests.consumers.test_aggregate import FAST, publish, until_end
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await create_run(log, unique, small_election(), mode="replay", epoch="e1e1", clock=Wall(), partitions=2)


@asynccontextmanager
async def folding(log: EventLog, run: Run, progress: Progress | None = None) -> AsyncIterator[None]:
    work = asyncio.create_task(fold_run(log, run, Wall(), FAST, progress))
    try:
        yield
    finally:
        if work.done():
            await work  # it never ends by itself, so it has failed
        work.cancel()
        await asyncio.wait({work}, timeout=LIMIT_S)


async def say(log: EventLog, run: Run) -> int:
    """Append a clock that presumes every tally there is; its offset."""
    offset = (await log.end_offsets(run.topics.control.name))[0]
    ends = await log.end_offsets(run.topics.tallies.name)
    moved = ReplayMoved(
        run=run.name,
        epoch=run.epoch,
        at=NIGHT,
        clock=NIGHT,
        speed=60,
        status="playing",
        first=NIGHT,
        last=NIGHT,
        positions=tuple(ends[partition] for partition in sorted(ends)),
    )
    await log.append(run.topics.control.name, [Entry(b"replay", moved.encode())])
    return offset


async def said(log: EventLog, run: Run) -> list[tuple[PartitionProgress | None, int]]:
    """Every mark in the totals topic, and how many totals lie before it."""
    found, totals = [], 0
    async for record in read_to_end(log, run.topics.totals.name):
        if is_progress(record.key):
            found.append((parse_progress(record.value), totals))
        elif not is_aside(record.key):
            totals += 1
    return found


async def until_marked(log: EventLog, run: Run, number: int) -> list[tuple[PartitionProgress | None, int]]:
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = await said(log, run)
            if {0, 1} <= {mark.partition for mark, _ in found if mark is not None and mark.mark == number}:
                return found
            await asyncio.sleep(0.01)


async def test_a_mark_comes_behind_everything_that_its_clock_presumes(log: EventLog, run: Run) -> None:
    tallies = [counted(district=district) for district in ("tr/34/adalar", "tr/34/kadikoy", "tr/41/gebze")]
    await publish(log, run, *tallies)
    number = await say(log, run)
    await until_end(log, run)
    found = await said(log, run)
    assert [(mark, totals) for mark, totals in found] == [
        (PartitionProgress(partition=partition, mark=number), len(tallies)) for partition in (0, 1)
    ]


async def test_an_aggregator_moves_over_to_a_new_replay_epoch_by_itself(log: EventLog, run: Run) -> None:
    progress = Progress()
    async with folding(log, run, progress):
        await publish(log, run, counted())
        await until_marked(log, run, await say(log, run))
        second = await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall(), partitions=2)
        await publish(log, second, counted(), counted(box=1002))
        await until_marked(log, second, await say(log, second))
    assert progress.folded == 3
    assert [totals for _, totals in await said(log, second)][-1] >= 1
    assert await find_run(log, run.name) == second


async def test_an_aggregator_without_partitions_moves_to_the_new_epoch_too(log: EventLog, run: Run) -> None:
    """Three share two partitions, so one of them stands by; its turn may come in the next take."""
    async with folding(log, run), folding(log, run), folding(log, run):
        second = await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall(), partitions=2)
        await publish(log, second, counted())
        await until_marked(log, second, await say(log, second))


class Forgetful(Unreliable):
    """A line that is away at the first few times when somebody asks for a run."""

    asked = 0

    async def exists(self, topic: str) -> bool:
        self.asked += 1
        if self.asked <= 2:
            raise LogUnavailable("The log is away.")
        return await super().exists(topic)


async def test_a_log_that_is_away_while_a_replay_epoch_begins_is_waited_for(log: EventLog, run: Run) -> None:
    line, progress = Forgetful(log), Progress()
    async with folding(line, run, progress):
        second = await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall(), partitions=2)
        await publish(log, second, counted())
        await until_marked(log, second, await say(log, second))
    assert line.asked == 3
    assert progress.errors == {"LogUnavailable": 2}
    assert progress.partitions == {0, 1} >= progress.behind.keys()
    assert None not in {progress.kept_s, progress.answered_s}


async def test_progress_is_published_twice_after_a_zombie_but_not_after_a_restart(log: EventLog, run: Run) -> None:
    await publish(log, run, counted())
    first = await say(log, run)
    await until_end(log, run)
    last = await say(log, run)
    await until_end(log, run)
    zombie = PartitionProgress(partition=0, mark=first)
    await log.append(run.topics.totals.name, [Entry(zombie.key, zombie.encode())])
    async with folding(log, run), asyncio.timeout(LIMIT_S):
        while True:
            found = await said(log, run)
            if found[-1][0] != zombie:
                break
            await asyncio.sleep(0.01)
    newest = {mark.partition: mark.mark for mark, _ in await said(log, run) if mark is not None}
    assert newest == {0: last, 1: last}
