"""What is asked of a cluster: topics as they must be, the commands that make them so, the least rights of each role."""

from dataclasses import replace
from typing import get_args

import pytest

from eventlog.kafka.administration import (
    PROPERTIES,
    KafkaCommands,
    Role,
    TopicState,
    acl_commands,
    creation,
    findings,
    replicas,
    settings,
)
from eventlog.port import Topic, TopicFinding
from eventlog.run import RunTopics

COMMANDS = KafkaCommands("broker:9092")
RUN = RunTopics("night", 4)
DEFAULTS = {"min.insync.replicas": "1", "unclean.leader.election.enable": "false"}


def state(topic: Topic, replicated: int = 1, /, **changed: str) -> TopicState:
    """A topic as Kafka would have it after our creation, but for these settings."""
    given = {name.replace("_", "."): value for name, value in changed.items()}
    return TopicState(topic.partitions, replicated, DEFAULTS | creation(topic, replicated) | given)


def faults(topic: Topic, found: TopicState | None, brokers: int = 1) -> list[TopicFinding]:
    return [one for one in findings(topic, found, brokers, COMMANDS) if one.standing != "ok"]


@pytest.mark.parametrize("brokers", [1, 2, 3, 5])
@pytest.mark.parametrize("topic", RUN.all(), ids=lambda topic: topic.name)
def test_what_is_created_is_right(topic: Topic, brokers: int) -> None:
    assert [] == faults(topic, state(topic, replicas(brokers)), brokers)


@pytest.mark.parametrize(
    ("topic", "setting", "value", "mended"),
    [
        (RUN.tallies, "retention.ms", "604800000", "-1"),
        (RUN.tallies, "retention.bytes", "1000000", "-1"),
        (RUN.tallies, "cleanup.policy", "compact", "delete"),
        (RUN.totals, "cleanup.policy", "delete", "compact"),
        (RUN.ledger, "cleanup.policy", "compact,delete", "compact"),
        (RUN.totals, "min.compaction.lag.ms", "0", "600000"),
        (RUN.control, "message.timestamp.type", "CreateTime", "LogAppendTime"),
        (RUN.control, "max.message.bytes", "1048588", "8388608"),
    ],
)
def test_a_setting_that_is_wrong_is_told_with_the_command_that_mends_it(
    topic: Topic, setting: str, value: str, mended: str
) -> None:
    (fault,) = faults(topic, state(topic, **{setting: value}))
    assert (fault.topic, fault.setting, fault.found, fault.standing) == (topic.name, setting, value, "wrong")
    assert fault.mend == (
        "kafka-configs.sh --bootstrap-server broker:9092 --alter --entity-type topics"
        f" --entity-name {topic.name} --add-config {setting}={mended}"
    )


def test_kafkas_own_default_is_large_enough_for_tallies() -> None:
    assert [] == faults(RUN.tallies, state(RUN.tallies, **{"max.message.bytes": "1048588"}))


def test_more_than_is_needed_is_right() -> None:
    longer = state(RUN.totals, **{"min.compaction.lag.ms": "3600000", "max.message.bytes": "99999999"})
    assert [] == faults(RUN.totals, longer)


@pytest.mark.parametrize(
    ("found", "command"), [(2, "--alter --topic sandik.night.tallies --partitions 4"), (9, "--delete")]
)
def test_another_number_of_partitions_is_wrong(found: int, command: str) -> None:
    (fault,) = faults(RUN.tallies, replace(state(RUN.tallies), partitions=found))
    assert (fault.setting, fault.found, fault.wanted, fault.standing) == ("partitions", str(found), "4", "wrong")
    assert command in fault.mend


@pytest.mark.parametrize(
    ("brokers", "replicated", "changed", "setting"),
    [
        (3, 1, {}, "replication factor"),
        (3, 2, {}, "replication factor"),
        (3, 3, {"min.insync.replicas": "1"}, "min.insync.replicas"),
        (3, 3, {"min.insync.replicas": "3"}, "min.insync.replicas"),
        (1, 1, {"min.insync.replicas": "2"}, "min.insync.replicas"),
        (1, 1, {"unclean.leader.election.enable": "true"}, "unclean.leader.election.enable"),
    ],
)
def test_what_a_brokers_failure_may_cost_is_fragile(
    brokers: int, replicated: int, changed: dict[str, str], setting: str
) -> None:
    (fault,) = faults(RUN.tallies, state(RUN.tallies, replicated, **changed), brokers)
    assert (fault.setting, fault.standing) == (setting, "fragile")
    assert fault.mend


