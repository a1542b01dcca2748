"""A real log behind a line that can be cut."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from eventlog.port import Batch, Entry, EventLog, Membership, Reader, Topic, TopicFinding
from schemas.errors import LogUnavailable


class Unreliable:
    """Passes everything on to the log below, unless it is cut off. `below` may be another log afterwards."""

    def __init__(self, below: EventLog) -> None:
        self.below = below
        self.cuts = 0
        self.muted = 0
        self._away = False
        self._error: BaseException = LogUnavailable("The log is away.")

    def break_off(self, error: BaseException | None = None) -> None:
        """Cut the line: everything that is open breaks, too. With this error, where one is given."""
        self._error = error or LogUnavailable("The log is away.")
        self._away = True
        self.cuts += 1

    def mute(self) -> None:
        """Whatever reads now is brought nothing more, and not told why; who begins to read is."""
        self.muted += 1

    def come_back(self) -> None:
        """Mend it."""
        self._away = False

    def become(self, other: EventLog) -> None:
        """Have another log in its place, for everyone who connects again."""
        self.break_off()
        self.below = other
        self.come_back()

    def line(self, cuts: int | None = None) -> EventLog:
        """The log below, if it can be reached and the line was not cut since."""
        if self._away or cuts not in {None, self.cuts}:
            raise self._error
        return self.below

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def create(self, topics: Sequence[Topic]) -> None:
        await self.line().create(topics)

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        return await self.line().check(topics)

    async def exists(self, topic: str) -> bool:
        return await self.line().exists(topic)

    async def partitions(self, topic: str) -> int:
        return await self.line().partitions(topic)

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        await self.line().append(topic, entries)

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        return _Reader(self, self.line().reader(topic, positions))

    def member(self, topic: str, group: str, name: str | None = None) -> Membership:
        return self.line().member(topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self.line().end_offsets(topic)

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await self.line().offsets_at(topic, timestamp)

    def partition_of(self, key: bytes, partitions: int) -> int:
        return self.below.partition_of(key, partitions)


class PassingReader:
    """Passes everything on to the reader below; whoever is based on it changes what comes of a read."""

    def __init__(self, below: Reader) -> None:
        self.below = below

    async def __aenter__(self) -> Self:
        await self.below.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.below.__aexit__(*details)

    @property
    def positions(self) -> Mapping[int, int]:
        return self.below.positions

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        return await self.below.read(max_records=max_records, wait_ms=wait_ms)


class _Reader(PassingReader):
    def __init__(self, log: Unreliable, below: Reader) -> None:
        super().__init__(below)
        self._log = log
        self._cuts = log.cuts
        self._muted = log.muted

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        self._log.line(self._cuts)
        if self._muted != self._log.muted:
            await asyncio.sleep(0)
            return []
        return await super().read(max_records=max_records, wait_ms=wait_ms)
