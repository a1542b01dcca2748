"""The archiver: follows a run's tallies and control records in the log, and writes them down as Parquet.

What it holds can be thrown away: it goes on from what is whole in the folder, and the log has the rest.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from consumers.archive_book import ArchiveBook
from eventlog.archive_folder import Disk, claimed
from eventlog.archive_manifest import ArchivedTopic
from eventlog.clock import Clock
from eventlog.port import EventLog, Reader
from eventlog.retry import LOG_RETRY, RetryPolicy, Tries
from eventlog.run import Run
from schemas.errors import ArchiveError, LogError

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
                look_s = min(self._roll_s, LOOK_S)
                asked = self._clock.monotonic() - look_s
                while ends is None or not _reached(book, ends):
                    if self._clock.monotonic() >= asked + look_s:
                        await self._look_at_ends(book)
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
                book.add(topic, batch.partition, batch.records)
                self._progress.answered_s = self._clock.monotonic()
                self._report(len(batch.records))

    async def _look_at_ends(self, book: ArchiveBook) -> None:
        """Ask the log how far it goes. A read that brings nothing is no answer: its connection may be gone."""
        ends = {topic: await self._log.end_offsets(name) for topic, name in self._topics.items()}
        self._progress.answered_s = self._clock.monotonic()
        self._tries.succeeded()
        self._progress.behind = sum(
            end - book.positions(topic)[partition]
            for topic, by_partition in ends.items()
            for partition, end in by_partition.items()
        )

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


def _reached(book: ArchiveBook, ends: _Ends) -> bool:
    return all(
        book.positions(topic)[partition] >= end
        for topic, by_partition in ends.items()
        for partition, end in by_partition.items()
    )
