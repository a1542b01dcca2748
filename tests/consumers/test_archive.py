"""The archiver on a log of either kind: it follows, stops, goes on, waits, and never mixes two nights."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from consumers.aggregate import Aggregator
from consumers.archive import Archiver, ArchiveSettings, Progress
from consumers.verify import verify
from eventlog.archive import open_archive
from eventlog.archive_manifest import Manifest
from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.retry import RetryPolicy
from eventlog.run import Run, create_run
from producers.publish import Publisher, entry, publish
from sandik.statehash import state_hash
from sandik.wiring import open_log
from schemas.errors import ArchiveError
from schemas.tally import Tally
from tests.builders import DISTRICTS, counted, small_election, withdrawn
from tests.kafka.broker import Broker
from tests.patience import LIMIT_S

FAST = ArchiveSettings(roll_ms=30, retry=RetryPolicy(0.05, 0.05))
FIRST: list[Tally] = [counted(district=district, box=1001 + box) for box in range(10) for district in DISTRICTS]
LATER: list[Tally] = [
    *(counted({"kurum": 9}, district=district, type="corrected", revision=2) for district in DISTRICTS),
    withdrawn(box=1002),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the archive goes: beside the log."""
    return tmp_path / "archive"


async def a_run(log: EventLog, name: str, epoch: str = "e1e1") -> Run:
    return await create_run(log, name, small_election(), mode="test", epoch=epoch, clock=Wall(), partitions=4)


async def send(log: EventLog, run: Run, events: list[Tally]) -> None:
    await publish(Publisher(log, run.topics.tallies.name, Wall()), map(entry, events))


class Heard:
    """Waits until the archiver has so many records."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._archived = 0

    def __call__(self, progress: Progress) -> None:
        self._archived = progress.archived
        self._changed.set()

    async def until(self, archived: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self._archived < archived:
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def following(log: EventLog, run: Run, folder: Path) -> AsyncIterator[Heard]:
    """An archiver at work, stopped at the end of the block."""
    heard = Heard()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Archiver(log, run, folder, Wall(), FAST, heard).follow())
        yield heard
        task.cancel()


async def on_disk(folder: Path, enough: Callable[[Manifest], bool]) -> Manifest:
    """The manifest, once it says enough; a following archiver writes every 30 ms."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            with contextlib.suppress(ArchiveError):  # not there yet
                manifest = open_archive(folder).manifest
                if enough(manifest):
                    return manifest
            await asyncio.sleep(0.01)  # between two looks


async def test_it_follows_a_run_and_goes_on_where_it_stopped(log: EventLog, unique: str, folder: Path) -> None:
    run = await a_run(log, unique)
    async with following(log, run, folder) as heard:
        await send(log, run, FIRST)
        await heard.until(len(FIRST) + 1)
        written = await on_disk(folder, lambda manifest: manifest.count("tallies") == len(FIRST))
        assert not written.complete
    assert open_archive(folder).manifest.complete
    async with following(log, run, folder) as heard:
        await send(log, run, LATER)
        await heard.until(len(FIRST) + len(LATER) + 1)

    verified = verify(folder, processes=1)
    assert {"tallies": {"corrected": 4, "counted": 40, "withdrawn": 1}, "control": {"run_created": 1}} == (
        verified.manifest.records
    )


async def test_its_state_is_that_of_the_totals_that_the_aggregator_publishes(
    log: EventLog, unique: str, folder: Path
) -> None:
    run = await a_run(log, unique)
    await send(log, run, [*FIRST, *LATER])
    await Archiver(log, run, folder, Wall()).run_until_end()
    await Aggregator(log, run, Wall()).run_until_end()

    assert await state_hash(log, run) == verify(folder, processes=1).state


async def test_what_the_log_holds_is_archived_at_once_and_each_time_more(
    log: EventLog, unique: str, folder: Path
) -> None:
    run = await a_run(log, unique)
    expected: list[int] = []
    for events in (FIRST, LATER, []):
        await send(log, run, events)
        await Archiver(log, run, folder, Wall()).run_until_end(expected.append)

    manifest = verify(folder, processes=1).manifest
    assert [41, 46, 46] == expected
    assert (45, True) == (manifest.count("tallies"), manifest.complete)
    assert ["control", "tallies"] == sorted(segment.topic for segment in manifest.segments)


async def test_an_archive_of_another_log_is_not_gone_on_with(tmp_path: Path) -> None:
    """The same run by all that it says of itself, but its records are gone: somebody began anew with the same file."""
    for name, events in (("first", FIRST), ("second", FIRST[:5])):
        async with open_log(f"sqlite:{tmp_path / name}.db", Wall()) as log:
            run = await a_run(log, "night")
            await send(log, run, events)
            archiver = Archiver(log, run, tmp_path / "archive", Wall())
            if name == "first":
                await archiver.run_until_end()
            else:
                with pytest.raises(ArchiveError, match=r"it is another log\. Choose another --out"):
                    await archiver.run_until_end()


async def test_a_tampered_archive_is_not_gone_on_with(tmp_path: Path, folder: Path) -> None:
    async with open_log(f"sqlite:{tmp_path / 'log.db'}", Wall()) as log:
        run = await a_run(log, "night")
        await send(log, run, FIRST)
        await Archiver(log, run, folder, Wall()).run_until_end()
        segment = folder / open_archive(folder).segments("tallies")[0].file
        segment.write_bytes(segment.read_bytes()[:-1])
        async with asyncio.timeout(LIMIT_S):
            with pytest.raises(ArchiveError, match="truncated"):
                await Archiver(log, run, folder, Wall(), FAST).follow()


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_a_broker_that_goes_away_is_waited_for(kafka_broker: Broker, unique: str, folder: Path) -> None:
    with kafka_broker as broker:
        async with open_log(f"kafka://{broker.servers}", Wall()) as log:
            run = await a_run(log, unique)
            async with following(log, run, folder) as heard, asyncio.timeout(8 * LIMIT_S):
                await send(log, run, FIRST)
                await heard.until(len(FIRST) + 1)
                await asyncio.to_thread(broker.kill)
                await asyncio.to_thread(broker.start)
                await send(log, run, LATER)
                await heard.until(len(FIRST) + len(LATER) + 1)

    assert len(FIRST) + len(LATER) == verify(folder, processes=1).manifest.count("tallies")
