"""An archive of a run, read and written: a folder of Parquet files and a manifest that names them (`archive_files`).

Records are read in the order in which they came, from any moment on. Every file is compared with its digest before a
record of it is handed out: whoever reads an archive reads what was written. Where a file is not what was written,
`fault_of` names the first record that differs.

A kill at any moment of writing leaves a whole archive behind. Call order: `claimed()`, then `put()` for segments, then
`commit()` with a manifest that names them. The manifest is replaced in one step, once all that it names is on the disk.
So after a kill there is nothing to repair; files that no manifest names are removed by the next `claimed()`.
"""

import fcntl
import heapq
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from eventlog.archive_files import (
    MANIFEST,
    REMEDY,
    SCHEMA,
    Archived,
    ArchivedTopic,
    Columns,
    Manifest,
    Segment,
    Span,
    append_range,
    columns_of,
    encode_table,
    file_sha256,
    link,
    moment,
    read_manifest,
)
from eventlog.run import Run, RunTopics
from schemas.control import DefinitionAmended, is_amendment
from schemas.errors import ArchiveError
from schemas.moments import MILLISECOND, epoch_ms

_EVER: Final = 2**63 - 1

_Head = tuple[int, int, int, int, Archived, Iterator[Archived]]
"""A segment's next record: append time, partition, offset, the stream's identity, the record, the segment's stream."""


UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError)
"""What Arrow, or taking its columns apart, may raise for bytes that are no segment."""


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
        """Yield the tallies appended from `since` on and before `until`, in replay order.

        Replay order is append time, then partition, then offset. What lies before is not read: whole files are skipped
        by the manifest, row groups by their statistics. Raises `ArchiveError` with the file, partition and offset of
        the first record that is not as it was written.
        """
        return self._records("tallies", since, until)

    def control(self) -> Iterator[Archived]:
        """Yield the control records in their order. Raises `ArchiveError`, as `tallies` does."""
        return self._records("control", None, None)

    def run(self) -> Run:
        """The run as the archive has it, with its amendments: who signed an order the archiver has verified."""
        manifest = self.manifest
        topics = RunTopics(manifest.run, manifest.partitions, manifest.take)
        run = Run(topics, manifest.mode, manifest.epoch, manifest.definition)
        orders = [record for record in self.control() if is_amendment(record.value)] if manifest.amendments else []
        if not orders:
            return run
        from schemas.trust import OrderVerifier  # noqa: PLC0415  its library takes 50 ms, and most runs are not amended

        verifier = OrderVerifier(run.name, run.epoch, "test", run.definition, ())
        for record in orders:
            verdict = verifier.consider(record.offset, record.value, record.append_ms)
            order = verdict.order if verdict is not None else None
            if isinstance(order, DefinitionAmended) and order.yields in (manifest.amendments or ()):
                verifier.verify(record.offset, record.value, record.append_ms)
        amendments = tuple(verifier.amendments)
        return replace(run, definition=verifier.definition, amendments=amendments, original=manifest.definition)

    def segments(self, topic: ArchivedTopic) -> list[Segment]:
        """Return a topic's segments in the order in which they were written: within a partition by offset."""
        return [segment for segment in self.manifest.segments if segment.topic == topic]

    def open_segment(self, segment: Segment) -> parquet.ParquetFile:
        """Open a segment's file, after comparing its bytes with the digest in the manifest. Raises `ArchiveError`."""
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
        """Yield a segment's records appended from `first_ms` on and before `end_ms`, in the order of the file."""
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
    """Merge the segments' records into replay order; `streams` are given by their first append time (ms), rising.

    A segment is opened when the merge reaches its first append time, so that few are open at once.
    """
    waiting = streams[::-1]  # the next one last, where `pop` takes it
    heads: list[_Head] = []  # a heap of the next record of each open segment
    while waiting or heads:
        # Before a record is yielded, every segment that may begin with an earlier one must be among the heads.
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
    """Make an entry of the heap. The stream's identity decides between equal positions, which no whole archive has."""
    return record.append_ms, record.partition, record.offset, id(stream), record, stream


def _ceiled_ms(at: datetime) -> int:
    """Round up to whole milliseconds since 1970."""
    return epoch_ms(at + MILLISECOND - timedelta(microseconds=1))


def fault_of(path: Path, segment: Segment) -> ArchiveError:
    """Return the error for a file that does not have the segment's digest, with the first record that differs."""
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        return _at_start(path, segment, f"cannot be read: {error.strerror}. {REMEDY}")
    if size_bytes < segment.size_bytes:
        what = f"was truncated to {size_bytes} of {segment.size_bytes} bytes: its records cannot be read. {REMEDY}"
        return _at_start(path, segment, what)
    try:
        with parquet.ParquetFile(path) as file:
            return _fault_in(path, segment, file)
    except UNREADABLE as error:
        return _at_start(path, segment, f"is not the Parquet file that was written: {error}. {REMEDY}")


