"""The embedded log: one SQLite file on one machine, for several processes, durable through `kill -9` and power cuts.

`SqliteLog` is the port's adapter, `SqliteReader` reads a topic, `SqliteMembership` is a place in a consumer group.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from eventlog.clock import Clock
from eventlog.loops import raise_end_of
from eventlog.port import Batch, Entry, Topic, TopicFinding, check_entries, partition_of, replaced
from eventlog.sqlite import tables
from eventlog.sqlite.file import LogFile
from eventlog.sqlite.tables import Lease, StoredTopic, compact, is_due
from eventlog.sqlite.threads import Connections, Fetch, Fetched, Writer
from schemas.errors import LogError, UnknownTopic
from schemas.moments import epoch_ms

MAX_AWAITED_RECORDS: Final = 500
"""Records that the writer's thread reads for a reader that waits: a millisecond or two in which nothing is written."""

_logger = logging.getLogger(__name__)


class SqliteLog:
    """An event log in one SQLite file; see the port for what it promises.

    The file and its folder are created where they are missing. `max_bytes` bounds the file: appends beyond it raise
    `LogFull`. Give it the machine's clock whatever speed the events are played at: leases live by it.
    """

    def __init__(self, path: Path, clock: Clock, *, max_bytes: int | None = None) -> None:
        self._file = LogFile(path, max_bytes)
        self._clock = clock
        self._known: dict[str, StoredTopic] = {}
        self._writer: Writer | None = None
        self._connections: Connections | None = None

    async def __aenter__(self) -> Self:
        file = replace(self._file)  # with a new `SameFile`: since the last opening the file may have been replaced
        self._known.clear()  # as above: in another file a topic has another place
        writer = Writer(file)
        await writer.start()
        self._writer, self._connections = writer, Connections(file)
        return self

    async def __aexit__(self, *_: object) -> None:
        writer, connections = self.writer, self.connections
        self._writer = self._connections = None
        try:
            await connections.close()
        finally:
            await writer.stop()

    @property
    def writer(self) -> Writer:
        """The writing side, for this log's readers and members."""
        if self._writer is None:
            raise RuntimeError("the log is not open")
        return self._writer

    @property
    def connections(self) -> Connections:
        """The reading side, for this log's readers."""
        if self._connections is None:
            raise RuntimeError("the log is not open")
        return self._connections

    async def topic(self, name: str) -> StoredTopic:
        """Look the topic up, once for all. Raises `UnknownTopic`; that a topic is missing is not cached."""
        stored = self._known.get(name)
        if stored is None:
            stored = await self.connections.run(partial(tables.find_topic, name=name))
            self._known[name] = stored
        return stored

    def now_ms(self) -> int:
        """Return this log's time in milliseconds since 1970."""
        return epoch_ms(self._clock.now())

    async def create(self, topics: Sequence[Topic]) -> None:
        await self.writer.submit(partial(tables.create_topics, topics=topics))

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        return [one for topic in topics for one in _findings(topic, await self._stored_as(topic.name))]

    async def _stored_as(self, name: str) -> Topic | None:
        try:
            return (await self.topic(name)).topic
        except UnknownTopic:
            return None

    async def open_for_restore(self, topics: Sequence[Topic]) -> None:
        await self.create(topics)

    async def close_restore(self, topics: Sequence[Topic]) -> None:
        """Do nothing: only entries of a restore have an append time, so there is no setting to take back."""

    async def exists(self, topic: str) -> bool:
        try:
            await self.topic(topic)
        except UnknownTopic:
            return False
        return True

    async def partitions(self, topic: str) -> int:
        return (await self.topic(topic)).topic.partitions

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        stored = await self.topic(topic)
        if not entries:
            return
        check_entries(stored.topic, entries)
        await self.writer.submit(
            lambda connection: tables.append(connection, stored, entries, self.now_ms()),
            topic=topic,
            weight=len(entries),
            afterwards=partial(self._compact, stored) if stored.topic.compacted else None,
        )

    def reader(self, topic: str, positions: Mapping[int, int]) -> "SqliteReader":
        return SqliteReader(self, topic, positions)

    def member(self, topic: str, group: str, name: str | None = None) -> "SqliteMembership":
        return SqliteMembership(self, self._clock, topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        stored = await self.topic(topic)
        return await self.connections.run(partial(tables.end_offsets, stored=stored))

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        stored = await self.topic(topic)
        return await self.connections.run(partial(tables.offsets_at, stored=stored, timestamp=timestamp))

    def partition_of(self, key: bytes, partitions: int) -> int:
        return partition_of(key, partitions)

    def _compact(self, stored: StoredTopic, appended: list[range], connection: sqlite3.Connection) -> None:
        compact(connection, stored, [p for p, offsets in enumerate(appended) if is_due(offsets)], self.now_ms())


class SqliteReader:
    """Reads one topic. It is woken by appends; at the latest `commits.LOOK_MS` after those of other processes."""

    def __init__(self, log: SqliteLog, topic: str, positions: Mapping[int, int]) -> None:
        self._log = log
        self._topic = topic
        self._positions = dict(positions)
        self._stored: StoredTopic | None = None
        self._drained_at: int | None = None

    async def __aenter__(self) -> Self:
        stored = await self._log.topic(self._topic)
        await self._log.connections.run(lambda connection: tables.check_positions(connection, stored, self._positions))
        self._stored = stored
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stored = None

    @property
    def positions(self) -> Mapping[int, int]:
        return MappingProxyType(self._positions)

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        stored = self._stored
        if stored is None:
            raise RuntimeError("the reader is not open")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_ms / 1000
        wakeups = self._log.writer.wakeups
        while True:
            fetched: Fetched | None = None
            if self._drained_at is not None:  # the last fetch found the end: nothing is there before the next append
                fetch = self._fetch(stored, min(max_records, MAX_AWAITED_RECORDS))
                fetched = await wakeups.wait(self._topic, self._drained_at, deadline - loop.time(), fetch)
            if fetched is None:
                seen = wakeups.seen(self._topic)
                found = await self._log.connections.run(self._fetch(stored, max_records))
                fetched = found._replace(seen=seen)
            self._drained_at = fetched.seen if fetched.is_end else None
            if fetched.batches:
                self._advance(fetched.batches)
                return fetched.batches
            if loop.time() >= deadline:
                return []

    def _fetch(self, stored: StoredTopic, max_records: int) -> Fetch:
        """Return the work of reading from the positions on, as they are now."""
        positions = dict(self._positions)
        return lambda connection: Fetched(*tables.fetch(connection, stored, positions, max_records))

    def _advance(self, batches: list[Batch]) -> None:
        """Advance the positions, and move the partitions that were read behind the others, so that none starves."""
        for batch in batches:
            del self._positions[batch.partition]
            self._positions[batch.partition] = batch.records[-1].offset + 1


class SqliteMembership:
    """A member of a consumer group: a lease in the file, renewed by a task while the context is open."""

    def __init__(self, log: SqliteLog, clock: Clock, topic: str, group: str, name: str | None) -> None:
        self._log = log
        self._clock = clock
        self._topic = topic
        self._group = group
        self._name = name
        self._partitions: frozenset[int] = frozenset()
        self._lease: Lease | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        stored = await self._log.topic(self._topic)
        lease = await self._log.writer.submit(
            lambda connection: tables.join_group(connection, stored, self._group, self._log.now_ms(), self._name)
        )
        lease = await self._renewed(stored, lease)
        self._renewing = asyncio.create_task(self._keep_renewing(stored, lease), name=f"lease-{lease.id}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._partitions = frozenset()
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            await asyncio.wait([renewing])
        if self._lease is None:
            return
        try:
            await self._log.writer.submit(partial(tables.leave_group, lease=self._lease))
        except LogError as error:  # the lease expires by itself
            _logger.warning("A lease could not be given back: %s", error)

    @property
    def partitions(self) -> frozenset[int]:
        if self._renewing is not None and self._renewing.done():  # the lease expires, and others take the partitions
            raise_end_of(self._renewing, "The renewal of a lease")
        return self._partitions

    async def _keep_renewing(self, stored: StoredTopic, lease: Lease) -> None:
        while True:
            await self._clock.sleep(tables.RENEW_S)
            try:
                lease = await self._renewed(stored, lease)
            except LogError as error:  # the lease outlives several renewals that fail
                _logger.warning("A lease could not be renewed: %s", error)

    async def _renewed(self, stored: StoredTopic, lease: Lease) -> Lease:
        """Renew the lease; the one that is held from now on: another one, where the name was taken."""
        held, self._partitions = await self._log.writer.submit(
            lambda connection: tables.renew_lease(connection, stored, self._group, lease, self._log.now_ms())
        )
        if lease.name is not None and held.name is None:
            _logger.warning("%s", replaced(lease.name))
        self._lease = held
        return held


def _findings(topic: Topic, stored: Topic | None) -> list[TopicFinding]:
    """Compare a topic with what it must be: partitions and compaction. The file has no other settings."""
    if stored is None:
        return [TopicFinding(topic.name, "topic", None, "there", "missing")]
    return [
        TopicFinding(topic.name, setting, str(found), str(wanted), "ok" if found == wanted else "wrong")
        for setting, found, wanted in (
            ("partitions", stored.partitions, topic.partitions),
            ("compacted", stored.compacted, topic.compacted),
        )
    ]
