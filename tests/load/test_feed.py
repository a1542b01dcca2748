from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from producers.publish import entry
from sandik.load.feed import Feed, Prior, read_prior
from sandik.load.plan import COUNTER, Schedule
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.view import View
from tests.builders import NIGHT, counted, small_election, withdrawn

ELECTION = small_election(boxes=3)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        yield log


@pytest.fixture
async def run(log: EventLog) -> Run:
    return await create_run(log, "load", ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=2)


async def append(log: EventLog, run: Run, prior: Prior, changes: int) -> None:
    schedule = Schedule.of(ELECTION, 100.0, 1, prior.bases())
    tallies = Feed(ELECTION, schedule, prior).tallies(NIGHT.timestamp())
    await log.append(run.topics.tallies.name, [entry(tally) for tally in islice(tallies, changes)])


async def counters(log: EventLog, run: Run) -> dict[tuple[str, str, str], int]:
    """What every unit's counter shows once everything is folded."""
    progress = await Aggregator(log, run, Wall(), AggregateSettings(tick_ms=1)).run_until_end()
    assert not progress.outcomes["conflict"]
    view = View(ELECTION)
    end = (await log.end_offsets(run.topics.totals.name))[0]
    async with log.reader(run.topics.totals.name, {0: 0}) as reader:
        while reader.positions[0] < end:
            for batch in await reader.read(max_records=500, wait_ms=1000):
                for record in batch.records:
                    view.fold(record)
    return {(row.contest, row.source, row.unit): getattr(row, COUNTER) for row in view.rows()}


@pytest.mark.parametrize("changes", [1, 40, 200])
async def test_a_unit_s_counter_is_the_number_of_its_changes(changes: int, log: EventLog, run: Run) -> None:
    """200 changes go through every box twice and more: a correction counts like a new box."""
    await append(log, run, Prior(), changes)

    found = await counters(log, run)
    schedule = Schedule.of(ELECTION, 100.0, 1)
    for contest, source, unit in found:
        track = schedule.tracks(contest, source, [unit])[unit]
        assert track.among(changes) == found[contest, source, unit]


async def test_a_run_that_was_fed_before_is_fed_on(log: EventLog, run: Run) -> None:
    """Whatever was there: boxes counted, corrected, withdrawn, stale."""
    before: list[Counted | Withdrawn] = [
        counted(box=1001, revision=4, invalid=9, cast=259, district="tr/34/adalar"),
        counted(box=1001, revision=3, invalid=2, cast=252, district="tr/34/adalar"),
        counted(box=1002, revision=1, invalid=5, district="tr/34/adalar"),
        withdrawn(box=1002, revision=2, district="tr/34/adalar"),
    ]
    await log.append(run.topics.tallies.name, [entry(tally) for tally in before])
    await append(log, run, await read_prior(log, run), 70)
    prior = await read_prior(log, run)
    base = await counters(log, run)
    assert base["mayor", "aa", "tr/34/adalar"] == prior.bases()[Cell("mayor", "aa", "tr/34/adalar")]

    await append(log, run, prior, 100)
    found = await counters(log, run)
    for contest, source, unit in found:
        track = Schedule.of(ELECTION, 100.0, 1, prior.bases()).tracks(contest, source, [unit])[unit]
        assert track.base + track.among(100) == found[contest, source, unit]


async def test_what_is_no_tally_is_passed_over(log: EventLog, run: Run) -> None:
    await log.append(run.topics.tallies.name, [Entry(b"tr/34/adalar", b"not a tally")])

    assert Prior({}, 0) == await read_prior(log, run)


def test_a_tally_says_when_it_was_meant_to_be_published() -> None:
    schedule = Schedule.of(ELECTION, 100.0, 1)
    began = datetime(2026, 3, 31, 19, 0, tzinfo=UTC)
    tallies = list(islice(Feed(ELECTION, schedule, Prior()).tallies(began.timestamp()), 3))

    assert [0, 10_000, 20_000] == [round((tally.at - began).total_seconds() * 1e6) for tally in tallies]


@pytest.mark.parametrize("prior", [Prior(), Prior({(Cell("mayor", "aa", "tr/34/adalar"), 1001): 9}, revision=4)])
def test_records_are_byte_for_byte_what_the_tallies_are_written_as(prior: Prior) -> None:
    """Through every box twice, and every way in which votes are spread."""
    schedule = Schedule.of(ELECTION, 999.0, 1, prior.bases())
    feed = Feed(ELECTION, schedule, prior)
    written = [entry(tally) for tally in islice(feed.tallies(NIGHT.timestamp()), 2_000)]

    assert written == list(islice(feed.entries(NIGHT.timestamp()), 2_000))
