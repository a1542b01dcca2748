"""How to reach Kafka, and where aiokafka's errors become ours."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.errors import KafkaError

from eventlog.kafka_brokers import Brokers
from eventlog.kafka_closing import uninterrupted
from eventlog.kafka_commands import KafkaCommands
from eventlog.kafka_errors import explained, is_no_answer
from eventlog.kafka_security import Security
from eventlog.loops import is_asked_to_end
from schemas.errors import LogUnavailable

REQUEST_TIMEOUT_MS: Final = 10_000
"""A broker on the same continent answers within a second; a leader's election takes a few."""

RETRY_BACKOFF_MS: Final = 100
"""Between two tries at a broker that does not answer."""


class Connection:
    """What every client of one cluster is made with. Make it on the event loop's start, not at import."""

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
        """Turn aiokafka's errors, and a deadline that passed, into ours, with the true reason.

        A cancellation that nobody asked of us is an error too: one of aiokafka's own tasks was cancelled while we
        waited for it. Taken for a wish, it would end whoever reads or writes here, in silence.
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
        """Let a client connect, in a few seconds. Raises `LogError` where it may not."""
        async with self.translated(), asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            await uninterrupted(start)
