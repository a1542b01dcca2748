"""The line between the conductor and one of its processes: objects through a pipe, taken by an event loop."""

import asyncio
from multiprocessing.connection import Connection as Pipe
from typing import Self


class HungUp(Exception):
    """The other side is gone."""


class PipeEnd:
    """One end. Use as a context manager; it closes the pipe."""

    def __init__(self, pipe: "Pipe[object, object]") -> None:
        self._pipe = pipe
        self._came: asyncio.Queue[object | HungUp] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._pipe.fileno(), self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()

    def say(self, what: object) -> None:
        """Send something. Raises `HungUp`."""
        try:
            self._pipe.send(what)
        except OSError as error:
            raise HungUp from error

    async def hear(self) -> object:
        """What comes next. Raises `HungUp` once nothing more can."""
        came = await self._came.get()
        if isinstance(came, HungUp):
            self._came.put_nowait(came)
            raise came
        return came

    def _take(self) -> None:
        try:
            while self._pipe.poll():
                self._came.put_nowait(self._pipe.recv())
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            self._came.put_nowait(HungUp())
