"""The least that each of sandik's commands must be allowed on a Kafka whose brokers ask: ACLs by role."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from eventlog.kafka_commands import KafkaCommands
from eventlog.topics import RunTopics

Role = Literal["producer", "aggregator", "gateway", "archiver", "operator"]
_Part = Literal["control", "tallies", "totals", "ledger", "comparisons", "quarantine"]


@dataclass(frozen=True, slots=True)
class Rights:
    """Operations on some of a run's topics; `remark` says what they are for, where not everybody needs them."""

    operations: tuple[str, ...]
    parts: tuple[_Part, ...]
    remark: str = ""


ROLES: Final[Mapping[Role, tuple[Rights, ...]]] = {
    "producer": (
        Rights(("Write",), ("tallies",)),
        Rights(("Read",), ("control",)),
        Rights(("Write",), ("control",), "for the first one alone, which creates the run"),
        Rights(("Read",), ("tallies",), "for sandik reports and boxes, which look what they have published before"),
    ),
    "aggregator": (
        Rights(("Read",), ("control", "tallies")),
        Rights(("Read", "Write"), ("totals", "ledger", "comparisons", "quarantine")),
    ),
    "gateway": (
        Rights(("Read",), ("control", "totals", "comparisons", "quarantine")),
        Rights(("Read",), ("tallies",), "for what was shown at an earlier moment"),
        Rights(("Write",), ("control", "tallies"), "for the control room, which passes on what operators have signed"),
    ),
    "archiver": (Rights(("Read",), ("control", "tallies")),),
    "operator": (
        Rights(("Read", "Write"), ("control", "tallies")),
        Rights(("Read",), ("totals", "comparisons", "quarantine")),
    ),
}
"""On top of that everybody sees all of the run's topics and their settings; aggregators share them out in a group."""


@dataclass(frozen=True, slots=True)
class AclCommand:
    """One command that allows something, and what it is for."""

    command: str
    remark: str = ""


def acl_commands(role: Role, user: str, topics: RunTopics, commands: KafkaCommands) -> Iterator[AclCommand]:
    """What allows this user to be this role in the run: on topics that exist, and no more than it needs."""
    everything = [f"sandik.{topics.run}."]
    seeing = ("Describe", "DescribeConfigs")
    yield AclCommand(commands.allow(user, seeing, "topic", everything, prefixed=True), "to see what there is")
    for rights in ROLES[role]:
        names = [getattr(topics, part).name for part in rights.parts]
        yield AclCommand(commands.allow(user, rights.operations, "topic", names, prefixed=False), rights.remark)
    if role == "aggregator":
        group = commands.allow(user, ("Read",), "group", everything, prefixed=True)
        yield AclCommand(group, "to share the partitions with the other aggregators")
