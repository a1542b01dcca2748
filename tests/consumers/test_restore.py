"""A run that is restored is the run that was archived: its records lie where they lay, with their times."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.archive import Archiver
from consumers.restore import Restorer, check_restorable
from eventlog.archive import Archive, open_archive
from eventlog.archive_files import Manifest
from eventlog.clock import Wall
from eventlog.port import Entry, RestorableLog
from eventlog.run import RunTopics, create_run, find_run
from sandik.wiring import open_restorable_log
from schemas.errors import ArchiveError, UsageError
from tests.consumers.archiving import CREATED, NIGHT_MS, PARTITIONS, RUN, Logged, Logs, feed, logged
from tests.eventlog.reading import read_to_end

TALLIES = [(b"d%d" % (n % 7), b'{"n": %d}' % n) for n in range(2_500)]
ORDERS = [b'{"type": "held", "n": %d}' % n for n in range(30)]


@pytest.fixture
async def log(log_url: str) -> AsyncIterator[RestorableLog]:
    async with open_restorable_log(log_url, Wall()) as opened:
        yield opened


def archived(folder: Path, name: str, mode: str = "test", orders: list[bytes] = ORDERS) -> Archive:
    """An archive of a run of this name."""
    control = [CREATED.model_copy(update={"run": name, "mode": mode}).encode(), *orders]
    logs: Logs = logged(TALLIES)
    logs["control"][0] = [Logged(at, NIGHT_MS + at, b"", value) for at, value in enumerate(control)]
    run = replace(RUN, topics=RunTopics(name, PARTITIONS), mode="live" if mode == "live" else "test")
    feed(folder, logs, at_once=400, run=run)
    return open_archive(folder)


def restorer(log: RestorableLog, archive: Archive, watch: Callable[[int], None] = lambda _: None) -> Restorer:
    return Restorer(log, archive, Wall(), "0badcafe", watch)


def prefix(archive: Archive, count: int) -> list[Entry]:
    """The first tallies of an archive, as they are written back."""
    records = [record for record, _ in zip(archive.tallies(), range(count), strict=False)]
    return [Entry(one.key, one.value, one.partition, one.append_ms) for one in records]


async def test_every_record_of_the_restored_run_is_where_it_was_with_its_bytes_and_its_time(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique, mode="live")
    told: list[int] = []
    written = await restorer(log, archive, told.append).restore()

    run = await find_run(log, unique)
    await Archiver(log, run, tmp_path / "again", Wall()).run_until_end()
    again = open_archive(tmp_path / "again")
    *control, mark = again.control()
    assert list(archive.tallies()) == list(again.tallies())
    assert list(archive.control()) == control
    assert "run_restored" == mark.type
    assert len(TALLIES) + len(ORDERS) + 1 == written == told[-1] - 1
    assert ("live", "e1e1", "e1e1~0badcafe") == (run.mode, run.epoch, run.log_epoch)


async def test_the_night_goes_on_behind_what_was_restored_and_so_does_its_archive(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique)
    await restorer(log, archive).restore()
    run = await find_run(log, unique)
    await log.append(run.topics.tallies.name, [Entry(b"d1", b"late", 0)])
    await Archiver(log, run, tmp_path / "archive", Wall()).run_until_end()

    assert len(TALLIES) + 1 == open_archive(tmp_path / "archive").manifest.count("tallies")
    assert (await read_to_end(log, run.topics.tallies.name))[0][-1].timestamp > NIGHT_MS + len(TALLIES)


@pytest.mark.parametrize("count", [0, 1, 1_700])
async def test_a_restore_that_was_broken_off_goes_on(
    log: RestorableLog, unique: str, tmp_path: Path, count: int
) -> None:
    archive = archived(tmp_path / "archive", unique)
    tallies = RunTopics(unique, PARTITIONS).tallies
    await log.open_for_restore([tallies])
    await log.append(tallies.name, prefix(archive, count))

    assert len(TALLIES) - count + len(ORDERS) + 1 == await restorer(log, archive).restore()
    assert 0 == await restorer(log, archive).restore()


async def test_of_the_orders_that_are_missing_none_is_written_twice(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique)
    control = RunTopics(unique).control
    await log.open_for_restore([control])
    held = [Entry(one.key, one.value, 0, one.append_ms) for one in archive.control()][:5]
    await log.append(control.name, held)

    assert len(TALLIES) + len(ORDERS) + 1 - len(held) == await restorer(log, archive).restore()
    assert len(ORDERS) + 2 == (await log.end_offsets(control.name))[0]


async def test_a_run_that_is_restored_again_from_its_own_archive_has_another_name_for_its_log(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique)
    async with open_restorable_log(f"sqlite:{tmp_path / 'first.db'}", Wall()) as first:
        await restorer(first, archive).restore()
        await Archiver(first, await find_run(first, unique), tmp_path / "archive", Wall()).run_until_end()
    await Restorer(log, open_archive(tmp_path / "archive"), Wall(), "00000002").restore()

    assert "e1e1~00000002" == (await find_run(log, unique)).log_epoch


async def test_a_run_that_holds_anything_else_is_refused_and_left_alone(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique)
    tallies = RunTopics(unique, PARTITIONS).tallies
    await log.create([tallies])
    await log.append(tallies.name, [Entry(b"d1", b"another night", 0)])

    with pytest.raises(UsageError, match="its tallies are not the archive's"):
        await restorer(log, archive).restore()
    assert 1 == sum((await log.end_offsets(tallies.name)).values())


async def test_a_run_that_goes_on_where_the_archive_ends_is_refused(
    log: RestorableLog, unique: str, tmp_path: Path
) -> None:
    archive = archived(tmp_path / "archive", unique)
    await restorer(log, archive).restore()
    await log.append(RunTopics(unique).control.name, [Entry(b"", b"an order")])

    with pytest.raises(UsageError, match="its control go on where the archive ends"):
        await restorer(log, archive).restore()


@pytest.mark.parametrize("topic", ["totals", "ledger", "comparisons", "quarantine"])
async def test_a_run_that_somebody_works_with_is_refused(
    log: RestorableLog, unique: str, tmp_path: Path, topic: str
) -> None:
    archive = archived(tmp_path / "archive", unique)
    used = getattr(RunTopics(unique, PARTITIONS), topic)
    await log.create([used])
    await log.append(used.name, [Entry(b"k", b"v", 0)])

    with pytest.raises(UsageError, match="somebody works with it already"):
        await restorer(log, archive).restore()
    assert not await log.exists(RunTopics(unique).control.name)


async def test_a_run_with_other_partitions_is_refused(log: RestorableLog, unique: str, tmp_path: Path) -> None:
    archive = archived(tmp_path / "archive", unique)
    await create_run(log, unique, RUN.definition, mode="test", epoch="other", clock=Wall(), partitions=PARTITIONS + 1)

    with pytest.raises(UsageError, match="has 5 partitions, and had 4"):
        await restorer(log, archive).restore()


def manifest(tmp_path: Path, **changes: object) -> Manifest:
    return archived(tmp_path / "archive", "night").manifest.model_copy(update=changes)


def test_orders_are_signed_for_one_name_so_no_other_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Give --run night"):
        check_restorable(manifest(tmp_path), "other")


def test_a_replay_is_played_again_and_not_restored(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sandik replay"):
        check_restorable(manifest(tmp_path, mode="replay"), "night")


def test_an_archive_that_begins_late_cannot_keep_its_offsets(tmp_path: Path) -> None:
    ends = archived(tmp_path / "archive", "night").manifest.ends
    late = (ends[0].model_copy(update={"next_offset": ends[0].next_offset + 3}), *ends[1:])
    with pytest.raises(ArchiveError, match="begin behind offset 0"):
        check_restorable(manifest(tmp_path, ends=late), "night")


def test_an_archive_without_a_run_is_none_to_restore(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="nothing says what the run is"):
        check_restorable(manifest(tmp_path, records={"tallies": {"counted": 1}}), "night")
