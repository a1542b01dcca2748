"""Membership in a consumer group of Kafka: a group consumer that is used for its assignment alone and never fetches.

aiokafka joins a group by a name (`group.instance.id`, KIP-345), but it sends that name in no heartbeat and does not
know the broker's answer that another process has taken it. Left alone, it would then forget its member id, join by the
name once more and so throw out the one that came later, for ever. Whoever joins with the member id that it had is told
what has happened: `FencedInstanceId` where another has the name, and an unknown member where its session ran out.

aiokafka has no public way to any of this. `tests/eventlog/kafka/test_membership.py` fails where a release has these
attributes no more.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final, NoReturn, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import BrokerResponseError, InvalidSessionTimeoutError, KafkaError, kafka_errors

from eventlog.clock import Wall
from eventlog.kafka.connection import Connection, start_consumer, stop_consumer
from eventlog.kafka.topics import Topics
from eventlog.loops import Tries, raise_end_of, retried
from eventlog.port import replaced
from schemas.errors import LogError


class FencedInstanceId(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """The broker's answer 82: another member has joined by this name."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


kafka_errors.setdefault(FencedInstanceId.errno, FencedInstanceId)

_FENCED: Final = "FencedInstanceId"
"""aiokafka raises an answer that it does not expect as a `KafkaError` with the name of its class in the text."""


def has_lost_membership(consumer: AIOKafkaConsumer) -> bool:
    """Whether the task that keeps a consumer's place in its group has ended. It may do so without an error."""
    task = getattr(_of(consumer), "_coordination_task", None)
    return isinstance(task, asyncio.Future) and task.done()


def is_fenced(error: BaseException) -> bool:
    """Whether the broker said that another member has the name."""
    return isinstance(error, KafkaError) and (isinstance(error, FencedInstanceId) or _FENCED in str(error))


def member_id(consumer: AIOKafkaConsumer) -> str:
    """Return the id that the broker gave this member when it joined; empty where it has none, or not any more."""
    return str(getattr(_of(consumer), "member_id", ""))


def claim_member_id(consumer: AIOKafkaConsumer, known_as: str) -> None:
    """Join with the id that this member had, for the next time only, where it has none any more."""
    coordinator = _of(consumer)
    if known_as and coordinator is not None and not coordinator.member_id:
        coordinator.member_id = known_as


def give_up_name(consumer: AIOKafkaConsumer) -> None:
    """Let the consumer leave the group when it is stopped: one with a name would stay until its session ends."""
    coordinator = _of(consumer)
    if coordinator is not None:
        coordinator._group_instance_id = None  # noqa: SLF001  see the module


def _of(consumer: AIOKafkaConsumer) -> Any:  # noqa: ANN401  aiokafka has no types
    return getattr(consumer, "_coordinator", None)


_log = logging.getLogger(__name__)

SESSIONS_MS: Final = (4_000, 6_000, 10_000, 30_000)
"""A member that was killed is missed after the first of these that the brokers allow.

With the next heartbeat of another the first is within five seconds. The second is the least that brokers allow unless
their `group.min.session.timeout.ms` is set.
"""

HEARTBEAT_MS: Final = 500
"""Eight chances to be heard within a session, and how late a member learns that another came or left."""

_NEVER_MS: Final = 2**31 - 1
"""aiokafka expels a member that does not poll; ours has nothing to poll, and its heartbeats go out by themselves."""

JOIN_S: Final = 15.0
"""How long to wait for the first assignment: a session, until a member that was killed is missed, and a rebalance."""

CHECK_S: Final = 1.0
"""How often to check whether the membership is alive: within a session, so that the group's answers are not missed."""

