"""The port: what the rest of sandik asks of an event log, and all it asks.

A topic has partitions; a partition is a sequence of records with rising offsets (with gaps, where it is compacted).
Appends are durable once they return. Positions belong to the readers: the log keeps none. Every adapter puts a key into
the same partition (`partition_of`) and refuses the same entries (`check_entries`).

A reader has no end. So `read_until`, `read_to_end` and `CatchingUp` read a topic, through any adapter, up to its end
offsets at this moment, once or again and again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, Protocol, Self

from schemas.errors import LogSilent, RecordTooLarge, UsageError
from schemas.fields import Record

MAX_RECORD_BYTES: Final = 1024 * 1024
"""The default limit of a record (key and value): Kafka's own default for `max.message.bytes`."""

MIN_COMPACTION_LAG_MS: Final = 600_000
"""A record of a compacted topic neither supersedes nor is superseded before it is so old: a stale record must not push
the good one out before its owner publishes again. Ten minutes are many takeovers."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's name and settings. A compacted topic keeps at least the newest record of each key; others keep all."""

    name: str
    partitions: int = 1
    compacted: bool = False
    max_record_bytes: int = MAX_RECORD_BYTES


Standing = Literal["ok", "wrong", "fragile", "untold", "missing"]
"""How a topic's setting compares with what it must be.

`wrong` loses or changes what the design relies on; `fragile` does once a broker fails; `untold` means that the log does
not let this user see it; `missing` that there is no such topic.
"""


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """One setting of a topic: what it is (`None`: not known), what it must be, and the command that mends it."""

    topic: str
    setting: str
    found: str | None
    wanted: str
    standing: Standing
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to append. Without `partition` the key decides, by murmur2 as in Kafka's own clients.

    `appended_ms` is the append time (ms since 1970) that a record keeps when it is restored; only a topic that is open
    for a restore takes it (`RestorableLog`). Without it the append time is the log's own.
    """

    key: bytes
    value: bytes
    partition: int | None = None
    appended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in offset order, at least one."""

    partition: int
    records: Sequence[Record]


class Reader(Protocol):
    """Reads one topic from given positions. Use as an async context manager."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    @property
    def positions(self) -> Mapping[int, int]:
        """The next offset to be read, by partition."""
        ...

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        """Return the next records, `max_records` at most in all; waits up to `wait_ms` for the first, else `[]`.

        An empty result does not mean that there is nothing more: a log may not have sent it yet. Ask `end_offsets`.

        Raises `LogUnavailable` where the log cannot be reached, `PositionLost` where it no longer holds a position.
        """
        ...


class Membership(Protocol):
    """A member of a consumer group, which shares a topic's partitions. Use as an async context manager."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that this member is assigned now. During a rebalance two members may have the same one.

        Raises `LogError` where the log does not accept this member any more.
        """
        ...


class EventLog(Protocol):
    """An event log. Use as an async context manager; everything else needs it open."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def create(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are not there yet; leave the others as they are."""
        ...

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        """Compare topics, as they are, with what they must be: a finding for each setting, also where it is right."""
        ...

    async def exists(self, topic: str) -> bool:
        """Whether there is such a topic."""
        ...

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises `UnknownTopic`."""
        ...

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        """Append the entries, in order within each partition; durable on return.

        Raises `RecordTooLarge` before anything is written, `LogFull`, `UnknownTopic`, or `LogUnavailable`: then some of
        the entries may have been written, and sending all of them again is the right thing to do.
        """
        ...

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        """A reader of the given partitions, each from the given offset (0 is always the beginning)."""
        ...

    def member(self, topic: str, group: str, name: str | None = None) -> Membership:
        """Return a member of the consumer group that shares the topic's partitions; it joins when it is entered.

        A member with a name that the group still has takes over that member's partitions at once, such as after a
        `kill -9`. If the one before it lives, it is replaced: it goes on in the group without a name, and its log says
        so. A member without a name waits until one that was killed is missed.
        """
        ...

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset that the next record of each partition will get. Raises `UnknownTopic`."""
        ...

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        """Of each partition the offset of the first record appended at or after `timestamp` (ms); its end if none."""
        ...

    def partition_of(self, key: bytes, partitions: int) -> int:
        """The partition that a key falls into: murmur2, as in Kafka's own clients."""
        ...


