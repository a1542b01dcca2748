"""The embedded log's threads: one that writes, with group commit, a few that read, and the waking of waiting readers.

A disk flushes some hundred times a second. So the jobs that come in during one flush share the next one: a transaction
for many. Each job is atomic all the same: where a shared transaction fails, it is rolled back, and its jobs run again
one by one.
"""

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from eventlog.port import Batch
from eventlog.sqlite.commits import Commits, Inbox, Touches, touch
from eventlog.sqlite.file import LogFile, Turns
from schemas.errors import LogUnavailable, SandikError

T = TypeVar("T")

MAX_GROUP_RECORDS: Final = 20_000
"""What one transaction takes at most: some 50 ms of inserting, for which nobody else can write."""

THREADS: Final = 4
"""Reads at the same moment. SQLite releases the interpreter's lock while it works, so they do run in parallel."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Work for one transaction, and `afterwards`, which runs in a later one, once the first is acknowledged.

    `weight` is how many records it inserts, about; `topic` the one whose readers are woken when it is durable.
    """

    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    topic: str | None = None
    weight: int = 1
    afterwards: Callable[[Any, sqlite3.Connection], None] | None = None


_Outcome = tuple[Job, Any, BaseException | None]


class Writer:
    """Runs jobs in a thread with one connection, in the order in which they are submitted.

    Call order: `start()`, then any number of `submit()`, then `stop()`.
    """

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._inbox: Inbox[Job | None] = Inbox()  # `None` is the end
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"sandik-log-{file.path.name}", daemon=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._stopping = False
        self.wakeups = Wakeups(self._inbox.watch)

    async def start(self) -> None:
        """Start the thread and open the file in it. Raises what opening raises; then no thread is left behind."""
        self._thread.start()
        try:
            await asyncio.shield(self._opened)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Run the jobs that were submitted, close the connection, and end the thread."""
        self._stopping = True
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    async def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        topic: str | None = None,
        weight: int = 1,
        afterwards: Callable[[T, sqlite3.Connection], None] | None = None,
    ) -> T:
        """Run `work` in a transaction, and return its result once that is durable. Raises what `work` raises.

        Readers of `topic` are woken then. `afterwards` gets the result, in a later transaction that nobody waits for.
        Raises `RuntimeError` where the writer was stopped.
        """
        if self._stopping:
            raise RuntimeError("the log is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._inbox.put(Job(work, future, topic, weight, afterwards))
        return await future

    def _run(self) -> None:
        with closing(self._inbox):
            try:
                self._file.ensure()
                connection = self._file.open()
                self._file.same.check()
            except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the one who waits for `start`
                self._loop.call_soon_threadsafe(self._opened.set_exception, error)
                return
            if touches := Touches.watch(self._file.real):
                self._inbox.hear(touches)
            self._loop.call_soon_threadsafe(self._opened.set_result, None)
            with closing(connection):
                self._serve(connection)

    def _serve(self, connection: sqlite3.Connection) -> None:
        commits, running = Commits(connection), True
        with closing(Turns(connection, self._file.real)) as turns:
            while running:
                self._inbox.sleep()
                group, running = self._next_group()
                if group:
                    self._write(turns, group)
                if running and self._inbox.is_watching:
                    self._look(connection, commits)

    def _write(self, turns: Turns, group: list[Job]) -> None:
        outcomes = self._commit(turns, group)
        self._loop.call_soon_threadsafe(self._finish, outcomes)
        if any(job.topic is not None and error is None for job, _, error in outcomes):
            touch(self._file.real)
        self._do_afterwards(turns, outcomes)

    def _look(self, connection: sqlite3.Connection, commits: Commits) -> None:
        """Look what others have committed, and wake the readers that wait for it.

        Only this connection is always there to see whether another process committed: they depend on it.
        """
        self._inbox.forget_touches()
        grown = commits.grown()
        if grown is None or grown:
            fetched = self._fetch(connection, self.wakeups.fetches(grown))
            self._loop.call_soon_threadsafe(self.wakeups.wake, grown, fetched)

    def _fetch(self, connection: sqlite3.Connection, fetches: "Mapping[_Waiter, Fetch]") -> "dict[_Waiter, Fetched]":
        """Read for the readers that wait, which saves each of them a thread.

        Whether the file is still the same, whoever appended has asked; to another file nothing is appended here, and
        a reader that waits in vain asks.
        """
        found: dict[_Waiter, Fetched] = {}
        for waiter, fetch in fetches.items():
            with contextlib.suppress(Exception):  # the reader meets it where it tries itself
                found[waiter] = fetch(connection)
        return found

    def _next_group(self) -> tuple[list[Job], bool]:
        """Take the jobs that wait, for one transaction, and whether the writer goes on after them."""
        group: list[Job] = []
        weight = 0
        while weight < MAX_GROUP_RECORDS and self._inbox:
            job = self._inbox.take()
            if job is None:
                return group, False
            group.append(job)
            weight += job.weight
        return group, True

    def _commit(self, turns: Turns, group: list[Job]) -> list[_Outcome]:
        try:
            results = self._transact(turns, [job.work for job in group])
        except LogUnavailable as error:  # the file is locked: each job by itself would wait as long again
            return [(job, None, error) for job in group]
        except Exception as error:  # noqa: BLE001  it goes to whoever submitted the job
            if len(group) == 1:
                return [(group[0], None, error)]
            # One job of the group failed, and took the others' work with it: run each in a transaction of its own.
            return [outcome for job in group for outcome in self._commit(turns, [job])]
        return [(job, result, None) for job, result in zip(group, results, strict=True)]

    def _transact(self, turns: Turns, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        self._file.same.check()
        connection = turns.connection
        with self._file.translated():
            turns.begin()
            try:
                results = [work(connection) for work in works]
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite ends it by itself where the disk is full
                    connection.execute("ROLLBACK")
                raise
        self._file.same.check()  # again, before it is acknowledged: the file may have been replaced meanwhile
        return results

    def _do_afterwards(self, turns: Turns, outcomes: list[_Outcome]) -> None:
        for job, result, error in outcomes:
            if error is None and job.afterwards is not None:
                try:
                    self._transact(turns, [partial(job.afterwards, result)])
                except SandikError as failure:
                    _log.warning("Housekeeping of the log was put off: %s", failure)
                except Exception:  # noqa: BLE001  the log goes on without it
                    _log.exception("Housekeeping of the log failed")

    def _finish(self, outcomes: list[_Outcome]) -> None:
        for job, result, error in outcomes:
            if job.topic is not None and error is None:
                self.wakeups.wake((job.topic,))
            if job.future.done():  # the caller was cancelled
                continue
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)


class Connections:
    """Runs reading work in threads, each time on a connection that no other thread uses. Call `close()` at the end."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"sandik-log-{file.path.name}-read")

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a thread. Raises what `LogFile.translated` makes of SQLite's errors."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._borrow, work)

    def _borrow(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._file.same.check()
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._file.open()
        try:
            with self._file.translated():
                return work(connection)
        finally:
            self._idle.put(connection)

    async def close(self) -> None:
        """Wait for the work that runs, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get_nowait().close()


class Fetched(NamedTuple):
    """What was read for a reader: batches, whether that is all there is, and how many appends were noticed before."""

    batches: list[Batch]
    is_end: bool
    seen: int = 0


Fetch = Callable[[sqlite3.Connection], Fetched]
"""Reads for one reader; it is called in the writer's thread, while the reader waits."""

_Waiter = asyncio.Future[Fetched | None]
_NOTHING: Final[Mapping[_Waiter, Fetched]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Wait:
    topic: str
    fetch: Fetch


class Wakeups:
    """Counts the appends to each topic, and lets readers wait for the next. To be used on one event loop.

    Call order: `seen(topic)`, then read, and where nothing was found `wait(topic, seen, …)`. So an append between the
    read and the wait is not missed: the count has moved on by then. `on_watch` is called with `True` when the first
    reader begins to wait, and with `False` when the last one has ended. `fetches` alone is for another thread.
    """

    def __init__(self, on_watch: Callable[[bool], None]) -> None:
        self._on_watch = on_watch
        self._counts: dict[str, int] = {}
        self._everywhere = 0
        self._waiting: dict[_Waiter, _Wait] = {}

    def seen(self, topic: str) -> int:
        """Return how many appends to the topic were noticed so far."""
        return self._counts.get(topic, 0) + self._everywhere

    def wake(self, topics: Collection[str] | None, fetched: Mapping[_Waiter, Fetched] = _NOTHING) -> None:
        """Count an append to each of the topics, to every one where it is not known which (`None`); wake who waits.

        It is handed what was `fetched` for it. Who no longer waits reads that itself: its positions are unchanged.
        """
        if topics is None:
            self._everywhere += 1
        for topic in topics or ():
            self._counts[topic] = self._counts.get(topic, 0) + 1
        for waiter, wait in self._waiting.items():
            if topics is None or wait.topic in topics:
                found = fetched.get(waiter)
                _end_wait(waiter, found and found._replace(seen=self.seen(wait.topic)))

    def fetches(self, topics: Collection[str] | None) -> dict[_Waiter, Fetch]:
        """Return how to read for those who wait for these topics; for any, where it is not known which (`None`)."""
        waiting = self._waiting.copy()
        return {waiter: wait.fetch for waiter, wait in waiting.items() if topics is None or wait.topic in topics}

    async def wait(self, topic: str, seen: int, seconds: float, fetch: Fetch) -> Fetched | None:
        """Return once more was appended than had been `seen`, or after so many seconds.

        Returns what `fetch` has read in the writer's thread, where that noticed the append; else `None`.
        """
        if seconds <= 0 or self.seen(topic) != seen:
            return None
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._waiting[waiter] = _Wait(topic, fetch)
        if len(self._waiting) == 1:
            self._on_watch(True)  # noqa: FBT003  the callback's only argument
        timer = loop.call_later(seconds, _end_wait, waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            del self._waiting[waiter]
            if not self._waiting:
                self._on_watch(False)  # noqa: FBT003  as above


def _end_wait(waiter: _Waiter, fetched: Fetched | None = None) -> None:
    if not waiter.done():
        waiter.set_result(fetched)
