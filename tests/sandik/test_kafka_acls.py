"""The printed commands, typed as they are: topics created beforehand are right, and each role works with its ACLs.

On a broker that lets nobody do what an ACL does not allow.
"""

import asyncio
import re
import shlex
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.kafka.administration import Security
from eventlog.kafka.log import KafkaLog
from eventlog.port import Entry, read_to_end
from eventlog.run import RunTopics, find_run, open_run
from gateway.follow import follow
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.errors import LogError
from tests.kafka.broker import Broker
from tests.patience import LIMIT_S
from tests.sandik.conftest import Sandik

RUN = "night"
NIGHT = ("--mode", "live", "--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")
AT_A_TIME = 2
"""JVMs that run beside the broker."""

COMMAND = ArgumentParser(allow_abbrev=False)
COMMAND.add_argument("tool")
COMMAND.add_argument("--bootstrap-server")
for flag in ("--create", "--add"):
    COMMAND.add_argument(flag, action="store_true")
for number in ("--partitions", "--replication-factor"):
    COMMAND.add_argument(number, type=int)
for several in ("--topic", "--group", "--config", "--operation"):
    COMMAND.add_argument(several, action="append", default=[])
COMMAND.add_argument("--allow-principal")
COMMAND.add_argument("--resource-pattern-type", default="literal")

TOPIC, GROUP, ALLOW = 2, 3, 3
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
"""Kafka's numbers for these, as its protocol has them (`CreateAcls`)."""


@pytest.mark.kafka
def test_a_client_without_sasl_is_pointed_at_the_security_settings(
    sandik: Sandik, kafka_guarded_broker: Broker
) -> None:
    code, _, err = sandik("totals", "--run", RUN, "--log", f"kafka://{kafka_guarded_broker.guarded}")
    assert (1, True) == (code, "a listener that asks for SASL" in err), err


def shape(command: str) -> frozenset[str]:
    """Which options and settings a command has, whatever their values are."""
    return frozenset(re.findall(r"--[a-z-]+|\b[a-z.]+(?==)", command)) | {word for word in PATTERNS if word in command}


def administer(broker: Broker, commands: list[str]) -> None:
    """Type one command of each shape, some at a time, and tell the broker in its own protocol what the others say.

    Each that is typed is a JVM's start.
    """
    typed = {shape(command): command for command in commands}.values()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(broker.administer, typed))
    asyncio.run(tell(broker, [shlex.split(command) for command in commands if command not in typed]))


async def tell(broker: Broker, commands: list[list[str]]) -> None:
    """Do what the commands say. An option that is not known here ends the test."""
    client, admin = (
        AIOKafkaClient(bootstrap_servers=broker.servers),
        AIOKafkaAdminClient(bootstrap_servers=broker.servers),
    )
    try:
        await client.bootstrap()
        await admin.start()
        for command in map(COMMAND.parse_args, commands):
            if command.create:
                settings = dict(one.split("=", 1) for one in command.config)
                new = NewTopic(*command.topic, command.partitions, command.replication_factor, topic_configs=settings)
                await admin.create_topics([new])
                continue
            pattern = PATTERNS[command.resource_pattern_type]
            for kind, name in (*((TOPIC, one) for one in command.topic), *((GROUP, one) for one in command.group)):
                for operation in (OPERATIONS[one] for one in command.operation):
                    asked = CreateAclsRequest(kind, name, pattern, command.allow_principal, "*", operation, ALLOW)
                    answer = await client.send(client.get_random_node(), asked)
                    assert [(0, None)] == [(code, told or None) for code, told in answer.creation_responses]
    finally:
        await admin.close()
        await client.close()


def log_of(broker: Broker, role: str) -> KafkaLog:
    """The log, as this role's user may use it."""
    security = Security("SASL_PLAINTEXT", "PLAIN", f"sandik-{role}", "right")
    return KafkaLog(str(broker.guarded), security=security)


