"""Verifying an archive: every link, file and state worked out again, record by record, partitions in parallel.

The first record of which the archive says something else is named.
"""

import multiprocessing
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, NamedTuple

from pyarrow import compute, parquet

from consumers.archive_fold import ArchiveFold, Counts, TalliesFold, summary
from eventlog.archive import UNREADABLE, Archive, fault_of, open_archive
from eventlog.archive_files import MANIFEST, REMEDY, Columns, End, Manifest, Segment, Span, columns_of
from schemas.errors import ArchiveError, SandikError
from schemas.totals import joined

ALONE_RECORDS: Final = 50_000
"""Up to so many records one process does it: they take as long as starting another."""

_STOP_S: Final = 5.0
"""What a process that was told to end may take."""

OnProgress = Callable[[int], None]
"""Is told how many records were verified so far."""


@dataclass(frozen=True, slots=True)
class Verified:
    """An archive that is what was written. `state` is the hash of its final totals, by the rules of this version.

    An archive of earlier rules has other states: they are not compared with this one.
    """

    manifest: Manifest
    state: str


@dataclass(frozen=True, slots=True)
class _Share:
    """What one process found of its partitions."""

    counts: Counts
    state: bytes


@dataclass(frozen=True, slots=True)
class _Fault:
    """An `ArchiveError` on its way between processes."""

    file: str
    what: str
    partition: int | None
    offset: int | None

    def error(self) -> ArchiveError:
        return ArchiveError(self.file, self.what, partition=self.partition, offset=self.offset)


def verify(
    folder: Path,
    *,
    processes: int,
    on_progress: OnProgress = lambda _: None,
    alone_records: int = ALONE_RECORDS,
) -> Verified:
    """Work out again all that the archive in `folder` says, in one process up to `alone_records`. Blocks.

    Raises `ArchiveError` that names the first wrong record; where several partitions have one, it is any of these.
    """
    archive = open_archive(folder)
    control = ArchiveFold()
    done = sum(recompute(archive, control, {0}))
    on_progress(done)
    shares = _share_out(archive, processes, alone_records)
    if len(shares) == 1:
        found = [_verify_here(archive, shares[0], done, on_progress)]
    else:
        found = _verify_apart(archive, shares, done, on_progress)
    return _conclude(archive.manifest, control, found)


def _share_out(archive: Archive, processes: int, alone_records: int) -> list[frozenset[int]]:
    """The partitions, dealt out so that each process has about as many records."""
    ends = [end for end in archive.manifest.ends if end.topic == "tallies"]
    if processes == 1 or sum(end.records for end in ends) <= alone_records:
        return [frozenset(range(archive.manifest.partitions))]
    shares: list[tuple[int, list[int]]] = [(0, []) for _ in range(min(processes, len(ends)))]
    for end in sorted(ends, key=lambda end: -end.records):
        lightest = min(range(len(shares)), key=lambda index: shares[index][0])
        records, partitions = shares[lightest]
        shares[lightest] = records + end.records, [*partitions, end.partition]
    return [frozenset(partitions) for _, partitions in shares]


def _verify_here(archive: Archive, partitions: frozenset[int], done: int, on_progress: OnProgress) -> _Share:
    fold = _tallies_fold(archive)
    for records in recompute(archive, fold, partitions):
        done += records
        on_progress(done)
    return _Share(fold.counts, fold.state())


def _tallies_fold(archive: Archive) -> TalliesFold:
    """A fresh fold of the archive's tallies."""
    return TalliesFold(archive.manifest.definition, archive.manifest.partitions, archive.manifest.amendments or ())


def _verify_apart(archive: Archive, shares: list[frozenset[int]], done: int, on_progress: OnProgress) -> list[_Share]:
    found: list[_Share] = []
    with _started(archive.folder, shares) as children:
        waiting: dict[Connection, BaseProcess] = dict(children)
        while waiting:
            for connection in wait(list(waiting)):
                if not isinstance(connection, Connection):  # `wait` also takes sockets; these are our pipes
                    continue
                message = _receive(connection, waiting[connection])
                if isinstance(message, int):
                    done += message
                    on_progress(done)
                elif isinstance(message, _Fault):
                    raise message.error()
                else:
                    found.append(message)
                    del waiting[connection]
    return found


@contextmanager
def _started(folder: Path, shares: list[frozenset[int]]) -> Iterator[list[tuple[Connection, BaseProcess]]]:
    """A process for each share; none is left when the block ends."""
    context = multiprocessing.get_context("spawn")  # Arrow has threads, and a fork would copy their locks
    children: list[tuple[Connection, BaseProcess]] = []
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_verify_share, args=(folder, share, theirs), daemon=True)
            process.start()
            theirs.close()
            children.append((ours, process))
        yield children
    finally:
        for connection, process in children:
            process.terminate()
            process.join(_STOP_S)
            connection.close()


def _receive(connection: Connection, process: BaseProcess) -> int | _Share | _Fault:
    try:
        message = connection.recv()
    except EOFError:
        process.join(_STOP_S)
        raise SandikError(
            f"A process that was verifying ended by itself (exit code {process.exitcode}). "
            "Is there enough memory? Try again with --processes 1."
        ) from None
    if isinstance(message, int | _Share | _Fault):
        return message
    raise TypeError(f"no message of ours: {message!r}")


def _verify_share(folder: Path, partitions: frozenset[int], connection: Connection) -> None:
    """What a process does: verify some partitions, and say how far it is."""
    archive = open_archive(folder)
    fold = _tallies_fold(archive)
    try:
        for records in recompute(archive, fold, partitions):
            connection.send(records)
    except ArchiveError as error:
        connection.send(_Fault(error.file, error.what, error.partition, error.offset))
    else:
        connection.send(_Share(fold.counts, fold.state()))
    connection.close()


def _conclude(manifest: Manifest, control: ArchiveFold, found: list[_Share]) -> Verified:
    """Compare what the manifest says of the whole with what was found."""
    tallies = Counts()
    for share in found:
        tallies.join(share.counts)
    state = joined(share.state for share in found).hex()
    worked_out = summary(tallies, control.counts) | {"state": state} if manifest.has_todays_states else {}
    for name, value in worked_out.items():
        if getattr(manifest, name) != value:
            raise ArchiveError(MANIFEST, f"was changed: its {name} is not that of the records. {REMEDY}")
    return Verified(manifest, state)


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
