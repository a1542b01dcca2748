"""Replaying an archived night, as its director, its clients and its state hash see it. On both logs."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from consumers.aggregate import Aggregator
from eventlog.archive_files import moment
from eventlog.clock import Replay as FastClock
from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run, find_run
from producers.replaying.inputs import ArchivedNight
from producers.replaying.replay import AppendedRecords, ReplayObserver, ReplaySettings
from schemas.control import ReplayPaused, ReplayResumed, ReplaySought, ReplaySpeedSet, ReplayStepped
from schemas.errors import RunConflict, UsageError
from tests.patience import LIMIT_S
from tests.simulation.rehearsal import (
    AGGREGATE,
    DISTRICTS,
    Spectator,
    archived,
    command,
    folding,
    rehearsed,
    replay,
    served,
    state,
    truths,
    until,
    working,
)

SPEED = 120.0
"""The eleven hours of the night take over five minutes: no step of a test is so slow that it plays to its end."""

CREEP = 10.0
"""At which it takes an hour."""


async def take_is(log: EventLog, name: str, take: int) -> bool:
    return (await find_run(log, name)).topics.take >= take


async def has_tallies(log: EventLog, run: Run) -> bool:
    return any((await log.end_offsets(run.topics.tallies.name)).values())


async def is_said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


@pytest.mark.parametrize("speed", [0.0, 60.0])
async def test_the_same_archive_ends_in_the_same_state(
    log: EventLog, unique: str, tmp_path: Path, speed: float
) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night")
    run = await rehearsed(log, archive, unique)
    clock = FastClock(moment(0), 5_000, Wall())
    async with asyncio.timeout(LIMIT_S):
        await replay(log, run, archive, ReplaySettings(speed=speed), clock=clock).play()
    await Aggregator(log, run, Wall(), AGGREGATE).run_until_end()
    assert await state(log, unique) == archive.manifest.state


async def test_what_is_published_is_what_was_archived(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night", boxes=4)
    run = await rehearsed(log, archive, unique)
    await replay(log, run, archive, ReplaySettings(speed=0)).play()
    expected: dict[int, list[tuple[bytes | None, bytes | None]]] = {0: [], 1: [], 2: []}
    for record in archive.tallies():
        expected[record.partition].append((record.key, record.value))
    found: dict[int, list[tuple[bytes | None, bytes | None]]] = {0: [], 1: [], 2: []}
    ends = await log.end_offsets(run.topics.tallies.name)
    async with log.reader(run.topics.tallies.name, dict.fromkeys(ends, 0)) as reader:
        while dict(reader.positions) != ends:
            for batch in await reader.read(max_records=1_000, wait_ms=1_000):
                found[batch.partition] += [(record.key, record.value) for record in batch.records]
    assert found == expected


async def test_a_client_is_right_through_a_pause_and_seeks(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night")
    run, night = await rehearsed(log, archive, unique), ArchivedNight(archive)
    last = moment(night.last_us)
    middle, late = (moment(night.first_us + (night.last_us - night.first_us) * part // 10) for part in (3, 7))
    playing, truth = replay(log, run, archive, ReplaySettings(speed=SPEED, stay=True)), truths(archive)

    def known(at: datetime) -> list[tuple[int, int]]:
        return [truth[district].between(at, at)[0] for district in DISTRICTS]

    async with served(log, unique) as port:
        client = Spectator(f"ws://127.0.0.1:{port}/v1/stream", truth)
        async with working(folding(log, run), playing.play(), client.watch()):
            await client.until(lambda: client.is_at("playing"))
            await command(log, run, ReplayPaused)
            await client.until(lambda: client.is_at("paused"))
            client.heading = late
            await command(log, run, ReplaySought, to=late)
            await client.until(lambda: client.is_at("paused", late))
            assert [client.figures(district) for district in DISTRICTS] == known(late)
            assert known(late) not in (known(middle), known(last))
            await command(log, run, ReplaySought, to=middle)
            await client.until(lambda: client.is_at("paused", middle))
            assert [client.figures(district) for district in DISTRICTS] == known(middle)
            assert len(client.epochs) == 2
            await command(log, run, ReplayStepped, records=5)
            await client.until(lambda: client.is_at("paused") and not client.is_at("paused", middle))
            client.heading, before = None, client.changes
            await command(log, run, ReplayResumed)
            await client.until(lambda: client.is_at("playing") and client.changes > before)
            client.heading = last
            await command(log, run, ReplaySought, to=late)
            await command(log, run, ReplaySpeedSet, speed=0)
            await client.until(lambda: client.is_at("ended", last))
            assert [client.figures(district) for district in DISTRICTS] == known(last)
    assert client.modes == {"replay"}
    assert await state(log, unique) == archive.manifest.state


async def test_who_is_killed_while_a_take_begins_ends_right(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night")
    run, night = await rehearsed(log, archive, unique), ArchivedNight(archive)
    middle = moment((night.first_us + night.last_us) // 2)
    playing = replay(log, run, archive, ReplaySettings(speed=0, stay=True))
    async with working(playing.play()):
        async with served(log, unique) as port:
            client = Spectator(f"ws://127.0.0.1:{port}/v1/stream", truths(archive))
            async with working(folding(log, run), client.watch()):
                await client.until(lambda: client.is_at("ended"))
                await command(log, run, ReplayPaused)
                await command(log, run, ReplaySpeedSet, speed=CREEP)
                await command(log, run, ReplaySought, to=middle)
                await until(lambda: take_is(log, unique, 1))
        async with served(log, unique) as port, working(folding(log, await find_run(log, unique))):
            client = Spectator(f"ws://127.0.0.1:{port}/v1/stream", truths(archive))
            async with working(client.watch()):
                await client.until(lambda: client.is_at("playing"))
                client.heading = moment(night.last_us)
                await command(log, run, ReplaySpeedSet, speed=0)
                await client.until(lambda: client.is_at("ended"))
    assert await state(log, unique) == archive.manifest.state


async def test_a_replay_loops_in_takes_of_their_own(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night", boxes=4)
    run = await rehearsed(log, archive, unique)
    async with working(replay(log, run, archive, ReplaySettings(speed=0, loop=True)).play()):
        await until(lambda: take_is(log, unique, 2))
    second = (await find_run(log, unique)).topics
    assert sum((await log.end_offsets(f"sandik.{unique}.take-1.tallies")).values()) == archive.manifest.count("tallies")
    assert second.partitions == 3


async def test_a_window_begins_with_what_was_known_by_then(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night", boxes=10)
    run, night = await rehearsed(log, archive, unique), ArchivedNight(archive)
    quarter = (night.last_us - night.first_us) // 4
    begin, end = moment(night.first_us + quarter), moment(night.first_us + 2 * quarter)
    sent: list[AppendedRecords] = []
    settings = ReplaySettings(speed=60, begin=begin, end=end)
    clock = FastClock(moment(0), 2_000, Wall())
    await replay(log, run, archive, settings, clock=clock, observer=ReplayObserver(on_appended=sent.append)).play()
    dues = [due for one in sent for due in one.due_us]
    times = [time for stretch in night.batches() for time in stretch.times]
    assert dues == [time for time in times if moment(time) <= end]
    assert all(moment(one.due_us[-1]) <= begin or moment(one.handed_us) >= begin for one in sent)


async def test_a_second_replay_takes_the_run_over(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night", boxes=4)
    run = await rehearsed(log, archive, unique)
    first = asyncio.ensure_future(replay(log, run, archive, ReplaySettings(speed=0, stay=True)).play())
    await until(lambda: has_tallies(log, run))
    async with asyncio.timeout(LIMIT_S):
        await replay(log, await find_run(log, unique), archive, ReplaySettings(speed=0)).play()
        with pytest.raises(ExceptionGroup) as caught:
            await first
    assert "Another replay goes on" in str(caught.value.exceptions[0])
    assert (await find_run(log, unique)).topics.take == 1


async def test_a_replay_never_writes_to_a_run_that_is_none(log: EventLog, unique: str, tmp_path: Path) -> None:
    archive = await archived(log, tmp_path / "archive", unique, boxes=2)
    with pytest.raises(RunConflict, match="another mode"):
        await rehearsed(log, archive, unique)
    live = await create_run(log, f"{unique}-live", archive.manifest.definition, mode="live", epoch="e2e2", clock=Wall())
    with pytest.raises(UsageError, match="is live, and a replay writes only to a replay"):
        replay(log, live, archive, ReplaySettings())


async def test_a_seek_outside_of_the_archive_has_no_effect(
    log: EventLog, unique: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = await archived(log, tmp_path / "archive", f"{unique}-night", boxes=2)
    run = await rehearsed(log, archive, unique)
    with pytest.raises(UsageError, match="cannot begin at 2031"):
        replay(log, run, archive, ReplaySettings(begin=datetime.fromisoformat("2031-01-01T00:00+03:00")))
    async with working(replay(log, run, archive, ReplaySettings(speed=0, stay=True)).play()):
        await until(lambda: has_tallies(log, run))  # who directs before it has begun is not heard
        await command(log, run, ReplaySought, to=datetime.fromisoformat("2031-01-01T00:00+03:00"))
        await until(lambda: is_said(caplog, "outside"))
    assert (await find_run(log, unique)).topics.take == 0
