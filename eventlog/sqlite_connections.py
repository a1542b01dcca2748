"""The embedded log's reading side: a few threads, a connection for each, off the event loop."""

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from eventlog.sqlite_file import LogFile

T = TypeVar("T")

THREADS: Final = 4
"""Readers that read at the same moment; SQLite lets go of the interpreter's lock while it works."""


class Connections:
    """Runs reading work in threads. Close it at the end."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"sandik-log-{file.path.name}-read")

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a connection of its own. Raises what `LogFile.translated` makes of SQLite's errors."""
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
        """Wait for what runs, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get_nowait().close()
