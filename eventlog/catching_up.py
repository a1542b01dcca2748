"""Reading a topic again and again to where it ends, in as many steps as one has time for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Self

from eventlog.port import EventLog, Reader
from eventlog.reading import WAIT_MS, Silence
from schemas.record import Record


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
