"""Reading an archive of a run: its manifest, and its records in the order in which they came, from any moment on.

An archive is a folder of Parquet files (`archive_segment`) and a manifest (`archive_manifest`) that names them. Every
file is compared with its digest before a record of it is handed out: whoever reads an archive reads what was written.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Final

from pyarrow import parquet

from eventlog.archive_faults import UNREADABLE, check_schema, fault_of
from eventlog.archive_manifest import ArchivedTopic, Manifest, Segment, read_manifest
from eventlog.archive_segment import Archived, append_range, columns_of
from schemas.errors import ArchiveError
from schemas.moments import MILLISECOND, epoch_ms

_EVER: Final = 2**63 - 1

_Head = tuple[int, int, int, int, Archived, Iterator[Archived]]
"""A stream's next record, comparable by replay order."""


def open_archive(folder: Path) -> "Archive":
    """Open the archive in a folder for reading, as its manifest stands now; one that is being written too.

    Raises `ArchiveError` where there is none, or where its manifest was changed.
    """
    return Archive(folder, read_manifest(folder))


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive, open for reading. Nothing stays open between two reads."""

    folder: Path
    manifest: Manifest

    def tallies(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Archived]:
        """The tallies in replay order: append time, then partition, then offset.

        From those appended at `since` on, to those before `until`. What lies before is not read: whole files are left
        out by the manifest, row groups by their statistics. Raises `ArchiveError` with the file, partition and offset
        of the first record that is not as it was written.
        """
        return self._records("tallies", since, until)

    def control(self) -> Iterator[Archived]:
        """The control records in their order. Raises `ArchiveError`, as `tallies` does."""
        return self._records("control", None, None)

    def segments(self, topic: ArchivedTopic) -> list[Segment]:
        """A topic's segments, as they were written: within a partition by offset."""
        return [segment for segment in self.manifest.segments if segment.topic == topic]

    def open_segment(self, segment: Segment) -> parquet.ParquetFile:
        """A segment's file, once its bytes are known to be what was written. Raises `ArchiveError`."""
        path = self.folder / segment.file
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            if digest != segment.sha256:
                raise fault_of(path, segment)
            opened = parquet.ParquetFile(path)
        except FileNotFoundError:
            raise self._missing(segment) from None
        except UNREADABLE as error:
            raise fault_of(path, segment) from error
        check_schema(path, segment, opened)
        return opened

    def _missing(self, segment: Segment) -> ArchiveError:
        if read_manifest(self.folder) != self.manifest:
            return ArchiveError(segment.file, "was merged into another file while the archive was read. Open it again.")
        return fault_of(self.folder / segment.file, segment)

    def _records(self, topic: ArchivedTopic, since: datetime | None, until: datetime | None) -> Iterator[Archived]:
        first_ms = 0 if since is None else _ceiled_ms(since)
        end_ms = _EVER if until is None else _ceiled_ms(until)
        wanted = sorted(
            (epoch_ms(segment.first_append), index)
            for index, segment in enumerate(self.manifest.segments)
            if segment.topic == topic
            and epoch_ms(segment.last_append) >= first_ms
            and epoch_ms(segment.first_append) < end_ms
        )
        segments = self.manifest.segments
        streams = [(began, self._stream(segments[index], first_ms, end_ms)) for began, index in wanted]
        return _merged(streams)

    def _stream(self, segment: Segment, first_ms: int, end_ms: int) -> Iterator[Archived]:
        """A segment's records with an append time from `first_ms` on, before `end_ms`, in the order of the file."""
        with self.open_segment(segment) as file:
            for group in range(file.metadata.num_row_groups):
                try:
                    least, greatest = append_range(file, group)
                    if greatest < first_ms:
                        continue
                    if least >= end_ms:
                        return
                    records = columns_of(file.read_row_group(group)).records(segment.topic)
                except UNREADABLE as error:
                    raise fault_of(self.folder / segment.file, segment) from error
                if first_ms <= least and greatest < end_ms:
                    yield from records
                else:
                    yield from (record for record in records if first_ms <= record.append_ms < end_ms)


def _merged(streams: list[tuple[int, Iterator[Archived]]]) -> Iterator[Archived]:
    """Records of several segments in replay order. A segment is opened when its first append time has come."""
    waiting = streams[::-1]
    heads: list[_Head] = []
    while waiting or heads:
        while waiting and (not heads or waiting[-1][0] <= heads[0][0]):
            _, stream = waiting.pop()
            _push(heads, stream)
        if not heads:
            continue
        _, _, _, _, record, stream = heads[0]
        yield record
        following = next(stream, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, _head(following, stream))


def _push(heads: list[_Head], stream: Iterator[Archived]) -> None:
    first = next(stream, None)
    if first is not None:
        heapq.heappush(heads, _head(first, stream))


def _head(record: Archived, stream: Iterator[Archived]) -> _Head:
    """Comparable by replay order; the stream's identity only parts what cannot be equal in a whole archive."""
    return record.append_ms, record.partition, record.offset, id(stream), record, stream


def _ceiled_ms(moment: datetime) -> int:
    """The first whole millisecond that is not before the moment."""
    return epoch_ms(moment + MILLISECOND - timedelta(microseconds=1))
