"""Connecting to Kafka: what every client of a cluster is made with, and where aiokafka's errors become ours.

aiokafka tries one broker after the other, writes into its log what each had against us, and raises something that says
neither which they were nor why. So `Brokers` asks each of them by itself, where a client could reach none of use.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError

from eventlog.kafka.administration import KafkaCommands
from eventlog.kafka.closing import stop_consumer, uninterrupted
from eventlog.kafka.errors import BrokerAnswer, explained, is_no_answer
from eventlog.kafka.security import Security
from eventlog.loops import is_asked_to_end
from schemas.errors import LogUnavailable

REQUEST_TIMEOUT_MS: Final = 10_000
"""A broker on the same continent answers within a second; a leader's election takes a few."""

RETRY_BACKOFF_MS: Final = 100
"""The pause between two tries at a broker that does not answer."""


ASK_S: Final = 3.0
"""The deadline for one broker: one that runs answers within a second, also over TLS."""

AGAIN_S: Final = 5.0
"""How long answers are cached: many readers fail at the same moment, and all ask."""

_CONNECTING: Final = frozenset(
    {
        *("client_id", "security_protocol", "ssl_context"),
        *("sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
    }
)
"""The options that a single connection takes; the others are for clients of several."""


class Connection:
    """The options that every client of one cluster is made with. To be made on a running event loop, not at import."""

    def __init__(self, servers: str, security: Security) -> None:
        self.servers = servers
        self.commands = KafkaCommands(servers, secured=security.protocol != "PLAINTEXT")
        self.options: dict[str, object] = {
            "bootstrap_servers": servers.split(","),
            "client_id": "sandik",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "retry_backoff_ms": RETRY_BACKOFF_MS,
            "security_protocol": security.protocol,
            "ssl_context": security.tls(),
        }
        if security.mechanism is not None:
            self.options |= {
                "sasl_mechanism": security.mechanism,
                "sasl_plain_username": security.username,
                "sasl_plain_password": security.password,
            }
        self.brokers = Brokers(self.options)

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Raise `LogError` for aiokafka's errors and for a deadline that passed, with what the brokers themselves say.

        A cancellation that nobody requested is an error too: one of aiokafka's own tasks was cancelled while it was
        awaited here. Passed on, it would end the loop that reads or writes, without an error.
        """
        task = asyncio.current_task()
        asked = 0 if task is None else task.cancelling()
        try:
            yield
        except asyncio.CancelledError as stray:
            if is_asked_to_end(asked):
                raise
            raise LogUnavailable(
                f"Kafka's client for {self.servers} broke off what it was doing, and nobody had asked it to."
                " The same can be tried again."
            ) from stray
        except (KafkaError, OSError, TimeoutError) as error:
            answers = await self.brokers.ask() if is_no_answer(error) else []
            raise explained(error, self.servers, answers) from error

    async def begin(self, start: Coroutine[object, object, object]) -> None:
        """Run a client's start, `REQUEST_TIMEOUT_MS` at most. Raises `LogError`."""
        async with self.translated(), asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            await uninterrupted(start)


async def start_consumer(consumer: AIOKafkaConsumer, connection: Connection) -> None:
    """Start a consumer within a few seconds, or leave nothing of it behind. Raises `LogError` where it may not."""
    try:
        await connection.begin(consumer.start())
    except BaseException:
        await stop_consumer(consumer)
        raise


class Brokers:
    """Asks each broker of a cluster: first those that were configured, later those that the cluster has named."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._options = {name: value for name, value in options.items() if name in _CONNECTING}
        self._options["request_timeout_ms"] = round(ASK_S * 1000)
        self._addresses = sorted({(host, port) for host, port, _ in collect_hosts(options["bootstrap_servers"])})
        self._answers: list[BrokerAnswer] = []
        self._asked_s = float("-inf")
        self._asking = asyncio.Lock()

    def learn(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Replace the addresses by those that the cluster named; by none of them where it named none."""
        self._addresses = sorted(set(addresses)) or self._addresses

    async def ask(self) -> list[BrokerAnswer]:
        """Connect to each broker, and return what each answered, or its answer of the last `AGAIN_S` seconds."""
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