def check_schema(path: Path, segment: Segment, file: parquet.ParquetFile) -> None:
    """Raise `ArchiveError` where a file has other columns than an archive's."""
    if not file.schema_arrow.equals(SCHEMA):
        raise _at_start(path, segment, f"is foreign: its columns are not an archive's. {REMEDY}")


def _fault_in(path: Path, segment: Segment, file: parquet.ParquetFile) -> ArchiveError:
    check_schema(path, segment, file)
    walk = Walk(path, segment)
    for group in range(file.metadata.num_row_groups):
        try:
            columns = columns_of(file.read_row_group(group))
        except UNREADABLE as error:
            partition, offset = _first_of(file, group) or walk.next_of(segment.spans[0])
            what = f"was changed: its records from here on cannot be read ({error}). {REMEDY}"
            return ArchiveError(path.name, what, partition=partition, offset=offset)
        try:
            walk.check(columns)
        except ArchiveError as fault:
            return fault
    try:
        walk.check_end()
    except ArchiveError as fault:
        return fault
    return ArchiveError(path.name, f"was changed, though its records have the right chain. {REMEDY}")


class Walk:
    """Checks a segment's records against their chain and the segment's spans, in the order of the file."""

    def __init__(self, path: Path, segment: Segment) -> None:
        self._path = path
        self._next = {span.partition: span.first for span in segment.spans}
        self._last = {span.partition: span.last for span in segment.spans}
        self._links = {span.partition: bytes.fromhex(span.before) for span in segment.spans}

    def next_of(self, span: Span) -> tuple[int, int]:
        """Return the partition of a span and the offset of its next record."""
        return span.partition, self._next[span.partition]

    def check(self, columns: Columns) -> None:
        """Check the next records. Raises `ArchiveError` for the first that is not as it was written.

        Call order: `check()` for each row group in the order of the file, then `check_end()`.
        """
        rows = zip(
            columns.partition, columns.offset, columns.append_ms, columns.key, columns.value, columns.chain, strict=True
        )
        for partition, offset, append_ms, key, value, chain in rows:
            expected = self._next.get(partition)
            if expected is None or offset > self._last[partition]:
                raise self._fault(partition, offset, "is foreign: the manifest has no such record in this file")
            if offset != expected:
                raise self._fault(partition, expected, f"is missing or was reordered: offset {offset} is in its place")
            found = link(self._links[partition], offset, append_ms, key, value)
            if found != chain:
                raise self._fault(partition, offset, "was tampered with: it does not give its link of the chain")
            self._links[partition] = found
            self._next[partition] = offset + 1

    def check_end(self) -> None:
        """Raises `ArchiveError` where records are missing at the end."""
        for partition, last in self._last.items():
            if self._next[partition] <= last:
                raise self._fault(partition, self._next[partition], "is missing: the file ends before it")

    def _fault(self, partition: int, offset: int, what: str) -> ArchiveError:
        return ArchiveError(self._path.name, f"the record {what}. {REMEDY}", partition=partition, offset=offset)


def _first_of(file: parquet.ParquetFile, group: int) -> tuple[int, int] | None:
    """Return partition and offset of a row group's first record, `None` where even these columns cannot be read."""
    try:
        table = file.read_row_group(group, columns=["partition", "offset"])
        return table["partition"][0].as_py(), table["offset"][0].as_py()
    except UNREADABLE:
        return None


def _at_start(path: Path, segment: Segment, what: str) -> ArchiveError:
    first = segment.spans[0]
    return ArchiveError(path.name, what, partition=first.partition, offset=first.first)


LOCK: Final = ".lock"
TEMPORARY: Final = ".tmp"

_OURS: Final = re.compile(r"(tallies|control)-([0-9]{8})\.parquet")


