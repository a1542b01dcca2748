"""The embedded log among processes, on a full disk, and on files that are none of its own."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eventlog.clock import Manual, Wall
from eventlog.port import MIN_COMPACTION_LAG_MS, Entry, Topic
from eventlog.sqlite import file as sqlite_file
from eventlog.sqlite.file import PAGE_BYTES, LogFile
from eventlog.sqlite.log import SqliteLog
from eventlog.sqlite.tables import COMPACT_EVERY_RECORDS
from schemas.errors import LogError, LogFull, LogUnavailable, UsageError
from schemas.fields import Record
from tests.eventlog.appending import BATCH, appending, said
from tests.eventlog.reading import read_to_end, values
from tests.patience import LIMIT_S

TOPIC = Topic("tallies")
NIGHT = datetime(2024, 3, 31, 16, tzinfo=UTC)
LAG = timedelta(milliseconds=MIN_COMPACTION_LAG_MS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "night.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """An open log with one topic."""
    async with SqliteLog(path, Wall()) as opened:
        await opened.create([TOPIC])
        yield opened


def batches_of(name: str, appended: list[bytes | None]) -> list[tuple[int, int]]:
    """Batch and number of each record that the process of that name appended, in the log's order."""
    words = [(value or b"").decode().split() for value in appended]
    return [(int(batch), int(n)) for who, batch, n in words if who == name]


async def test_what_was_acknowledged_survives_a_kill(log: SqliteLog, path: Path) -> None:
    """Three times in the middle of appends; no batch is torn, and the log goes on behind what was there."""
    for name in ("a", "b", "c"):
        async with appending(path, TOPIC.name, name, 1_000_000) as process:
            for _ in range(20):
                acknowledged = int(await said(process))
            process.kill()
            rest = await process.communicate()
            acknowledged = max([acknowledged, *(int(line) for line in rest[0].split(b"\n")[:-1])])
        got = batches_of(name, await values(log, TOPIC.name))
        count = len(got) // BATCH
        assert count > acknowledged
        assert got == [(batch, n) for batch in range(count) for n in range(BATCH)]
    records = (await read_to_end(log, TOPIC.name))[0]
    assert [record.offset for record in records] == list(range(len(records)))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_two_processes_append_at_once(log: SqliteLog, path: Path) -> None:
    async with appending(path, TOPIC.name, "a", 50) as a, appending(path, TOPIC.name, "b", 50) as b:
        assert (await a.wait(), await b.wait()) == (0, 0)
    appended = await values(log, TOPIC.name)
    expected = [(batch, n) for batch in range(50) for n in range(BATCH)]
    assert len(appended) == 2 * len(expected)
    assert batches_of("a", appended) == expected
    assert batches_of("b", appended) == expected
    writers = [(value or b"").split()[0] for value in appended]
    assert all(len(set(writers[at : at + BATCH])) == 1 for at in range(0, len(writers), BATCH))


async def test_a_new_file_may_be_opened_by_many_at_once(path: Path) -> None:
    """Each creates it if it is first; SQLite reports some of them busy, and they try again."""

    async def open_and_append(n: int) -> None:
        async with SqliteLog(path, Wall()) as log:
            await log.create([TOPIC])
            await log.append(TOPIC.name, [Entry(b"k", str(n).encode())])

    async with asyncio.TaskGroup() as tasks:
        for n in range(8):
            tasks.create_task(open_and_append(n))
    async with SqliteLog(path, Wall()) as log:
        assert sorted(int(value or b"") for value in await values(log, TOPIC.name)) == list(range(8))


