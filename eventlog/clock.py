"""Clocks. Nothing else in sandik asks what time it is, so any night can be played at any speed, and twice the same.

`Wall` is the real one, `Replay` runs event time at a speed, `Manual` stands still until a test moves it.
"""

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, and a way to wait."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never steps back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock; at once for none or fewer."""
        ...


class Wall:
    """The machine's own clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class Replay:
    """Event time that starts at `start` and runs `speed` times as fast as the clock below it."""

    def __init__(self, start: datetime, speed: float, below: Clock) -> None:
        self._start = start
        self._speed = speed
        self._below = below
        self._began = below.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (self._below.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        await self._below.sleep(seconds / self._speed)

    async def sleep_until(self, moment: datetime) -> None:
        """Return once it is `moment`; at once if it was."""
        await self.sleep((moment - self.now()).total_seconds())


class Manual:
    """A clock that only a test moves."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._count, woken))
        await woken.wait()

    def advance(self, seconds: float) -> None:
        """Move on, and wake whoever was to be woken by then."""
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            heapq.heappop(self._sleepers)[2].set()

    def set(self, moment: datetime) -> None:
        """Show another time, as a clock that is set forward or back; no time passes by it."""
        self._now = moment
