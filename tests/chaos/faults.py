"""What can go wrong: each fault begins, lasts as long as the block does, and is over at its end.

A stack's own faults reach it alone, so that other stacks may suffer theirs at the same time. Those of the brokers reach
everybody.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.chaos.links import Line, proxies_of
from tests.chaos.stack import Stack
from tests.kafka.broker import Broker
from tests.kafka.cluster import BROKERS, PASSWORD, Cluster, at_once
from tests.proxy import Proxy

SLOW_S: Final = (0.1, 1.0)
"""How late every piece arrives by a slow link."""

KINDS: Final = (
    *("cut", "black hole", "slow", "pause", "another password"),
    *("kill brokers", "stop a broker", "pause brokers", "restart brokers in turn"),
)
"""By which faults can be chosen: first those of a stack."""

Lasting = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and for whom."""

    kind: str
    whom: str
    lasts: Lasting
    everybody: bool = False


def draw_for_stack(stack: Stack, cluster: Cluster, chance: random.Random, only: Collection[str] = ()) -> Fault | None:
    """A fault of one stack's own; of these kinds, if any are named. `None` where none of them is a stack's."""
    kinds: list[tuple[str, float, Callable[[Stack, random.Random], Fault]]] = [
        ("cut", 3, _cut),
        ("black hole", 3, _black_hole),
        ("slow", 1, _slow),
        ("pause", 2, _pause),
    ]
    if any(line.is_guarded for line in stack.lines.values()):
        kinds.append(("another password", 0.7, lambda stack, _: _password(stack, cluster)))
    chosen = [one for one in kinds if not only or one[0] in only]
    if not chosen:
        return None
    (draw,) = chance.choices([draw for _, _, draw in chosen], [weight for _, weight, _ in chosen])
    return draw(stack, chance)


def draw_for_brokers(cluster: Cluster, chance: random.Random, only: Collection[str] = ()) -> Fault | None:
    """A fault of one broker, or of all; otherwise as `draw_for_stack`."""
    number = chance.randrange(BROKERS)
    one, every = (cluster.brokers[number],), cluster.brokers
    name = f"broker {number + 1}"
    faults = [
        Fault("kill brokers", name, lambda: _away(one, Broker.kill), everybody=True),
        Fault("kill brokers", "all brokers", lambda: _away(every, Broker.kill), everybody=True),
        Fault("stop a broker", name, lambda: _away(one, Broker.stop), everybody=True),
        Fault("pause brokers", name, lambda: _paused(one), everybody=True),
        Fault("pause brokers", "all brokers", lambda: _paused(every), everybody=True),
        Fault("restart brokers in turn", "all brokers", lambda: _restarted_in_turn(every), everybody=True),
    ]
    chosen = [one for one in faults if not only or one.kind in only]
    return chance.choice(chosen) if chosen else None


def _cut(stack: Stack, chance: random.Random) -> Fault:
    whom, proxies = _reached(stack, chance)
    return Fault("cut", whom, lambda: _with(proxies, Proxy.cut))


def _black_hole(stack: Stack, chance: random.Random) -> Fault:
    whom, proxies = _reached(stack, chance)
    return Fault("black hole", whom, lambda: _with(proxies, Proxy.hold))


def _slow(stack: Stack, chance: random.Random) -> Fault:
    whom, proxies = _reached(stack, chance)
    delay_s = chance.uniform(*SLOW_S)
    return Fault("slow", whom, lambda: _with(proxies, lambda one: setattr(one, "delay_s", delay_s)))


def _pause(stack: Stack, chance: random.Random) -> Fault:
    whom = chance.choice(
        [("aggregator-1",), ("aggregator-2",), ("gateway-1",), ("gateway-2",), ("aggregator-1", "aggregator-2")]
    )
    return Fault("pause", " and ".join(whom), lambda: _processes_paused(stack, whom))


def _password(stack: Stack, cluster: Cluster) -> Fault:
    lines = [line for line in stack.lines.values() if line.is_guarded]
    whom = " and ".join(line.user for line in lines)
    return Fault("another password", whom, lambda: _password_changed(cluster, lines))


def _reached(stack: Stack, chance: random.Random) -> tuple[str, Sequence[Proxy]]:
    """Whose link it is, and to which brokers: of all processes or of one, to all brokers or to one."""
    shape = chance.random()
    if shape < 0.4:
        return "all links", proxies_of(stack.lines.values())
    if shape < 0.6:
        broker = chance.randrange(BROKERS)
        return f"all links to broker {broker + 1}", proxies_of(stack.lines.values(), broker)
    user = chance.choice(sorted(stack.lines))
    return f"the link of {user}", proxies_of([stack.lines[user]])


@asynccontextmanager
async def _with(proxies: Sequence[Proxy], fault: Callable[[Proxy], None]) -> AsyncIterator[None]:
    for one in proxies:
        fault(one)
    try:
        yield
    finally:
        for one in proxies:
            one.heal()


@asynccontextmanager
async def _processes_paused(stack: Stack, whom: Sequence[str]) -> AsyncIterator[None]:
    with _signalled(stack, whom):
        yield


@contextmanager
def _signalled(stack: Stack, whom: Sequence[str]) -> Iterator[None]:
    for who in whom:
        stack.processes[who].send(signal.SIGSTOP)
    try:
        yield
    finally:
        for who in whom:
            stack.processes[who].send(signal.SIGCONT)


@asynccontextmanager
async def _password_changed(cluster: Cluster, lines: Sequence[Line]) -> AsyncIterator[None]:
    await asyncio.to_thread(cluster.change_password, "another")
    for one in proxies_of(lines):
        one.drop()
    try:
        yield
    finally:
        await asyncio.to_thread(cluster.change_password, PASSWORD)


@asynccontextmanager
async def _away(brokers: Sequence[Broker], end: Callable[[Broker], None]) -> AsyncIterator[None]:
    await asyncio.to_thread(at_once, *(lambda broker=broker: end(broker) for broker in brokers))
    try:
        yield
    finally:
        await asyncio.to_thread(at_once, *(broker.start for broker in brokers))


@asynccontextmanager
async def _paused(brokers: Sequence[Broker]) -> AsyncIterator[None]:
    for broker in brokers:
        broker.pause()
    try:
        yield
    finally:
        for broker in brokers:
            broker.resume()


@asynccontextmanager
async def _restarted_in_turn(brokers: Sequence[Broker]) -> AsyncIterator[None]:
    """The outage lasts as long as the restarts do, and what it is told to last beyond that."""
    for broker in brokers:
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)
    yield
