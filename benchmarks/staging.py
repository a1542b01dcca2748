"""Staging the flood: how fast a whole country's night is made, and how much memory that takes."""

import resource
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from producers.simulating.library import read_scenario
from producers.simulating.simulate import night, stage

SOURCE = "aa"
CONTEST = "mayor"


def staging() -> Iterator[str]:
    """CPU seconds, records a second of CPU, and the process's peak of memory."""
    flood = read_scenario("flood")
    began = time.process_time()
    staged = stage(flood)
    scheduled = time.process_time()
    records = size_bytes = 0
    for delivery in staged:
        records += 1
        size_bytes += len(delivery.entry.value)
    taken = time.process_time() - scheduled
    busiest: Counter[datetime] = Counter(
        due.replace(second=0)
        for due, event in night(flood, sources=[SOURCE], contests=[CONTEST])
        if event.revision == 1
    )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "| staging the flood | |"
    yield "|---|---:|"
    yield f"| scheduling, CPU seconds | {scheduled - began:.1f} |"
    yield f"| records | {records:,} |"
    yield f"| bytes a record | {size_bytes / records:.0f} |"
    yield f"| records made and encoded, a second of CPU | {records / taken:,.0f} |"
    yield f"| boxes in the busiest minute, one race and source | {max(busiest.values()):,} |"
    yield f"| memory at its peak, MiB | {peak_mib:.0f} |"