class Meddled(sqlite3.Connection):
    """A connection beside which somebody else makes the log, as soon as this one has looked whose file it is."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "user_version" in sql:  # the second look
            [(_, _, path)] = super().execute("PRAGMA database_list").fetchall()
            with contextlib.suppress(LogUnavailable):  # it finds the file busy, or does not
                LogFile(Path(path))._create()
        return super().execute(sql, *parameters)


def test_a_file_that_is_made_while_one_looks_is_not_another_programs(path: Path) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0, factory=Meddled)) as connection:
        LogFile(path).is_ours(connection)


async def test_an_opening_that_is_cancelled_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "given-up.db"
    opening = asyncio.create_task(SqliteLog(path, Wall()).__aenter__())
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait({opening}, timeout=LIMIT_S)
    assert opening.cancelled()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(f"sandik-log-{path.name}")]


async def test_many_appends_at_once_share_the_disks_flushes(log: SqliteLog, path: Path) -> None:
    """Group commit: 200 appends that wait together take far fewer than 200 transactions."""
    writing = threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        writing.wait(LIMIT_S)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(log.writer.submit(hold))
        for n in range(200):
            tasks.create_task(log.append(TOPIC.name, [Entry(b"k", str(n).encode())]))
        await asyncio.sleep(0)  # each of them has its turn
        writing.set()
    frames = (path.with_name(path.name + "-wal").stat().st_size) // PAGE_BYTES
    assert frames < 200  # each transaction of its own would write two pages at least
    assert sorted(int(value or b"") for value in await values(log, TOPIC.name)) == list(range(200))


async def test_a_full_log_says_so_and_keeps_nothing_of_the_append(path: Path) -> None:
    """And takes the same append once there is room."""
    entries = [Entry(b"k", bytes(50_000)) for _ in range(10)]
    async with SqliteLog(path, Wall(), max_bytes=2 * 1024 * 1024) as log:
        await log.create([TOPIC])
        for _ in range(2):
            await log.append(TOPIC.name, entries)
        with pytest.raises(LogFull, match="Make room") as full:
            await log.append(TOPIC.name, entries * 3)
        assert full.value.retriable
        appended = 2 * len(entries)
        assert await log.end_offsets(TOPIC.name) == {0: appended}
        assert len(await values(log, TOPIC.name)) == appended
    async with SqliteLog(path, Wall(), max_bytes=4 * 1024 * 1024) as log:
        await log.append(TOPIC.name, entries)
        assert await log.end_offsets(TOPIC.name) == {0: appended + len(entries)}


async def test_an_append_that_does_not_fit_takes_no_other_down(path: Path) -> None:
    """Though they share a transaction."""
    async with SqliteLog(path, Wall(), max_bytes=1024 * 1024) as log:
        await log.create([TOPIC])
        huge = [Entry(b"huge", bytes(500_000))] * 4
        results = await asyncio.gather(
            log.append(TOPIC.name, [Entry(b"k", b"before")]),
            log.append(TOPIC.name, huge),
            log.append(TOPIC.name, [Entry(b"k", b"after")]),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), LogFull, type(None)]
        assert {b"after", b"before"} == set(await values(log, TOPIC.name))  # appends at once have no order


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file that is no database."""
    table = tmp_path / "boxes.csv"
    table.write_bytes(b"province,district,box\n" * 1000)
    return table


async def test_a_file_that_is_no_database_is_refused(table: Path) -> None:
    size_bytes = table.stat().st_size  # noqa: ASYNC240  nothing else runs
    with pytest.raises(UsageError, match="no sandik log"):
        async with SqliteLog(table, Wall()):
            pass
    assert table.stat().st_size == size_bytes  # noqa: ASYNC240  as above


async def test_another_programs_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE record (name TEXT)")
    with pytest.raises(UsageError, match="another program's"):
        async with SqliteLog(path, Wall()):
            pass


async def test_a_newer_format_is_refused(log: SqliteLog, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="newer sandik"):
        async with SqliteLog(path, Wall()):
            pass


async def test_a_path_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        async with SqliteLog(tmp_path / "file" / "night.db", Wall()):
            pass
    with pytest.raises(UsageError, match="is a folder"):
        async with SqliteLog(tmp_path, Wall()):
            pass


async def test_a_damaged_file_is_no_reason_to_try_again(path: Path) -> None:
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, [Entry(b"k", bytes(100_000))] * 20)
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES * 100)
    with pytest.raises(LogError, match="damaged") as damaged:
        async with SqliteLog(path, Wall()) as again:
            await values(again, TOPIC.name)
    assert not damaged.value.retriable