async def aggregate(broker: Broker) -> None:
    """Join the group, fold, publish and checkpoint, until all of it is done once."""
    async with log_of(broker, "aggregator") as log:
        run = await open_run(log, RUN)
        aggregator = Aggregator(log, run, Wall(), AggregateSettings(tick_ms=10, checkpoint_ms=50, compare_ms=50))
        working = asyncio.create_task(aggregator.run())
        topics = (run.topics.totals, run.topics.ledger, run.topics.comparisons, run.topics.quarantine)

        async def written() -> bool:
            return all([any((await log.end_offsets(topic.name)).values()) for topic in topics])

        async with asyncio.timeout(LIMIT_S):
            while not await written():
                assert not working.done(), working
                await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.wait({working})


async def serve(broker: Broker) -> None:
    """Read all that a gateway reads, up to the end, and pass on an order."""
    async with log_of(broker, "gateway") as log:
        gateway = Gateway(RUN, clock=Wall(), settings=GatewaySettings())
        following = asyncio.create_task(follow(log, gateway, Wall()))

        def is_whole() -> bool:
            world = gateway.run_state
            return gateway.ready and world is not None and world.comparisons.seq > 0 and world.quarantine.seq > 0

        async with asyncio.timeout(LIMIT_S):
            while not is_whole():
                assert not following.done(), following
                await asyncio.sleep(0.05)
        await log.append(RunTopics(RUN).control.name, [Entry(b"order", b"{}")])
        following.cancel()
        await asyncio.wait({following})


@pytest.mark.kafka
@pytest.mark.slow
def test_each_role_works_with_the_acls_that_are_printed_and_no_more(
    kafka_guarded_broker: Broker, sandik: Sandik, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = kafka_guarded_broker
    plain = ("--run", RUN, "--log", f"kafka://{broker.servers}")
    code, printed, _ = sandik("topics", *plain, "--partitions", "2", "--acls")
    assert code == 1
    administer(broker, re.findall(r"^kafka-topics\.sh .*$", printed, re.MULTILINE))
    code, found, err = sandik("topics", *plain, "--format", "json", "--acls")
    told = orjson.loads(found)
    assert (0, "right") == (code, told["verdict"]), found + err
    administer(broker, [one["command"] for role in told["acls"].values() for one in role])

    def as_role(role: str, *arguments: str) -> tuple[int, str]:
        for name, value in {
            "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "SASL_USERNAME": f"sandik-{role}",
            "SASL_PASSWORD": "right",
        }.items():
            monkeypatch.setenv(f"SANDIK_KAFKA_{name}", value)
        code, out, err = sandik(*arguments, "--run", RUN, "--log", f"kafka://{broker.guarded}")
        return code, out + err

    assert 0 == (done := as_role("producer", "simulate", *NIGHT))[0], done
    asyncio.run(spoil(broker))
    asyncio.run(aggregate(broker))
    asyncio.run(serve(broker))
    assert 0 == (done := as_role("gateway", "at", Wall().now().isoformat(), "--tell", "control_room"))[0], done
    assert 0 == (done := as_role("archiver", "archive", "--no-follow", "--out", "archive"))[0], done
    assert 0 == sandik("token", "--new-key", "operator.pem")[0]
    order = ("control", "hold", "--contest", "metropolitan_mayor", "--reason", "a test", "--by", "A. Kaya", "--yes")
    assert 0 == (done := as_role("operator", *order, "--key", "operator.pem"))[0], done
    assert 0 == (done := as_role("operator", "control", "log"))[0], done
    assert 0 == (done := as_role("operator", "totals", "--tell", "log"))[0], done
    asyncio.run(nothing_more(broker))


async def spoil(broker: Broker) -> None:
    """Have something in quarantine."""
    async with log_of(broker, "producer") as log:
        await log.append(RunTopics(RUN).tallies.name, [Entry(b"tr/34/adalar", b"rubbish")])


async def nothing_more(broker: Broker) -> None:
    """What a role's part is not, it may not do."""
    for role, part in (
        ("producer", "totals"),
        ("gateway", "totals"),
        ("archiver", "tallies"),
        ("operator", "ledger"),
        ("aggregator", "control"),
    ):
        async with log_of(broker, role) as log:
            topic = getattr(RunTopics(RUN), part).name
            with pytest.raises(LogError, match="does not allow this user"):
                await log.append(topic, [Entry(b"k", b"v")])
    async with log_of(broker, "producer") as log:
        with pytest.raises(LogError):
            [one async for one in read_to_end(log, RunTopics(RUN).totals.name)]
        assert "live" == (await find_run(log, RUN)).mode
