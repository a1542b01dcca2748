"""The metrics of all workers behind one port: whichever of them is asked at `/metrics` asks the others.

The kernel deals connections out among the workers, so a scrape reaches one of them, and another one the next time. Each
listens at a Unix socket in a folder that only they can open. A worker that does not answer is told as down, and keeps
nobody waiting for long. Whether it may be told what counts the night, each worker decides for itself.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn

from eventlog.clock import Clock
from gateway.admission.access import PUBLIC, Grant
from gateway.health import workers_up

ANSWER_S: Final = 1.0
"""How long a worker may take to answer another one: twenty ticks, and a tenth of the time that a scrape has."""

AGAIN_S: Final = 30.0
"""When to try again to listen for the others: twice in the time in which an alert of a worker that is down fires."""

_CONTROL_ROOM: Final = b"c"
_PUBLIC: Final = b"p"
"""The whole of a question: for whom the answer is."""


_log: Final = logging.getLogger(__name__)


class WorkerMetrics:
    """One worker among those of a port. `expose` gives its own metrics to whoever has a grant."""

    def __init__(self, folder: Path, run: str, number: int, count: int, expose: Callable[[Grant], bytes]) -> None:
        self._folder = folder
        self._run = run
        self._number = number
        self._count = count
        self._expose = expose

    async def serve(self, clock: Clock) -> NoReturn:
        """Answer the other workers until cancelled.

        Where the socket cannot be made (the path is too long, the disk is full), the log says so and it is tried again:
        viewers are served meanwhile, and the others tell this worker as down.
        """
        while True:
            try:
                await self._listen()
            except OSError as error:
                _log.warning("The other workers cannot ask this one for its metrics: %s", error)
            await clock.sleep(AGAIN_S)

    async def _listen(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleared the folder of temporary files
        path = self._path(self._number)
        path.unlink(missing_ok=True)  # of a worker of this number that has died
        server = await asyncio.start_unix_server(self._answer, path)
        async with server:
            await server.serve_forever()

    async def scrape(self, grant: Grant) -> bytes:
        """The metrics of all workers, those of each metric together as the text format has it."""
        others = [number for number in range(1, self._count + 1) if number != self._number]
        question = _CONTROL_ROOM if grant.allows("control_room") else _PUBLIC
        answers = await asyncio.gather(*(self._ask(number, question) for number in others))
        found = {number: answer for number, answer in zip(others, answers, strict=True) if answer is not None}
        found[self._number] = self._expose(grant)
        is_up = {number: number in found for number in range(1, self._count + 1)}
        return merged([*(found[number] for number in sorted(found)), workers_up(self._run, is_up)])

    async def _ask(self, number: int, question: bytes) -> bytes | None:
        """What another worker answers; `None` where it does not."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    writer.write(question)
                    return await reader.read() or None
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                question = await reader.read(1)
                writer.write(self._expose(Grant(scope="control_room") if question == _CONTROL_ROOM else PUBLIC))
                await writer.drain()
        except (OSError, TimeoutError):  # who asked has gone
            return
        finally:
            writer.close()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"


def merged(texts: Iterable[bytes]) -> bytes:
    """Several answers as one: the samples of each metric together, behind its one description."""
    families: dict[bytes, list[bytes]] = {}
    for text in texts:
        name = b""
        for line in text.splitlines():
            if line.startswith(b"# HELP "):
                name = line.split(b" ", 3)[2]
            lines = families.setdefault(name, [])
            if not line.startswith(b"#") or line not in lines:
                lines.append(line)
    return b"".join(line + b"\n" for lines in families.values() for line in lines)
