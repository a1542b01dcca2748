"""The file of the embedded log: a page, a byte, the end of it changed. Every record as it was appended, or an error."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from eventlog.clock import Manual
from eventlog.port import Entry
from eventlog.run import RunTopics
from eventlog.sqlite.file import LogFile, check_file
from eventlog.sqlite.log import SqliteLog
from eventlog.sqlite.tables import append, fetch, find_topic, offsets_at
from schemas.errors import LogError, LogUnavailable, SandikError
from schemas.fields import Record
from schemas.tally import encode
from tests.builders import DISTRICTS, NIGHT, counted
from tests.fuzz.target import Opened, Target, expect

TOPICS: Final = RunTopics("night", 2)
NAMES: Final = (TOPICS.tallies.name, TOPICS.control.name)
Held = dict[tuple[str, int], list[Record]]


async def _write(path: Path) -> None:
    async with SqliteLog(path, Manual(NIGHT)) as log:
        await log.create(TOPICS.all())
        for box in range(1001, 1011):
            entries = [Entry(one.encode(), encode(counted(box=box, district=one))) for one in DISTRICTS]
            await log.append(TOPICS.tallies.name, entries)
        await log.append(TOPICS.control.name, [Entry(b"run", b"{}"), Entry(b"order", b"x" * 20_000)])


@contextmanager
def opened() -> Iterator[Opened]:
    """With a file that is written anew for each input."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.db"
        asyncio.run(_write(path))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        sound = path.read_bytes()
        written = _read(path)

        def check(data: bytes) -> None:
            for file in Path(folder).iterdir():
                file.unlink()
            path.write_bytes(data)
            _check(path, written)

        yield Opened((sound,), check)


def _check(path: Path, written: Held) -> None:
    is_whole = False
    try:
        check_file(path)
        is_whole = True
    except SandikError as error:
        expect(str(error), "a refusal says nothing")
        expect(not isinstance(error, LogUnavailable), f"a file that is damaged is to be tried again: {error}")
    try:
        found = _read(path)
        _append(path)
    except SandikError as error:
        expect(not is_whole or not isinstance(error, LogError), f"a file that was found whole is damaged: {error}")
        return
    for where, records in found.items():
        sound = {record.offset: record for record in written[where]}
        expect(all(sound.get(one.offset) == one for one in records), "another record is read than was appended")
        expect(not is_whole or records == written[where], "records are missing in a file that is found whole")


def _read(path: Path) -> Held:
    file = LogFile(path)
    found: Held = {}
    with file.translated(), closing(file.open()) as connection:
        file.is_ours(connection)
        for name in NAMES:
            stored = find_topic(connection, name)
            offsets_at(connection, stored, 0)
            for partition in range(stored.topic.partitions):
                batches, _ = fetch(connection, stored, {partition: 0}, 1_000)
                found[name, partition] = [record for batch in batches for record in batch.records]
    return found


def _append(path: Path) -> None:
    file = LogFile(path)
    with file.translated(), closing(file.open()) as connection:
        stored = find_topic(connection, TOPICS.tallies.name)
        connection.execute("BEGIN IMMEDIATE")
        append(connection, stored, [Entry(b"k", b"v")], 0)
        connection.execute("ROLLBACK")


TARGET: Final = Target("databases", "the file of the embedded log", 8, opened, cpu_s=10)
