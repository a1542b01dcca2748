"""An archive's tallies as a replay needs them: when each is due, and what to publish, in batches of columns.

A record is due at the latest time of itself and of those before it. So the log's order is kept, and a record with an
early time that came late comes late again. A record without a time is due with the one before it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from eventlog.archive.manifest import Segment
from eventlog.archive.reader import Archive
from eventlog.archive.segment import Columns, columns_of, microseconds, moment
from eventlog.port import Entry
from schemas.amendments import AMENDED_KEY
from schemas.errors import ArchiveError

_BATCH_RECORDS: Final = 4_096
"""Records in one batch where they are merged from several files one by one: some 20 ms of work."""

_US_PER_MS: Final = 1_000


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
        keys = self._batch.keys[self.at : end] if self._batch is not None else []
        kinds = [key == AMENDED_KEY for key in keys]
        return self.at + (kinds.index(not kinds[0]) if True in kinds and False in kinds else len(kinds))

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
