"""What a run's tallies hold beyond its totals, where no aggregator runs or one is behind.

Totals are what an aggregator has published. The watermarks among them and the markers of its checkpoints say which
tallies that covers. Those after them are in no figure yet. An amendment after them that closes boxes is not in them
either: then the totals do not say how many of the opened boxes are closed, and this works it out.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from eventlog.port import EventLog
from eventlog.reading import read_until
from eventlog.run import Run
from schemas.amendments import AMENDED_KEY
from schemas.totals import Cell
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint
from tabulation.counting.tally_fold import TallyFold
from tabulation.counting.trace import counted_in


class Uncounted(NamedTuple):
    """How many tallies are in no totals, and by the key of a cell's totals how many opened boxes are closed."""

    tallies: int = 0
    closed: Mapping[bytes, int] = {}


async def read_uncounted(log: EventLog, run: Run, published: Mapping[int, int]) -> Uncounted:
    """Read what lies behind the tallies that are published, by partition up to an offset.

    Nearly nothing is read but where an amendment was not counted yet: then the partitions with it, from the beginning.
    """
    ends = await log.end_offsets(run.topics.tallies.name)
    begins = {partition: published.get(partition, 0) for partition in ends}
    if any(begins[partition] < end for partition, end in ends.items()):
        covered = await _covered_by_checkpoints(log, run)
        begins = {partition: max(begin, covered.get(partition, 0)) for partition, begin in begins.items()}
    waiting = {partition: begin for partition, begin in begins.items() if begin < ends[partition]}
    if not (waiting and run.amendments):
        return Uncounted(sum(ends[partition] - begin for partition, begin in waiting.items()))
    tallies, amended = await _look(log, run, waiting, ends)
    return Uncounted(tallies, await _closed(log, run, {partition: waiting[partition] for partition in amended}))


async def folded(log: EventLog, run: Run, ends: Mapping[int, int]) -> TallyFold:
    """Fold these partitions of the run's tallies from the beginning up to these offsets."""
    partitions, topic = run.topics.partitions, run.topics.tallies.name
    fold = TallyFold(run.base, topic, lambda key: log.partition_of(key, partitions), run.ordered)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            before = [record for record in batch.records if record.offset < ends[batch.partition]]
            fold.apply(batch.partition, before)
    return fold


async def _covered_by_checkpoints(log: EventLog, run: Run) -> dict[int, int]:
    """By partition how far a checkpoint covers the tallies: totals are published before one is written."""
    topic = run.topics.ledger.name
    ends = await log.end_offsets(topic)
    kept = {partition: Checkpoint() for partition in ends}
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            kept[batch.partition].add(record for record in batch.records if record.key == MARKER_KEY)
    return {partition: checkpoint.marker.position for partition, checkpoint in kept.items()}


async def _look(
    log: EventLog, run: Run, begins: Mapping[int, int], ends: Mapping[int, int]
) -> tuple[int, frozenset[int]]:
    """Count the tallies behind these offsets, and name the partitions in which an amendment is among them."""
    tallies, amended, topic = 0, set(), run.topics.tallies.name
    async with log.reader(topic, begins) as reader:
        async for batch in read_until(reader, {partition: ends[partition] for partition in begins}):
            amendments = sum(record.key == AMENDED_KEY for record in batch.records)
            tallies += len(batch.records) - amendments
            if amendments:
                amended.add(batch.partition)
    return tallies, frozenset(amended)


async def _closed(log: EventLog, run: Run, ends: Mapping[int, int]) -> Mapping[bytes, int]:
    """By the key of a cell's totals how many of the boxes that are opened in them the definition has closed."""
    partitions = run.topics.partitions
    closed = {
        unit.id: frozenset(box for first, last in unit.closed for box in range(first, last + 1))
        for unit in run.definition.units
        if unit.closed and log.partition_of(unit.id.encode(), partitions) in ends
    }
    if not closed:
        return {}
    fold = await folded(log, run, ends)
    return Counter(Cell(one.contest, one.source, one.district).key() for one in counted_in(fold, closed))
