"""A simulated process: a loop of the product, a line to the log, a clock; it dies, and is started again."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.seeded.clock import SimulatedClock
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import Call, SimulatedLog
from tests.simulation.seeded.store import Store

ENDING_S: Final = 8.0
"""How long a process may take to end once it was asked to: longer than any loop waits for the log at its end."""

_RESTART_S: Final = (0.3, 2.0)
"""After how long whoever watches over processes starts one again."""


@dataclass
class Life:
    """One life of a process: what it was started with."""

    log: SimulatedLog
    line: Line
    clock: SimulatedClock
    chance: random.Random


Work = Callable[[Life], Coroutine[Any, Any, object]]


class Process:
    """One process of the night. It is started again however it ends, as a machine's supervisor does it."""

    def __init__(
        self,
        name: str,
        work: Work,
        store: Store,
        clocks: dict[str, float],
        chance: random.Random,
        record: Callable[[str], None],
        wrong: Callable[[str], None],
    ) -> None:
        self.name = name
        self.ended: Callable[[], None] = lambda: None
        """Called as soon as it is no more."""
        self._work = work
        self._store = store
        self._clocks = clocks
        self._chance = chance
        self._record = record
        self._wrong = wrong
        self._line = Line(name, chance)
        self._task: asyncio.Task[None] | None = None
        self._lives: set[asyncio.Task[None]] = set()
        """Those that have not ended yet: one that has died still lets go of what it holds, such as a file's lock."""
        self._is_over = False

    def start(self) -> None:
        """Begin a life."""
        if self._is_over:
            return
        line = Line(self.name, self._chance, self.die)
        line.inherit(self._line)
        self._line = line
        log = SimulatedLog(self._store, line, self._note)
        life = Life(log, line, SimulatedClock(line, self._clocks), self._chance)
        self._task = asyncio.get_running_loop().create_task(self._live(life))
        self._lives.add(self._task)
        self._task.add_done_callback(self._lives.discard)

    def strike(self, fault: Fault) -> None:
        """Let a fault happen to it."""
        self._line.strike(fault, asyncio.get_running_loop().time())

    def heal(self) -> None:
        """From now on nothing happens to it."""
        self._line.heal()

    def die(self) -> None:
        """End between two steps, as when power fails: nothing that it still does reaches anybody."""
        if self._line.is_dead or self._task is None or self._task.done():
            return
        self._line.is_dead = True
        self._record(f"{self.name} dies")
        self._end(self._task)
        self.ended()
        self._come_back()

    async def stop(self) -> None:
        """Ask it to end, for good, and wait until it has, and whatever is left of its lives before."""
        self._is_over = True
        if self._task is not None:
            self._end(self._task)
        if self._lives:
            await asyncio.wait(self._lives.copy(), timeout=2 * ENDING_S)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Ask a life to end; that it goes on all the same is wrong."""

        def look() -> None:
            if not task.done():
                self._wrong(f"{self.name} was asked to end, and goes on")

        task.cancel()
        asyncio.get_running_loop().call_later(ENDING_S, look)

    async def _live(self, life: Life) -> None:
        try:
            async with life.log:
                await self._work(life)
        except asyncio.CancelledError:
            how = "cancelled"
        except Exception as error:  # noqa: BLE001  whatever it is, the process ends by it, and says so
            how = type(error).__name__  # what it says may name a folder of this moment alone
        else:
            how = "returned"
        if not life.line.is_dead and not self._is_over:
            self._record(f"{self.name} ends: {how}")
            self.ended()
            self._come_back()

    def _come_back(self) -> None:
        asyncio.get_running_loop().call_later(self._chance.uniform(*_RESTART_S), self.start)

    def _note(self, call: Call) -> None:
        self._record(f"{call.process} {call.what} {call.topic} {call.came_to}")
