"""The embedded log's writer: one thread, one connection, and many jobs in one transaction (group commit).

A disk flushes some hundred times a second; what came in meanwhile shares the next flush. Each job is atomic all the
same: where a shared transaction fails, it is rolled back and its jobs run again one by one.
"""

import asyncio
import enum
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from eventlog.sqlite_file import LogFile
from eventlog.wakeups import Wakeups
from schemas.errors import LogUnavailable, SandikError

T = TypeVar("T")

POLL_S: Final = 0.02
"""How often to ask whether another process appended, while a reader waits: within 50 ms is promised."""

MAX_GROUP_RECORDS: Final = 20_000
"""What one transaction takes at most: some 50 ms of inserting, for which nobody else can write."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do in a transaction, and what to do in another one once the first is acknowledged."""

    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    topic: str | None = None
    weight: int = 1
    afterwards: Callable[[Any, sqlite3.Connection], None] | None = None


class _Signal(enum.Enum):
    """What else goes through the queue of jobs."""

    STOP = enum.auto()
    NUDGE = enum.auto()
    """Ends the writer's wait, so that it looks at `_watching` again."""


_Outcome = tuple[Job, Any, BaseException | None]


class Writer:
    """Runs jobs in the order given. `start` before anything else, `stop` at the end."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._jobs: queue.SimpleQueue[Job | _Signal] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"sandik-log-{file.path.name}", daemon=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._watching = False
        self._stopping = False
        self.wakeups = Wakeups(self._watch)

    async def start(self) -> None:
        """Open the file in the writer's thread, or leave none behind. Raises what opening raises."""
        self._thread.start()
        try:
            await asyncio.shield(self._opened)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish what was submitted, close the connection, end the thread."""
        self._stopping = True
        self._jobs.put(_Signal.STOP)
        await asyncio.to_thread(self._thread.join)

    async def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        topic: str | None = None,
        weight: int = 1,
        afterwards: Callable[[T, sqlite3.Connection], None] | None = None,
    ) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        Readers of `topic` are woken then. `afterwards` gets the result in a transaction that nobody waits for.
        """
        if self._stopping:
            raise RuntimeError("the log is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(Job(work, future, topic, weight, afterwards))
        return await future

    def _watch(self, watching: bool) -> None:  # noqa: FBT001  a callback's only argument
        self._watching = watching
        if watching:
            self._jobs.put(_Signal.NUDGE)

    def _run(self) -> None:
        try:
            self._file.ensure()
            connection = self._file.open()
            self._file.same.check()
        except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the one who waits for `start`
            self._loop.call_soon_threadsafe(self._opened.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        with closing(connection):
            self._serve(connection)

    def _serve(self, connection: sqlite3.Connection) -> None:
        version = _data_version(connection)
        running = True
        while running:
            group, running = self._next_group()
            if group:
                outcomes = self._commit(connection, group)
                self._loop.call_soon_threadsafe(self._finish, outcomes)
                self._do_afterwards(connection, outcomes)
            if self._watching and running and version != (version := _data_version(connection) or version):
                self._loop.call_soon_threadsafe(self.wakeups.wake, None)

    def _next_group(self) -> tuple[list[Job], bool]:
        """The jobs that wait, a transaction's worth at most, and whether there will be more."""
        group: list[Job] = []
        weight = 0
        try:
            job = self._jobs.get(timeout=POLL_S if self._watching else None)
            while job is not _Signal.STOP:
                if isinstance(job, Job):
                    group.append(job)
                    weight += job.weight
                    if weight >= MAX_GROUP_RECORDS:
                        return group, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group, True
        return group, False

    def _commit(self, connection: sqlite3.Connection, group: list[Job]) -> list[_Outcome]:
        try:
            results = self._transact(connection, [job.work for job in group])
        except LogUnavailable as error:  # it would take as long again for each of them
            return [(job, None, error) for job in group]
        except Exception as error:  # noqa: BLE001  it goes to whoever submitted the job
            if len(group) == 1:
                return [(group[0], None, error)]
            return [outcome for job in group for outcome in self._commit(connection, [job])]
        return [(job, result, None) for job, result in zip(group, results, strict=True)]

    def _transact(self, connection: sqlite3.Connection, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        self._file.same.check()
        with self._file.translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                results = [work(connection) for work in works]
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has ended it already
                    connection.execute("ROLLBACK")
                raise
        self._file.same.check()  # what is acknowledged is in the file that everybody reads
        return results

    def _do_afterwards(self, connection: sqlite3.Connection, outcomes: list[_Outcome]) -> None:
        for job, result, error in outcomes:
            if error is None and job.afterwards is not None:
                try:
                    self._transact(connection, [partial(job.afterwards, result)])
                except SandikError as failure:
                    _log.warning("Housekeeping of the log was put off: %s", failure)
                except Exception:  # noqa: BLE001  the log goes on without it
                    _log.exception("Housekeeping of the log failed")

    def _finish(self, outcomes: list[_Outcome]) -> None:
        for job, result, error in outcomes:
            if job.topic is not None and error is None:
                self.wakeups.wake(job.topic)
            if job.future.done():  # its caller was cancelled
                continue
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)


def _data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection, of any process, has committed; 0 if it cannot be had."""
    try:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.Error:  # the disk failed: appends and reads will say so
        return 0
