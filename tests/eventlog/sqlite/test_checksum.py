"""A record that is not what was appended is never handed out, and is named; older files are gone on with."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.clock import Wall
from eventlog.port import Entry, Topic
from eventlog.sqlite.file import Checked, check_file
from eventlog.sqlite.log import SqliteLog
from eventlog.sqlite.tables import checksum, fits
from schemas.errors import LogError, RecordDamaged, UsageError
from tests.eventlog.reading import values

TOPIC = Topic("tallies", partitions=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """A log with 100 records in each partition of its topic."""
    async with SqliteLog(path, Wall()) as opened:
        await opened.create([TOPIC])
        await opened.append(TOPIC.name, [Entry(b"k%d" % n, b"v%d" % n, n % 2) for n in range(200)])
        yield opened


def change(path: Path, statement: str) -> None:
    """What a disk or another program does to the file."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(statement)


def made_by_an_earlier_release(path: Path) -> None:
    """As it was before there were checksums."""
    change(path, "ALTER TABLE record DROP COLUMN checksum")


LAST_OF_FIRST = " WHERE id = (SELECT max(id) FROM record WHERE id < (SELECT max(id) >> 40 << 40 FROM record))"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE record SET value = x'7631'",
        "UPDATE record SET key = x'6b'",
        "UPDATE record SET timestamp = timestamp + 1",
        "UPDATE record SET key = CAST(key || x'76' AS BLOB), value = substr(value, 2)",
        "UPDATE record SET checksum = checksum + 1",
    ],
)
async def test_a_damaged_record_is_named_and_what_lies_before_it_is_read(
    log: SqliteLog, path: Path, damage: str
) -> None:
    change(path, damage + LAST_OF_FIRST)
    async with log.reader(TOPIC.name, {0: 0}) as reader:
        (batch,) = await reader.read(max_records=1_000, wait_ms=0)
        assert list(range(99)) == [record.offset for record in batch.records]
        with pytest.raises(RecordDamaged) as caught:
            await reader.read(max_records=1_000, wait_ms=0)

    error = caught.value
    assert (TOPIC.name, 0, 99, False) == (error.topic, error.partition, error.offset, error.retriable)
    with pytest.raises(RecordDamaged, match="offset 99 of partition 0"):
        check_file(path)
    assert 100 == len(await partition(log, 1))


async def partition(log: SqliteLog, number: int) -> list[bytes | None]:
    async with log.reader(TOPIC.name, {number: 0}) as reader:
        return [record.value for batch in await reader.read(max_records=1_000, wait_ms=0) for record in batch.records]


async def test_a_record_in_anothers_place_is_noticed(log: SqliteLog, path: Path) -> None:
    change(path, "UPDATE record SET id = id + 1000 WHERE id = (SELECT max(id) FROM record)")
    with pytest.raises(RecordDamaged, match="offset 1099 of partition 1"):
        check_file(path)


async def test_a_file_of_an_earlier_release_is_gone_on_with(log: SqliteLog, path: Path) -> None:
    made_by_an_earlier_release(path)
    assert Checked(0, 200) == check_file(path)
    async with SqliteLog(path, Wall()) as later:
        await later.append(TOPIC.name, [Entry(b"k", b"new", 0)])
        assert 201 == len(await values(later, TOPIC.name))
    assert Checked(1, 200) == check_file(path)


async def test_an_earlier_release_writes_beside_this_one(log: SqliteLog, path: Path) -> None:
    """What it writes has no checksum, and is read all the same."""
    change(path, "INSERT INTO record (id, timestamp, key, value) SELECT max(id) + 1, 0, x'', x'' FROM record")
    change(path, "UPDATE slot SET next_offset = next_offset + 1 WHERE partition = 1")
    assert 101 == len(await partition(log, 1))
    assert Checked(200, 1) == check_file(path)


