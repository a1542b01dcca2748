"""The archiver: follows a run's tallies and control records in the log, and writes them down as Parquet.

What it holds can be thrown away: it goes on from what is whole in the folder, and the log has the rest.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from consumers.archive_fold import ArchiveFold, TalliesFold, summary
from consumers.verify import recompute
from eventlog.archive import Archive, ArchiveFolder, Disk, claimed
from eventlog.archive_files import (
    FORMAT,
    MANIFEST,
    ArchivedTopic,
    Columns,
    Manifest,
    Segment,
    Span,
    content_hash,
    identity_of,
)
from eventlog.clock import Clock
from eventlog.loops import LOG_RETRY, RetryPolicy, Tries
from eventlog.port import EventLog, Reader, Standstill
from eventlog.run import Run, find_run
from schemas.amendments import AMENDED_KEY
from schemas.control import is_amendment
from schemas.errors import ArchiveError, LogError
from schemas.fields import Record

if TYPE_CHECKING:
    from schemas.trust import OperatorKey

SEGMENT_RECORDS: Final = 200_000
"""What a segment holds at most: 12 row groups, some 100 MB in memory and 25 MB on the disk; a million-event night is
five files."""

SEGMENT_BYTES: Final = 128 * 1024 * 1024
"""Bytes of keys and values after which a segment is written, however few the records: a tally may have 64 KiB."""

MERGE_SEGMENTS: Final = 16
"""So many segments at the end that fit into one are merged: at a segment every ten seconds that is every three minutes,
half a second of work."""

_TOPICS: Final[tuple[ArchivedTopic, ...]] = ("tallies", "control")


@dataclass(slots=True)
class _Gathered:
    """Records of one topic that are in no segment yet."""

    columns: Columns = field(default_factory=Columns)
    began: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """By partition: the first offset, and the link before it."""


class ArchiveBook:
    """An archive that is being written: folds, gathers, writes segments, keeps the manifest.

    Call order: `restore()` to its end, before anything else. A kill at any moment loses nothing: what is not in the
    manifest is still in the log, and is asked for again.
    """

    def __init__(self, claim: ArchiveFolder, run: Run) -> None:
        """Raises `ArchiveError` where the folder holds the archive of another run."""
        self._claim = claim
        self._run = run
        topics = run.topics
        defined = run.base.digest
        self._identity = run.name, run.mode, run.epoch, topics.take, topics.partitions, defined
        if claim.manifest is not None:
            _check_same(claim, claim.manifest, self._identity)
        self._ordered: set[str] = set()
        self._is_amended = False
        self.know(run)
        self._tallies = TalliesFold(run.base, topics.partitions, self._ordered)
        self._folds: dict[ArchivedTopic, ArchiveFold] = {"tallies": self._tallies, "control": ArchiveFold()}
        self._gathered: dict[ArchivedTopic, _Gathered] = {}
        self._gathered_bytes = 0

    @property
    def gathered(self) -> int:
        """How many records are in no segment yet."""
        return sum(len(gathered.columns) for gathered in self._gathered.values())

    @property
    def is_full(self) -> bool:
        """Whether what was gathered makes a segment."""
        return self.gathered >= SEGMENT_RECORDS or self._gathered_bytes >= SEGMENT_BYTES

    def restore(self) -> Iterator[int]:
        """Fold what is archived already, checking it; yields how many records, batch by batch.

        Raises `ArchiveError` where it is not as it was written: such an archive is not gone on with.
        """
        if self._claim.manifest is None:
            return
        archive = Archive(self._claim.path, self._claim.manifest)
        self._check_keys(archive)
        for fold in self._folds.values():
            yield from recompute(archive, fold, range(self._run.topics.partitions))

    def _check_keys(self, archive: Archive) -> None:
        """Raise `ArchiveError` where the archive holds an amendment that counts by these keys, and did not before."""
        known = archive.manifest.amendments or ()
        for record in archive.control():
            if is_amendment(record.value) and self._ordered.intersection(_yields(record.value)).difference(known):
                what = (
                    "was written without the key by which an amendment of the definition counts. Choose another --out."
                )
                raise ArchiveError(str(archive.folder), what, partition=0, offset=record.offset)

    def positions(self, topic: ArchivedTopic) -> dict[int, int]:
        """The next offset to be archived, by partition."""
        partitions = self._run.topics.partitions if topic == "tallies" else 1
        return {partition: self._folds[topic].next_offset(partition) for partition in range(partitions)}

    def know(self, run: Run) -> None:
        """Take what amends the definition for ordered as the run has it by now."""
        self._ordered |= run.ordered
        self._is_amended = self._is_amended or bool(run.amendments or run.missed)

    def add(self, topic: ArchivedTopic, partition: int, records: Sequence[Record]) -> None:
        """Gather the next records of a partition, which follow the ones before without a gap."""
        fold = self._folds[topic]
        gathered = self._gathered.setdefault(topic, _Gathered())
        gathered.began.setdefault(partition, (records[0].offset, fold.chain(partition)))
        columns = fold.apply(partition, records)
        gathered.columns.extend(columns)
        self._gathered_bytes += sum(map(len, columns.key)) + sum(map(len, columns.value))

    def flush(self, *, complete: bool = False) -> None:
        """Write what was gathered, and commit. Merges segments where many have come together."""
        written = [self._write(topic, gathered) for topic, gathered in self._gathered.items()]
        self._gathered.clear()
        self._gathered_bytes = 0
        if written or self._claim.manifest is None or self._claim.manifest.complete != complete:
            self._commit((*self._segments(), *written), complete=complete)
        self._merge(at_least=MERGE_SEGMENTS)

    def finish(self, *, complete: bool) -> None:
        """Write what was gathered, and merge what fits together. `complete`: the log holds no more than this."""
        self.flush(complete=complete)
        self._merge(at_least=2)

    def _write(self, topic: ArchivedTopic, gathered: _Gathered) -> Segment:
        fold = self._folds[topic]
        counts = dict.fromkeys(sorted(gathered.began), 0)
        for partition in gathered.columns.partition:
            counts[partition] += 1
        spans = [
            Span(
                partition=partition,
                first=gathered.began[partition][0],
                last=fold.next_offset(partition) - 1,
                records=records,
                before=gathered.began[partition][1].hex(),
            )
            for partition, records in counts.items()
        ]
        return self._claim.put(topic, gathered.columns.table(), spans)

    def _merge(self, *, at_least: int) -> None:
        """Merge the last segments of each topic, as many as fit into one; if so many do."""
        for topic in _TOPICS:
            tail = _tail(self._segments(), topic)
            if len(tail) >= at_least:
                merged = self._claim.merge(tail)
                others = [segment for segment in self._segments() if segment not in tail]
                manifest = self._claim.manifest
                self._commit((*others, merged), complete=manifest is not None and manifest.complete)

    def _commit(self, segments: Sequence[Segment], *, complete: bool) -> None:
        ends = tuple(end for fold in self._folds.values() for end in fold.ends())
        run, before = self._run, self._claim.manifest
        manifest = Manifest(
            format=before.format if before is not None else FORMAT,  # the states in what was written stay as they are
            run=run.name,
            mode=run.mode,
            epoch=run.epoch,
            take=run.topics.take,
            partitions=run.topics.partitions,
            complete=complete,
            state=self._tallies.state().hex(),
            content_hash=content_hash(self._identity, ends),
            ends=ends,
            segments=tuple(segments),
            definition=run.base,
            amendments=tuple(sorted(self._ordered)) if self._is_amended else None,
            **summary(self._tallies.counts, self._folds["control"].counts),
        )
        self._claim.commit(manifest)

    def _segments(self) -> tuple[Segment, ...]:
        return self._claim.manifest.segments if self._claim.manifest is not None else ()


def _tail(segments: Sequence[Segment], topic: ArchivedTopic) -> list[Segment]:
    """The last segments of a topic, as many as make one that is not too large."""
    tail: list[Segment] = []
    records = size_bytes = 0
    for segment in reversed([segment for segment in segments if segment.topic == topic]):
        records, size_bytes = records + segment.records, size_bytes + segment.size_bytes
        if records > SEGMENT_RECORDS or size_bytes > SEGMENT_BYTES:
            break
        tail.append(segment)
    return tail[::-1]


def _check_same(claim: ArchiveFolder, manifest: Manifest, identity: tuple[str | int, ...]) -> None:
    theirs = identity_of(manifest)
    names = ("run", "mode", "epoch", "take", "partitions", "definition")
    other = [
        f"{name} {known!r}, not {ours!r}" if name != "definition" else "another definition"
        for name, known, ours in zip(names, theirs, identity, strict=True)
        if known != ours
    ]
    if other:
        what = f"this is the archive of another run ({'; '.join(other)}). Choose another --out."
        raise ArchiveError(str(claim.path / MANIFEST), what)


_log = logging.getLogger(__name__)

MAX_RECORDS: Final = 5_000
"""Records in one read: some 100 ms of folding, so that a stop is noticed soon."""

MAX_IDLE_MS: Final = 200
"""The longest wait for tallies, so that control records and the time to write are noticed."""

LOOK_S: Final = 10.0
"""How often at least the log is asked how far it goes, so that whoever watches knows whether it answers."""

_ASK_S: Final = 5.0
"""How long a stop may ask the log whether there is more."""


_Ends = Mapping[ArchivedTopic, Mapping[int, int]]
"""Where a log ends: by topic and partition."""


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How often what was gathered is written at least, and how long to wait for a log that is away."""

    roll_ms: int = 10_000
    retry: RetryPolicy = LOG_RETRY
    operators: "tuple[OperatorKey, ...]" = ()
    """Whose amendments of the definition count, as for an aggregator."""


