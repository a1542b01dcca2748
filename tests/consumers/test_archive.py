"""The archiver on a log of either kind: it follows, stops, goes on, waits, and never mixes two nights."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.aggregate import Aggregator
from consumers.archive import MERGE_SEGMENTS, Archiver, ArchiveSettings, Progress
from consumers.verify import verify
from eventlog.archive import LOCK, Disk, open_archive
from eventlog.archive_files import MANIFEST, Archived, Manifest
from eventlog.clock import Wall
from eventlog.loops import RetryPolicy
from eventlog.port import EventLog
from eventlog.run import Run, RunTopics, create_run
from producers.publish import Publisher, entry, publish
from sandik.read_run import state_hash
from sandik.wiring import open_log
from schemas.errors import ArchiveError
from schemas.tally import Tally
from tests.builders import DISTRICTS, NIGHT, counted, small_election, withdrawn
from tests.consumers.archiving import PARTITIONS, RUN, Logged, Logs, feed, logged, naive_state, said
from tests.consumers.nights import arrivals, tallies
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


JUNK = [(b"tr/34/uskudar", b"\xff"), (b"nowhere", b"{}"), (b"tr/41/gebze", b"")]
EVENTS = [counted(district=district, box=1001 + box) for box in range(6) for district in DISTRICTS]


def replay_order(logs: Logs) -> list[tuple[int, int, bytes]]:
    rows = [(r.timestamp, p, r.offset, r.value) for p, records in logs["tallies"].items() for r in records]
    return [(partition, offset, value) for _, partition, offset, value in sorted(rows)]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), at_once=st.integers(1, 9))
def test_whatever_the_log_holds_comes_back_with_the_state_after_each_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, at_once: int
) -> None:
    events = data.draw(tallies().flatmap(arrivals))
    values = data.draw(st.permutations([*said(events), *JUNK]))
    logs = logged(values)
    folder = tmp_path_factory.mktemp("archive")
    feed(folder, logs, at_once=at_once)
    archive = open_archive(folder)
    found = list(archive.tallies())

    assert replay_order(logs) == [(one.partition, one.offset, one.value) for one in found]
    for record in found:
        before = logs["tallies"][record.partition][: record.offset + 1]
        assert naive_state(before, record.partition) == record.state
    assert archive.manifest.state == verify(folder, processes=1).state


def test_a_record_says_of_itself_what_its_bytes_say(tmp_path: Path) -> None:
    feed(tmp_path, logged([*said([counted(revision=3)]), *JUNK]))
    read, junk, *_ = sorted(open_archive(tmp_path).tallies(), key=lambda record: record.append_ms)
    control = next(open_archive(tmp_path).control())

    assert ("counted", "aa", "tr/34/uskudar", NIGHT) == (read.type, read.source, read.district, read.event_time)
    assert (None, None, None, None) == (junk.type, junk.source, junk.district, junk.event_time)
    assert ("run_created", NIGHT, None) == (control.type, control.event_time, control.state)


def test_the_manifest_counts_what_there_is(tmp_path: Path) -> None:
    feed(tmp_path, logged([*said(EVENTS), *JUNK]))
    manifest = open_archive(tmp_path).manifest

    assert {"tallies": {"counted": len(EVENTS), "unreadable": len(JUNK)}, "control": {"run_created": 1}} == (
        manifest.records
    )
    assert (NIGHT, NIGHT) == (manifest.first_event, manifest.last_event)
    assert manifest.complete


@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        b"[]",
        b'{"type": 3}',
        b'{"type": "held", "at": "2024-03-31T19:00:00"}',
        b'{"type": "held", "at": "soon"}',
        b'{"type": "held", "at": 7}',
        b'{"type": "held", "at": "9999-12-31T23:59:59-12:00"}',
    ],
)
def test_a_control_record_that_nobody_understands_is_archived_too(tmp_path: Path, value: bytes) -> None:
    logs = logged([])
    created = logs["control"][0]
    logs["control"] = {0: [*created, Logged(1, created[0].timestamp, b"", value)]}
    feed(tmp_path, logs)

    record = list(open_archive(tmp_path).control())[1]
    assert (value, None) == (record.value, record.event_time)


def test_append_times_never_step_back_even_where_the_log_s_do(tmp_path: Path) -> None:
    """A broker that takes over may have a clock that is behind."""
    logs = logged(said(counted(box=1001 + box) for box in range(3)))
    partition = next(partition for partition, records in logs["tallies"].items() if records)
    first, second, third = logs["tallies"][partition]
    logs["tallies"][partition] = [first, second._replace(timestamp=first.timestamp - 500), third]
    feed(tmp_path, logs, at_once=1)

    found = list(open_archive(tmp_path).tallies())
    assert [0, 1, 2] == [record.offset for record in found]
    assert [first.timestamp, first.timestamp, third.timestamp] == [record.append_ms for record in found]


def test_small_segments_are_merged_as_the_night_goes_and_at_its_end(tmp_path: Path) -> None:
    logs = logged(said(counted(box=1001 + box, revision=revision) for revision in range(1, 4) for box in range(20)))
    numbers: list[int] = []

    class Counting(Disk):
        def sync(self, folder: Path) -> None:
            super().sync(folder)
            numbers.append(len(list(folder.glob("tallies-*.parquet"))))

    feed(tmp_path, logs, at_once=1, disk=Counting())
    manifest = open_archive(tmp_path).manifest

    assert max(numbers) <= MERGE_SEGMENTS + 1  # those to be merged, and what they are merged into
    assert [60] == [segment.records for segment in manifest.segments if segment.topic == "tallies"]
    assert {LOCK, MANIFEST, *(segment.file for segment in manifest.segments)} == {p.name for p in tmp_path.iterdir()}


class Killed(BaseException):
    """Stands for `kill -9`: nothing in the archiver may catch it."""


class KilledAt(Disk):
    """A disk whose writer is killed in the middle of a step; a file that was being written is then torn."""

    def __init__(self, step: int) -> None:
        self._left = step

    @property
    def survived(self) -> bool:
        """Whether the work was done before that step came."""
        return self._left > 0

    def write(self, path: Path, content: bytes) -> None:
        self._left -= 1
        if not self._left:
            path.write_bytes(content[: len(content) // 2])
            raise Killed
        super().write(path, content)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def sync(self, folder: Path) -> None:
        self._step()
        super().sync(folder)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)

    def _step(self) -> None:
        self._left -= 1
        if not self._left:
            raise Killed


def everything(folder: Path) -> tuple[list[Archived], list[Archived], str]:
    archive = open_archive(folder)
    return list(archive.tallies()), list(archive.control()), archive.manifest.content_hash


def test_a_kill_at_any_step_leaves_a_whole_archive_that_is_gone_on_with(tmp_path: Path) -> None:
    logs = logged([*said(EVENTS[:12]), *JUNK])
    feed(tmp_path / "undisturbed", logs, at_once=2)
    step, survived = 0, False
    while not survived:
        step += 1
        folder = tmp_path / str(step)
        disk = KilledAt(step)
        try:
            feed(folder, logs, at_once=2, disk=disk)
        except Killed:
            if (folder / MANIFEST).exists():
                verify(folder, processes=1)
            feed(folder, logs, at_once=2)
        survived = disk.survived

        assert everything(tmp_path / "undisturbed") == everything(folder)
        verify(folder, processes=1)
        named = {segment.file for segment in open_archive(folder).manifest.segments}
        assert {LOCK, MANIFEST, *named} == {path.name for path in folder.iterdir()}
    assert step > 20  # the test did kill it, at many steps


def test_a_folder_with_another_run_s_archive_is_refused(tmp_path: Path) -> None:
    feed(tmp_path, logged([]))
    others = [
        Run(RunTopics("other", PARTITIONS), "test", "e1e1", RUN.definition),
        Run(RunTopics("night", PARTITIONS), "live", "e1e1", RUN.definition),
        Run(RunTopics("night", PARTITIONS), "test", "e2e2", RUN.definition),
        Run(RunTopics("night", PARTITIONS, take=2), "test", "e1e1", RUN.definition),
        Run(RunTopics("night", PARTITIONS), "test", "e1e1", small_election(boxes=21)),
    ]
    for other in others:
        with pytest.raises(ArchiveError, match="archive of another run"):
            feed(tmp_path, logged([]), run=other)


def test_two_archivers_never_share_a_folder(tmp_path: Path) -> None:
    class Intruding(Disk):
        """Another archiver comes while the first one writes."""

        def write(self, path: Path, content: bytes) -> None:
            with pytest.raises(ArchiveError, match="another sandik archive is writing here"):
                feed(tmp_path, logged([]))
            super().write(path, content)

    feed(tmp_path, logged(said(EVENTS)), disk=Intruding())

    verify(tmp_path, processes=1)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"sea")

    with pytest.raises(ArchiveError, match="holds other files"):
        feed(tmp_path, logged([]))
    assert b"sea" == (tmp_path / "holiday.jpg").read_bytes()


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ArchiveError, match=r"cannot be written: .* Choose another --out"):
        feed(tmp_path / "file" / "archive", logged([]))


def test_a_disk_without_room_is_said_so_and_what_was_committed_stands(tmp_path: Path) -> None:
    class Full(Disk):
        def write(self, path: Path, content: bytes) -> None:
            if path.name.startswith("tallies-"):
                raise OSError(28, "No space left on device")
            super().write(path, content)

    with pytest.raises(ArchiveError, match="No space left on device"):
        feed(tmp_path, logged(said(EVENTS)), disk=Full())
    verify(tmp_path, processes=1)
    feed(tmp_path, logged(said(EVENTS)))

    assert len(EVENTS) == verify(tmp_path, processes=1).manifest.count("tallies")
