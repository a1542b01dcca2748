"""`kill -9` by the hundred: of every process of every stack, and of the brokers below them.

In rounds: some seconds in which processes are killed at random moments, several at a time, and perhaps a broker, too;
then the producers rest, and every gateway must come to show what the oracle makes of the log.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eventlog.clock import Clock
from eventlog.port import EventLog
from tests.chaos.judging import agreed
from tests.chaos.stack import FEED, NIGHT, Stack
from tests.chaos.watching import frozen
from tests.kafka.cluster import BROKERS, Cluster, at_once

WEIGHTS: Final = {
    "aggregator-1": 3,
    "aggregator-2": 3,
    "gateway-1": 3,
    "gateway-2": 3,
    "archiver": 2,
    FEED: 2,
    NIGHT: 2,
}
"""How often each is chosen, against the others."""

A_ROUND: Final = 24
"""Kills in a stack and a round, those of the producers that are to rest not counted."""

AT_ONCE: Final = 3
"""Processes that are killed at one moment, at most."""

LONGEST_LIFE_S: Final = 2.5
"""Between two kills in a stack. A process starts within half a second: it dies while it starts, joins, or works."""

SPEEDS: Final = (60.0, 600.0, 3_000.0)
"""Of the simulated night, from one life to the next: each begins at the beginning, and comes as far as it does."""

BROKER_SHARE: Final = 0.7
"""Of the rounds in which a broker is killed; in one of ten of those all are."""


@dataclass(slots=True)
class Round:
    """How a round went: who was killed how often, and how long it took until all agreed with the oracle."""

    number: int
    killed: dict[str, int] = field(default_factory=dict)
    agreed_s: dict[int, float] = field(default_factory=dict)
    records: int = 0


class Kills:
    """So many kills, drawn from a seed."""

    def __init__(self, stacks: Sequence[Stack], cluster: Cluster, log: EventLog, seed: int, clock: Clock) -> None:
        self.rounds: list[Round] = []
        self._stacks = stacks
        self._cluster = cluster
        self._log = log
        self._chances = {stack.number: random.Random(f"{seed}/kills/{stack.number}") for stack in stacks}
        self._brokers = random.Random(f"{seed}/kills/brokers")
        self._clock = clock

    @property
    def total(self) -> int:
        """How many processes were killed."""
        return sum(sum(one.killed.values()) for one in self.rounds)

    async def run(self, count: int, tell: Callable[[Round], None] = lambda _: None) -> None:
        """Kill so many, `tell` of each round when it is over."""
        while self.total < count:
            one = Round(len(self.rounds) + 1)
            self.rounds.append(one)
            async with asyncio.TaskGroup() as group:
                for stack in self._stacks:
                    group.create_task(self._burst(stack, one))
                if self._brokers.random() < BROKER_SHARE:
                    group.create_task(self._kill_brokers(one))
            async with asyncio.TaskGroup() as group:
                for stack in self._stacks:
                    group.create_task(self._rest(stack, one))
            tell(one)

    async def _burst(self, stack: Stack, one: Round) -> None:
        chance = self._chances[stack.number]
        left = A_ROUND
        while left > 0:
            await self._clock.sleep(chance.uniform(0, LONGEST_LIFE_S))  # the moment is what is being varied
            some = min(left, chance.randint(1, AT_ONCE))
            left -= some
            await asyncio.gather(*(self._kill(stack, who, one) for who in _drawn(chance, some)))

    async def _kill(self, stack: Stack, who: str, one: Round) -> None:
        if who == NIGHT:
            stack.set_speed(self._chances[stack.number].choice(SPEEDS))
        await stack.kill(who)
        _count(one, who)

    async def _kill_brokers(self, one: Round) -> None:
        chance = self._brokers
        await self._clock.sleep(chance.uniform(0, 2 * LONGEST_LIFE_S))
        numbers = range(BROKERS) if chance.random() < 0.1 else [chance.randrange(BROKERS)]
        chosen = [self._cluster.brokers[number] for number in numbers]
        await asyncio.to_thread(at_once, *(broker.kill for broker in chosen))
        for number in numbers:
            _count(one, f"broker-{number + 1}")
        await self._clock.sleep(chance.uniform(0, LONGEST_LIFE_S))
        await asyncio.to_thread(at_once, *(broker.start for broker in chosen))

    async def _rest(self, stack: Stack, one: Round) -> None:
        """Kill the producers, so that nothing is added any more, and wait until everybody agrees with the oracle."""
        for who in (FEED, NIGHT):
            if not stack.processes[who].has_ended:
                _count(one, who)
        await stack.rest(FEED, NIGHT)
        began = self._clock.monotonic()
        await agreed(stack, self._log)
        one.agreed_s[stack.number] = self._clock.monotonic() - began
        one.records += stack.oracle.records
        await stack.wake(FEED, NIGHT)
        stack.wrong += [f"{stack.name}: {who}" for who in await frozen(stack.watches.values())]


def _drawn(chance: random.Random, some: int) -> set[str]:
    return set(chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=some))


def _count(one: Round, who: str) -> None:
    one.killed[who] = one.killed.get(who, 0) + 1