@dataclass(slots=True)
class Progress:
    """How far the archiver has come. Moments (`…_s`) are seconds of the clock that never steps back."""

    run: str = ""
    archived: int = 0
    """Records that the archive holds, with those that are in no file yet."""
    behind: int = 0
    """Records that the log held and the archive did not, when the log was last asked."""
    answered_s: float | None = None
    """When the log last answered: a read that brought something, or a question how far it goes. At first: the start."""
    unwritten_s: float | None = None
    """Since when something is in no file; `None` where all is written."""
    errors: Counter[str] = field(default_factory=Counter)
    """What kept the archiver from the log, by the error's name."""


class Archiver:
    """Writes one run's archive into a folder. Only one can at a time."""

    def __init__(
        self,
        log: EventLog,
        run: Run,
        folder: Path,
        clock: Clock,
        settings: ArchiveSettings | None = None,
        watch: Callable[[Progress], None] = lambda _: None,
        *,
        progress: Progress | None = None,
    ) -> None:
        self._log = log
        self._run = run
        self._folder = folder
        self._clock = clock
        self._settings = settings or ArchiveSettings()
        self._watch = watch
        self._progress = progress or Progress()
        self._progress.run = run.name
        self._progress.answered_s = clock.monotonic()
        self._tries = Tries(clock, self._settings.retry)
        self._topics: Mapping[ArchivedTopic, str] = {
            "tallies": run.topics.tallies.name,
            "control": run.topics.control.name,
        }

    async def follow(self, disk: Disk | None = None) -> None:
        """Archive for ever. Ends by cancellation: what was read is then written, and small files are merged.

        Raises `ArchiveError` where the folder is not this run's, or cannot be written.
        """
        with claimed(self._folder, disk) as claim:
            book = ArchiveBook(claim, self._run)
            await self._restore(book)
            try:
                book.flush()  # whoever looks sees an archive that is being written
                while True:
                    await self._read_until(book, None)
            except asyncio.CancelledError:
                book.finish(complete=await self._has_everything(book))
                raise

    async def run_until_end(self, expect: Callable[[int], None] = lambda _: None, disk: Disk | None = None) -> Progress:
        """Archive what the log holds now. `expect` is told how many records that is. Raises as `follow` does."""
        with claimed(self._folder, disk) as claim:
            book = ArchiveBook(claim, self._run)
            ends = await self._ends()
            expect(sum(end for topic in ends.values() for end in topic.values()))
            await self._restore(book)
            while not _reached(book, ends):
                await self._read_until(book, ends)
            book.finish(complete=True)
        return self._progress

    async def _restore(self, book: ArchiveBook) -> None:
        """Fold what is archived, and see that the log is the one that it came from."""
        book.know(await self._found())
        for records in book.restore():
            self._report(records)
            await asyncio.sleep(0)  # a stop is noticed
        ends = await self._ends()
        for topic, end in ends.items():
            for partition, position in book.positions(topic).items():
                if position > end[partition]:
                    what = f"the log ends at {end[partition]}, before this archive's {topic} do: it is another log."
                    what += " Choose another --out."
                    raise ArchiveError(str(self._folder), what, partition=partition, offset=position)

    async def _read_until(self, book: ArchiveBook, ends: _Ends | None) -> None:
        """Read until the ends are reached, or for ever without; returns early where the log had to be waited for."""
        async with AsyncExitStack() as stack:
            try:
                readers: dict[ArchivedTopic, Reader] = {
                    topic: await stack.enter_async_context(self._log.reader(name, book.positions(topic)))
                    for topic, name in self._topics.items()
                }
                standstills = {topic: Standstill() for topic in readers}
                look_s = min(self._roll_s, LOOK_S)
                asked = self._clock.monotonic() - look_s
                while ends is None or not _reached(book, ends):
                    if self._clock.monotonic() >= asked + look_s:
                        ends_now = await self._look_at_ends(book)
                        for topic, reader in readers.items():
                            standstills[topic].behind(reader.positions, ends_now[topic], self._clock.monotonic())
                        asked = self._clock.monotonic()
                    await self._turn(book, readers)
                    if book.is_full or self._is_due():
                        book.flush()
                    self._look_at_gathered(book)
            except LogError as error:
                await self._wait(error)

    async def _turn(self, book: ArchiveBook, readers: Mapping[ArchivedTopic, Reader]) -> None:
        """Read what is next of each topic; wait for tallies only."""
        for topic, reader in readers.items():
            wait_ms = MAX_IDLE_MS if topic == "tallies" else 0
            for batch in await reader.read(max_records=MAX_RECORDS, wait_ms=wait_ms):
                if any(_amends(topic, record) for record in batch.records):  # an order is there before its tallies
                    book.know(await find_run(self._log, self._run.name, self._settings.operators))
                book.add(topic, batch.partition, batch.records)
                self._progress.answered_s = self._clock.monotonic()
                self._report(len(batch.records))

    async def _look_at_ends(self, book: ArchiveBook) -> _Ends:
        """Ask the log how far it goes. A read that brings nothing is no answer: its connection may be gone."""
        ends = {topic: await self._log.end_offsets(name) for topic, name in self._topics.items()}
        self._progress.answered_s = self._clock.monotonic()
        self._tries.succeeded()
        self._progress.behind = sum(
            end - book.positions(topic)[partition]
            for topic, by_partition in ends.items()
            for partition, end in by_partition.items()
        )
        return ends

    def _look_at_gathered(self, book: ArchiveBook) -> None:
        """Note since when something is in no file."""
        if not book.gathered:
            self._progress.unwritten_s = None
        elif self._progress.unwritten_s is None:
            self._progress.unwritten_s = self._clock.monotonic()

    def _is_due(self) -> bool:
        since = self._progress.unwritten_s
        return since is not None and self._clock.monotonic() >= since + self._roll_s

    @property
    def _roll_s(self) -> float:
        return self._settings.roll_ms / 1000

    async def _wait(self, error: LogError) -> None:
        self._progress.errors[type(error).__name__] += 1
        await self._tries.wait(error, partial(_log.warning, "%s"))

    async def _has_everything(self, book: ArchiveBook) -> bool:
        """Whether the log holds no more than the archive; `False` where the log does not answer."""
        try:
            async with asyncio.timeout(_ASK_S):
                return _reached(book, await self._ends())
        except (LogError, TimeoutError):
            return False

    async def _found(self) -> Run:
        """The run as it is now; a log that is away is waited for."""
        while True:
            try:
                return await find_run(self._log, self._run.name, self._settings.operators)
            except LogError as error:
                await self._wait(error)

    async def _ends(self) -> _Ends:
        """Where the log ends now; a log that is away is waited for."""
        while True:
            try:
                return {topic: await self._log.end_offsets(name) for topic, name in self._topics.items()}
            except LogError as error:
                await self._wait(error)

    def _report(self, records: int) -> None:
        self._progress.archived += records
        self._watch(self._progress)


def _yields(value: bytes) -> set[str]:
    """The digest of what an order yields that amends the definition; none of what cannot be read."""
    try:
        return {str(orjson.loads(value)["yields"])}
    except (ValueError, LookupError, TypeError):
        return set()


def _amends(topic: ArchivedTopic, record: Record) -> bool:
    return record.key == AMENDED_KEY if topic == "tallies" else is_amendment(record.value)


def _reached(book: ArchiveBook, ends: _Ends) -> bool:
    return all(
        book.positions(topic)[partition] >= end
        for topic, by_partition in ends.items()
        for partition, end in by_partition.items()
    )
