"""Archives made by hand, without an archiver: records in, a folder out."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from eventlog.archive import Disk, claimed
from eventlog.archive_files import (
    START,
    Archived,
    ArchivedTopic,
    Columns,
    End,
    Manifest,
    Segment,
    Span,
    content_hash,
    link,
    microseconds,
)
from tests.builders import small_election

DEFINITION = small_election()
IDENTITY = ("night", "test", "e1e1", 0, 8, DEFINITION.digest)


def chained(records: Iterable[Archived]) -> list[Archived]:
    """The same records with their links; each partition's in offset order."""
    links: dict[tuple[str, int], bytes] = {}
    found = []
    for record in records:
        slot = record.topic, record.partition
        links[slot] = link(links.get(slot, START), record.offset, record.append_ms, record.key, record.value)
        found.append(record._replace(chain=links[slot]))
    return found


def columns(records: Iterable[Archived]) -> Columns:
    """The records by column."""
    found = Columns()
    for record in records:
        found.partition.append(record.partition)
        found.offset.append(record.offset)
        found.append_ms.append(record.append_ms)
        found.event_us.append(None if record.event_time is None else microseconds(record.event_time))
        found.key.append(record.key)
        found.type.append(record.type)
        found.source.append(record.source)
        found.district.append(record.district)
        found.value.append(record.value)
        found.chain.append(record.chain)
        found.state.append(record.state)
    return found


def write(folder: Path, batches: Sequence[Sequence[Archived]], disk: Disk | None = None) -> Manifest:
    """An archive of chained records, each batch a segment of its own."""
    links: dict[tuple[ArchivedTopic, int], tuple[int, int, str]] = {}
    segments: list[Segment] = []
    with claimed(folder, disk) as claim:
        for batch in batches:
            topic: ArchivedTopic = "control" if batch[0].topic == "control" else "tallies"
            spans = []
            for partition in sorted({record.partition for record in batch}):
                mine = [record for record in batch if record.partition == partition]
                before = links.get((topic, partition), (0, 0, START.hex()))
                spans.append(
                    Span(
                        partition=partition,
                        first=mine[0].offset,
                        last=mine[-1].offset,
                        records=len(mine),
                        before=before[2],
                    )
                )
                links[topic, partition] = mine[-1].offset + 1, before[1] + len(mine), mine[-1].chain.hex()
            segments.append(claim.put(topic, columns(batch).table(), spans))
        ends = tuple(
            End(topic=topic, partition=partition, next_offset=end, records=count, chain=chain)
            for (topic, partition), (end, count, chain) in links.items()
        )
        manifest = Manifest(
            run="night",
            mode="test",
            epoch="e1e1",
            partitions=8,
            ends=ends,
            segments=tuple(segments),
            content_hash=content_hash(IDENTITY, ends),
            definition=DEFINITION,
        )
        claim.commit(manifest)
    return manifest
