"""Three brokers: topics that keep too few replicas are told, and so is which broker does not answer."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from eventlog.kafka.log import KafkaLog
from eventlog.run import RunTopics
from schemas.errors import LogUnavailable
from tests.kafka.cluster import BROKERS, Cluster
from tests.kafka.jars import NoKafka
from tests.patience import LIMIT_S


@pytest.fixture
def cluster(kafka: str) -> Iterator[Cluster]:
    """Three brokers; not where there is not even one."""
    try:
        made = Cluster([])
    except NoKafka as missing:
        pytest.skip(f"no Kafka to test on: {missing}")
    with made as started:
        yield started


async def create(servers: str, name: str, partitions: int, replicas: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, replicas)])
    finally:
        await admin.close()


@pytest.mark.kafka
@pytest.mark.slow
async def test_too_few_replicas_are_fragile_and_the_silent_one_of_three_brokers_is_named(cluster: Cluster) -> None:
    topics = RunTopics("night", 2 * BROKERS)
    await create(cluster.servers, topics.tallies.name, 2 * BROKERS, 1)
    async with KafkaLog(cluster.servers) as log:
        found = {one.setting: one for one in await log.check(topics.all()) if one.topic == topics.tallies.name}
        replication = found["replication factor"]
        assert ("1", "at least 3", "fragile") == (replication.found, replication.wanted, replication.standing)
        missing = [one for one in await log.check(topics.all()) if one.standing == "missing"]
        assert all("--replication-factor 3" in one.mend and "min.insync.replicas=2" in one.mend for one in missing)

        well, gone = cluster.brokers[:2], cluster.brokers[2]
        await asyncio.to_thread(gone.kill)
        said = await refusal(log, topics.tallies.name)
        assert f"{gone.servers} does not answer" in said
        assert all(re.search(rf"{one.servers}.* answer, but", said) for one in well), said


async def refusal(log: KafkaLog, topic: str) -> str:
    """What is said of a question that a broker which is away would answer; it may be known until that is noticed."""
    async with asyncio.timeout(2 * LIMIT_S):
        while True:
            try:
                await log.end_offsets(topic)
            except LogUnavailable as error:
                if "answer, but" in str(error):
                    return str(error)
