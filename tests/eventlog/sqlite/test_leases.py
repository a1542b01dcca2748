"""Members of the embedded log's groups: who is missed, who comes back by a name, and what a clock that steps does."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from eventlog.clock import Manual, Wall
from eventlog.port import Topic
from eventlog.sqlite import tables
from eventlog.sqlite.log import SqliteLog
from tests.patience import LIMIT_S

TOPIC = Topic("events", partitions=3)
NIGHT = datetime(2024, 3, 31, 19, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


async def test_a_member_that_was_killed_is_missed_after_its_lease(path: Path) -> None:
    clock = Manual(NIGHT)
    topic = Topic("shared", partitions=4)
    async with SqliteLog(path, clock) as log:
        await log.create([topic])
        stored = await log.topic(topic.name)
        await log.writer.submit(lambda connection: tables.join_group(connection, stored, "group", log.now_ms()))
        async with log.member(topic.name, "group") as member:
            assert member.partitions == {1, 3}
            for _ in range(round(tables.LEASE_MS / 1000 / tables.RENEW_S) + 1):
                clock.advance(tables.RENEW_S)
                await log.create([])
            async with asyncio.timeout(LIMIT_S):
                while member.partitions != {0, 1, 2, 3}:
                    await log.create([])


async def test_a_member_that_is_started_again_under_its_name_has_its_partitions_at_once(path: Path) -> None:
    """And nobody else's share changes. The one before, if it lives, holds another lease from its next renewal on."""
    topic = Topic("shared", partitions=4)
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log, SqliteLog(path, Manual(NIGHT)) as restarted:
        await log.create([topic])
        async with log.member(topic.name, "group", "one") as stalled, log.member(topic.name, "group", "two") as other:
            clock.advance(tables.RENEW_S)
            await until(log, lambda: stalled.partitions == {0, 2} and other.partitions == {1, 3})
            async with restarted.member(topic.name, "group", "one") as again:
                assert again.partitions == {0, 2}
                assert other.partitions == {1, 3}
                clock.advance(tables.RENEW_S)
                await until(log, lambda: stalled.partitions == {2})  # it is the third now


async def test_a_member_whose_lease_is_renewed_no_longer_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ended that: others take its partitions, and it would be given none any more."""
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log:
        await log.create([TOPIC])
        async with log.member(TOPIC.name, "group") as member:
            assert member.partitions == {0, 1, 2}
            monkeypatch.setattr(tables, "renew_lease", Mock(side_effect=OverflowError("an error of nobody's")))
            await log.create([])  # the renewing has begun
            clock.advance(tables.RENEW_S)
            with pytest.raises(OverflowError):
                await until(log, lambda: not member.partitions)
        assert not member.partitions


async def test_a_name_that_was_taken_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    topic = Topic("shared", partitions=2)
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log, SqliteLog(path, Manual(NIGHT)) as newer:
        await log.create([topic])
        async with log.member(topic.name, "group", "one") as member, newer.member(topic.name, "group", "one"):
            for _ in range(3):
                clock.advance(tables.RENEW_S)
                await log.create([])
            await until(log, lambda: member.partitions == {1})
    assert ["Another process has joined the group as member 'one'"] == [
        record.getMessage().partition(";")[0] for record in caplog.records if "joined the group" in record.getMessage()
    ]


async def until(log: SqliteLog, holds: Callable[[], bool]) -> None:
    """Return once it holds, after what the writer has still to do."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():
            await log.create([])


async def test_the_file_of_an_earlier_release_gets_names_for_its_leases(path: Path) -> None:
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("ALTER TABLE lease DROP COLUMN name; ALTER TABLE lease DROP COLUMN claim")
    async with SqliteLog(path, Wall()) as log, log.member(TOPIC.name, "group", "one") as member:
        assert member.partitions == set(range(TOPIC.partitions))


async def test_a_member_that_was_killed_before_the_clock_went_back_is_missed_all_the_same(path: Path) -> None:
    """Its lease ended an hour ahead, and half of the districts stood still until then, while every feed was live."""
    topic = Topic("shared", partitions=4)
    async with SqliteLog(path, Manual(NIGHT + timedelta(hours=1))) as before:
        await before.create([topic])
        stored = await before.topic(topic.name)
        await before.writer.submit(lambda connection: tables.join_group(connection, stored, "group", before.now_ms()))
    async with SqliteLog(path, Manual(NIGHT)) as log, log.member(topic.name, "group") as member:
        assert member.partitions == {0, 1, 2, 3}


class Stepping(Manual):
    """A clock that is set to another time; what waits by it goes on waiting as before."""

    def step(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


async def test_a_member_that_lives_keeps_its_share_when_the_clock_goes_back(path: Path) -> None:
    ahead, behind = Stepping(NIGHT + timedelta(hours=1)), Manual(NIGHT)
    topic = Topic("shared", partitions=4)
    async with SqliteLog(path, ahead) as one, SqliteLog(path, behind) as two:
        await one.create([topic])
        async with one.member(topic.name, "group") as first, two.member(topic.name, "group") as second:
            assert second.partitions == {0, 1, 2, 3}  # for a moment; two owners do no harm
            ahead.step(-3600)
            async with asyncio.timeout(LIMIT_S):
                while [sorted(member.partitions) for member in (first, second)] != [[0, 2], [1, 3]]:
                    for clock, log in ((ahead, one), (behind, two)):
                        clock.advance(tables.RENEW_S)
                        await log.create([])
