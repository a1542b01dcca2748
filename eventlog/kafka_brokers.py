"""Asking each of a cluster's brokers by itself, where a client only says that it could reach none of use.

aiokafka tries one broker after the other, writes into its log what each had against us, and raises something that says
neither which they were nor why.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError

from eventlog.kafka_closing import uninterrupted
from eventlog.kafka_errors import BrokerAnswer

ASK_S: Final = 3.0
"""A broker that is there answers within a second, also over TLS; whoever waits has waited already."""

AGAIN_S: Final = 5.0
"""What was answered so lately is told again: many readers fail at the same moment."""

_CONNECTING: Final = frozenset(
    {
        *("client_id", "security_protocol", "ssl_context"),
        *("sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
    }
)
"""The options that one connection is made with; the others are about what is done with several."""


class Brokers:
    """The brokers of a cluster: those that we were told of, until the cluster itself has said which it has."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._options = {name: value for name, value in options.items() if name in _CONNECTING}
        self._options["request_timeout_ms"] = round(ASK_S * 1000)
        self._addresses = sorted({(host, port) for host, port, _ in collect_hosts(options["bootstrap_servers"])})
        self._answers: list[BrokerAnswer] = []
        self._asked_s = float("-inf")
        self._asking = asyncio.Lock()

    def learn(self, addresses: Iterable[tuple[str, int]]) -> None:
        """The cluster has these brokers; where it says none, we go on with those that we know."""
        self._addresses = sorted(set(addresses)) or self._addresses

    async def ask(self) -> list[BrokerAnswer]:
        """What each broker says to who connects as we do, within a few seconds."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() - self._asked_s > AGAIN_S:
                asking = asyncio.gather(*(self._ask(*address) for address in self._addresses))
                self._answers = await uninterrupted(_of(asking))
                self._asked_s = loop.time()
            return self._answers

    async def _ask(self, host: str, port: int) -> BrokerAnswer:
        address = f"{host}:{port}"
        try:
            async with asyncio.timeout(ASK_S):
                connection = await create_conn(host, port, **self._options)
        except (KafkaError, OSError, TimeoutError) as error:
            return BrokerAnswer(address, error)
        connection.close()
        return BrokerAnswer(address)


async def _of(asking: "asyncio.Future[list[BrokerAnswer]]") -> list[BrokerAnswer]:
    return await asking
