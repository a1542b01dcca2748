"""By which each process of a stack reaches the brokers: proxies of ours that can be cut, held up and slowed down."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.kafka.cluster import BROKERS, Cluster, Link
from tests.proxy import Proxy, proxy

USERS: Final = ("producers", "aggregator-1", "aggregator-2", "gateway-1", "gateway-2", "archiver")
"""Who has a link of their own in each stack."""

GUARDED: Final = ("aggregator-2", "gateway-2")
"""Whose link asks for a password, in the first stack."""


@dataclass(frozen=True, slots=True)
class Line:
    """The link of one user in one stack: a proxy in front of each broker."""

    stack: int
    user: str
    proxies: tuple[Proxy, ...]

    @property
    def name(self) -> str:
        """As Kafka names the listener."""
        return f"STACK{self.stack}_{self.user.upper().replace('-', '_')}"

    @property
    def is_guarded(self) -> bool:
        """Whether it asks who comes."""
        return self.stack == 0 and self.user in GUARDED

    @property
    def url(self) -> str:
        """The log, by this link."""
        return "kafka://" + ",".join(f"127.0.0.1:{one.port}" for one in self.proxies)

    def link(self) -> Link:
        """What the brokers are to be told of it."""
        return Link(self.name, tuple(one.port for one in self.proxies), self.is_guarded)


Lines = Sequence[dict[str, Line]]
"""For each stack, the line of each user."""


@asynccontextmanager
async def connected(stacks: int) -> AsyncIterator[tuple[Cluster, Lines]]:
    """Brokers that run, and lines to them for so many stacks. Raises `NoKafka`."""
    async with AsyncExitStack() as resources:
        lines = [{user: await _line(resources, stack, user) for user in USERS} for stack in range(stacks)]
        every = [line for stack in lines for line in stack.values()]
        cluster = await asyncio.to_thread(Cluster, [line.link() for line in every])
        for line in every:
            for one, port in zip(line.proxies, cluster.ports[line.name], strict=True):
                one.targets = (port,)
        try:
            await asyncio.to_thread(cluster.__enter__)
            yield cluster, lines
        finally:
            await asyncio.to_thread(cluster.close)


async def _line(resources: AsyncExitStack, stack: int, user: str) -> Line:
    proxies = [await resources.enter_async_context(proxy()) for _ in range(BROKERS)]
    return Line(stack, user, tuple(proxies))


def proxies_of(lines: Iterable[Line], broker: int | None = None) -> list[Proxy]:
    """The proxies of these lines: all, or those in front of one broker."""
    return [one for line in lines for number, one in enumerate(line.proxies) if broker in {None, number}]
