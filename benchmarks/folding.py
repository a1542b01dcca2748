"""The fold alone, without a log: what a tally costs to parse and to fold, and what a box takes in memory."""

import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import spread
from benchmarks.night import election, events
from eventlog.port import partition_of
from eventlog.run import DEFAULT_PARTITIONS
from eventlog.sqlite.tables import StoredRecord
from sandik.process import calm_garbage_collector
from tabulation.counting.tally_fold import TallyFold, parse

EVENTS = 200_000
BATCH = 2_000
ROUNDS = 3

Batches = list[tuple[int, list[StoredRecord]]]


def folding() -> Iterator[str]:
    """Microseconds of CPU a tally, and bytes a box."""
    calm_garbage_collector()
    definition = election()
    batches = _batches()
    parsing_us, folding_us, box_bytes = [], [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _, records in batches:
            list(parse(records))
        parsing_us.append(_us(began))
        fold = TallyFold(definition, "tallies", partial(partition_of, partitions=DEFAULT_PARTITIONS))
        before = _resident_bytes()
        began = time.process_time()
        for partition, records in batches:
            fold.apply(partition, records)
        folding_us.append(_us(began))
        box_bytes.append((_resident_bytes() - before) / sum(len(ledger) for ledger in fold.ledgers.values()))
        del fold
    yield f"| {EVENTS:,} tallies of as many boxes, in shuffled order | median (spread) |"
    yield "|---|---:|"
    yield f"| parsing and validating, µs CPU a tally | {spread(parsing_us).text('.2f')} |"
    yield f"| parsing, validating and folding, µs CPU a tally | {spread(folding_us).text('.2f')} |"
    yield f"| memory of a box in a fresh process, bytes | {box_bytes[0]:,.0f} |"


def _batches() -> Batches:
    """The night's tallies as a log hands them out."""
    night: dict[int, list[StoredRecord]] = defaultdict(list)
    for entry in events(election(), EVENTS):
        records = night[partition_of(entry.key, DEFAULT_PARTITIONS)]
        records.append(StoredRecord(len(records), 0, entry.key, b"%b" % entry.value))
    return [
        (partition, records[at : at + BATCH])
        for at in range(0, EVENTS, BATCH)
        for partition, records in night.items()
        if at < len(records)
    ]


def _us(began: float) -> float:
    return 1e6 * (time.process_time() - began) / EVENTS


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
