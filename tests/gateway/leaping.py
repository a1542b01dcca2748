"""A clock for a gateway that runs for real, where a test does not want to wait."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from eventlog.clock import Wall


class Leaping(Wall):
    """The machine's own clock, which goes on by itself and further where a test says so."""

    def __init__(self) -> None:
        self._leapt_s = 0.0
        self._leap = asyncio.Event()

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._leapt_s)

    def monotonic(self) -> float:
        return super().monotonic() + self._leapt_s

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left_s := until - self.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._leap.wait()
        await asyncio.sleep(0)

    def leap(self, seconds: float) -> None:
        """Go on so far at once, and wake whoever was to be woken by then."""
        self._leapt_s += seconds
        self._leap.set()
        self._leap = asyncio.Event()
