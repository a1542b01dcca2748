"""Group memberships in Kafka: a group consumer that is used for its assignment alone and never fetches."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final, NoReturn, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from eventlog.clock import Wall
from eventlog.kafka_closing import stop_consumer
from eventlog.kafka_connection import Connection
from eventlog.kafka_reader import start
from eventlog.kafka_topics import Topics
from eventlog.retry import Tries, retried
from schemas.errors import LogError, LoopEnded

_log = logging.getLogger(__name__)

SESSION_MS: Final = 10_000
"""A member that was killed is missed after this."""

HEARTBEAT_MS: Final = 1_000
"""Ten chances to be heard within a session, and how late a member learns that another came or left."""

_NEVER_MS: Final = 2**31 - 1
"""aiokafka expels a member that does not poll; ours has nothing to poll, and its heart beats by itself."""

JOIN_S: Final = 15.0
"""How long to wait for the first share: one session, until a member that was killed is missed, and a rebalance."""

LOOK_S: Final = 1.0
"""How often to look whether the membership is alive: as often as its heart should beat."""

_POLL_MS: Final = 50
"""How often to look for the first share, and for what stands against it."""


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A place in a group. Its share changes only when a new one is given: between two shares the old one stands.

    aiokafka keeps a membership alive in a task of its own, which may end without a word; whoever goes by the share
    would then hold, for ever, partitions that the group has given to others, and take up none. So that task is looked
    at, and the group is joined anew where it has ended.
    """

    def __init__(self, connection: Connection, topics: Topics, topic: str, group: str) -> None:
        self._connection = connection
        self._topics = topics
        self._topic = topic
        self._group = group
        self._partitions: frozenset[int] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._keeping: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        await self._topics.find(self._topic)
        await self._join()
        self._keeping = asyncio.create_task(self._keep(), name=f"member-{self._group}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._partitions = None
        keeping, self._keeping = self._keeping, None
        try:
            if keeping is not None:
                keeping.cancel()
                await asyncio.wait({keeping})
        finally:
            await self._leave()

    @property
    def partitions(self) -> frozenset[int]:
        if self._keeping is not None and self._keeping.done():
            _raise_what_ended(self._keeping)
        return self._partitions or frozenset()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Keep them until it is known who has them next: two owners do no harm, none would."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take them on, and fetch nothing from them."""
        if self._consumer is not None:
            self._consumer.pause(*assigned)
        self._partitions = frozenset(where.partition for where in assigned)

    async def _join(self) -> None:
        """Join the group, and wait for the first share of this membership."""
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
        try:
            await start(consumer, self._connection)
            async with self._connection.translated():
                await self._first_share(consumer)
        except BaseException:
            await self._leave()
            raise

    async def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    async def _first_share(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for it; polling raises what the coordinator has against us."""
        deadline = asyncio.get_running_loop().time() + JOIN_S
        while self._partitions is None and asyncio.get_running_loop().time() < deadline:
            await consumer.getmany(timeout_ms=_POLL_MS)

    async def _keep(self) -> NoReturn:
        """Look at the membership for ever, and join the group anew where it is dead. Raises what is final."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except LogError as error:
                if not error.retriable:
                    raise
                _log.warning("%s", error)
            if self._is_dead:
                _log.warning("The membership in group %r has died. Joining it anew.", self._group)
                await self._leave()
                await retried(self._join, Tries(Wall()), lambda waiting: _log.warning("%s", waiting))

    async def _look(self) -> None:
        """Raise what the coordinator has against us: until somebody takes note of it, it does nothing more."""
        if self._consumer is None or self._is_dead:
            return
        async with self._connection.translated():
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._consumer.getmany(timeout_ms=0)
            except TimeoutError:
                return  # the group is being divided anew

    @property
    def _is_dead(self) -> bool:
        """Whether the task that keeps the membership alive has ended. There is no public way to ask."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        task = getattr(coordinator, "_coordination_task", None)
        return self._consumer is None or (isinstance(task, asyncio.Future) and task.done())


def _raise_what_ended(keeping: "asyncio.Task[NoReturn]") -> NoReturn:
    error = None if keeping.cancelled() else keeping.exception()
    raise error or LoopEnded("A membership's keeper", "it was cancelled, and nobody had asked for that")
