"""Verifying an archive: every link, every file, every state worked out again, its partitions in parallel processes."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from consumers.archive_check import recompute
from consumers.archive_fold import ArchiveFold, Counts, TalliesFold, summary
from eventlog.archive import Archive, open_archive
from eventlog.archive_faults import REMEDY
from eventlog.archive_manifest import MANIFEST, Manifest
from schemas.errors import ArchiveError, SandikError
from schemas.statehash import joined

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
    fold = TalliesFold(archive.manifest.definition, archive.manifest.partitions)
    for records in recompute(archive, fold, partitions):
        done += records
        on_progress(done)
    return _Share(fold.counts, fold.state())


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
    fold = TalliesFold(archive.manifest.definition, archive.manifest.partitions)
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
