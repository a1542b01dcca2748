"""The embedded log's file, under whatever name it is opened, and what happens to its files and folder meanwhile."""

import asyncio
from pathlib import Path

import pytest

from eventlog.clock import Wall
from eventlog.port import Entry, Topic
from eventlog.sqlite.log import SqliteLog
from schemas.errors import LogError, LogUnavailable, UsageError
from tests.eventlog.reading import values

TOPIC = Topic("tallies")
BEFORE, AFTER = [Entry(b"k", b"before")], [Entry(b"k", b"after")]


async def test_an_index_of_the_write_ahead_log_that_is_deleted_in_use_is_noticed(tmp_path: Path) -> None:
    """Who opened the file next would make another index, and append over what those append who have the first."""
    path = tmp_path / "night.db"
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, BEFORE)
        await asyncio.to_thread((tmp_path / "night.db-shm").unlink)
        with pytest.raises(LogError, match=r"night\.db-shm was deleted") as lost:
            await log.append(TOPIC.name, AFTER)
        assert not lost.value.retriable


@pytest.mark.parametrize("name", ["night.db", "night.db-wal", "night.db-shm"])
async def test_behind_a_link_the_files_are_watched_where_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / "disk").mkdir()
    path = tmp_path / "link.db"
    path.symlink_to(tmp_path / "disk" / "night.db")
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, BEFORE)
        await asyncio.to_thread((tmp_path / "disk" / name).unlink)
        with pytest.raises(LogError, match="was deleted"):
            await log.append(TOPIC.name, AFTER)


async def test_a_link_that_leads_elsewhere_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "link.db"
    path.symlink_to("first.db")
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, BEFORE)
        (tmp_path / "second.db").touch()
        path.unlink()
        path.symlink_to("second.db")
        with pytest.raises(LogError, match=r"link\.db was replaced"):
            await log.append(TOPIC.name, AFTER)


async def test_a_folder_that_tells_nothing_for_a_while_is_waited_for(tmp_path: Path) -> None:
    """As where its permissions were taken away, or a network's file system does not answer."""
    folder, away = tmp_path / "folder", tmp_path / "away"
    async with SqliteLog(folder / "night.db", Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, BEFORE)
        async with log.reader(TOPIC.name, {0: 0}) as reader:
            folder.rename(away)
            folder.symlink_to(folder)  # whoever looks there is led in a circle
            with pytest.raises(LogUnavailable, match="cannot be looked at"):
                await log.append(TOPIC.name, AFTER)
            with pytest.raises(LogUnavailable, match="cannot be looked at"):
                await reader.read(max_records=9, wait_ms=0)
            folder.unlink()
            away.rename(folder)
            await log.append(TOPIC.name, AFTER)
        assert [b"before", b"after"] == await values(log, TOPIC.name)


async def test_a_second_name_of_the_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A copy by links, as backups make it, is no harm; a process that opens the file by it is."""
    path = tmp_path / "night.db"
    async with SqliteLog(path, Wall()) as log:
        await log.create([TOPIC])
    assert [] == caplog.messages
    (tmp_path / "copy.db").hardlink_to(path)
    async with SqliteLog(path, Wall()):
        assert ["another name, a hard link" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("name", [":memory:", "file:night.db", "file:night.db?mode=memory"])
async def test_a_name_that_means_something_to_sqlite_is_a_files_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with SqliteLog(Path(name), Wall()) as log:
        await log.create([TOPIC])
        await log.append(TOPIC.name, BEFORE)
        assert [b"before"] == await values(log, TOPIC.name)
    assert (tmp_path / name).exists()


async def test_a_name_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File name too long"):
        async with SqliteLog(tmp_path / ("a" * 300), Wall()):
            pass


async def test_where_the_working_directory_is_gone_nothing_can_be_made_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="cannot be made"):
        async with SqliteLog(Path("var/night.db"), Wall()):
            pass
