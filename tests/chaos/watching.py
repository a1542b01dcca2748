"""Seeing that a process moves: a number of each that grows while it does its work."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos import feed
from tests.patience import LIMIT_S
from tests.simulation.processes import Screen

LOOK_EVERY_S: Final = 0.2
PATIENCE_S: Final = 4 * LIMIT_S
"""After which somebody counts as frozen. A stack is many processes, and where it is busy all of them are slow."""
_ANSWER_S: Final = 5.0
_GLANCE_S: Final = 0.3
_LARGEST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is watched, and what to ask for how far it is; `None` while it does not answer."""

    who: str
    look: Callable[[], Awaitable[float | None]]

    async def now(self) -> float:
        """How far it is, once it says so."""
        while (found := await self.look()) is None:  # noqa: ASYNC110  another process has no event to set
            await asyncio.sleep(LOOK_EVERY_S)
        return found

    async def glance(self) -> float | None:
        """How far it is, if it says so at once."""
        try:
            async with asyncio.timeout(_GLANCE_S):
                return await self.look()
        except TimeoutError:
            return None

    async def moves(self, times: int = 2) -> None:
        """Return once it has got further so many times in a row of looks, each from where it was at the last."""
        last = await self.now()
        while times:
            await asyncio.sleep(LOOK_EVERY_S)
            found = await self.now()
            if found > last:
                times -= 1
            last = found  # one that was started again counts from 0


async def frozen(watches: Iterable[Watch]) -> list[str]:
    """Who does not move, each looked at for as long as a test waits."""

    async def one(watch: Watch) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await watch.moves()
        except TimeoutError:
            return f"{watch.who} has not moved for {PATIENCE_S} s"
        return None

    return [found for found in await asyncio.gather(*map(one, watches)) if found is not None]


async def shown(screen: Screen) -> float | None:
    """How far a gateway's client is."""
    return screen.seq


async def acknowledged(memory: Path) -> float | None:
    """How much of the feed the log has."""
    return feed.acknowledged(memory)


async def scraped(port: int, metric: str) -> float | None:
    """The sum of a metric, over all its labels."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
                text = (await reader.read(_LARGEST_BYTES)).decode()
                while piece := await reader.read(_LARGEST_BYTES):
                    text += piece.decode()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    found = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(metric)]
    return sum(found) if found else None