async def test_a_name_that_is_no_text_is_damage(log: SqliteLog, path: Path) -> None:
    """No reason to try again: Python finds it, and gives its error no code of SQLite's."""
    change(path, "UPDATE topic SET name = CAST(x'74616c6c69e973' AS TEXT)")
    with pytest.raises(LogError, match="damaged") as caught:
        check_file(path)
    assert not caught.value.retriable


async def test_several_processes_may_open_an_older_file_at_once(log: SqliteLog, path: Path) -> None:
    made_by_an_earlier_release(path)
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(SqliteLog(path, Wall())) for _ in range(3)]
        for one in opened:
            await one.append(TOPIC.name, [Entry(b"k", b"new", 0)])
    assert Checked(3, 200) == check_file(path)


async def test_a_file_in_use_is_checked(log: SqliteLog, path: Path) -> None:
    told: list[int] = []
    assert Checked(200, 0) == check_file(path, told.append)
    assert 200 == told[-1]
    await log.append(TOPIC.name, [Entry(b"k", b"later", 0)])
    assert Checked(201, 0) == check_file(path)


def wipe(path: Path) -> None:
    """Ten pages of zeros, as from a disk that lost a block."""
    content = bytearray(path.read_bytes())
    content[8192 * 20 : 8192 * 30] = bytes(8192 * 10)
    path.write_bytes(content)


async def test_pages_that_sqlite_finds_damaged_are_told(path: Path) -> None:
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, [Entry(b"k", b"v" * 5_000) for _ in range(200)])
    wipe(path)

    with pytest.raises(LogError, match="damaged"):
        check_file(path)


@pytest.mark.parametrize("content", [b"", b"not a database, and long enough to be looked at" * 20])
def test_what_is_no_log_is_said_so(path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="is no file"):
        check_file(path)
    path.write_bytes(content)
    with pytest.raises(UsageError):
        check_file(path)


@given(st.binary(max_size=20), st.binary(max_size=20), st.integers(0, 63), st.data())
def test_no_flipped_bit_keeps_the_checksum(key: bytes, value: bytes, bit: int, data: st.DataObject) -> None:
    record_id, timestamp = (3 << 40) + 7, 1_711_900_000_000
    written = checksum(record_id, timestamp, key, value)

    assert written != checksum(record_id ^ (1 << min(bit, 62)), timestamp, key, value)
    assert written != checksum(record_id, timestamp ^ (1 << min(bit, 62)), key, value)
    if value:
        at = data.draw(st.integers(0, len(value) - 1))
        flipped = value[:at] + bytes([value[at] ^ (1 << bit % 8)]) + value[at + 1 :]
        assert written != checksum(record_id, timestamp, key, flipped)
        assert written != checksum(record_id, timestamp, key + value[:1], value[1:])


async def read_all(log: SqliteLog) -> None:
    await log.offsets_at(TOPIC.name, 1)
    await values(log, TOPIC.name)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM slot WHERE partition = 0",
        "UPDATE slot SET partition = 7 WHERE partition = 1",
        "UPDATE topic SET partitions = 3",
        "DROP TABLE slot",
    ],
)
async def test_tables_that_are_not_as_they_were_made_are_damage_and_are_not_tried_again(
    path: Path, log: SqliteLog, damage: str
) -> None:
    change(path, damage)
    async with SqliteLog(path, Wall()) as opened:
        with pytest.raises(LogError, match="damaged") as caught:
            await read_all(opened)
    assert not caught.value.retriable


@pytest.mark.parametrize("row", [("1", 1, b"k", b"v"), (1, b"1", b"k", b"v"), (1, 1, None, b"v"), (1, 1, b"k", "v")])
@pytest.mark.parametrize("written", [None, 1])
def test_a_row_of_other_types_fits_no_checksum_and_is_no_row(row: Any, written: int | None) -> None:
    """A damaged page may give anything for a column."""
    record_id, timestamp, key, value = row
    assert not fits(record_id, timestamp, key, value, written)
