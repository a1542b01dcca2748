"""Group memberships in Kafka: a group consumer that is used for its assignment alone and never fetches."""

import asyncio
from collections.abc import Iterable
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from eventlog.kafka_closing import stop_consumer
from eventlog.kafka_connection import Connection
from eventlog.kafka_reader import start
from eventlog.kafka_topics import Topics

SESSION_MS: Final = 10_000
"""A member that was killed is missed after this."""

HEARTBEAT_MS: Final = 1_000
"""Ten chances to be heard within a session, and how late a member learns that another came or left."""

_NEVER_MS: Final = 2**31 - 1
"""aiokafka expels a member that does not poll; ours has nothing to poll, and its heart beats by itself."""

JOIN_S: Final = 15.0
"""How long to wait for the first share: one session, until a member that was killed is missed, and a rebalance."""

_POLL_MS: Final = 50
"""How often to look for the first share, and for what stands against it."""


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A place in a group. Its share changes only when a new one is given: between two shares the old one stands."""

    def __init__(self, connection: Connection, topics: Topics, topic: str, group: str) -> None:
        self._connection = connection
        self._topics = topics
        self._topic = topic
        self._group = group
        self._partitions: frozenset[int] | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        await self._topics.find(self._topic)
        self._consumer = consumer = AIOKafkaConsumer(
            **self._connection.options,
            group_id=f"{self._topic}.{self._group}",
            auto_offset_reset="latest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=_NEVER_MS,
        )
        consumer.subscribe([self._topic], listener=self)
        await start(consumer, self._connection)
        try:
            async with self._connection.translated():
                await self._join(consumer)
        except BaseException:
            await stop_consumer(consumer)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._partitions = None
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    @property
    def partitions(self) -> frozenset[int]:
        return self._partitions or frozenset()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Keep them until it is known who has them next: two owners do no harm, none would."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take them on, and fetch nothing from them."""
        if self._consumer is not None:
            self._consumer.pause(*assigned)
        self._partitions = frozenset(where.partition for where in assigned)

    async def _join(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for the first share; polling raises what the coordinator has against us."""
        deadline = asyncio.get_running_loop().time() + JOIN_S
        while self._partitions is None and asyncio.get_running_loop().time() < deadline:
            await consumer.getmany(timeout_ms=_POLL_MS)
