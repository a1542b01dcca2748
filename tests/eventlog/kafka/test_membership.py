"""A membership whose task has died in aiokafka is joined anew: nobody keeps partitions that a rebalance gave away.

aiokafka still has what a member with a name needs: a member id that can be kept, and a name that can be given up.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from eventlog.kafka import membership as kafka_member
from eventlog.kafka.log import KafkaLog
from eventlog.kafka.membership import FencedInstanceId, KafkaMembership, is_fenced
from eventlog.port import Topic
from schemas.errors import LogRefused, LoopEnded
from tests.patience import LIMIT_S

PARTITIONS = 4


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[KafkaLog]:
    async with KafkaLog(kafka) as opened:
        yield opened


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_member, "CHECK_S", 0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  a membership tells nobody when it changes
            await asyncio.sleep(0.02)


def coordinator(member: KafkaMembership) -> Any:
    """Aiokafka's own part that keeps the membership alive; none while the group is joined anew."""
    return getattr(member._consumer, "_coordinator", None)


@pytest.mark.kafka
async def test_a_member_whose_coordination_died_joins_anew_and_the_group_rebalances(log: KafkaLog, unique: str) -> None:
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group") as zombie, log.member(unique, "group") as other:
        await until(lambda: 2 == len(zombie.partitions) == len(other.partitions))
        died = coordinator(zombie)
        died._coordination_task.cancel()
        await until(lambda: coordinator(zombie) not in (None, died))
        await until(
            lambda: 2 == len(zombie.partitions) == len(other.partitions) and not zombie.partitions & other.partitions
        )


@pytest.mark.kafka
async def test_an_error_that_the_coordinator_waits_to_have_polled_is_polled(log: KafkaLog, unique: str) -> None:
    """Aiokafka does nothing more for a membership until what it has against it was raised to somebody."""
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group") as member:
        await until(lambda: PARTITIONS == len(member.partitions))
        polled = coordinator(member)._push_error_to_user(KafkaError("something is wrong"))
        async with asyncio.timeout(LIMIT_S):
            await polled
        assert PARTITIONS == len(member.partitions)


@pytest.mark.kafka
async def test_a_watch_that_ended_is_told_to_who_asks_for_the_partitions(log: KafkaLog, unique: str) -> None:
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group") as member:
        assert member._watching is not None
        member._watching.cancel()
        await asyncio.wait({member._watching})
        with pytest.raises(LoopEnded, match="nobody had asked"):
            assert member.partitions


@pytest.mark.kafka
async def test_a_member_that_may_not_be_in_the_group_any_more_says_so(log: KafkaLog, unique: str) -> None:
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group") as member:
        await until(lambda: PARTITIONS == len(member.partitions))
        async with asyncio.timeout(LIMIT_S):
            await coordinator(member)._push_error_to_user(GroupAuthorizationFailedError("group"))
        with pytest.raises(LogRefused, match="join the group"):
            await until(lambda: not member.partitions)


@pytest.mark.kafka
async def test_the_older_of_two_members_of_one_name_goes_on_without_it(
    kafka: str, log: KafkaLog, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not take the name back, which would throw the newer one out, and so on for ever."""
    await log.create([Topic(unique, PARTITIONS)])
    async with (
        KafkaLog(kafka) as elsewhere,
        elsewhere.member(unique, "group", "one") as older,
        log.member(unique, "group", "one") as newer,
    ):
        await until(lambda: 2 == len(older.partitions) == len(newer.partitions))
        await until(lambda: not older.partitions & newer.partitions)
        assert (None, "one") == (older._name, newer._name)
    told = [record.getMessage() for record in caplog.records if "joined the group as member 'one'" in record.message]
    assert 1 == len(told)


@pytest.mark.kafka
async def test_a_member_that_was_missed_comes_back_under_its_name(log: KafkaLog, unique: str) -> None:
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group", "one") as member:
        group = coordinator(member)
        before = group.member_id
        await group._send_req(LeaveGroupRequest(group.group_id, before))
        await until(lambda: group.member_id not in ("", before))
        await until(lambda: PARTITIONS == len(member.partitions))
        assert "one" == member._name


@pytest.mark.kafka
async def test_a_session_that_the_brokers_do_not_allow_is_lengthened(
    log: KafkaLog, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_member, "SESSIONS_MS", (1, 10_000))
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group", "one") as member:
        assert PARTITIONS == len(member.partitions)
        assert (10_000,) == member._sessions_ms


@pytest.mark.kafka
async def test_a_member_alone_keeps_its_name_when_it_stops_and_one_of_several_leaves(
    kafka: str, log: KafkaLog, unique: str
) -> None:
    """Nobody takes over from one who is alone; from one of several the others do at once."""
    await log.create([Topic(unique, PARTITIONS)])
    async with log.member(unique, "group", "one") as alone:
        generation = coordinator(alone).generation
    async with log.member(unique, "group", "one") as again, KafkaLog(kafka) as elsewhere:
        assert generation == coordinator(again).generation  # no rebalance: it found its place as it was
        async with elsewhere.member(unique, "group", "two") as other:
            await until(lambda: 2 == len(again.partitions) == len(other.partitions))
        await until(lambda: PARTITIONS == len(again.partitions))


FENCED = 82
"""FENCED_INSTANCE_ID in Kafka's protocol."""


def test_the_coordinator_has_the_attributes_that_are_set() -> None:
    source = inspect.getsource(GroupCoordinator)
    for attribute in ("self._group_instance_id", "self.member_id", "self._coordination_task"):
        assert f"{attribute} = " in source


def test_a_name_that_another_has_is_told_from_other_errors() -> None:
    assert is_fenced(FencedInstanceId())
    assert is_fenced(KafkaError(repr(for_code(FENCED)())))
    assert not is_fenced(KafkaError(repr(UnknownMemberIdError())))
    assert not is_fenced(UnknownMemberIdError())
