"""A group consumer's place in its group: whether it is alive, and by which name and id the broker knows it.

aiokafka joins a group by a name (`group.instance.id`, KIP-345), but it sends that name in no heartbeat and does not
know the broker's answer that another process has taken it. Left alone, it would then forget its member id, join by the
name once more and so throw out the one that came later, for ever. Whoever joins with the member id that it had is told
what has happened: `FencedInstanceId` where another has the name, and an unknown member where its session ran out.

aiokafka has no public way to any of this. `tests/eventlog/kafka/test_coordinator.py` fails where a release has these
attributes no more.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import BrokerResponseError, KafkaError, kafka_errors


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
