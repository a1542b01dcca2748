"""What others have committed: touches tell of it, looks find it, and whoever sleeps or waits is woken by nothing else.

Sleeps have no limit here: one that goes on hangs.
"""

import asyncio
import contextlib
import ctypes
import os
import sqlite3
import subprocess
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from eventlog.clock import Wall
from eventlog.port import Entry, Reader, Topic
from eventlog.sqlite.commits import Commits, Inbox, Touches, touch
from eventlog.sqlite.file import LogFile
from eventlog.sqlite.log import MAX_AWAITED_RECORDS, SqliteLog
from eventlog.sqlite.tables import append, create_topics, find_topic
from schemas.errors import LogError, RecordDamaged
from tests.eventlog.appending import appending, said
from tests.patience import LIMIT_S

TOPICS = ["control", "totals"]


@pytest.fixture
def log_file(tmp_path: Path) -> LogFile:
    made = LogFile(tmp_path / "log.db")
    made.ensure()
    with closing(made.open()) as connection:
        create_topics(connection, [Topic(name) for name in TOPICS])
    return made


@pytest.fixture
def own(log_file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(log_file.open()) as connection:
        yield connection


@pytest.fixture
def other(log_file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(log_file.open()) as connection:
        yield connection


def commit(connection: sqlite3.Connection, topic: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    append(connection, find_topic(connection, topic), [Entry(b"k", b"v")], now_ms=1)
    connection.execute("COMMIT")


def test_each_commit_of_another_connection_is_noticed_once(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    commits = Commits(own)
    before = commits.grown()
    commit(other, "control")
    first = commits.grown()  # nothing was known before: it tells of every topic
    commit(other, "totals")
    assert ([], TOPICS, ["totals"], []) == (before, first, commits.grown(), commits.grown())


def test_a_commit_of_another_process_is_noticed(log_file: LogFile, own: sqlite3.Connection) -> None:
    commits = Commits(own)
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
    statement = "UPDATE slot SET next_offset = next_offset + 1"
    subprocess.run([sys.executable, "-c", program, str(log_file.path), statement], check=True, timeout=LIMIT_S)
    assert TOPICS == commits.grown()


def test_commits_of_the_connection_itself_are_none(own: sqlite3.Connection) -> None:
    commits = Commits(own)
    commit(own, "control")
    assert [] == commits.grown()


def test_a_commit_by_which_no_topic_grows_tells_of_none(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    """Such as a lease that is renewed, twice a second."""
    commits = Commits(own)
    commit(other, "control")
    commits.grown()
    other.execute("INSERT INTO lease (topic_id, crew, expires_ms) VALUES (1, 'aggregate', 1)")
    assert [] == commits.grown()


def test_what_is_not_committed_is_not_noticed_before_it_is(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    commits = Commits(own)
    other.execute("BEGIN IMMEDIATE")
    append(other, find_topic(other, "control"), [Entry(b"k", b"v")], now_ms=1)
    before = commits.grown()
    other.execute("COMMIT")
    assert ([], TOPICS) == (before, commits.grown())


def test_commits_are_noticed_after_the_write_ahead_log_began_anew(
    own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    commits = Commits(own)
    commit(other, "control")
    commits.grown()
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    commits.grown()
    commit(other, "control")
    assert ["control"] == commits.grown()


def test_where_it_cannot_be_read_what_was_committed_that_is_said(
    own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    commits = Commits(own)
    other.execute("ALTER TABLE slot RENAME TO gone")
    assert commits.grown() is None


needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to touch."""
    made = tmp_path / "log.db"
    made.touch()
    return made


@pytest.fixture
def touches(file: Path) -> Iterator[Touches]:
    watched = Touches.watch(file)
    assert watched is not None
    with closing(watched):
        yield watched


@needs_inotify
def test_touches_are_told_until_they_are_cleared(file: Path, touches: Touches) -> None:
    before = touches.clear()
    touch(file)
    touch(file)
    assert (False, True, False) == (before, touches.clear(), touches.clear())


@needs_inotify
def test_a_touch_of_another_process_is_told(file: Path, touches: Touches) -> None:
    program = "import sys, pathlib, eventlog.sqlite.commits as t; t.touch(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=LIMIT_S)
    assert touches.clear()


@needs_inotify
def test_what_is_written_to_the_file_is_no_touch(file: Path, touches: Touches) -> None:
    """Checkpoints write to it, and are nothing that readers wait for."""
    file.write_bytes(b"a checkpoint")
    assert not touches.clear()


def test_a_file_that_is_not_there_is_neither_touched_nor_watched(tmp_path: Path) -> None:
    touch(tmp_path / "none.db")
    assert Touches.watch(tmp_path / "none.db") is None


def library(**functions: object) -> SimpleNamespace:
    return SimpleNamespace(**functions)


@pytest.mark.parametrize(
    "functions",
    [
        pytest.param({}, id="another system"),
        pytest.param({"inotify_init1": lambda _: -1}, id="no more of them for this user"),
    ],
)
def test_a_system_that_does_not_let_us_watch_is_not_relied_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, functions: dict[str, object]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library(**functions))
    assert Touches.watch(file) is None


@pytest.mark.parametrize("watched", [-1, 1], ids=["it is refused", "nothing is told"])
def test_a_file_system_that_tells_nothing_is_not_relied_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, watched: int
) -> None:
    silent, end = os.pipe()
    os.set_blocking(silent, False)
    functions = library(inotify_init1=lambda _: silent, inotify_add_watch=lambda *_: watched)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: functions)
    try:
        assert Touches.watch(file) is None
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(silent)
    finally:
        os.close(end)


@pytest.fixture
def inbox() -> Iterator[Inbox[str]]:
    with closing(Inbox[str]()) as made:
        yield made


@pytest.fixture
def hearing(inbox: Inbox[str], file: Path) -> Inbox[str]:
    """An inbox that heeds touches of the file, never looks, and after a touch heeds no other before an item comes."""
    touches = Touches.watch(file)
    assert touches is not None
    inbox.hear(touches, look_ms=None, pause_ms=None)
    return inbox


def sleep_until_item(inbox: Inbox[str], put: Callable[[], None]) -> int:
    """Sleep in another thread until there is an item, and `put` it meanwhile, or just before: it makes no difference.

    Returns how many sleeps it took: one, or two where the bell was still heard that was rung for an item seen before.
    """
    begun, sleeps = threading.Event(), []

    def run() -> None:
        begun.set()
        while not inbox:
            inbox.sleep()
            sleeps.append(1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(LIMIT_S)
    put()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert "one" == inbox.take()
    return len(sleeps)


def test_items_come_in_their_order(inbox: Inbox[str]) -> None:
    inbox.put("one")
    inbox.put("two")
    inbox.sleep()
    assert ["one", "two", False] == [inbox.take(), inbox.take(), bool(inbox)]
    with pytest.raises(IndexError):
        inbox.take()


@needs_inotify
@pytest.mark.parametrize("watching", [True, False])
def test_an_item_ends_a_sleep(hearing: Inbox[str], watching: bool) -> None:
    hearing.watch(watching)
    for _ in range(100):
        assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


def test_who_begins_to_watch_ends_a_sleep(inbox: Inbox[str]) -> None:
    """It had no limit; the next one lasts until the next look."""
    thread = threading.Thread(target=inbox.sleep, daemon=True)
    thread.start()
    inbox.watch(True)
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    inbox.sleep()


@needs_inotify
def test_a_touch_ends_the_sleep_of_who_watches(hearing: Inbox[str], file: Path) -> None:
    hearing.watch(True)
    thread = threading.Thread(target=hearing.sleep, daemon=True)
    thread.start()
    touch(file)
    thread.join(LIMIT_S)
    assert not thread.is_alive()


@needs_inotify
def test_a_touch_ends_one_sleep_after_another_until_it_is_forgotten(hearing: Inbox[str], file: Path) -> None:
    touch(file)
    hearing.watch(True)
    hearing.sleep()
    hearing.forget_touches()
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


@needs_inotify
def test_touches_are_left_alone_for_a_while_after_one(hearing: Inbox[str], file: Path) -> None:
    hearing.watch(True)
    touch(file)
    hearing.sleep()
    hearing.forget_touches()
    touch(file)
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


@needs_inotify
def test_while_nobody_watches_touches_end_no_sleep_and_are_not_lost(hearing: Inbox[str], file: Path) -> None:
    touch(file)
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2
    hearing.watch(True)
    hearing.sleep()


TOPIC = Topic("tallies")


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
