"""How cost grows: a gateway's with clients, units, candidates and sources, a count's with boxes.

One size is varied at a time, the others stay at `BASE`. Nothing is written to a socket here: what a write costs is in
`python -m benchmarks gateway`.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from statistics import linear_regression, median
from typing import Final

from benchmarks.night import election as night
from benchmarks.night import events
from eventlog.run import Run, RunTopics
from gateway.clients.hub import Hub
from gateway.clients.session import Subscription
from gateway.run_state import RunState
from sandik.process import calm_garbage_collector
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.totals import Totals
from tabulation.counting.tally_fold import TallyFold

CONTEST: Final = "mayor"
CHANGES: Final = 60
"""Changes of which the median is taken; each is one district's totals, in which every figure is another."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a night is. All clients follow all districts, of the first source."""

    clients: int = 100
    units: int = 39
    candidates: int = 20
    sources: int = 1


BASE: Final = Size()
VARIED: Final[dict[str, Sequence[int]]] = {
    "clients": (10, 100, 1_000),
    "units": (39, 973, 10_000),
    "candidates": (2, 50, 500),
    "sources": (1, 2, 4, 8),
}
BOXES: Final = (5_000, 20_000, 80_000)
FOLDS: Final = 3


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def growth() -> Iterator[str]:
    """A table of sizes with a line fitted through each: what is there anyway, and what one more costs."""
    calm_garbage_collector()
    yield "| what grows | to | CPU µs of a change | first snapshot, ms | state, KB |"
    yield "|---|---:|---:|---:|---:|"
    for name, sizes in VARIED.items():
        found = [_of_night(replace(BASE, **{name: size})) for size in sizes]
        for size, (change_us, snapshot_ms, state_kb) in zip(sizes, found, strict=True):
            yield f"| {name} | {size:,} | {change_us:,.0f} | {snapshot_ms:,.1f} | {state_kb:,.0f} |"
        fits = [_fit(sizes, [one[column] for one in found]) for column in range(3)]
        yield f"| | fitted | {' | '.join(fits)} |"
    yield ""
    yield "| boxes heard of, one each | CPU µs a tally | KB |"
    yield "|---|---:|---:|"
    counted = [_of_count(boxes) for boxes in BOXES]
    for boxes, (tally_us, state_kb) in zip(BOXES, counted, strict=True):
        yield f"| {boxes:,} | {tally_us:.1f} | {state_kb:,.0f} |"
    yield f"| fitted | {' | '.join(_fit(BOXES, [one[column] for one in counted]) for column in range(2))} |"


def _of_night(size: Size) -> tuple[float, float, float]:
    """CPU µs from a record to everybody's frames, ms of the first snapshot, and KB of state without the clients."""
    tracemalloc.start()
    state = RunState(Run(RunTopics("bench"), "test", "bench", _election(size)), "bench")
    before = tracemalloc.get_traced_memory()[0]
    records = [
        _record(size, at, source, at % size.units, 1) for source in range(size.sources) for at in range(size.units)
    ]
    for offset, record in enumerate(records):
        state.fold(replace(record, offset=offset))
    gc.collect()
    state_kb = (tracemalloc.get_traced_memory()[0] - before) / 1_000
    tracemalloc.stop()
    state.program.caught_up()
    hub: Hub[int] = Hub(state.program.view, "bench")
    units = state.catalogue.units(["tr/*"])
    for client in range(size.clients):
        hub.subscribe(client, Subscription("s1", CONTEST, _source(0), units), None)
    snapshot_ms = _cpu_s(lambda: hub.turn(0.0)) * 1_000
    offset, taken = len(records), []
    for change in range(CHANGES):
        record = _record(size, offset + change, 0, change % size.units, 2 + change)

        def send(record: _Record = record, now: float = 1.0 + change) -> None:
            state.fold(record)
            hub.turn(now)

        taken.append(_cpu_s(send) * 1e6)
    return median(taken), snapshot_ms, state_kb


def _of_count(boxes: int) -> tuple[float, float]:
    """CPU µs a tally of the fold with its parsing, and KB of what it keeps."""
    definition = night()
    tallies = [_Record(offset, 0, event.key, event.value) for offset, event in enumerate(events(definition, boxes))]
    fold = TallyFold(definition, "tallies", lambda _: 0)
    gc.collect()
    tracemalloc.start()
    fold.apply(0, tallies)
    gc.collect()
    state_kb = tracemalloc.get_traced_memory()[0] / 1_000
    tracemalloc.stop()
    taken = []
    for _ in range(FOLDS):
        again = TallyFold(definition, "tallies", lambda _: 0)
        taken.append(_cpu_s(partial(again.apply, 0, tallies)) / boxes * 1e6)
    return median(taken), state_kb


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _fit(sizes: Sequence[int], values: Sequence[float]) -> str:
    """The line of least squares, and in words what one more costs."""
    slope, fixed = linear_regression(sizes, values)
    return f"{fixed:,.1f} + {slope:,.3g} each"


def _election(size: Size) -> Election:
    return Election(
        id="bench",
        name="Bench",
        date=date(2024, 3, 31),
        parties=(),
        sources=tuple(Source(id=_source(one), name=_source(one)) for one in range(size.sources)),
        contests=(
            Contest(
                id=CONTEST,
                name="Mayor",
                candidates=tuple(Candidate(id=_candidate(one), name=_candidate(one)) for one in range(size.candidates)),
            ),
        ),
        units=(
            Unit(id="tr", level="country", name="Country"),
            *(
                Unit(id=_district(one), level="district", name=_district(one), parent="tr", boxes=((1, 200),))
                for one in range(size.units)
            ),
        ),
    )


def _record(size: Size, offset: int, source: int, district: int, version: int) -> _Record:
    votes = {_candidate(one): 1_000 + 10 * version + one for one in range(size.candidates)}
    cast = sum(votes.values())
    totals = Totals(
        contest=CONTEST,
        source=_source(source),
        district=_district(district),
        version=version,
        as_of=datetime(2024, 3, 31, 18, tzinfo=UTC),
        boxes_opened=min(200, version),
        annulled=0,
        registered=cast,
        cast=cast,
        valid=cast,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )
    return _Record(offset, 0, totals.cell.key(), totals.encode())


def _source(number: int) -> str:
    return f"source_{number}"


def _candidate(number: int) -> str:
    return f"candidate_{number:03}"


def _district(number: int) -> str:
    return f"tr/d{number:05}"
