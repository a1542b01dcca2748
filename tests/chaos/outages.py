"""Outages of 1 to 60 seconds: after each, every gateway and aggregator moves again within so many seconds.

Several stacks suffer outages of their own at the same time; those of brokers reach all stacks, and come in between.
"""

import asyncio
import math
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from eventlog.clock import Clock, Wall
from sandik.wiring import open_log
from schemas.errors import LogError
from tests.chaos.faults import Fault, draw_for_brokers, draw_for_stack
from tests.chaos.stack import Stack
from tests.chaos.watching import LOOK_EVERY_S, PATIENCE_S, Watch, frozen
from tests.kafka.cluster import Cluster

SHORTEST_S: Final = 1.0
LONGEST_S: Final = 60.0

BOUND_S: Final = 15.0
"""Within which everybody moves again."""

IN_A_ROW: Final = 6
OF_BROKERS: Final = 2
"""Outages that a stack has of its own, one after the other, and those of brokers that come then."""

GLANCE_S: Final = 0.8
"""Before an outage's end it is seen for so long who stands still."""

_REST_S: Final = (0.5, 3.0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How somebody came through an outage: moved again after `seconds`, or ended with an exit code, or neither."""

    stack: int
    who: str
    seconds: float | None
    code: int | None = None
    stood: bool = False
    """Whether it stood still at the outage's end; others went on, since it did not reach them."""

    @property
    def is_promised(self) -> bool:
        """Whether it is one of those that must move again in time: a gateway or an aggregator."""
        return self.who.startswith(("gateway", "aggregator"))

    @property
    def in_time(self) -> bool:
        """Whether the promise was kept."""
        return self.code is not None or (self.seconds is not None and self.seconds <= BOUND_S)


@dataclass(slots=True)
class Outage:
    """One outage, and how everybody came through it."""

    number: int
    fault: Fault
    stack: int | None
    duration_s: float
    at: datetime | None = None
    lasted_s: float = 0.0
    """Until all was well again: a broker that was killed has said by then that it is started."""
    recoveries: list[Recovery] = field(default_factory=list)


class Outages:
    """So many outages, drawn from a seed."""

    def __init__(
        self,
        stacks: Sequence[Stack],
        cluster: Cluster,
        seed: int,
        clock: Clock,
        *,
        longest_s: float = LONGEST_S,
        in_a_row: int = IN_A_ROW,
        only: Collection[str] = (),
    ) -> None:
        self.done: list[Outage] = []
        self._stacks = stacks
        self._cluster = cluster
        self._seed = seed
        self._longest_s = longest_s
        self._in_a_row = in_a_row
        self._only = only
        self._clock = clock
        self._begun = 0

    async def run(self, count: int, tell: Callable[[Outage], None] = lambda _: None) -> None:
        """Have so many outages, `tell` of each when it is over."""
        chances = {stack.number: random.Random(f"{self._seed}/{stack.number}") for stack in self._stacks}
        brokers = random.Random(f"{self._seed}/brokers")
        while self._begun < count:
            async with asyncio.TaskGroup() as group:
                for stack in self._stacks:
                    group.create_task(self._row(stack, chances[stack.number], count, tell))
            for _ in range(min(OF_BROKERS, count - self._begun)):
                fault = draw_for_brokers(self._cluster, brokers, self._only)
                if fault is not None:
                    await self._one(fault, self._stacks, self._duration_s(brokers), tell)

    async def _row(self, stack: Stack, chance: random.Random, count: int, tell: Callable[[Outage], None]) -> None:
        for _ in range(self._in_a_row):
            if self._begun >= count:
                return
            fault = draw_for_stack(stack, self._cluster, chance, self._only)
            if fault is None:
                return
            await self._one(fault, [stack], self._duration_s(chance), tell)
            await self._clock.sleep(chance.uniform(*_REST_S))

    def _duration_s(self, chance: random.Random) -> float:
        """As many between 1 and 2 seconds as between 30 and 60."""
        return math.exp(chance.uniform(math.log(SHORTEST_S), math.log(self._longest_s)))

    async def _one(
        self, fault: Fault, stacks: Sequence[Stack], duration_s: float, tell: Callable[[Outage], None]
    ) -> None:
        self._begun += 1
        outage = Outage(
            self._begun, fault, None if fault.everybody else stacks[0].number, duration_s, self._clock.now()
        )
        for stack in stacks:  # nobody may be frozen when the next outage comes
            stack.wrong += [f"{stack.name}: {who}" for who in await frozen(stack.watches.values())]
        began, outage.at = self._clock.monotonic(), self._clock.now()
        async with fault.lasts():
            await self._clock.sleep(duration_s - GLANCE_S)
            stood = await self._standing_still(stacks)
        outage.lasted_s = self._clock.monotonic() - began
        found = await asyncio.gather(*(self._recoveries(stack, began) for stack in stacks))
        outage.recoveries = [
            replace(recovery, stood=(recovery.stack, recovery.who) in stood) for stack in found for recovery in stack
        ]
        self.done.append(outage)
        tell(outage)

    async def _standing_still(self, stacks: Sequence[Stack]) -> set[tuple[int, str]]:
        watches = {(stack.number, who): watch for stack in stacks for who, watch in stack.watches.items()}
        before = await asyncio.gather(*(watch.glance() for watch in watches.values()))
        await self._clock.sleep(GLANCE_S)
        after = await asyncio.gather(*(watch.glance() for watch in watches.values()))
        pairs = zip(watches, before, after, strict=True)
        return {which for which, was, now in pairs if was is None or now is None or now <= was}

    async def _recoveries(self, stack: Stack, began: float) -> list[Recovery]:
        ended_s = self._clock.monotonic()
        end = asyncio.create_task(_end_of_totals(stack, self._cluster))
        works = [self._recovery(stack, watch, began, ended_s, end) for watch in stack.watches.values()]
        return list(await asyncio.gather(*works))

    async def _recovery(
        self, stack: Stack, watch: Watch, began: float, ended_s: float, end: asyncio.Task[int]
    ) -> Recovery:
        moving = asyncio.create_task(_moved(watch, end))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not moving.done():
                    codes = [code for at, who, code in stack.ended if who == watch.who and at >= began]
                    if codes:
                        return Recovery(stack.number, watch.who, None, codes[-1])
                    await asyncio.wait({moving}, timeout=LOOK_EVERY_S)
                return Recovery(stack.number, watch.who, self._clock.monotonic() - ended_s)
        except TimeoutError:
            return Recovery(stack.number, watch.who, None)
        finally:
            moving.cancel()


async def _moved(watch: Watch, end: asyncio.Task[int]) -> None:
    """A gateway has moved once its client has more than the log held when the outage ended; others once they grow."""
    if watch.who.startswith("gateway"):
        while await watch.now() <= await asyncio.shield(end):  # noqa: ASYNC110  another process has no event to set
            await asyncio.sleep(LOOK_EVERY_S)
    else:
        await watch.moves()


async def _end_of_totals(stack: Stack, cluster: Cluster) -> int:
    """How far the totals topic goes, asked past all proxies, as soon as it can be asked."""
    while True:
        try:
            async with open_log(f"kafka://{cluster.servers}", Wall()) as log:
                return (await log.end_offsets(stack.run.topics.totals.name))[0]
        except LogError:
            await asyncio.sleep(LOOK_EVERY_S)
