"""The simulated log: the port over a store in memory and a line with faults. Without faults it keeps the contract."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self, TypeVar

from eventlog.port import Batch, Entry, Topic, TopicFinding, partition_of
from schemas.errors import LogError, LogUnavailable
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.store import Store

T = TypeVar("T")

RENEW_S: Final = 0.7
"""How often a member says that it lives, and so how late it learns of another share."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the log has answered, for whoever records what happened."""

    process: str
    what: str
    topic: str
    came_to: str


class SimulatedLog:
    """An event log as one process sees it."""

    def __init__(self, store: Store, line: Line | None = None, record: Callable[[Call], None] = lambda _: None) -> None:
        self._store = store
        self._record = record
        self._is_open = False
        self.line = line or Line()

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_open = False

    @property
    def store(self) -> Store:
        """What the log holds; only while this is open."""
        if not self._is_open:
            raise RuntimeError("the log is not open")
        return self._store

    async def create(self, topics: Sequence[Topic]) -> None:
        await self.ask(lambda store: store.create(topics))

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        """Topics here are what they were created as."""
        return [TopicFinding(topic.name, "topic", "there", "there", "ok") for topic in topics]

    async def exists(self, topic: str) -> bool:
        return await self.ask(lambda store: store.exists(topic))

    async def partitions(self, topic: str) -> int:
        return await self.ask(lambda store: len(store.partitions(topic)))

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        self.store.check(topic, entries)
        if not entries:
            return
        await self.line.go()
        fault = self.line.next_append()
        await self._write(topic, list(entries), fault)
        ends = [partition.end for partition in self.store.partitions(topic)]
        self.note("append", topic, f"{len(entries)} to {ends}{f' {fault.kind}' if fault is not None else ''}")
        await self.line.come_back()

    def reader(self, topic: str, positions: Mapping[int, int]) -> "SimulatedReader":
        return SimulatedReader(self, topic, positions)

    def member(self, topic: str, group: str, name: str | None = None) -> "SimulatedMember":
        return SimulatedMember(self, topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self.ask(
            lambda store: {number: partition.end for number, partition in enumerate(store.partitions(topic))}
        )

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        def found(store: Store) -> dict[int, int]:
            return {
                number: next((r.offset for r in partition.records if r.timestamp >= timestamp), partition.end)
                for number, partition in enumerate(store.partitions(topic))
            }

        return await self.ask(found)

    def partition_of(self, key: bytes, partitions: int) -> int:
        return partition_of(key, partitions)

    async def ask(self, work: Callable[[Store], T]) -> T:
        """Go to the log, do this there, and come back with the answer."""
        store = self.store
        await self.line.go()
        self.line.look()
        answer = work(store)
        await self.line.come_back()
        return answer

    def note(self, what: str, topic: str, came_to: str) -> None:
        """Record what a call came to."""
        self._record(Call(self.line.name, what, topic, came_to))

    async def _write(self, topic: str, entries: list[Entry], fault: Fault | None) -> None:
        store = self.store
        if fault is None:
            store.append(topic, entries)
            return
        match fault.kind:
            case "append_twice":
                store.append(topic, entries + entries)
            case "ack_late":
                store.append(topic, entries)
                await asyncio.sleep(fault.amount)
            case "ack_lost":
                store.append(topic, entries)
            case "append_torn":
                store.append(topic, entries[: (len(entries) + 1) // 2])
            case "written_late":
                asyncio.get_running_loop().call_later(fault.amount, store.append, topic, entries)
            case _:
                pass
        if fault.kind not in {"append_twice", "ack_late"}:
            raise LogUnavailable(f"{self.line.name} was not told what became of an append: {fault.kind}.")


class SimulatedReader:
    """Reads one topic."""

    def __init__(self, log: SimulatedLog, topic: str, positions: Mapping[int, int]) -> None:
        self._log = log
        self._topic = topic
        self._positions = dict(positions)
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self._log.ask(lambda store: store.check_positions(self._topic, self._positions))
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_open = False

    @property
    def positions(self) -> Mapping[int, int]:
        return MappingProxyType(self._positions)

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        if not self._is_open:
            raise RuntimeError("the reader is not open")
        loop, line = asyncio.get_running_loop(), self._log.line
        deadline_s = loop.time() + wait_ms / 1000
        most = line.some(max_records)
        while True:
            batches = await self._log.ask(lambda store: self._fetch(store, most))
            if batches:
                self._advance(batches)
                self._log.note("read", self._topic, str(dict(self._positions)))
                return batches
            left_s = deadline_s - loop.time()
            if left_s <= 0:
                return []
            waiting = self._log.store.next_append(self._topic)
            if self._fetch(self._log.store, 1):
                continue  # it came on the way back
            timer = loop.call_later(left_s, _end, waiting)
            try:
                await waiting
            finally:
                timer.cancel()

    def _fetch(self, store: Store, most: int) -> list[Batch]:
        if asyncio.get_running_loop().time() < self._log.line.muted_until_s:
            return []
        return store.fetch(self._topic, self._positions, most)

    def _advance(self, batches: list[Batch]) -> None:
        """Move on; who was read goes behind the others, so that none of them starves."""
        for batch in batches:
            del self._positions[batch.partition]
            self._positions[batch.partition] = batch.records[-1].offset + 1


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class SimulatedMember:
    """A place in a group, kept by a task of its own. A member that cannot say that it lives goes on as if it had."""

    def __init__(self, log: SimulatedLog, topic: str, group: str, name: str | None) -> None:
        self._log = log
        self._topic = topic
        self._group = group
        self._name = name
        self._number = 0
        self._partitions: frozenset[int] = frozenset()
        self._living: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._number = await self._log.ask(lambda store: store.join(self._topic, self._group, self._name))
        self._living = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._partitions = frozenset()
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait([self._living])
        if not self._log.line.is_dead:
            self._log.store.leave(self._topic, self._group, self._number)

    @property
    def partitions(self) -> frozenset[int]:
        return self._partitions

    async def _live(self) -> None:
        loop, line = asyncio.get_running_loop(), self._log.line
        store = self._log.store
        while True:
            try:
                await line.go()
                if loop.time() < line.evicted_until_s:
                    store.leave(self._topic, self._group, self._number)
                else:
                    self._partitions = store.renew(self._topic, self._group, self._number)
            except LogError:
                pass  # what it knows stands until it knows better
            await asyncio.sleep(RENEW_S)
