"""A live run refuses topics that are not what it needs; any other run is warned and goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from eventlog.clock import Wall
from eventlog.kafka.log import KafkaLog
from eventlog.port import EventLog, Topic
from eventlog.run import Run, RunTopics, create_run, find_run, open_run
from schemas.control import Mode
from schemas.errors import UnknownRun, WrongTopic
from tests.builders import small_election
from tests.patience import LIMIT_S

RIGHT = {"cleanup.policy": "delete", "retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
WRONG = [
    ("tallies", {"retention.ms": "604800000"}, "retention.ms is 604800000 and must be -1"),
    ("totals", {"cleanup.policy": "delete"}, "cleanup.policy is delete and must be compact"),
    ("control", {"message.timestamp.type": "CreateTime"}, "message.timestamp.type is CreateTime and must be LogAppend"),
]


async def made(log: EventLog, name: str, mode: Mode, partitions: int | None = None) -> Run:
    return await create_run(log, name, small_election(), mode=mode, epoch="e1e1", clock=Wall(), partitions=partitions)


@pytest.fixture
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    yield client
    await client.close()


async def prepare(admin: AIOKafkaAdminClient, name: str, partitions: int, **settings: str) -> None:
    """Create a topic as somebody else may have done."""
    given = RIGHT | {key.replace("_", "."): value for key, value in settings.items()}
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=given)])
    await listed(admin, name, True)


async def listed(admin: AIOKafkaAdminClient, name: str, there: bool) -> None:
    """Wait until the broker says so: the controller acknowledges what its brokers learn a moment later."""
    async with asyncio.timeout(LIMIT_S):
        while there != (name in await admin.list_topics()):  # noqa: ASYNC110  the broker tells who asks
            await asyncio.sleep(0.01)


async def test_topics_that_were_created_are_right(log: EventLog, unique: str) -> None:
    run = await made(log, unique, "live", 2)
    assert {"ok"} == {one.standing for one in await log.check(run.topics.all())}
    assert run == await open_run(log, unique)


async def test_topics_that_are_missing_are_told(log: EventLog, unique: str) -> None:
    assert ["missing"] * 6 == [one.standing for one in await log.check(RunTopics(unique).all())]


@pytest.mark.kafka
@pytest.mark.parametrize(("part", "settings", "what"), WRONG)
async def test_a_live_run_refuses_a_topic_that_would_lose_it(
    kafka: str, admin: AIOKafkaAdminClient, unique: str, part: str, settings: dict[str, str], what: str
) -> None:
    name = f"sandik.{unique}.{part}"
    await prepare(admin, name, 8 if part == "tallies" else 1, **settings)
    async with KafkaLog(kafka) as log:
        with pytest.raises(WrongTopic) as refused:
            await made(log, unique, "live")
        said = str(refused.value)
        assert (f"Topic {name!r}" in said, what in said, "\n" in said) == (True, True, False)
        assert f"kafka-configs.sh --bootstrap-server {kafka} --alter --entity-type topics --entity-name {name}" in said
        with pytest.raises(UnknownRun):  # nothing was written
            await find_run(log, unique)


@pytest.mark.kafka
async def test_another_run_is_warned_and_goes_on(
    kafka: str, admin: AIOKafkaAdminClient, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    await prepare(admin, f"sandik.{unique}.tallies", 8, retention_ms="604800000")
    async with KafkaLog(kafka) as log:
        assert "test" == (await made(log, unique, "test")).mode
    assert "retention.ms is 604800000 and must be -1" in caplog.text


@pytest.mark.kafka
async def test_a_live_run_whose_topic_was_changed_is_not_opened_again(
    kafka: str, admin: AIOKafkaAdminClient, unique: str
) -> None:
    async with KafkaLog(kafka) as log:
        run = await made(log, unique, "live")
        await admin.delete_topics([run.topics.totals.name])
        await listed(admin, run.topics.totals.name, False)
    async with KafkaLog(kafka) as log:
        await prepare(admin, run.topics.totals.name, 3, cleanup_policy="compact", min_compaction_lag_ms="600000")
        with pytest.raises(WrongTopic, match="partitions is 3 and must be 1"):
            await open_run(log, unique)
        assert run == await find_run(log, unique)  # who only looks is not kept from it


@pytest.mark.kafka
async def test_a_new_run_has_the_partitions_that_were_created_beforehand(
    kafka: str, admin: AIOKafkaAdminClient, unique: str
) -> None:
    await prepare(admin, f"sandik.{unique}.tallies", 3)
    async with KafkaLog(kafka) as log:
        with pytest.raises(WrongTopic, match="partitions is 3 and must be 5"):
            await made(log, unique, "live", 5)
        other = f"{unique}-other"
        await prepare(admin, f"sandik.{other}.tallies", 3)
        run = await made(log, other, "live")
        assert (3, 3) == (run.topics.partitions, await log.partitions(run.topics.ledger.name))


async def test_an_embedded_topic_of_another_kind_is_wrong(log: EventLog, unique: str) -> None:
    topics = RunTopics(unique, 2)
    await log.create([Topic(topics.totals.name, 2)])
    found = [one for one in await log.check([topics.totals]) if one.standing == "wrong"]
    assert found[0].setting == "partitions"
    with pytest.raises(WrongTopic, match="partitions is 2 and must be 1"):
        await made(log, unique, "live", 2)
