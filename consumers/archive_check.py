"""Working out again what an archive says, record by record; the first record where it says something else is named."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from pyarrow import compute, parquet

from consumers.archive_fold import ArchiveFold
from eventlog.archive import Archive
from eventlog.archive_faults import REMEDY, UNREADABLE, fault_of
from eventlog.archive_manifest import End, Segment, Span
from eventlog.archive_segment import Columns, columns_of
from schemas.errors import ArchiveError

_COMPARED: Final = {
    "append_ms": "was reordered: its append time is before that of the record that it follows",
    "chain": "was tampered with: it does not give its link of the chain",
    "event_us": "was tampered with: its event time is not what its bytes say",
    "type": "was tampered with: its type is not what its bytes say",
    "source": "was tampered with: its source is not what its bytes say",
    "district": "was tampered with: its district is not what its bytes say",
    "state": "was tampered with: its state is not the hash of the totals after it",
}
"""The columns that are worked out again, and what it means where one differs."""

_OF_THE_BYTES: Final = ("append_ms", "chain")
"""Those that no rule of reading or counting has a part in."""


class _Stored(NamedTuple):
    """A record as a fold takes it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


def recompute(archive: Archive, fold: ArchiveFold, partitions: Collection[int]) -> Iterator[int]:
    """Feed an archive's records of some partitions to a fresh fold, and compare; yields how many, batch by batch.

    Of an archive of earlier rules only what its bytes are is compared, not how they were read and what they came to.
    Raises `ArchiveError` with the file, partition and offset of the first record that is not what it should be.
    """
    for segment in archive.segments(fold.topic):
        spans = [span for span in segment.spans if span.partition in partitions]
        if not spans:
            continue
        for span in spans:
            _check_beginning(segment, span, fold)
        with archive.open_segment(segment) as file:
            for group in range(file.metadata.num_row_groups):
                yield from _recompute_group(archive, segment, file, group, fold, spans)
        for span in spans:
            if (at := fold.next_offset(span.partition)) != span.last + 1:
                raise _fault(segment, span.partition, at, "is missing: the file ends before it")
    _check_ends(archive, fold, partitions)


def _recompute_group(
    archive: Archive, segment: Segment, file: parquet.ParquetFile, group: int, fold: ArchiveFold, spans: list[Span]
) -> Iterator[int]:
    try:
        table = file.read_row_group(group)
        found = [(span, columns_of(table.filter(compute.equal(table["partition"], span.partition)))) for span in spans]
    except UNREADABLE as error:
        raise fault_of(archive.folder / segment.file, segment) from error
    for span, columns in found:
        if columns:
            _compare(segment, span, columns, fold, _compared_of(archive))
            yield len(columns)


def _check_beginning(segment: Segment, span: Span, fold: ArchiveFold) -> None:
    """A segment goes on where the one before it ended."""
    at = fold.next_offset(span.partition)
    if span.first != at and (at or fold.chain(span.partition).hex() != span.before):
        raise _fault(segment, span.partition, at, f"is missing: this file goes on with offset {span.first}")
    if span.before != fold.chain(span.partition).hex():
        raise _fault(segment, span.partition, span.first, "is foreign: it does not follow the records before it")


def _compared_of(archive: Archive) -> Collection[str]:
    return _COMPARED if archive.manifest.has_todays_states else _OF_THE_BYTES


def _compare(segment: Segment, span: Span, columns: Columns, fold: ArchiveFold, compared: Collection[str]) -> None:
    partition = span.partition
    expected = max(fold.next_offset(partition), span.first)
    for at, offset in enumerate(columns.offset, expected):
        if offset != at:
            raise _fault(segment, partition, at, f"is missing or was reordered: offset {offset} is in its place")
    rows = zip(columns.offset, columns.append_ms, columns.key, columns.value, strict=True)
    worked_out = fold.apply(partition, list(map(_Stored._make, rows)))
    wrong = [
        (_first_difference(getattr(worked_out, name), getattr(columns, name)), _COMPARED[name])
        for name in compared
        if getattr(worked_out, name) != getattr(columns, name)
    ]
    if wrong:
        index, what = min(wrong, key=lambda one: one[0])
        raise _fault(segment, partition, columns.offset[index], what)


def _first_difference(some: list[object], others: list[object]) -> int:
    return next(index for index, (one, other) in enumerate(zip(some, others, strict=True)) if one != other)


def _check_ends(archive: Archive, fold: ArchiveFold, partitions: Collection[int]) -> None:
    stated = {e.partition: e for e in archive.manifest.ends if e.topic == fold.topic and e.partition in partitions}
    found = {end.partition: end for end in fold.ends()}
    if not archive.manifest.has_todays_states:
        stated, found = _without_states(stated), _without_states(found)
    for partition in sorted(stated.keys() | found.keys()):
        if stated.get(partition) != found.get(partition):
            raise ArchiveError(
                "manifest.json",
                f"says of the end of {fold.topic} what the records do not. {REMEDY}",
                partition=partition,
                offset=fold.next_offset(partition),
            )


def _without_states(ends: Mapping[int, End]) -> dict[int, End]:
    return {partition: end.model_copy(update={"state": None}) for partition, end in ends.items()}


def _fault(segment: Segment, partition: int, offset: int, what: str) -> ArchiveError:
    return ArchiveError(segment.file, f"the record {what}. {REMEDY}", partition=partition, offset=offset)
