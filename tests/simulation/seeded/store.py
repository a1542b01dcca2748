"""What a simulated log holds: topics and groups, in memory. It outlives every process that is connected to it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from eventlog.port import Batch, Entry, Topic, check_entries, partition_of
from schemas.errors import PositionLost, UnknownTopic

COMPACTION_LAG_S: Final = 12.0
"""What is younger is not compacted: longer than any fault and what follows from it, as the real lag is."""

LEASE_S: Final = 5.0
"""How long a member of a group is missed before its partitions go to others."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it is kept; `at_s` is when it was appended, by a clock that never steps back."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    at_s: float


@dataclass(slots=True)
class Partition:
    """What is left of a partition, and all that was ever appended to it: the offset there is the index."""

    records: list[Stored] = field(default_factory=list)
    history: list[Stored] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The offset that the next record will get."""
        return len(self.history)


@dataclass(slots=True)
class _Group:
    seen_s: dict[int, float] = field(default_factory=dict)
    generation: int = 0
    names: dict[str, int] = field(default_factory=dict)


class Store:
    """Topics and groups. Nothing here waits. `now_ms` stamps records, `now_s` never steps back."""

    def __init__(self, now_ms: Callable[[], int], now_s: Callable[[], float]) -> None:
        self.now_ms = now_ms
        self.now_s = now_s
        self.appended: list[Callable[[str, int, Stored], None]] = []
        """Who is told of every record as it is written."""
        self._topics: dict[str, tuple[Topic, list[Partition]]] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._members = 0

    def topic(self, name: str) -> Topic:
        """The topic as it was created. Raises `UnknownTopic`."""
        return self._found(name)[0]

    def partitions(self, name: str) -> list[Partition]:
        """The topic's partitions. Raises `UnknownTopic`."""
        return self._found(name)[1]

    def create(self, topics: Sequence[Topic]) -> None:
        """Create those that are not there yet."""
        for topic in topics:
            self._topics.setdefault(topic.name, (topic, [Partition() for _ in range(topic.partitions)]))

    def exists(self, name: str) -> bool:
        """Whether there is such a topic."""
        return name in self._topics

    def check(self, name: str, entries: Sequence[Entry]) -> None:
        """Raise what an append of these raises before it writes anything."""
        check_entries(self.topic(name), entries)

    def append(self, name: str, entries: Sequence[Entry]) -> None:
        """Write the entries, and wake whoever waits for some."""
        topic, partitions = self._found(name)
        timestamp, at_s = self.now_ms(), self.now_s()
        for entry in entries:
            number = partition_of(entry.key, topic.partitions) if entry.partition is None else entry.partition
            partition = partitions[number]
            record = Stored(partition.end, timestamp, entry.key, entry.value, at_s)
            partition.records.append(record)
            partition.history.append(record)
            for told in self.appended:
                told(name, number, record)
        self.wake(name)

    def wake(self, name: str) -> None:
        """Let those who wait for the topic look again."""
        for waiting in self._waiting.pop(name, []):
            if not waiting.done():
                waiting.set_result(None)

    def next_append(self, name: str) -> asyncio.Future[None]:
        """Done once something is appended to the topic."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(waiting)
        return waiting

    def check_positions(self, name: str, positions: Mapping[int, int]) -> None:
        """Raise `PositionLost` for a position that the topic does not hold."""
        partitions = self.partitions(name)
        for number, position in positions.items():
            if number >= len(partitions) or position > partitions[number].end:
                raise PositionLost(name, number, position)

    def fetch(self, name: str, positions: Mapping[int, int], max_records: int) -> list[Batch]:
        """What comes next at these positions, `max_records` at most in all, in the positions' order."""
        partitions = self.partitions(name)
        batches, left = [], max_records
        for number, position in positions.items():
            records = _from(partitions[number].records, position)[:left]
            if records:
                batches.append(Batch(number, records))
                left -= len(records)
        return batches

    def compact(self, lag_s: float = COMPACTION_LAG_S) -> None:
        """Keep of each key the newest record and whatever is young, in the topics that are compacted."""
        until_s = self.now_s() - lag_s
        for topic, partitions in self._topics.values():
            if topic.compacted:
                for partition in partitions:
                    old = [record for record in partition.records if record.at_s < until_s]
                    newest = {record.key: record.offset for record in old}
                    kept = [record for record in old if newest[record.key] == record.offset]
                    partition.records = kept + partition.records[len(old) :]

    def join(self, topic: str, group: str, name: str | None = None) -> int:
        """Enter the group, in the place of who has that name; the member's number. Raises `UnknownTopic`."""
        self.topic(topic)
        self._members += 1
        if name is not None:
            names = self._groups.setdefault((topic, group), _Group()).names
            self.leave(topic, group, names.get(name, 0))
            names[name] = self._members
        self.renew(topic, group, self._members)
        return self._members

    def renew(self, topic: str, group: str, member: int) -> frozenset[int]:
        """The member lives, and comes back if it was missed; its share. Who is missed for too long is dropped."""
        crew = self._groups.setdefault((topic, group), _Group())
        now_s = self.now_s()
        crew.seen_s[member] = now_s
        crew.seen_s = {one: seen_s for one, seen_s in crew.seen_s.items() if now_s - seen_s < LEASE_S}
        members = sorted(crew.seen_s)
        mine = (members.index(member) + crew.generation) % len(members)
        return frozenset(range(mine, self.topic(topic).partitions, len(members)))

    def leave(self, topic: str, group: str, member: int) -> None:
        """Take the member out of the group."""
        crew = self._groups.get((topic, group))
        if crew is not None:
            crew.seen_s.pop(member, None)

    def rebalance(self) -> None:
        """Share the partitions of every group out in another way."""
        for crew in self._groups.values():
            crew.generation += 1

    def _found(self, name: str) -> tuple[Topic, list[Partition]]:
        try:
            return self._topics[name]
        except KeyError:
            raise UnknownTopic(name) from None


def _from(records: list[Stored], position: int) -> list[Stored]:
    """The records from this offset on: from the end back, since that is where most read."""
    begin = len(records)
    while begin and records[begin - 1].offset >= position:
        begin -= 1
    return records[begin:]
