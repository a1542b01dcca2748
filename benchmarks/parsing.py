"""Parsing a batch: as `parse_tallies` does, beside pydantic alone in one call a batch and in one call a record."""

from collections.abc import Iterator
from itertools import islice

from pydantic import Json, TypeAdapter

from benchmarks.measure import cpu_side_by_side
from benchmarks.night import election, events
from schemas.tally import TALLY, Tally, parse_tallies

RECORDS = 20_000
BATCH = 2_000


def parsing() -> Iterator[str]:
    """Microseconds of CPU a record."""
    values = [entry.value for entry in islice(events(election(), RECORDS), RECORDS)]
    batches = [values[at : at + BATCH] for at in range(0, RECORDS, BATCH)]
    alone = TypeAdapter(list[Json[Tally]])
    taken = cpu_side_by_side(
        {
            "msgspec, pydantic for what it refuses (ours)": lambda: [parse_tallies(batch) for batch in batches],
            "pydantic, one call a batch": lambda: [alone.validate_python(batch) for batch in batches],
            "pydantic, one call a record": lambda: [TALLY.validate_json(value) for value in values],
        }
    )
    yield "| parsing and validating tallies | µs CPU a record, median (spread) |"
    yield "|---|---:|"
    for name, seconds in taken.items():
        scaled = type(seconds)(*(1e6 * value / RECORDS for value in (seconds.low, seconds.median, seconds.high)))
        yield f"| {name} | {scaled.text('.2f')} |"