async def test_a_log_that_another_process_holds_is_unavailable(
    log: SqliteLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And works again once it lets go."""
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_MS", 2 * LIMIT_S * 10)
    async with SqliteLog(path, Wall()) as impatient:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(LIMIT_S):  # they wait together: one after the other it would be twice as long
                held = await asyncio.gather(
                    *(impatient.append(TOPIC.name, [Entry(b"k", b"v")]) for _ in range(100)), return_exceptions=True
                )
            assert {type(error) for error in held} == {LogUnavailable}
            assert "Another process" in str(held[0])
            connection.execute("ROLLBACK")
        await impatient.append(TOPIC.name, [Entry(b"k", b"v")])
        assert await values(impatient, TOPIC.name) == [b"v"]


async def test_a_cancelled_append_leaves_the_log_at_work(log: SqliteLog) -> None:
    appending_one = asyncio.create_task(log.append(TOPIC.name, [Entry(b"k", b"maybe")]))
    await asyncio.sleep(0)
    appending_one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending_one
    await log.append(TOPIC.name, [Entry(b"k", b"surely")])
    assert (await values(log, TOPIC.name))[-1] == b"surely"


async def test_a_closed_log_leaves_no_thread(path: Path) -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("sandik-log")]

    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await values(log, TOPIC.name)
        assert threads()
    assert threads() == []


async def test_timestamps_never_step_back(path: Path) -> None:
    """Whatever the clocks of two writers say; times are looked up by bisection."""
    early, late = Manual(NIGHT), Manual(NIGHT + timedelta(seconds=5))
    async with SqliteLog(path, late) as first, SqliteLog(path, early) as second:
        await first.create([TOPIC])
        for log in (first, second, first):
            await log.append(TOPIC.name, [Entry(b"k", b"v")])
        stamps = [record.timestamp for record in (await read_to_end(first, TOPIC.name))[0]]
    assert stamps == sorted(stamps)


COMPACTED = Topic("totals", compacted=True)


async def fill(log: SqliteLog, key: bytes, count: int = COMPACT_EVERY_RECORDS) -> None:
    """Append enough under one key that compaction has its turn."""
    await log.append(COMPACTED.name, [Entry(key, b"filling")] * count)


async def test_compaction_keeps_the_newest_of_each_key_and_all_offsets(path: Path) -> None:
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log:
        await log.create([COMPACTED])
        await log.append(COMPACTED.name, [Entry(str(n % 7).encode(), str(n).encode()) for n in range(100)])
        clock.advance(LAG.total_seconds() + 1)
        await fill(log, b"other")
        records = await settled(log)
        old = [(record.offset, record.key, record.value) for record in records if record.key != b"other"]
        assert old == [(n, str(n % 7).encode(), str(n).encode()) for n in range(93, 100)]
        assert await log.end_offsets(COMPACTED.name) == {0: 100 + COMPACT_EVERY_RECORDS}
        assert await log.offsets_at(COMPACTED.name, 0) == {0: 93}
        await log.append(COMPACTED.name, [Entry(b"next", b"")])
        assert (await read_to_end(log, COMPACTED.name))[0][-1].offset == 100 + COMPACT_EVERY_RECORDS


async def test_compaction_leaves_young_records_alone(path: Path) -> None:
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log:
        await log.create([COMPACTED])
        await log.append(COMPACTED.name, [Entry(b"k", b"1"), Entry(b"k", b"2")])
        clock.advance(LAG.total_seconds() - 1)
        await fill(log, b"other")
        assert [r.value for r in await settled(log)][:2] == [b"1", b"2"]


async def test_a_young_record_does_not_push_an_old_one_out(path: Path) -> None:
    """It may be a stale one; until it is as old as the lag, its owner has time to publish again."""
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log:
        await log.create([COMPACTED])
        await log.append(COMPACTED.name, [Entry(b"k", b"good")])
        clock.advance(2 * LAG.total_seconds())
        await log.append(COMPACTED.name, [Entry(b"k", b"stale")])
        await fill(log, b"other")
        assert [r.value for r in await settled(log) if r.key == b"k"] == [b"good", b"stale"]


async def test_compaction_goes_on_where_it_stopped(path: Path) -> None:
    """What was the newest of its key in one turn is deleted in a later one, once it is superseded."""
    clock = Manual(NIGHT)
    async with SqliteLog(path, clock) as log:
        await log.create([COMPACTED])
        for turn in range(3):
            await log.append(COMPACTED.name, [Entry(b"k", str(turn).encode())])
            clock.advance(LAG.total_seconds() + 1)
            await fill(log, b"other")
        kept = await settled(log)
        assert [r.value for r in kept if r.key == b"k"] == [b"2"]
        assert len(kept) <= COMPACT_EVERY_RECORDS + 3


async def settled(log: SqliteLog) -> list[Record]:
    """All records, once the compaction behind the last append is through: the writer does it before the next job."""
    await log.create([])
    return (await read_to_end(log, COMPACTED.name))[0]


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_file_that_is_deleted_or_replaced_in_use_is_noticed(path: Path, replaced: bool, tmp_path: Path) -> None:
    """Every append was acknowledged, into a file that nobody could open any more."""
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, [Entry(b"k", b"v")])
        async with log.reader(TOPIC.name, {0: 1}) as reader:
            if replaced:
                async with SqliteLog(tmp_path / "other.db", Wall()) as other:
                    await other.create([TOPIC])
                await asyncio.to_thread((tmp_path / "other.db").rename, path)
            else:
                await asyncio.to_thread(path.unlink)
            what = "replaced" if replaced else "deleted"
            with pytest.raises(LogError, match=f"night.db was {what}") as lost:
                await log.append(TOPIC.name, [Entry(b"k", b"lost")])
            assert not lost.value.retriable
            with pytest.raises(LogError, match=what):
                await reader.read(max_records=9, wait_ms=LIMIT_S * 1_000)
            with pytest.raises(LogError, match=what):
                await log.end_offsets(TOPIC.name)


async def test_a_log_that_is_opened_again_knows_nothing_of_the_file_before(path: Path) -> None:
    """In which a topic had another place: what was appended to the one lay in the other."""
    other = Topic("other")
    log = SqliteLog(path, Wall())
    async with log:
        await log.create([TOPIC, other])
        assert TOPIC.partitions == await log.partitions(TOPIC.name)
    await asyncio.to_thread(path.unlink)
    async with log:
        await log.create([other, TOPIC])
        await log.append(TOPIC.name, [Entry(b"k", b"v")])
        assert (1, {0: 0}) == (sum((await log.end_offsets(TOPIC.name)).values()), await log.end_offsets(other.name))


async def test_a_write_ahead_log_that_is_deleted_in_use_is_noticed(log: SqliteLog, path: Path) -> None:
    """Other processes would never see what it holds."""
    await log.append(TOPIC.name, [Entry(b"k", b"v")])
    await asyncio.to_thread(path.with_name("night.db-wal").unlink)
    with pytest.raises(LogError, match=r"night\.db-wal was deleted"):
        await log.append(TOPIC.name, [Entry(b"k", b"lost")])


async def test_a_file_stays_the_same_while_others_open_and_close_it(log: SqliteLog, path: Path) -> None:
    for number in range(3):
        async with SqliteLog(path, Wall()) as other:
            await other.append(TOPIC.name, [Entry(b"k", str(number).encode())])
        await log.append(TOPIC.name, [Entry(b"k", b"ours")])
    assert 6 == len(await values(log, TOPIC.name))


async def test_an_online_backup_of_a_log_in_use_is_a_whole_log(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    """SQLite's own, as the page on disasters says; what was acknowledged before it is in the copy."""
    copy = tmp_path / "copy.db"
    await log.append(TOPIC.name, [Entry(b"k", b"before")])
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    await log.append(TOPIC.name, [Entry(b"k", b"after")])

    async with SqliteLog(copy, Wall()) as copied:
        assert [b"before"] == await values(copied, TOPIC.name)
    assert [b"before", b"after"] == await values(log, TOPIC.name)
