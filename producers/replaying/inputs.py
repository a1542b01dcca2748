"""What a replay reads: an archive's tallies, in batches of columns with when each is due, and operators' orders.

A record is due at the latest time of itself and of those before it. So the log's order is kept, and a record with an
early time that came late comes late again. A record without a time is due with the one before it.

Orders are read from the control topic beside the publishing of records, which does not wait for them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import accumulate, islice, pairwise
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from eventlog.archive import Archive
from eventlog.archive_files import Columns, Segment, columns_of, microseconds, moment
from eventlog.loops import Tries
from eventlog.port import Entry, EventLog
from eventlog.run import Run
from schemas.amendments import AMENDED_KEY
from schemas.control import ReplayOrder, Takes
from schemas.errors import ArchiveError, LogError, UsageError
from schemas.fields import Record
from schemas.trust import OperatorKey, OrderVerifier

_log = logging.getLogger(__name__)

_BATCH_RECORDS: Final = 4_096
"""Records in one batch where they are merged from several files one by one: some 20 ms of work."""

_US_PER_MS: Final = 1_000

_MAX_RECORDS: Final = 1_000
_READ_WAIT_MS: Final = 1_000
"""How long one read of the control topic waits; it only bounds the wait, since an order ends it."""


@dataclass(frozen=True, slots=True)
class ArchivedBatch:
    """Records in the order of the archive, a list for each column.

    `times`: when each is due, in microseconds since 1970, UTC; they never fall from one to the next.
    """

    times: list[int]
    partitions: list[int]
    keys: list[bytes]
    values: list[bytes]

    def entries(self, begin: int, end: int) -> list[Entry]:
        """Return these records to be published, with the archived bytes, key and partition."""
        rows = zip(self.keys[begin:end], self.values[begin:end], self.partitions[begin:end], strict=True)
        return [Entry(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ArchivedNight:
    """What an archive has to replay. `by_append`: records are due when they were appended, not at their event time."""

    archive: Archive
    by_append: bool = False

    @property
    def first_us(self) -> int:
        """When the first record is due, in microseconds since 1970, UTC."""
        return microseconds(self._bounds[0])

    @property
    def last_us(self) -> int:
        """When the last record is due, in microseconds since 1970, UTC."""
        return microseconds(self._bounds[1])

    def shown(self, at_us: int) -> str:
        """Return a moment as a text, in the time zone of the election."""
        zone = ZoneInfo(self.archive.manifest.definition.timezone)
        return moment(at_us).astimezone(zone).isoformat(timespec="seconds")

    def span(self, first_us: int, last_us: int) -> str:
        """Return two moments as a text: from when to when."""
        return f"{self.shown(first_us)} to {self.shown(last_us)}"

    def batches(self) -> Iterator[ArchivedBatch]:
        """Yield all records from the beginning. Raises `ArchiveError` where the archive was changed."""
        floor = self.first_us
        for columns in _columns(self.archive):
            times = [at * _US_PER_MS for at in columns.append_ms] if self.by_append else columns.event_us
            risen = list(accumulate((floor if at is None else at for at in times), max, initial=floor))[1:]
            floor = risen[-1]
            yield ArchivedBatch(risen, columns.partition, columns.key, columns.value)

    @property
    def _bounds(self) -> tuple[datetime, datetime]:
        manifest = self.archive.manifest
        by_append, by_event = (manifest.first_append, manifest.last_append), (manifest.first_event, manifest.last_event)
        first, last = by_append if self.by_append or None in by_event else by_event
        if first is None or last is None:
            raise ArchiveError(str(self.archive.folder), "holds no tallies: there is nothing to replay.")
        return first, last


class ArchiveReader:
    """Reads a night batch by batch. It reads in a thread, so that the event loop goes on.

    `at` is the index of the next record in the current batch. Call order: `head()`, then `times` from `at` on, then
    `take()`.
    """

    def __init__(self, batches: Iterator[ArchivedBatch]) -> None:
        self.at = 0
        self._batches = batches
        self._batch: ArchivedBatch | None = None
        self._is_over = False

    @property
    def times(self) -> Sequence[int]:
        """When the records of the current batch are due, in microseconds since 1970, UTC."""
        return self._batch.times if self._batch is not None else ()

    async def head(self) -> int | None:
        """Return when the next record is due, reading the next batch if need be; `None` after the last one."""
        while self.at >= len(self.times) and not self._is_over:
            self._batch = await asyncio.to_thread(next, self._batches, None)
            self._is_over = self._batch is None
            self.at = 0
        return None if self._is_over else self.times[self.at]

    @property
    def is_at_amendment(self) -> bool:
        """Whether the next record of the current batch is an amendment of the definition; anybody may write one."""
        return self._batch is not None and self._batch.keys[self.at] == AMENDED_KEY

    def alike(self, end: int) -> int:
        """Return up to where, `end` at most, the records from `at` on are all amendments, or all of them tallies."""
        if self._batch is None:
            return end
        keys, is_amendment = self._batch.keys, self.is_at_amendment
        return next((at for at in range(self.at, end) if (keys[at] == AMENDED_KEY) != is_amendment), end)

    def take(self, end: int) -> list[Entry]:
        """Return the records of the current batch from `at` up to this index, and go on behind them."""
        begin, self.at = self.at, end
        return self._batch.entries(begin, end) if self._batch is not None else []


def _columns(archive: Archive) -> Iterator[Columns]:
    segments = sorted(archive.segments("tallies"), key=lambda segment: segment.first_append)
    follow_each_other = all(one.last_append < other.first_append for one, other in pairwise(segments))
    return _read_whole(archive, segments) if follow_each_other else _merged(archive)


def _read_whole(archive: Archive, segments: Sequence[Segment]) -> Iterator[Columns]:
    """Yield row group after row group: a file is in replay order, and so are files whose times do not overlap."""
    for segment in segments:
        with archive.open_segment(segment) as file:
            for group in range(file.metadata.num_row_groups):
                yield columns_of(file.read_row_group(group))


def _merged(archive: Archive) -> Iterator[Columns]:
    records = archive.tallies()
    while rows := list(islice(records, _BATCH_RECORDS)):
        columns = Columns()
        for row in rows:
            columns.partition.append(row.partition)
            columns.append_ms.append(row.append_ms)
            columns.event_us.append(None if row.event_time is None else microseconds(row.event_time))
            columns.key.append(row.key)
            columns.value.append(row.value)
        yield columns


class OrderReceiver:
    """Reads a run's control topic from its beginning, and keeps the operators' orders that are to be carried out.

    Orders before the offset `since` were given to an earlier replay and are not carried out. They are read all the
    same, since an order is verified by those before it. `orders` has the ones to carry out, oldest first; the caller
    takes them out. `received` is set whenever there is a new one; the caller clears it.
    """

    def __init__(self, log: EventLog, run: Run, operators: Sequence[OperatorKey], tries: Tries, since: int) -> None:
        self.orders: Final[deque[ReplayOrder]] = deque()
        self.received: Final = asyncio.Event()
        self._log = log
        self._run = run
        self._tries = tries
        self._since = since
        self._position = 0
        self._verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, operators)
        self._takes = Takes(run.name)
        self._own_epochs: set[str] = set()

    def expect(self, epoch: str) -> None:
        """Note that this replay begins the epoch itself. Call it before the epoch begins."""
        self._own_epochs.add(epoch)

    async def follow(self) -> NoReturn:
        """Read the topic until cancelled. Raises `UsageError` where another process begins to replay into the run."""
        while True:
            try:
                await self._read()
            except LogError as error:
                await self._tries.wait(error, partial(_log.warning, "%s"))

    async def _read(self) -> None:
        async with self._log.reader(self._run.topics.control.name, {0: self._position}) as reader:
            while True:
                for batch in await reader.read(max_records=_MAX_RECORDS, wait_ms=_READ_WAIT_MS):
                    self._tries.succeeded()
                    for record in batch.records:
                        self._receive(record)

    def _receive(self, record: Record) -> None:
        self._position = record.offset + 1
        verdict = self._verifier.verify(record.offset, record.value, record.timestamp)
        begun = self._takes.fold(record.value) if verdict is None else None
        if record.offset < self._since:
            return
        if verdict is None:
            if begun is not None and self._takes.is_beyond(0) and begun not in self._own_epochs:
                raise UsageError(f"Another replay goes on in run {self._run.name!r}; this one has ended.")
            return
        if not verdict.counts:
            _log.warning("The control record at %d has no effect: %s.", verdict.offset, verdict.refusal)
        elif isinstance(verdict.order, ReplayOrder):
            self.orders.append(verdict.order)
            self.received.set()
