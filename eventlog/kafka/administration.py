"""What the administrator of a Kafka cluster has to know: settings of topics, ACLs by role, and commands for both. Pure.

`Security` is what the administrator has given us: how we prove who we are.

A requirement on a topic is about what the design relies on (`wrong` where it is not met), or about what a broker's
failure may cost (`fragile`). Who asks Kafka is in `kafka.topics`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from eventlog.port import MIN_COMPACTION_LAG_MS, Standing, Topic, TopicFinding
from eventlog.run import RunTopics

PROPERTIES: Final = "admin.properties"
"""The file in which an administrator of a secured cluster keeps how Kafka's tools connect to it."""


Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Security:
    """How to prove who we are to the brokers, and they to us."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


Role = Literal["producer", "aggregator", "gateway", "archiver", "operator"]
_Part = Literal["control", "tallies", "totals", "ledger", "comparisons", "quarantine"]

BATCH_OVERHEAD_BYTES: Final = 128
"""A batch of one record is larger than its key and value by 61 bytes of header and at most 32 of variable integers."""

APPEND_TIMES: Final = "message.timestamp.type"
"""The setting that says whose append times are in a topic: the log's own, or those of the entries."""

REPLICAS: Final = 3
"""One broker may be restarted, and another fail meanwhile; a cluster of fewer brokers has as many as it can."""

IN_SYNC_REPLICAS: Final = 2
"""So many must have an append before it is acknowledged, where there are three: it outlives the loss of one of them."""

PARTITIONS: Final = "partitions"
REPLICATION: Final = "replication factor"
IN_SYNC: Final = "min.insync.replicas"

_KEPT: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(MIN_COMPACTION_LAG_MS),
    "min.cleanable.dirty.ratio": "0.1",  # a start reads the topic whole: cleaning is cheaper than reading
    "segment.ms": str(MIN_COMPACTION_LAG_MS),  # the newest segment is never cleaned, so it must not stay it for a week
    "segment.bytes": str(64 * 1024 * 1024),
}


@dataclass(frozen=True, slots=True)
class KafkaCommands:
    """Writes commands for one cluster. `servers` is `HOST:PORT[,HOST:PORT]`; a secured one asks who comes."""

    servers: str
    secured: bool = False

    def create(self, topic: Topic, replicas: int, settings: Mapping[str, str]) -> str:
        """Create a topic with these settings."""
        return " ".join(
            [
                self._tool("kafka-topics.sh"),
                f"--create --topic {topic.name} --partitions {topic.partitions} --replication-factor {replicas}",
                *(f"--config {setting}={value}" for setting, value in settings.items()),
            ]
        )

    def add_partitions(self, name: str, partitions: int) -> str:
        """Give a topic more partitions. What is in it stays where it is: so only while nothing is in it yet."""
        tool = self._tool("kafka-topics.sh")
        return f"{tool} --alter --topic {name} --partitions {partitions}  # only while nothing is in it"

    def delete(self, name: str) -> str:
        """Delete a topic, to have it created as it must be."""
        tool = self._tool("kafka-topics.sh")
        return f"{tool} --delete --topic {name}  # only while nothing in it is needed; then create it anew"

    def alter(self, name: str, setting: str, value: str) -> str:
        """Change one setting of a topic."""
        tool = self._tool("kafka-configs.sh")
        return f"{tool} --alter --entity-type topics --entity-name {name} --add-config {setting}={value}"

    def allow(self, user: str, operations: Sequence[str], kind: str, names: Sequence[str], *, prefixed: bool) -> str:
        """Allow a user these operations on topics or groups: of these names, or all that begin so."""
        return " ".join(
            [
                self._tool("kafka-acls.sh"),
                f"--add --allow-principal User:{user}",
                *(f"--operation {operation}" for operation in operations),
                *(f"--{kind} {name}" for name in names),
                *(["--resource-pattern-type prefixed"] if prefixed else []),
            ]
        )

    def _tool(self, name: str) -> str:
        properties = f" --command-config {PROPERTIES}" if self.secured else ""
        return f"{name} --bootstrap-server {self.servers}{properties}"


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as Kafka describes it. `replicas` is the least number of replicas that a partition of it has.

    `settings` is `None` where this user may not see them.
    """

    partitions: int
    replicas: int
    settings: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Requirement:
    """What a setting must be: `wanted` in words, `value` for the command that sets it."""

    setting: str
    wanted: str
    value: str
    holds: Callable[[str], bool]
    failing: Standing = "wrong"


def settings(topic: Topic) -> dict[str, str]:
    """Return the settings that a topic is created with, by Kafka's names."""
    return {
        **(_COMPACTED if topic.compacted else _KEPT),
        "max.message.bytes": str(topic.max_record_bytes + BATCH_OVERHEAD_BYTES),
        APPEND_TIMES: "LogAppendTime",
    }


def replicas(brokers: int) -> int:
    """Return how many replicas a topic should have in a cluster of so many brokers."""
    return max(1, min(REPLICAS, brokers))


