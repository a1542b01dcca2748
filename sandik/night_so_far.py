"""Work out from the log how the units stood in the course of a night so far: `/v1/lead-over-time` of before a start.

The tallies are folded in the order in which they were published, as the watermarks among the totals say it, all
partitions side by side. Where an older aggregator wrote none, it goes by when the log took them. A night takes seconds
to fold, so a gateway has a process of its own do it (`sandik.past.PastWorker`).
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from eventlog.port import EventLog, Reader
from eventlog.reading import WAIT_MS, Silence, read_to_end
from eventlog.run import Run
from sandik.past import folded_from_the_start, orders_until
from schemas.fields import Record
from schemas.progress import Watermark, parse_watermark
from schemas.trust import OperatorKey
from tabulation.derived.history import History, PublishedPositions, as_given, as_relayed
from tabulation.derived.lead_over_time import Courses
from tabulation.derived.relived_night import RelivedNight
from tabulation.on_air import Relays
from tabulation.orders.control import Control

MOST_STEPS: Final = 480
"""Steps of a night: a minute each in one of eight hours. Each looks at every district that changed in it."""

LEAST_STEP_MS: Final = 1_000
MOST_STEP_MS: Final = 60_000
"""A course has a point a minute at most; a replay at sixty times the speed has one a second."""

_EVER: Final = 2**62
"""Later than any moment, in milliseconds since 1970."""

_MAX_RECORDS: Final = 2_000
"""Records of one partition that are read ahead: a megabyte or less."""


class _Published(NamedTuple):
    """What the totals topic says: what orders came to, how far it had come when, and when it said the last."""

    relays: Relays
    positions: PublishedPositions
    watermarks: Sequence[tuple[int, Watermark]]
    last_ms: int


async def courses_so_far(log: EventLog, run: Run, operators: Sequence[OperatorKey] = ()) -> Courses:
    """How the units stood, by contest, source and unit, as it was on air until now.

    What was held is in it as it stood; orders count that these keys verify.
    """
    published = await _read_totals(log, run)
    orders, _ = await orders_until(log, run, _EVER, Control(run, operators))
    changes = as_relayed(as_given(run.definition, orders), published.relays)
    late = published.positions.unpublished_from()
    fold = folded_from_the_start(log, run)
    night = RelivedNight(run.definition, History(run.definition, fold, changes, _EVER, published.relays, late))
    async with AsyncExitStack() as resources:
        topic = run.topics.tallies.name
        ends = {partition: end for partition, end in (await log.end_offsets(topic)).items() if end}
        tallies = {
            partition: _Tallies(
                await resources.enter_async_context(log.reader(topic, {partition: 0})),
                partition,
                late.get(partition, end),
            )
            for partition, end in ends.items()
        }
        async for until_ms, came_in in _steps(published, tallies):
            night.step(until_ms, came_in)
    night.step(published.last_ms, {})  # orders after the last figures
    return night.courses


async def _read_totals(log: EventLog, run: Run) -> _Published:
    relays, positions = Relays(run.definition), PublishedPositions(_EVER)
    watermarks: list[tuple[int, Watermark]] = []
    last_ms = 0
    async for record in read_to_end(log, run.topics.totals.name):
        relays.fold(record.key, record.value, record.timestamp)
        positions.fold(record.key, record.value, record.timestamp)
        watermark = parse_watermark(record.key, record.value)
        if watermark is not None:
            watermarks.append((record.timestamp, watermark))
        last_ms = max(last_ms, record.timestamp)
    return _Published(relays, positions, watermarks, last_ms)


class _Tallies:
    """One partition's tallies, as they are read: `end` is the offset from which on none was published."""

    def __init__(self, reader: Reader, partition: int, end: int) -> None:
        self._reader = reader
        self._partition = partition
        self._end = end
        self._waiting: deque[Record] = deque()

    async def next_ms(self) -> int | None:
        """When the log took the next one; `None` where there is none."""
        await self._read(lambda: bool(self._waiting))
        return self._waiting[0].timestamp if self._waiting else None

    async def before(self, offset: int) -> list[Record]:
        """Those before this offset that were not taken yet."""
        await self._read(lambda: bool(self._waiting) and self._waiting[-1].offset >= offset - 1)
        return list(self._taken(lambda record: record.offset < offset))

    async def by(self, until_ms: int) -> list[Record]:
        """Those that the log had taken by this moment and that were not taken here yet."""
        await self._read(lambda: bool(self._waiting) and self._waiting[-1].timestamp > until_ms)
        return list(self._taken(lambda record: record.timestamp <= until_ms))

    async def _read(self, is_enough: Callable[[], bool]) -> None:
        silence = Silence()
        while self._reader.positions[self._partition] < self._end and not is_enough():
            batches = await self._reader.read(max_records=_MAX_RECORDS, wait_ms=WAIT_MS)
            silence.heard(batches)
            self._waiting.extend(record for batch in batches for record in batch.records if record.offset < self._end)

    def _taken(self, is_wanted: Callable[[Record], bool]) -> Iterator[Record]:
        while self._waiting and is_wanted(self._waiting[0]):
            yield self._waiting.popleft()


async def _steps(
    published: _Published, tallies: Mapping[int, _Tallies]
) -> AsyncIterator[tuple[int, Mapping[int, Sequence[Record]]]]:
    """Yield the end of each step in which anything was published, and what was, by partition."""
    watermarks, positions, step_ms = deque(published.watermarks), dict[int, int](), 0
    began = {one for _, watermark in watermarks for one, at in watermark.positions.items() if at == 0}
    while True:
        untold = [one for partition, one in tallies.items() if partition not in began and partition not in positions]
        moments = [moment for one in untold if (moment := await one.next_ms()) is not None]
        moments += [appended_ms for appended_ms, _ in list(watermarks)[:1]]
        if not moments:
            return
        first_ms = min(moments)
        step_ms = step_ms or min(max((published.last_ms - first_ms) // MOST_STEPS, LEAST_STEP_MS), MOST_STEP_MS)
        until_ms = (first_ms // step_ms + 1) * step_ms - 1
        while watermarks and watermarks[0][0] <= until_ms:
            for partition, at in watermarks.popleft()[1].positions.items():
                positions[partition] = max(at, positions.get(partition, 0))
        came_in = {
            partition: await one.before(positions.get(partition, 0))
            if partition in began or partition in positions
            else await one.by(until_ms)
            for partition, one in tallies.items()
        }
        yield until_ms, came_in