_POLL_MS: Final = 50
"""How often to look for the first assignment, and for an error of the coordinator's."""


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A member of a consumer group. During a rebalance it keeps its old partitions until it is assigned new ones.

    aiokafka keeps a membership alive in a task of its own, which may end without an error; this member would then keep,
    for ever, partitions that the group has assigned to others, and be assigned none. So that task is checked every
    `CHECK_S` seconds, and the group is joined anew where it has ended.
    """

    def __init__(self, connection: Connection, topics: Topics, topic: str, group: str, name: str | None = None) -> None:
        self._connection = connection
        self._topics = topics
        self._topic = topic
        self._group = group
        self._name = name
        self._known_as = ""
        self._shared_by = 0
        self._sessions_ms: tuple[int, ...] = SESSIONS_MS
        self._partitions: frozenset[int] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._watching: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        self._shared_by = (await self._topics.find(self._topic)).partitions
        await self._join()
        self._watching = asyncio.create_task(self._watch(), name=f"member-{self._group}")
        return self

    async def __aexit__(self, *_: object) -> None:
        is_alone = len(self._partitions or ()) == self._shared_by
        self._partitions = None
        watching, self._watching = self._watching, None
        try:
            if watching is not None:
                watching.cancel()
                await asyncio.wait({watching})
        finally:
            # nobody would take over from a member alone: its name stays, and its next start waits for nothing
            if self._consumer is not None and not is_alone:
                give_up_name(self._consumer)
            await self._leave()

    @property
    def partitions(self) -> frozenset[int]:
        if self._watching is not None and self._watching.done():
            raise_end_of(self._watching, "The watch over a membership")
        return self._partitions or frozenset()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  aiokafka gives it
        """Keep the partitions during a rebalance: two owners of one do no harm, since readers fence; no owner would.

        A member with a name joins again as who it was, so that it throws out nobody who has taken the name since.
        """
        if self._consumer is not None and self._name is not None:
            claim_member_id(self._consumer, self._known_as)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take over the partitions that a rebalance assigned, and pause them, so that nothing is fetched from them."""
        if self._consumer is not None:
            self._consumer.pause(*assigned)
            self._known_as = member_id(self._consumer)
        self._partitions = frozenset(where.partition for where in assigned)

    async def _join(self) -> None:
        """Join the group, and wait for the first assignment. Raises `LogError`; then no consumer is left behind."""
        while True:
            try:
                await self._join_once()
            except LogError as error:
                if not self._adapt_to(error):
                    raise
            else:
                return

    def _adapt_to(self, error: LogError) -> bool:
        """Change what the group does not accept, and say so; whether it was that, so that joining again helps."""
        cause = error.__cause__
        if isinstance(cause, InvalidSessionTimeoutError) and len(self._sessions_ms) > 1:
            refused, *others = self._sessions_ms
            self._sessions_ms = tuple(others)
            message = (
                "Kafka allows no session of %d ms (group.min.session.timeout.ms), so a member that was killed is"
                " missed after %d ms."
            )
            _log.info(message, refused, others[0])
            return True
        if self._name is not None and cause is not None and is_fenced(cause):
            _log.warning("%s", replaced(self._name))
            self._name = None
            return True
        return False

    async def _join_once(self) -> None:
        self._known_as = ""
        self._consumer = consumer = AIOKafkaConsumer(
            **self._connection.options,
            group_id=f"{self._topic}.{self._group}",
            group_instance_id=self._name,
            auto_offset_reset="latest",
            enable_auto_commit=False,
            session_timeout_ms=self._sessions_ms[0],
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=_NEVER_MS,
        )
        consumer.subscribe([self._topic], listener=self)
        try:
            await start_consumer(consumer, self._connection)
            async with self._connection.translated():
                await self._first_assignment(consumer)
        except BaseException:
            await self._leave()
            raise

    async def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    async def _first_assignment(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for the first rebalance to end, `JOIN_S` seconds at most. Polling raises the coordinator's errors."""
        deadline = asyncio.get_running_loop().time() + JOIN_S
        while self._partitions is None and asyncio.get_running_loop().time() < deadline:
            await consumer.getmany(timeout_ms=_POLL_MS)

    async def _watch(self) -> NoReturn:
        """Check the membership for ever, and join the group anew where it was lost. Raises what no retry can mend."""
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                await self._check()
            except LogError as error:
                if self._adapt_to(error):
                    await self._join_anew()
                    continue
                if not error.retriable:
                    raise
                _log.warning("%s", error)
            if self._is_lost:
                _log.warning("The membership in group %r has died. Joining it anew.", self._group)
                await self._join_anew()

    async def _join_anew(self) -> None:
        await self._leave()
        await retried(self._join, Tries(Wall()), lambda waiting: _log.warning("%s", waiting))

    async def _check(self) -> None:
        """Raise the coordinator's error, if it has one: until somebody polls for it, it does nothing more."""
        if self._consumer is None or self._is_lost:
            return
        async with self._connection.translated():
            try:
                async with asyncio.timeout(CHECK_S):
                    await self._consumer.getmany(timeout_ms=0)
            except TimeoutError:
                return  # a rebalance is going on

    @property
    def _is_lost(self) -> bool:
        return self._consumer is None or has_lost_membership(self._consumer)
