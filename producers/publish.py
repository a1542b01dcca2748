"""Append tallies to a run's log, and read back what a source has there already.

`publish` appends as fast as the log takes the records, `play` appends each when it is due. Neither drops a record:
where the log cannot be reached or is full, both wait, try again, and report that through a callback.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from eventlog.clock import Clock, Replay
from eventlog.loops import LOG_RETRY, RetryPolicy, Tries, Waiting, retried
from eventlog.port import Entry, EventLog, read_until
from producers.stages import Deliveries, Delivery, DeliveryStream
from schemas.tally import MAX_TALLY_BYTES, Counted, Reported, Tally, Withdrawn, encode, parse_tallies

BATCH_RECORDS: Final = 1_000
"""Records in one append: enough that the log's cost for each append no longer shows."""

BATCH_BYTES: Final = 512 * 1024
"""Bytes in one append: half of Kafka's default limit for one request's batch."""

TICK_S: Final = 0.05
"""How often `play` appends at most: half of the 100 ms for which the totals are conflated anyway."""

_LOOKAHEAD_EVENTS: Final = 512
"""Deliveries that `play` fetches at once, in a thread: some 20 ms of work for a staged night, a minute of it."""


@dataclass(frozen=True, slots=True)
class Published:
    """How much has been appended so far; `due`: when the last record of a paced night was due."""

    records: int
    size_bytes: int
    due: datetime | None = None


OnProgress = Callable[[Published], None]
OnWaiting = Callable[[Waiting], None]


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Publisher:
    """Appends to one topic.

    `retry` says how long to wait, by the `clock`, before a batch that the log did not take is tried again.
    `on_progress` is called after each batch, `on_waiting` before each wait.
    """

    log: EventLog
    topic: str
    clock: Clock
    retry: RetryPolicy = LOG_RETRY
    on_progress: OnProgress = _ignore
    on_waiting: OnWaiting = _ignore

    async def append(self, entries: list[Entry]) -> None:
        """Append one batch, however long it takes.

        Raises the log's error where it is not retriable, or once `retry` gives up. A batch that is sent again after a
        failure may leave some records in the log twice, which revisions make harmless.
        """
        tries = Tries(self.clock, self.retry)
        await retried(lambda: self.log.append(self.topic, entries), tries, self.on_waiting)


def entry(event: Tally) -> Entry:
    """Return the event as a record, keyed by its district, so that a district lives in one partition."""
    return Entry(event.district.encode(), encode(event))


async def publish(publisher: Publisher, entries: Iterable[Entry]) -> Published:
    """Append all entries, in batches, as fast as the log takes them. Return how much that was."""
    records = size_bytes = 0
    for batch in _batches(entries):
        await publisher.append(batch)
        records += len(batch)
        size_bytes += _size(batch)
        publisher.on_progress(Published(records, size_bytes))
    return Published(records, size_bytes)


async def play(publisher: Publisher, deliveries: Deliveries, night: Replay) -> Published:
    """Append each record once the clock `night` reaches its due time; `deliveries` must come in due order.

    Records are appended in batches, one every `TICK_S` at most. Where the log or the machine is too slow, the night
    falls behind: batches grow, and nothing is left out. Return how much was appended.
    """
    upcoming = _Upcoming(iter(deliveries))
    records = size_bytes = 0
    due: datetime | None = None
    while (head := await upcoming.head()) is not None:
        if head.due > night.now():
            await night.sleep_until(head.due)
        batch: list[Entry] = []
        while len(batch) < BATCH_RECORDS and (head := await upcoming.head()) is not None and head.due <= night.now():
            due = head.due
            batch.append(upcoming.take().entry)
        if not batch:
            continue
        await publisher.append(batch)
        records += len(batch)
        size_bytes += _size(batch)
        publisher.on_progress(Published(records, size_bytes, due))
        if len(batch) < BATCH_RECORDS:  # a full batch means that more is due already
            await publisher.clock.sleep(TICK_S)
    return Published(records, size_bytes, due)


class _Upcoming:
    """The deliveries that are still to be published. They are made in a thread, so that the event loop goes on.

    Call order: `head()`, then `take()` where it returned a delivery.
    """

    def __init__(self, deliveries: DeliveryStream) -> None:
        self._deliveries = deliveries
        self._fetched: list[Delivery] = []  # the next one last

    async def head(self) -> Delivery | None:
        """Return the next delivery and keep it; `None` at the end."""
        if not self._fetched:
            fetched = await asyncio.to_thread(lambda: list(islice(self._deliveries, _LOOKAHEAD_EVENTS)))
            self._fetched = fetched[::-1]
        return self._fetched[-1] if self._fetched else None

    def take(self) -> Delivery:
        """Remove the next delivery and return it."""
        return self._fetched.pop()


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size_bytes = 0
    for item in entries:
        size = len(item.key) + len(item.value)
        if batch and (len(batch) == BATCH_RECORDS or size_bytes + size > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(item)
        size_bytes += size
    if batch:
        yield batch


def _size(batch: list[Entry]) -> int:
    return sum(len(item.key) + len(item.value) for item in batch)


async def reports_of(log: EventLog, topic: str, source: str) -> AsyncIterator[Reported]:
    """Yield every report of a source that is in the tallies topic by now; those of a district in the order of the log.

    Raises `UnknownTopic`.
    """
    async for tally in _tallies_of(log, topic, source, b'"report'):
        if isinstance(tally, Reported):
            yield tally


async def boxes_of(
    log: EventLog, topic: str, source: str, contest: str | None = None
) -> AsyncIterator[Counted | Withdrawn]:
    """Yield every tally of a source for boxes that is in the tallies topic by now, as `reports_of` does.

    Of one contest, or of all.
    """
    async for tally in _tallies_of(log, topic, source, b'"box"'):
        if not isinstance(tally, Reported) and contest in {None, tally.contest}:
            yield tally


async def _tallies_of(log: EventLog, topic: str, source: str, mark: bytes) -> AsyncIterator[Tally]:
    """Yield a source's events. Only records with the bytes `mark` in them are parsed, which spares most of the work."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            values = [record.value or b"" for record in batch.records]
            marked = [value for value in values if mark in value and len(value) <= MAX_TALLY_BYTES]
            for tally in parse_tallies(marked):
                if isinstance(tally, Counted | Withdrawn | Reported) and tally.source == source:
                    yield tally