class RestorableLog(EventLog, Protocol):
    """An event log into which records can be written back with the append times that they had."""

    async def open_for_restore(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are missing; until `close_restore` the append times in them are those of the entries.

        Within a partition they may not step back. Nobody else may append meanwhile.
        """
        ...

    async def close_restore(self, topics: Sequence[Topic]) -> None:
        """From now on the append times in these topics are the log's own, whatever entries say."""
        ...


def replaced(name: str) -> str:
    """Say that another member has taken a member's name."""
    return (
        f"Another process has joined the group as member {name!r}; this one goes on without a name."
        " Give each aggregator a --member of its own."
    )


def check_entries(topic: Topic, entries: Sequence[Entry]) -> None:
    """Check entries before anything is written. Raises `RecordTooLarge`, or `UsageError` for a partition not there."""
    limit = topic.max_record_bytes
    for entry in entries:
        size_bytes = len(entry.key) + len(entry.value)
        if size_bytes > limit:
            raise RecordTooLarge(topic.name, size_bytes, limit)
        if entry.partition is not None and not 0 <= entry.partition < topic.partitions:
            raise UsageError(
                f"Topic {topic.name!r} has no partition {entry.partition}. Give one from 0 to {topic.partitions - 1}."
            )


_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_R: Final = 24
_MASK: Final = 0xFFFFFFFF

_REMEMBERED_KEYS: Final = 65_536
"""Keys whose hash is kept: a run's keys are its districts (973 in Türkiye) times contests and sources."""


@lru_cache(maxsize=_REMEMBERED_KEYS)
def murmur2(data: bytes) -> int:
    """Hash as `org.apache.kafka.common.utils.Utils.murmur2` does, as an unsigned 32-bit number."""
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        k = (k ^ (k >> _R)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if length > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of `key` among so many, as Kafka's default partitioner chooses it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


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
        """Count the result of a read. Raises `LogSilent` after `SILENT_READS` empty ones in a row."""
        self._reads = 0 if batches else self._reads + 1
        if self._reads >= SILENT_READS:
            self._reads = 0
            raise LogSilent(
                f"The log holds more than it brings: nothing has come in {SILENT_READS} s. Look at the brokers and the"
                " network to them; the same can be tried again."
            )


SILENT_S: Final = 30.0
SILENT_LOOKS: Final = 3
"""For how long, and at how many looks, a reader may bring nothing of what the log holds: an election takes seconds."""


class Standstill:
    """Looks again and again at how far a topic was read and how far it goes, for whoever follows it for ever.

    A read that brings nothing is no error, and a reader that fell silent would do so for the rest of the night.
    """

    def __init__(self, silent_s: float | None = None) -> None:
        self._silent_s = SILENT_S if silent_s is None else silent_s
        self._stood: Mapping[int, int] = {}
        self._since = 0.0
        self._looks = 0

    def behind(self, positions: Mapping[int, int], ends: Mapping[int, int], now: float) -> dict[int, int]:
        """Return by partition how many records the log holds behind these positions, at this moment (seconds).

        Raises `LogSilent` where all have stood still for long, with more to come.
        """
        behind = {partition: ends[partition] - at for partition, at in positions.items()}
        if positions != self._stood or max(behind.values(), default=0) <= 0:
            self._stood, self._since, self._looks = dict(positions), now, 0
        self._looks += 1
        if self._looks > SILENT_LOOKS and now - self._since > self._silent_s:
            raise LogSilent(f"The log holds {sum(behind.values())} records more, and brings none. Beginning anew.")
        return behind


async def read_until(
    reader: Reader, ends: Mapping[int, int], *, max_records: int = MAX_RECORDS
) -> AsyncIterator[Batch]:
    """Yield what the reader has yet to read up to these end offsets, by partition; the last read may go past them.

    Raises `LogSilent` after `SILENT_READS` empty reads in a row.
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
