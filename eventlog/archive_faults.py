"""Naming what is wrong with an archive's file: the first record that is not as it was written."""

from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from eventlog.archive_chain import link
from eventlog.archive_manifest import Segment, Span
from eventlog.archive_segment import SCHEMA, Columns, columns_of
from schemas.errors import ArchiveError

UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError)
"""What is raised for bytes that are no segment, by Arrow or by who takes its columns for what they should be."""

REMEDY: Final = "Restore it from a copy, or archive the run anew."


def fault_of(path: Path, segment: Segment) -> ArchiveError:
    """Why a file that does not have the segment's digest cannot be used, with the first record that it shows at."""
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
        """The partition and the next offset of a span."""
        return span.partition, self._next[span.partition]

    def check(self, columns: Columns) -> None:
        """Check the next records. Raises `ArchiveError` for the first that is not as it was written."""
        rows = zip(
            columns.partition,
            columns.offset,
            columns.append_ms,
            columns.key,
            columns.value,
            columns.chain,
            strict=True,
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
    """The first record of a row group by its least columns, if they can be read."""
    try:
        table = file.read_row_group(group, columns=["partition", "offset"])
        return table["partition"][0].as_py(), table["offset"][0].as_py()
    except UNREADABLE:
        return None


def _at_start(path: Path, segment: Segment, what: str) -> ArchiveError:
    first = segment.spans[0]
    return ArchiveError(path.name, what, partition=first.partition, offset=first.first)