def test_of_five_replicas_two_to_four_may_have_to_agree() -> None:
    (told,) = (
        one for one in findings(RUN.tallies, state(RUN.tallies, 5), 5, COMMANDS) if one.setting.startswith("min.")
    )
    assert (told.wanted, told.standing) == ("2 to 4", "ok")


def test_settings_that_may_not_be_seen_are_no_fault_of_theirs() -> None:
    (untold,) = faults(RUN.tallies, TopicState(4, 1, None))
    assert (untold.found, untold.standing) == (None, "untold")
    assert "DescribeConfigs" in untold.wanted


def test_a_setting_that_an_old_broker_does_not_tell_is_told_so() -> None:
    known = state(RUN.tallies).settings or {}
    older = TopicState(4, 1, {name: value for name, value in known.items() if name != "unclean.leader.election.enable"})
    (untold,) = faults(RUN.tallies, older)
    assert (untold.setting, untold.standing) == ("unclean.leader.election.enable", "untold")


def test_a_topic_that_is_missing_is_told_with_the_command_that_creates_it() -> None:
    (missing,) = faults(RUN.tallies, None, 3)
    chosen = settings(RUN.tallies) | {"min.insync.replicas": "2"}
    assert missing.standing == "missing"
    assert missing.mend == (
        "kafka-topics.sh --bootstrap-server broker:9092 --create --topic sandik.night.tallies --partitions 4"
        " --replication-factor 3 " + " ".join(f"--config {name}={value}" for name, value in chosen.items())
    )


def test_of_a_topic_that_is_to_be_deleted_no_setting_is_mended() -> None:
    """The commands are run one after the other: what comes after the deletion would find no topic."""
    found = replace(state(RUN.totals, cleanup_policy="delete"), partitions=3)
    told = [(one.setting, one.standing, one.mend) for one in faults(RUN.totals, found)]
    delete = COMMANDS.delete(RUN.totals.name)
    assert [("partitions", "wrong", delete), ("cleanup.policy", "wrong", "")] == told


def test_a_secured_cluster_is_asked_with_the_administrators_properties() -> None:
    secured = KafkaCommands("broker:9093", secured=True).alter("t", "retention.ms", "-1")
    assert secured.startswith(f"kafka-configs.sh --bootstrap-server broker:9093 --command-config {PROPERTIES} --alter")
    assert PROPERTIES not in KafkaCommands("broker:9093").alter("t", "retention.ms", "-1")


def test_what_begins_so_is_allowed_with_a_pattern() -> None:
    commands = KafkaCommands("broker:9093")
    one = commands.allow("feeds", ("Read", "Write"), "topic", ["a", "b"], prefixed=False)
    assert one == (
        "kafka-acls.sh --bootstrap-server broker:9093 --add --allow-principal User:feeds"
        " --operation Read --operation Write --topic a --topic b"
    )
    assert commands.allow("feeds", ("Read",), "group", ["g."], prefixed=True).endswith(
        "--group g. --resource-pattern-type prefixed"
    )


@pytest.mark.parametrize("role", get_args(Role))
def test_every_role_sees_all_topics_and_creates_none(role: Role) -> None:
    lines = [one.command for one in acl_commands(role, "someone", RunTopics("night"), COMMANDS)]
    assert "--operation Describe --operation DescribeConfigs --topic sandik.night. " in lines[0]
    assert all("--allow-principal User:someone" in line for line in lines)
    assert not [line for line in lines if "--operation Create" in line or "--cluster" in line]


def test_only_aggregators_write_totals_and_share_them_out_in_a_group() -> None:
    writers = {
        role
        for role in get_args(Role)
        for one in acl_commands(role, role, RunTopics("night"), COMMANDS)
        if "--operation Write" in one.command and "--topic sandik.night.totals" in one.command
    }
    grouped = {
        role
        for role in get_args(Role)
        for one in acl_commands(role, role, RunTopics("night"), COMMANDS)
        if "--group sandik.night." in one.command
    }
    assert {"aggregator"} == writers == grouped
