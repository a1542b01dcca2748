"""A process's clock: the loop's virtual time, and a wall clock that somebody may set forward or back."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.builders import NIGHT
from tests.simulation.seeded.line import Line


class SimulatedClock:
    """The clock of one process. A process that stands still wakes up late."""

    def __init__(self, line: Line, set_by_s: Mapping[str, float]) -> None:
        self._line = line
        self._set_by_s = set_by_s

    def now(self) -> datetime:
        return NIGHT + timedelta(seconds=self.monotonic() + self._set_by_s.get(self._line.name, 0.0))

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
        await self._line.stand()
