"""Reading what is in a topic by now: to where its partitions end at this moment, once or again and again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Self

from eventlog.port import Batch, EventLog, Reader
from schemas.errors import LogUnavailable
from schemas.fields import Record

MAX_RECORDS: Final = 5_000
"""Records in one read: a few megabytes of totals."""

WAIT_MS: Final = 1_000
"""How long one read of what is known to be in the log may wait."""

SILENT_READS: Final = 30
"""Reads in a row, of a second each, that may bring nothing of what is known to be there: an election takes a few."""


class Silence:
    """Counts the reads in a row that brought nothing of what the log is known to hold.

    A reader waits for a log that is away and says nothing; whoever reads to an end would wait with it, and never ask
    the log anything that it could answer with the reason.
    """

    def __init__(self) -> None:
        self._reads = 0

    def heard(self, batches: Sequence[Batch]) -> None:
        """A read has brought this. Raises `LogUnavailable` where for long nothing has come."""
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
    """What the reader has yet to read of these partitions before these offsets; the last read may go past them.

    Raises `LogUnavailable` where for long nothing comes.
    """
    silence = Silence()
    while any(reader.positions[partition] < end for partition, end in ends.items()):
        batches = await reader.read(max_records=max_records, wait_ms=WAIT_MS)
        silence.heard(batches)
        for batch in batches:
            yield batch


async def read_to_end(log: EventLog, topic: str) -> AsyncIterator[Record]:
    """Every record of a topic of one partition, from the beginning to the end as it is now. Raises `UnknownTopic`."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, {0: 0}) as reader:
        async for batch in read_until(reader, ends):
            for record in batch.records:
                yield record


class CatchingUp:
    """Follows a topic of one partition from its beginning. Its reader is opened by the first question.

    Use as an async context manager; afterwards it begins at the beginning again.
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
        """Look where the topic ends: until that is read, it `is_behind`."""
        if self._reader is None:
            self._reader = await self._resources.enter_async_context(self._log.reader(self._topic, {0: 0}))
        self._end = (await self._log.end_offsets(self._topic))[0]

    @property
    def is_behind(self) -> bool:
        """Whether something is left of what the topic held at the last look."""
        return self._reader is not None and self._reader.positions[0] < self._end

    async def read(self, max_records: int) -> Sequence[Record]:
        """The next records, and none where nothing is left. Raises `LogUnavailable` where for long nothing comes."""
        if self._reader is None or not self.is_behind:
            return ()
        batches = await self._reader.read(max_records=max_records, wait_ms=WAIT_MS)
        self._silence.heard(batches)
        return [record for batch in batches for record in batch.records]

    async def to_end(self, max_records: int) -> AsyncIterator[Record]:
        """Whatever has come since, to where the topic ends now; `max_records` are read at once."""
        await self.begin()
        while self.is_behind:
            for record in await self.read(max_records):
                yield record
