"""What a source has published already, on both logs."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eventlog.clock import Manual, Replay, Wall
from eventlog.loops import RetryPolicy, Waiting
from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics
from eventlog.sqlite.log import SqliteLog
from producers.publish import (
    BATCH_BYTES,
    BATCH_RECORDS,
    TICK_S,
    Published,
    Publisher,
    boxes_of,
    entry,
    play,
    publish,
    reports_of,
)
from producers.simulating.library import read_scenario
from producers.simulating.simulate import night, stage
from schemas.errors import LogFull, LogUnavailable, UnknownTopic
from schemas.tally import Counted, Tally, Withdrawn, encode
from tests.builders import DISTRICTS, counted, reported, withdrawn
from tests.patience import LIMIT_S

STEADY = RetryPolicy(chance=lambda: 0.0)

TOPICS = RunTopics("night")
TOPIC = TOPICS.tallies.name
SMALL = read_scenario().shrink(districts=["tr/34/adalar", "tr/34/sile"], boxes_per_district=8)
START = datetime(2024, 3, 31, 14, tzinfo=UTC)


class Unreachable(SqliteLog):
    """The embedded log behind a network that fails so many appends, and notes the sizes of those that came through."""

    failures = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path, Wall())
        self.batches: list[int] = []

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        if self.failures:
            self.failures -= 1
            raise LogUnavailable("the cable is out; plug it in")
        await super().append(topic, entries)
        self.batches.append(len(entries))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Unreachable]:
    async with Unreachable(tmp_path / "night.db") as opened:
        await opened.create(TOPICS.all())
        yield opened


@pytest.fixture
def clock() -> Manual:
    return Manual(START)


async def drive(clock: Manual, task: asyncio.Task[Published]) -> Published:
    """Move the clock to whatever is waited for next, until the task is done: time passes only where someone waits."""
    async with asyncio.timeout(LIMIT_S):
        while not task.done():
            if clock._sleepers:
                clock.advance(max(1e-6, clock._sleepers[0][0] - clock.monotonic()))
            await asyncio.sleep(0)
    return task.result()


async def stored(log: SqliteLog) -> dict[bytes, list[bytes]]:
    """All values in the topic, by key, in order."""
    ends = await log.end_offsets(TOPIC)
    values: dict[bytes, list[bytes]] = defaultdict(list)
    async with log.reader(TOPIC, dict.fromkeys(ends, 0)) as reader:
        while dict(reader.positions) != ends:
            for batch in await reader.read(max_records=5_000, wait_ms=1_000):
                for record in batch.records:
                    values[record.key or b""].append(record.value or b"")
    return values


def by_district(events: Sequence[Counted | Withdrawn]) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = defaultdict(list)
    for event in events:
        values[event.district.encode()].append(encode(event))
    return values


async def test_everything_published_is_in_the_log_in_order(log: Unreachable, clock: Manual) -> None:
    events = [event for _, event in night(SMALL, 1)]
    seen: list[Published] = []
    done = await publish(Publisher(log, TOPIC, clock, on_progress=seen.append), map(entry, events))
    assert await stored(log) == by_district(events)
    assert done.records == len(events)
    assert done.size_bytes == sum(len(encode(event)) + len(event.district) for event in events)
    assert seen[-1] == done


async def test_batches_are_bounded_by_records_and_by_bytes(log: Unreachable, clock: Manual) -> None:
    await publish(Publisher(log, TOPIC, clock), [Entry(b"k", b"v")] * (2 * BATCH_RECORDS + 1))
    assert log.batches == [BATCH_RECORDS, BATCH_RECORDS, 1]
    log.batches.clear()
    await publish(Publisher(log, TOPIC, clock), [Entry(b"", bytes(BATCH_BYTES // 2))] * 5)
    assert log.batches == [2, 2, 1]


async def test_nothing_to_publish_is_nothing(log: Unreachable, clock: Manual) -> None:
    assert await publish(Publisher(log, TOPIC, clock), []) == Published(0, 0)
    assert log.batches == []


async def test_a_log_that_comes_back_gets_everything(log: Unreachable, clock: Manual) -> None:
    log.failures = 8
    waits: list[Waiting] = []
    events = [event for _, event in night(SMALL, 1)]
    publisher = Publisher(log, TOPIC, clock, retry=STEADY, on_waiting=waits.append)
    await drive(clock, asyncio.create_task(publish(publisher, map(entry, events))))
    assert await stored(log) == by_district(events)
    assert [wait.attempt for wait in waits] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [wait.pause_s for wait in waits] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


async def test_patience_ends(log: Unreachable, clock: Manual) -> None:
    log.failures = 1_000
    publisher = Publisher(log, TOPIC, clock, retry=replace(STEADY, patience_s=10))
    with pytest.raises(LogUnavailable, match="plug it in"):
        await drive(clock, asyncio.create_task(publish(publisher, [Entry(b"k", b"v")])))
    assert clock.monotonic() <= 10


async def test_a_full_disk_is_waited_for_and_told(tmp_path: Path, clock: Manual) -> None:
    waits: list[Waiting] = []
    async with SqliteLog(tmp_path / "small.db", Wall(), max_bytes=256 * 1024) as small:
        await small.create(TOPICS.all())
        publisher = Publisher(small, TOPIC, clock, retry=replace(STEADY, patience_s=1), on_waiting=waits.append)
        with pytest.raises(LogFull):
            await drive(clock, asyncio.create_task(publish(publisher, [Entry(b"k", bytes(400_000))])))
    assert waits
    assert all(isinstance(wait.error, LogFull) for wait in waits)


async def test_what_waiting_cannot_mend_is_raised_at_once(log: Unreachable, clock: Manual) -> None:
    with pytest.raises(UnknownTopic):
        await publish(Publisher(log, "sandik.other.tallies", clock), [Entry(b"k", b"v")])
    assert clock.monotonic() == 0


async def test_a_night_plays_on_time_at_its_speed(log: Unreachable, clock: Manual) -> None:
    """Nothing comes early; nothing comes later than a tick, which at this speed is three seconds of the night."""
    staged = night(SMALL, 1)
    replay = Replay(staged.first_due, 60.0, clock)
    late: list[timedelta] = []

    def check(done: Published) -> None:
        assert done.due is not None
        late.append(replay.now() - done.due)

    publisher = Publisher(log, TOPIC, clock, on_progress=check)
    done = await drive(clock, asyncio.create_task(play(publisher, stage(SMALL, 1), replay)))
    assert done.records == len(staged)
    *_, (last_due, _) = staged
    assert done.due == last_due
    assert await stored(log) == by_district([event for _, event in staged])
    assert min(late) >= timedelta(0)
    assert max(late) <= timedelta(seconds=60 * TICK_S + 0.01)
    expected_s = (last_due - staged.first_due).total_seconds() / 60
    assert clock.monotonic() == pytest.approx(expected_s, abs=2 * TICK_S)


async def test_a_night_that_falls_behind_leaves_nothing_out(log: Unreachable, clock: Manual) -> None:
    """The log is away while the whole night passes; what came due meanwhile goes out in one go."""
    log.failures = 12
    staged = night(SMALL, 1)
    replay = Replay(staged.first_due, 3_600.0, clock)
    publisher = Publisher(log, TOPIC, clock)
    await drive(clock, asyncio.create_task(play(publisher, stage(SMALL, 1), replay)))
    assert await stored(log) == by_district([event for _, event in staged])
    assert len(log.batches) < 10


async def test_a_playing_night_can_be_cancelled(log: Unreachable, clock: Manual) -> None:
    playing = asyncio.create_task(play(Publisher(log, TOPIC, clock), stage(SMALL, 1), Replay(START, 1.0, clock)))
    async with asyncio.timeout(LIMIT_S):
        while not clock._sleepers:  # noqa: ASYNC110  a Manual clock has no event for "somebody waits"
            await asyncio.sleep(0)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert log.batches == []


async def test_the_reports_of_a_source_are_found_among_all_tallies(log: EventLog, unique: str) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())
    mine = [reported(district=district, revision=revision) for revision in (1, 2) for district in DISTRICTS]
    others: list[Tally] = [reported(source="other"), counted(), counted(source="agency")]
    events = [entry(event) for event in (*mine, *others)]
    broken = [
        Entry(b"x", value) for value in (b'{"type":"reported"', b"{}", b'"reported"', b" " * 70_000 + b'"report"')
    ]
    await log.append(topics.tallies.name, [*events, *broken])

    found = [report async for report in reports_of(log, topics.tallies.name, "agency")]
    assert sorted(map(encode, mine)) == sorted(map(encode, found))
    assert [1, 2] == [report.revision for report in found if report.district == DISTRICTS[0]]


async def test_the_statements_about_a_contests_boxes_are_found_withdrawals_among_them(
    log: EventLog, unique: str
) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())
    mine: list[Tally] = [counted(), withdrawn(), counted(district=DISTRICTS[0])]
    others: list[Tally] = [counted(source="anka"), counted(contest="council"), reported()]
    await log.append(topics.tallies.name, [entry(event) for event in (*mine, *others)])

    found = [tally async for tally in boxes_of(log, topics.tallies.name, "aa", "mayor")]
    assert sorted(map(encode, mine)) == sorted(map(encode, found))


async def test_of_an_empty_log_there_are_none(log: EventLog, unique: str) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())

    assert [] == [report async for report in reports_of(log, topics.tallies.name, "agency")]
