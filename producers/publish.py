"""Publishing tally events: all at once, or each when its time comes. Neither ever drops one.

Where the log cannot be reached or is full, both wait and try again, and say so through a callback: a night goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from eventlog.clock import Clock, Replay
from eventlog.port import Entry, EventLog
from eventlog.reading import read_until
from eventlog.retry import LOG_RETRY, RetryPolicy, Tries, Waiting, retried
from producers.stages import Deliveries, Delivering, Delivery
from schemas.tally import MAX_TALLY_BYTES, Counted, Reported, Tally, Withdrawn, encode, parse_tallies

BATCH_RECORDS: Final = 1_000
"""Records in one append: enough that the log's cost for each append no longer shows."""

BATCH_BYTES: Final = 512 * 1024
"""Bytes in one append: half of Kafka's default limit for one request's batch."""

TICK_S: Final = 0.05
"""How often a paced night appends at most: half of the 100 ms for which the totals are conflated anyway."""

_LOOKAHEAD_EVENTS: Final = 512
"""Events fetched from a staged night at once, in a thread: some 20 ms of work, a minute of the night."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the log by now; `due` is how far a paced night is."""

    records: int
    size_bytes: int
    due: datetime | None = None


OnProgress = Callable[[Published], None]
OnWaiting = Callable[[Waiting], None]


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Publisher:
    """Appends to one topic. `retry` says how long a batch that the log does not take waits, by the `clock`."""

    log: EventLog
    topic: str
    clock: Clock
    retry: RetryPolicy = LOG_RETRY
    on_progress: OnProgress = _ignore
    on_waiting: OnWaiting = _ignore

    async def append(self, entries: list[Entry]) -> None:
        """Append one batch, however long it takes.

        Raises the log's error where trying again makes no sense, or once patience is over. Sending a batch again
        after a failure may leave some records in the log twice, which revisions make harmless.
        """
        tries = Tries(self.clock, self.retry)
        await retried(lambda: self.log.append(self.topic, entries), tries, self.on_waiting)


def entry(event: Tally) -> Entry:
    """The event as a record: keyed by district, so that a district lives in one partition."""
    return Entry(event.district.encode(), encode(event))


async def publish(publisher: Publisher, entries: Iterable[Entry]) -> Published:
    """Append all entries, in batches, as fast as the log takes them. Returns what was published."""
    records = size_bytes = 0
    for batch in _batches(entries):
        await publisher.append(batch)
        records += len(batch)
        size_bytes += _size(batch)
        publisher.on_progress(Published(records, size_bytes))
    return Published(records, size_bytes)


async def play(publisher: Publisher, deliveries: Deliveries, night: Replay) -> Published:
    """Append each record once `night` reaches its time; `deliveries` must come in due order.

    Records are appended in small batches, one every `TICK_S` at most. Where the log or the machine is too slow, the
    night falls behind: batches grow, and nothing is left out.
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
        if len(batch) < BATCH_RECORDS:
            await publisher.clock.sleep(TICK_S)
    return Published(records, size_bytes, due)


class _Upcoming:
    """What comes next in a staged night. It is staged in a thread, a stretch at a time, so the event loop goes on."""

    def __init__(self, deliveries: Delivering) -> None:
        self._deliveries = deliveries
        self._stretch: list[Delivery] = []

    async def head(self) -> Delivery | None:
        """The next delivery, if there is one."""
        if not self._stretch:
            fetched = await asyncio.to_thread(lambda: list(islice(self._deliveries, _LOOKAHEAD_EVENTS)))
            self._stretch = fetched[::-1]
        return self._stretch[-1] if self._stretch else None

    def take(self) -> Delivery:
        """Take the delivery that `head` returned."""
        return self._stretch.pop()


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
    """Every report of a source in the tallies topic by now; those of a district in the order of the log.

    Raises `UnknownTopic`.
    """
    async for tally in _tallies_of(log, topic, source, b'"report'):
        if isinstance(tally, Reported):
            yield tally


async def boxes_of(log: EventLog, topic: str, source: str, contest: str) -> AsyncIterator[Counted | Withdrawn]:
    """Every statement of a source about a contest's boxes in the tallies topic by now, as `reports_of` does."""
    async for tally in _tallies_of(log, topic, source, b'"box"'):
        if not isinstance(tally, Reported) and tally.contest == contest:
            yield tally


async def _tallies_of(log: EventLog, topic: str, source: str, mark: bytes) -> AsyncIterator[Tally]:
    """A source's events whose records have these bytes in them, so that not every record has to be parsed."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            values = [record.value or b"" for record in batch.records]
            marked = [value for value in values if mark in value and len(value) <= MAX_TALLY_BYTES]
            for tally in parse_tallies(marked):
                if isinstance(tally, Counted | Withdrawn | Reported) and tally.source == source:
                    yield tally