class Disk:
    """The operations on the disk, one by one. A test makes any of them fail."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, and return once its bytes are on the disk."""
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its name, in one step."""
        source.replace(target)

    def sync(self, folder: Path) -> None:
        """Return once the names in the folder are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file that is there."""
        path.unlink()


@contextmanager
def claimed(folder: Path, disk: Disk | None = None) -> Iterator["ArchiveFolder"]:
    """Create the folder if need be, lock it for one writer, and remove what a kill left behind; unlock it at the end.

    Raises `ArchiveError` where another writer has it, where it holds other things than an archive, or where its
    manifest cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ArchiveError(str(folder), f"cannot be written: {error.strerror}. Choose another --out.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            what = "another sandik archive is writing here. Stop it first, or choose another --out."
            raise ArchiveError(str(folder), what) from error
        opened = ArchiveFolder(folder, disk or Disk())
        opened.clear()
        yield opened
    finally:
        os.close(descriptor)


class ArchiveFolder:
    """An archive's folder, held by one writer. `manifest` is what is committed; `None` before the first commit."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self.manifest: Manifest | None = read_manifest(path) if (path / MANIFEST).exists() else None
        if self.manifest is None and self._foreign():
            what = f"holds other files and no {MANIFEST}: this is no archive. Choose an empty --out."
            raise ArchiveError(str(path), what)
        self._number = max((_number_of(segment.file) for segment in self._segments()), default=0)

    def put(self, topic: ArchivedTopic, table: pa.Table, spans: Sequence[Span]) -> Segment:
        """Write a segment to the disk. It belongs to the archive once a manifest that names it is committed.

        Raises `ArchiveError` where the disk does not take it: what was committed stands.
        """
        content = encode_table(table)
        self._number += 1
        name = f"{topic}-{self._number:08}.parquet"
        with self._translated():
            self._write(name, content)
        appended = table["append_time"].cast(pa.int64())
        first_ms, last_ms = pa.compute.min(appended).as_py(), pa.compute.max(appended).as_py()
        return Segment(
            file=name,
            topic=topic,
            records=len(table),
            size_bytes=len(content),
            sha256=file_sha256(content),
            first_append=moment(first_ms * 1000),
            last_append=moment(last_ms * 1000),
            spans=tuple(spans),
        )

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest, and remove the files that it no longer names. Raises as `put` does."""
        with self._translated():
            self._disk.sync(self.path)  # first the segments' names: no manifest may name a file that a power cut undoes
            self._write(MANIFEST, manifest.encode())
            self._disk.sync(self.path)
            self.manifest = manifest
            self.clear()

    def merge(self, segments: Sequence[Segment]) -> Segment:
        """Write one segment with the records of several consecutive ones of a topic. It is not committed.

        Raises `ArchiveError` where one of them is not as it was written.
        """
        if self.manifest is None:
            raise RuntimeError("there is nothing to merge before the first commit")
        archive = Archive(self.path, self.manifest)
        tables = []
        for segment in segments:
            with archive.open_segment(segment) as file:
                tables.append(file.read())
        whole = pa.concat_tables(tables).unify_dictionaries().cast(SCHEMA)
        return self.put(segments[0].topic, whole, merged_spans(segments))

    def clear(self) -> None:
        """Remove what is no part of the archive: temporaries, and segments that no manifest names."""
        named = {segment.file for segment in self._segments()}
        for path in sorted(self.path.iterdir()):
            if path.name.endswith(TEMPORARY) or (_OURS.fullmatch(path.name) and path.name not in named):
                self._disk.remove(path)

    def _write(self, name: str, content: bytes) -> None:
        temporary = self.path / (name + TEMPORARY)
        self._disk.write(temporary, content)
        self._disk.rename(temporary, self.path / name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"cannot be written: {error.strerror}. What is there is whole; mend that, and start again."
            raise ArchiveError(str(self.path), what) from error

    def _segments(self) -> tuple[Segment, ...]:
        return self.manifest.segments if self.manifest is not None else ()

    def _foreign(self) -> bool:
        ours = {LOCK, MANIFEST + TEMPORARY}
        names = (path.name for path in self.path.iterdir())
        return any(name not in ours and not _OURS.fullmatch(name.removesuffix(TEMPORARY)) for name in names)


def unlisted(folder: Path) -> list[str]:
    """Return the Parquet files in the folder that its manifest does not name; none while an archiver is at work there.

    A kill leaves them behind until the next start. They do not belong to the archive, but who reads the folder with
    other tools would read them too. Raises `ArchiveError` as `read_manifest` does.
    """
    named = {segment.file for segment in read_manifest(folder).segments}
    found = sorted(path.name for path in folder.glob("*.parquet") if path.name not in named)
    return [] if found and _is_claimed(folder) else found


def _is_claimed(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def merged_spans(segments: Sequence[Segment]) -> list[Span]:
    """Merge the spans of consecutive segments into those of one."""
    spans: dict[int, Span] = {}
    for span in (span for segment in segments for span in segment.spans):
        first = spans.setdefault(span.partition, span)
        if first is not span:
            both = {"last": span.last, "records": first.records + span.records}
            spans[span.partition] = first.model_copy(update=both)
    return [spans[partition] for partition in sorted(spans)]


def _number_of(file: str) -> int:
    found = _OURS.fullmatch(file)
    return int(found[2]) if found else 0
