"""An archive's tallies as a replay needs them: when each is due, and what to publish, in stretches of columns.

A record is due at the greatest of its own time and of those before it. So the log's order is kept, and a packet that
says an early time but came late comes late again. What says no time is due with what came before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from eventlog.archive import Archive
from eventlog.archive_manifest import Segment
from eventlog.archive_segment import Columns, columns_of, microseconds, moment
from eventlog.port import Entry
from schemas.errors import ArchiveError

_STRETCH_RECORDS: Final = 4_096
"""Records in one stretch where they are merged from several files one by one: some 20 ms of it."""

_US_PER_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records in the order of the archive. `times` only rise: when each is due, in microseconds since 1970, UTC."""

    times: list[int]
    partitions: list[int]
    keys: list[bytes]
    values: list[bytes]

    def entries(self, begin: int, end: int) -> list[Entry]:
        """These records as they are published: the archived bytes, key and partition."""
        rows = zip(self.keys[begin:end], self.values[begin:end], self.partitions[begin:end], strict=True)
        return [Entry(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Night:
    """What an archive has to replay. `by_append`: records are due by when they were appended, not by what they say."""

    archive: Archive
    by_append: bool = False

    @property
    def first_us(self) -> int:
        """When the first record is due."""
        return microseconds(self._bounds[0])

    @property
    def last_us(self) -> int:
        """When the last record is due."""
        return microseconds(self._bounds[1])

    def shown(self, at_us: int) -> str:
        """A moment, as the clocks on the wall had it that night."""
        zone = ZoneInfo(self.archive.manifest.definition.timezone)
        return moment(at_us).astimezone(zone).isoformat(timespec="seconds")

    def span(self, first_us: int, last_us: int) -> str:
        """From when to when."""
        return f"{self.shown(first_us)} to {self.shown(last_us)}"

    def stretches(self) -> Iterator[Stretch]:
        """All records from the beginning. Raises `ArchiveError` where the archive was changed."""
        floor = self.first_us
        for columns in _columns(self.archive):
            times = [at * _US_PER_MS for at in columns.append_ms] if self.by_append else columns.event_us
            risen = list(accumulate((floor if at is None else at for at in times), max, initial=floor))[1:]
            floor = risen[-1]
            yield Stretch(risen, columns.partition, columns.key, columns.value)

    @property
    def _bounds(self) -> tuple[datetime, datetime]:
        manifest = self.archive.manifest
        appended, said = (manifest.first_append, manifest.last_append), (manifest.first_event, manifest.last_event)
        first, last = appended if self.by_append or None in said else said
        if first is None or last is None:
            raise ArchiveError(str(self.archive.folder), "holds no tallies: there is nothing to replay.")
        return first, last


def _columns(archive: Archive) -> Iterator[Columns]:
    segments = sorted(archive.segments("tallies"), key=lambda segment: segment.first_append)
    follow_each_other = all(one.last_append < other.first_append for one, other in pairwise(segments))
    return _read_whole(archive, segments) if follow_each_other else _merged(archive)


def _read_whole(archive: Archive, segments: Sequence[Segment]) -> Iterator[Columns]:
    """Row group after row group: a file is in replay order, and so are files whose times do not overlap."""
    for segment in segments:
        with archive.open_segment(segment) as file:
            for group in range(file.metadata.num_row_groups):
                yield columns_of(file.read_row_group(group))


def _merged(archive: Archive) -> Iterator[Columns]:
    records = archive.tallies()
    while rows := list(islice(records, _STRETCH_RECORDS)):
        columns = Columns()
        for row in rows:
            columns.partition.append(row.partition)
            columns.append_ms.append(row.append_ms)
            columns.event_us.append(None if row.event_time is None else microseconds(row.event_time))
            columns.key.append(row.key)
            columns.value.append(row.value)
        yield columns
