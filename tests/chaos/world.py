"""All of it together: brokers, stacks, outages, kills, and the verdict."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from eventlog.clock import Clock
from eventlog.port import EventLog
from sandik.wiring import open_log
from tests.chaos.judging import verdict
from tests.chaos.kills import Kills, Round
from tests.chaos.links import connected
from tests.chaos.outages import IN_A_ROW, LONGEST_S, Outage, Outages
from tests.chaos.stack import Stack


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go wrong."""

    seed: int
    outages: int
    kills: int
    stacks: int
    longest_s: float = LONGEST_S
    in_a_row: int = IN_A_ROW
    only: tuple[str, ...] = ()
    """The kinds of faults, if not all."""
    speed: float = 30.0
    """Of the simulated night."""


@dataclass(slots=True)
class Report:
    """What went wrong as planned, and what should not have."""

    plan: Plan
    outages: list[Outage] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    ended: list[tuple[str, str, int]] = field(default_factory=list)
    """Who ended by itself: the stack, the process, and the exit code."""
    tallies: int = 0

    def late(self) -> list[str]:
        """Who neither moved again in time nor ended with an exit code, after which outage."""
        return [
            f"outage {one.number} ({one.fault.kind}, {one.fault.whom}, {one.lasted_s:.1f} s): {recovery.who} of stack "
            f"{recovery.stack} moved after {recovery.seconds} s"
            for one in self.outages
            for recovery in one.recoveries
            if recovery.is_promised and not recovery.in_time
        ]


Tell = Callable[[Outage | Round], None]


async def play(plan: Plan, folder: Path, clock: Clock, tell: Tell = lambda _: None) -> Report:
    """Let it all happen. Raises `NoKafka`."""
    report = Report(plan)
    async with connected(plan.stacks) as (cluster, lines), AsyncExitStack() as resources:
        url = f"kafka://{cluster.servers}"
        log = await resources.enter_async_context(open_log(url, clock))
        stacks = [Stack(number, lines[number], folder / f"stack-{number}", clock) for number in range(plan.stacks)]
        try:
            async with AsyncExitStack() as nights:
                for stack in stacks:
                    await nights.enter_async_context(stack.running(log, plan.speed))
                outages = Outages(
                    stacks, cluster, plan.seed, clock, longest_s=plan.longest_s, in_a_row=plan.in_a_row, only=plan.only
                )
                report.outages = outages.done
                await outages.run(plan.outages, tell)
                kills = Kills(stacks, cluster, log, plan.seed, clock)
                report.rounds = kills.rounds
                await kills.run(plan.kills, tell)
                await _finish(stacks, log, url)
        finally:
            for stack in stacks:
                report.wrong += stack.wrong
                report.ended += [(stack.name, who, code) for _, who, code in stack.ended]
                report.tallies += stack.oracle.records
    return report


async def _finish(stacks: Sequence[Stack], log: EventLog, url: str) -> None:
    async with asyncio.TaskGroup() as group:
        for stack in stacks:
            group.create_task(verdict(stack, log, url))