def creation(topic: Topic, brokers: int) -> dict[str, str]:
    """Return the settings to create a topic with by hand: `settings`, and quorums that survive the loss of a broker."""
    in_sync = {IN_SYNC: str(IN_SYNC_REPLICAS)} if replicas(brokers) >= REPLICAS else {}
    return settings(topic) | in_sync


def findings(topic: Topic, state: TopicState | None, brokers: int, commands: KafkaCommands) -> Iterator[TopicFinding]:
    """Compare one topic with what it must be, in a cluster of so many brokers; `state` is `None` where it is missing.

    A topic that has to be deleted gets no commands for its settings: it is created anew with the right ones.
    """
    if state is None:
        create = commands.create(topic, replicas(brokers), creation(topic, brokers))
        yield TopicFinding(topic.name, "topic", None, "there", "missing", create)
        return
    yield _partitions(topic, state, commands)
    yield _replication(topic, state, brokers)
    if state.settings is None:
        yield TopicFinding(topic.name, "settings", None, "told: allow this user DescribeConfigs on it", "untold")
        return
    for one in _requirements(topic, state.replicas):
        found = state.settings.get(one.setting)
        if found is None:
            yield TopicFinding(topic.name, one.setting, None, one.wanted, "untold")
        elif one.holds(found):
            yield TopicFinding(topic.name, one.setting, found, one.wanted, "ok")
        else:
            mend = "" if _is_to_be_deleted(topic, state) else commands.alter(topic.name, one.setting, one.value)
            yield TopicFinding(topic.name, one.setting, found, one.wanted, one.failing, mend)


def _partitions(topic: Topic, state: TopicState, commands: KafkaCommands) -> TopicFinding:
    found, wanted = state.partitions, topic.partitions
    if found == wanted:
        return TopicFinding(topic.name, PARTITIONS, str(found), str(wanted), "ok")
    delete = _is_to_be_deleted(topic, state)
    mend = commands.delete(topic.name) if delete else commands.add_partitions(topic.name, wanted)
    return TopicFinding(topic.name, PARTITIONS, str(found), str(wanted), "wrong", mend)


def _is_to_be_deleted(topic: Topic, state: TopicState) -> bool:
    """Whether it has too many partitions: Kafka can give a topic more, and never fewer."""
    return state.partitions > topic.partitions


def _replication(topic: Topic, state: TopicState, brokers: int) -> TopicFinding:
    wanted = replicas(brokers)
    standing: Standing = "ok" if state.replicas >= wanted else "fragile"
    mend = "" if standing == "ok" else f"# kafka-reassign-partitions.sh gives {topic.name} {wanted} replicas"
    return TopicFinding(topic.name, REPLICATION, str(state.replicas), _at_least(wanted), standing, mend)


def _requirements(topic: Topic, replicated: int) -> Sequence[_Requirement]:
    kept = [_exactly(setting, value) for setting, value in _KEPT.items()]
    compacted = [
        _exactly("cleanup.policy", "compact"),
        _number("min.compaction.lag.ms", MIN_COMPACTION_LAG_MS),
    ]
    return [
        *(compacted if topic.compacted else kept),
        _exactly(APPEND_TIMES, "LogAppendTime"),
        _number("max.message.bytes", topic.max_record_bytes),  # without overhead: Kafka's default is enough for 1 MiB
        _in_sync(replicated),
        _exactly("unclean.leader.election.enable", "false", "fragile"),
    ]


def _in_sync(replicated: int) -> _Requirement:
    """Enough for the loss of a broker, and not so many that the loss of one stops all appends."""
    least = IN_SYNC_REPLICAS if replicated >= REPLICAS else 1
    most = max(least, replicated - 1)
    wanted = str(least) if least == most else f"{least} to {most}"
    return _Requirement(IN_SYNC, wanted, str(least), lambda found: least <= int(found) <= most, "fragile")


def _exactly(setting: str, value: str, failing: Standing = "wrong") -> _Requirement:
    return _Requirement(setting, value, value, lambda found: found == value, failing)


def _number(setting: str, least: int) -> _Requirement:
    return _Requirement(setting, _at_least(least), str(least), lambda found: int(found) >= least)


def _at_least(number: int) -> str:
    return f"at least {number}"


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
"""Besides, every role may describe all topics of the run, and aggregators may join a consumer group."""


@dataclass(frozen=True, slots=True)
class AclCommand:
    """One command that allows something, and what it is for."""

    command: str
    remark: str = ""


def acl_commands(role: Role, user: str, topics: RunTopics, commands: KafkaCommands) -> Iterator[AclCommand]:
    """Yield the commands that give a user the rights of a role in a run, on topics that exist, and no more."""
    everything = [f"sandik.{topics.run}."]
    seeing = ("Describe", "DescribeConfigs")
    yield AclCommand(commands.allow(user, seeing, "topic", everything, prefixed=True), "to see what there is")
    for rights in ROLES[role]:
        names = [getattr(topics, part).name for part in rights.parts]
        yield AclCommand(commands.allow(user, rights.operations, "topic", names, prefixed=False), rights.remark)
    if role == "aggregator":
        group = commands.allow(user, ("Read",), "group", everything, prefixed=True)
        yield AclCommand(group, "to share the partitions with the other aggregators")
