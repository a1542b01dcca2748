"""A process's line to the simulated log: how long a call takes, and which faults wait for it."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from schemas.errors import LogError, LogUnavailable
from tests.simulation.seeded.faults import AT_APPEND, Fault, Kind

_TRAVEL_S: Final = (0.0002, 0.02)
"""How long one way takes: within a rack, or over a busy network."""

_AT_ONCE: Final = 0.6
"""The part of all answers that are there at once: what matters is that others may come between, not how often."""


class Line:
    """What lies between one process and the log. Without `chance` a call takes no time, and nothing ever happens."""

    def __init__(
        self, name: str = "", chance: random.Random | None = None, die: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self.is_dead = False
        self.muted_until_s = 0.0
        self.evicted_until_s = 0.0
        self._chance = chance
        self._die = die
        self._waiting: list[Fault] = []
        self._crash_in: int | None = None
        self._away_until_s = 0.0
        self._refused_until_s = 0.0
        self._stalled_until_s = 0.0

    def strike(self, fault: Fault, now_s: float) -> None:
        """Let a fault happen, now or at the call that it is about."""
        match fault.kind:
            case "crash":
                self._crash_in = int(fault.amount)
            case "outage":
                self._away_until_s = now_s + fault.amount
            case "refused":
                self._refused_until_s = now_s + fault.amount
            case "kill" if self._die is not None:
                self._die()
            case "mute":
                self.muted_until_s = now_s + fault.amount
            case "stall":
                self._stalled_until_s = now_s + fault.amount
            case "evict":
                self.evicted_until_s = now_s + fault.amount
            case _:
                self._waiting.append(fault)

    def inherit(self, other: "Line") -> None:
        """Take over what was to happen to the process before it was started again."""
        self._waiting = other._waiting
        self._away_until_s, self._refused_until_s = other._away_until_s, other._refused_until_s

    def heal(self) -> None:
        """Forget every fault that still waits."""
        self._waiting.clear()
        self._crash_in = None

    async def go(self) -> None:
        """The way to the log. Raises what a process is told whose log does not answer."""
        if self._stalled_until_s:
            await self.stand()
        await asyncio.sleep(0 if self._chance is None else self._chance.uniform(*_TRAVEL_S))
        if self._stalled_until_s:
            await self.stand()
        self._arrive()

    async def come_back(self) -> None:
        """The way from the log. Raises as the way there does."""
        if self._stalled_until_s:
            await self.stand()
        if self._chance is not None and self._chance.random() < _AT_ONCE:
            self._arrive()
        else:
            await self.go()

    def _arrive(self) -> None:
        self.count()
        if self.is_dead or self._now_s() < self._away_until_s:
            raise LogUnavailable(f"{self.name} does not reach the log.")
        if self._now_s() < self._refused_until_s:
            raise LogError(f"{self.name} may not use the log.")

    def count(self) -> None:
        """Something is about to reach the log or the disk: the process may die just before."""
        if self._crash_in is not None and not self.is_dead:
            self._crash_in -= 1
            if self._crash_in < 0 and self._die is not None:
                self._die()

    async def stand(self) -> None:
        """Stand still while the process does."""
        while (left_s := self._stalled_until_s - self._now_s()) > 0:  # noqa: ASYNC110  a stall may be made longer
            await asyncio.sleep(left_s)

    def next_append(self) -> Fault | None:
        """What happens to the append that is about to be written."""
        self._cancel_if_so()
        return self._take(lambda kind: kind in AT_APPEND)

    def look(self) -> None:
        """Raise what happens to the read that is about to be answered."""
        self._cancel_if_so()
        if self._take(lambda kind: kind == "read_error") is not None:
            raise LogUnavailable(f"{self.name} could not read.")

    def some(self, most: int) -> int:
        """How many records one answer holds at most: any number, as batches on a network are."""
        if self._chance is None or most < 2:
            return most
        return self._chance.randint(1, min(most, 30))

    def _cancel_if_so(self) -> None:
        if self._take(lambda kind: kind == "stray_cancel") is not None:
            raise asyncio.CancelledError

    def _take(self, wanted: Callable[[Kind], bool]) -> Fault | None:
        for index, fault in enumerate(self._waiting):
            if wanted(fault.kind):
                return self._waiting.pop(index)
        return None

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
