"""What an archiver does with the records that it was given: fold, gather, write segments, keep the manifest.

A kill at any moment loses nothing: what is not in the manifest is still in the log, and is asked for again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.archive_check import recompute
from consumers.archive_fold import ArchiveFold, TalliesFold, summary
from eventlog.archive import Archive
from eventlog.archive_folder import ArchiveFolder
from eventlog.archive_manifest import (
    FORMAT,
    MANIFEST,
    ArchivedTopic,
    Manifest,
    Segment,
    Span,
    content_hash,
    definition_hash,
    identity_of,
)
from eventlog.archive_segment import Columns
from eventlog.run import Run
from schemas.errors import ArchiveError
from schemas.record import Record

SEGMENT_RECORDS: Final = 200_000
"""What a segment holds at most: 12 row groups, some 100 MB in memory and 25 MB on the disk; a million-event night is
five files."""

SEGMENT_BYTES: Final = 128 * 1024 * 1024
"""Bytes of keys and values after which a segment is written, however few the records: a tally may have 64 KiB."""

MERGE_SEGMENTS: Final = 16
"""So many segments at the end that fit into one are merged: at a segment every ten seconds that is every three minutes,
half a second of work."""

_TOPICS: Final[tuple[ArchivedTopic, ...]] = ("tallies", "control")


@dataclass(slots=True)
class _Gathered:
    """Records of one topic that are in no segment yet."""

    columns: Columns = field(default_factory=Columns)
    began: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """By partition: the first offset, and the link before it."""


class ArchiveBook:
    """An archive that is being written. `restore` before anything else."""

    def __init__(self, claim: ArchiveFolder, run: Run) -> None:
        """Raises `ArchiveError` where the folder holds the archive of another run."""
        self._claim = claim
        self._run = run
        topics = run.topics
        defined = definition_hash(run.definition)
        self._identity = run.name, run.mode, run.epoch, topics.take, topics.partitions, defined
        if claim.manifest is not None:
            _check_same(claim, claim.manifest, self._identity)
        self._tallies = TalliesFold(run.definition, topics.partitions)
        self._folds: dict[ArchivedTopic, ArchiveFold] = {"tallies": self._tallies, "control": ArchiveFold()}
        self._gathered: dict[ArchivedTopic, _Gathered] = {}
        self._gathered_bytes = 0

    @property
    def gathered(self) -> int:
        """How many records are in no segment yet."""
        return sum(len(gathered.columns) for gathered in self._gathered.values())

    @property
    def is_full(self) -> bool:
        """Whether what was gathered makes a segment."""
        return self.gathered >= SEGMENT_RECORDS or self._gathered_bytes >= SEGMENT_BYTES

    def restore(self) -> Iterator[int]:
        """Fold what is archived already, checking it; yields how many records, batch by batch.

        Raises `ArchiveError` where it is not as it was written: such an archive is not gone on with.
        """
        if self._claim.manifest is None:
            return
        archive = Archive(self._claim.path, self._claim.manifest)
        for fold in self._folds.values():
            yield from recompute(archive, fold, range(self._run.topics.partitions))

    def positions(self, topic: ArchivedTopic) -> dict[int, int]:
        """The next offset to be archived, by partition."""
        partitions = self._run.topics.partitions if topic == "tallies" else 1
        return {partition: self._folds[topic].next_offset(partition) for partition in range(partitions)}

    def add(self, topic: ArchivedTopic, partition: int, records: Sequence[Record]) -> None:
        """Take in the next records of a partition."""
        fold = self._folds[topic]
        gathered = self._gathered.setdefault(topic, _Gathered())
        gathered.began.setdefault(partition, (records[0].offset, fold.chain(partition)))
        columns = fold.apply(partition, records)
        gathered.columns.extend(columns)
        self._gathered_bytes += sum(map(len, columns.key)) + sum(map(len, columns.value))

    def flush(self, *, complete: bool = False) -> None:
        """Write what was gathered, and commit. Merges segments where many have come together."""
        written = [self._write(topic, gathered) for topic, gathered in self._gathered.items()]
        self._gathered.clear()
        self._gathered_bytes = 0
        if written or self._claim.manifest is None or self._claim.manifest.complete != complete:
            self._commit((*self._segments(), *written), complete=complete)
        self._merge(at_least=MERGE_SEGMENTS)

    def finish(self, *, complete: bool) -> None:
        """Write what was gathered, and merge what fits together. `complete`: the log holds no more than this."""
        self.flush(complete=complete)
        self._merge(at_least=2)

    def _write(self, topic: ArchivedTopic, gathered: _Gathered) -> Segment:
        fold = self._folds[topic]
        counts = dict.fromkeys(sorted(gathered.began), 0)
        for partition in gathered.columns.partition:
            counts[partition] += 1
        spans = [
            Span(
                partition=partition,
                first=gathered.began[partition][0],
                last=fold.next_offset(partition) - 1,
                records=records,
                before=gathered.began[partition][1].hex(),
            )
            for partition, records in counts.items()
        ]
        return self._claim.put(topic, gathered.columns.table(), spans)

    def _merge(self, *, at_least: int) -> None:
        """Merge the last segments of each topic, as many as fit into one; if so many do."""
        for topic in _TOPICS:
            tail = _tail(self._segments(), topic)
            if len(tail) >= at_least:
                merged = self._claim.merge(tail)
                others = [segment for segment in self._segments() if segment not in tail]
                manifest = self._claim.manifest
                self._commit((*others, merged), complete=manifest is not None and manifest.complete)

    def _commit(self, segments: Sequence[Segment], *, complete: bool) -> None:
        ends = tuple(end for fold in self._folds.values() for end in fold.ends())
        run, before = self._run, self._claim.manifest
        manifest = Manifest(
            format=before.format if before is not None else FORMAT,  # the states in what was written stay as they are
            run=run.name,
            mode=run.mode,
            epoch=run.epoch,
            take=run.topics.take,
            partitions=run.topics.partitions,
            complete=complete,
            state=self._tallies.state().hex(),
            content_hash=content_hash(self._identity, ends),
            ends=ends,
            segments=tuple(segments),
            definition=run.definition,
            **summary(self._tallies.counts, self._folds["control"].counts),
        )
        self._claim.commit(manifest)

    def _segments(self) -> tuple[Segment, ...]:
        return self._claim.manifest.segments if self._claim.manifest is not None else ()


def _tail(segments: Sequence[Segment], topic: ArchivedTopic) -> list[Segment]:
    """The last segments of a topic, as many as make one that is not too large."""
    tail: list[Segment] = []
    records = size_bytes = 0
    for segment in reversed([segment for segment in segments if segment.topic == topic]):
        records, size_bytes = records + segment.records, size_bytes + segment.size_bytes
        if records > SEGMENT_RECORDS or size_bytes > SEGMENT_BYTES:
            break
        tail.append(segment)
    return tail[::-1]


def _check_same(claim: ArchiveFolder, manifest: Manifest, identity: tuple[str | int, ...]) -> None:
    theirs = identity_of(manifest)
    names = ("run", "mode", "epoch", "take", "partitions", "definition")
    other = [
        f"{name} {known!r}, not {ours!r}" if name != "definition" else "another definition"
        for name, known, ours in zip(names, theirs, identity, strict=True)
        if known != ours
    ]
    if other:
        what = f"this is the archive of another run ({'; '.join(other)}). Choose another --out."
        raise ArchiveError(str(claim.path / MANIFEST), what)
