"""Parsing a batch: as `parse_tallies` does, beside pydantic alone in one call a batch and in one call a record."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from pydantic import Json, TypeAdapter

from benchmarks.measure import cpu_side_by_side
from benchmarks.night import election, events
from sandik.process import calm_garbage_collector
from schemas.tally import TALLY, Tally, parse_tallies

T = TypeVar("T")

RECORDS = 20_000
BATCH = 2_000


def parsing() -> Iterator[str]:
    """Microseconds of CPU a record."""
    calm_garbage_collector()
    values = [entry.value for entry in islice(events(election(), RECORDS), RECORDS)]
    batches = [values[at : at + BATCH] for at in range(0, RECORDS, BATCH)]
    alone = TypeAdapter(list[Json[Tally]])
    taken = cpu_side_by_side(
        {
            "msgspec, pydantic for what it refuses (ours)": lambda: _each(parse_tallies, batches),
            "pydantic, one call a batch": lambda: _each(alone.validate_python, batches),
            "pydantic, one call a record": lambda: _each(TALLY.validate_json, values),
        }
    )
    yield "| parsing and validating tallies | µs CPU a record, median (spread) |"
    yield "|---|---:|"
    for name, seconds in taken.items():
        scaled = type(seconds)(*(1e6 * value / RECORDS for value in (seconds.low, seconds.median, seconds.high)))
        yield f"| {name} | {scaled.text('.2f')} |"


def _each(parse: Callable[[T], object], given: Iterable[T]) -> None:
    """Parse one after the other, and keep nothing: a fold has done with a batch before it takes the next."""
    for one in given:
        parse(one)
