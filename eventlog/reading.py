"""Reading a topic up to its end offsets at this moment, once or again and again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Self

from eventlog.port import Batch, EventLog, Reader
from schemas.errors import LogUnavailable
from schemas.fields import Record

MAX_RECORDS: Final = 5_000
"""Records in one read: a few megabytes of totals."""

WAIT_MS: Final = 1_000
"""How long one read of records that are known to be in the log may wait."""

SILENT_READS: Final = 30
"""Reads in a row, of a second each, that may return nothing though there is more: a leader's election takes a few."""


class Silence:
    """Counts the reads in a row that returned nothing, though the log is known to hold more.

    A reader waits for a log that is away and raises nothing. Whoever reads up to an end would wait with it for ever,
    and never make a request that would raise the reason.
    """

    def __init__(self) -> None:
        self._reads = 0

    def heard(self, batches: Sequence[Batch]) -> None:
        """Count the result of a read. Raises `LogUnavailable` after `SILENT_READS` empty ones in a row."""
        self._reads = 0 if batches else self._reads + 1
        if self._reads >= SILENT_READS:
            self._reads = 0
            raise LogUnavailable(
                f"The log holds more than it brings: nothing has come in {SILENT_READS} s. Look at the brokers and the"
                " network to them; the same can be tried again."
            )


async def read_until(
    reader: Reader, ends: Mapping[int, int], *, max_records: int = MAX_RECORDS
) -> AsyncIterator[Batch]:
    """Yield what the reader has yet to read up to these end offsets, by partition; the last read may go past them.

    Raises `LogUnavailable` after `SILENT_READS` empty reads in a row.
    """
    silence = Silence()
    while any(reader.positions[partition] < end for partition, end in ends.items()):
        batches = await reader.read(max_records=max_records, wait_ms=WAIT_MS)
        silence.heard(batches)
        for batch in batches:
            yield batch


async def read_to_end(log: EventLog, topic: str) -> AsyncIterator[Record]:
    """Yield every record of a topic of one partition, from its beginning up to its end now. Raises `UnknownTopic`."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, {0: 0}) as reader:
        async for batch in read_until(reader, ends):
            for record in batch.records:
                yield record


class CatchingUp:
    """Reads a topic of one partition from its beginning up to its end, and later up to its new end, and so on.

    Use as an async context manager. Call order: `begin()`, then `read()` while it `is_behind`; or `to_end()`, which
    does both. Its reader is opened by the first `begin()`. Used again after its end, it reads from the beginning.
    """

    def __init__(self, log: EventLog, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._reader: Reader | None = None
        self._end = 0
        self._silence = Silence()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader = None
        await self._resources.aclose()

    async def begin(self) -> None:
        """Look up the topic's end offset: until that is read, this `is_behind`."""
        if self._reader is None:
            self._reader = await self._resources.enter_async_context(self._log.reader(self._topic, {0: 0}))
        self._end = (await self._log.end_offsets(self._topic))[0]

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read before the end offset of the last `begin()`."""
        return self._reader is not None and self._reader.positions[0] < self._end

    async def read(self, max_records: int) -> Sequence[Record]:
        """Return the next records, none where it is not behind. Raises `LogUnavailable` as `read_until` does."""
        if self._reader is None or not self.is_behind:
            return ()
        batches = await self._reader.read(max_records=max_records, wait_ms=WAIT_MS)
        self._silence.heard(batches)
        return [record for batch in batches for record in batch.records]

    async def to_end(self, max_records: int) -> AsyncIterator[Record]:
        """Yield what has come since the last call, up to the topic's end now; `max_records` are read at once."""
        await self.begin()
        while self.is_behind:
            for record in await self.read(max_records):
                yield record
