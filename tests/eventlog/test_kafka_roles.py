"""The least rights of each role, as commands. That they are enough is tried on a broker in `test_kafka_acls`."""

from typing import get_args

import pytest

from eventlog.kafka_commands import KafkaCommands
from eventlog.kafka_roles import Role, acl_commands
from eventlog.topics import RunTopics

COMMANDS = KafkaCommands("broker:9093")


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
