"""Readers that wait: for appends of this process and of others, told of or not."""

import asyncio
import contextlib
import sqlite3
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventlog.clock import Wall
from eventlog.port import Entry, Reader, Topic
from eventlog.sqlite.log import MAX_AWAITED_RECORDS, SqliteLog
from eventlog.sqlite.touches import Touches
from schemas.errors import LogError, RecordDamaged
from tests.eventlog.appending import appending, said
from tests.patience import LIMIT_S

TOPIC = Topic("tallies")

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """An open log with one topic."""
    async with SqliteLog(path, Wall()) as opened:
        await opened.create([TOPIC])
        yield opened


async def each_append_ends_a_wait(process: Process, reader: Reader) -> None:
    assert await said(process) == "ready"
    for _ in range(15):
        assert process.stdin is not None
        process.stdin.write(b"\n")
        [batch] = await reader.read(max_records=10, wait_ms=10 * LIMIT_S * 1_000)
        assert len(batch.records) == 1


async def test_another_processs_append_is_noticed_while_one_waits(log: SqliteLog, path: Path) -> None:
    """How soon is for `benchmarks/`."""
    async with appending(path, TOPIC.name, "a", 0) as process, log.reader(TOPIC.name, {0: 0}) as reader:
        await each_append_ends_a_wait(process, reader)


@needs_inotify
async def test_an_append_of_another_process_is_noticed_without_a_look(log: SqliteLog, path: Path) -> None:
    async with appending(path, TOPIC.name, "a", 0) as process, log.reader(TOPIC.name, {0: 0}) as reader:
        log.writer._inbox._look_ms = None
        await each_append_ends_a_wait(process, reader)


async def test_an_append_is_noticed_where_nothing_tells_of_touches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Touches, "watch", lambda _: None)
    async with SqliteLog(path, Wall()) as log, appending(path, TOPIC.name, "a", 0) as process:
        await log.create([TOPIC])
        async with log.reader(TOPIC.name, {0: 0}) as reader:
            assert await said(process) == "ready"
            assert process.stdin is not None
            process.stdin.write(b"\n")
            assert await reader.read(max_records=10, wait_ms=10 * LIMIT_S * 1_000)


async def test_a_commit_that_touches_nothing_is_noticed_at_the_next_look(log: SqliteLog, path: Path) -> None:
    """An earlier release's, for instance."""
    async with log.reader(TOPIC.name, {0: 0}) as reader:
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=10 * LIMIT_S * 1_000))
        await asyncio.sleep(0)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO record SELECT id << 40, 1, x'6b', x'76', NULL FROM slot")
            connection.execute("UPDATE slot SET next_offset = 1")
        assert await asyncio.wait_for(reading, LIMIT_S)


@needs_inotify
async def test_appends_touch_the_file_and_nothing_else_does(log: SqliteLog, path: Path) -> None:
    """A gateway would wake for each lease that is renewed."""
    touches = Touches.watch(path)
    assert touches is not None
    with contextlib.closing(touches):
        await log.create([Topic("another")])
        await log.create([])  # through the thread, once it has done what it does after the one before
        before = touches.clear()
        await log.append(TOPIC.name, [Entry(b"k", b"v")])
        await log.create([])
        assert (False, True) == (before, touches.clear())


async def test_more_than_is_read_for_one_who_waits_comes_in_order(log: SqliteLog, path: Path) -> None:
    """The writer's thread reads a little for it, so that writing can go on; the rest it reads itself."""
    count = 2 * MAX_AWAITED_RECORDS + 1
    async with SqliteLog(path, Wall()) as other, log.reader(TOPIC.name, {0: 0}) as reader:
        reading = asyncio.create_task(reader.read(max_records=count, wait_ms=round(LIMIT_S * 1_000)))
        await other.append(TOPIC.name, [Entry(b"k", b"%d" % number, 0) for number in range(count)])
        found = [record.value for batch in await reading for record in batch.records]
        while len(found) < count:
            found += [
                record.value for batch in await reader.read(max_records=count, wait_ms=0) for record in batch.records
            ]
    assert [b"%d" % number for number in range(count)] == found


async def test_one_who_waits_is_told_of_a_damaged_record(log: SqliteLog, path: Path) -> None:
    async with log.reader(TOPIC.name, {0: 0}) as reader:
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=round(LIMIT_S * 1_000)))
        await log.append(TOPIC.name, [Entry(b"k", b"good", 0)])
        await reading
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=round(LIMIT_S * 1_000)))
        await asyncio.sleep(0)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO record SELECT id + 1, timestamp, key, x'00', checksum FROM record")
            connection.execute("UPDATE slot SET next_offset = next_offset + 1")
        with pytest.raises(RecordDamaged):
            await reading


async def test_a_reader_that_waits_notices_that_its_file_is_gone(log: SqliteLog, path: Path) -> None:
    async with log.reader(TOPIC.name, {0: 0}) as reader:

        async def read_on() -> None:
            while True:
                await reader.read(max_records=9, wait_ms=1_000)

        waiting = asyncio.create_task(read_on())
        await asyncio.sleep(0)
        await asyncio.to_thread(path.unlink)
        with pytest.raises(LogError, match="deleted"):
            await asyncio.wait_for(waiting, LIMIT_S)


async def test_an_append_of_another_process_wakes_the_readers_of_its_topic_alone(path: Path) -> None:
    """A gateway waits at four topics; each of its reads is a change of threads."""
    quiet = Topic("quiet")
    async with SqliteLog(path, Wall()) as log, SqliteLog(path, Wall()) as other:
        await log.create([TOPIC, quiet])
        await other.append(quiet.name, [Entry(b"k", b"v")])
        async with log.reader(TOPIC.name, {0: 0}) as reader, log.reader(quiet.name, {0: 0}) as waiting:
            assert await waiting.read(max_records=10, wait_ms=0)
            assert not await reader.read(max_records=10, wait_ms=0)  # from here on it waits before it reads
            for number in range(3):
                reading = asyncio.create_task(reader.read(max_records=10, wait_ms=round(LIMIT_S * 1000)))
                await asyncio.sleep(0)
                await other.append(TOPIC.name, [Entry(b"k", b"v", 0)])
                ((batch,),) = [await reading]
                assert number == batch.records[0].offset
                if number == 0:  # the first sight of the file tells of everything in it
                    seen = log.writer.wakeups.seen(quiet.name)
            assert seen == log.writer.wakeups.seen(quiet.name)
