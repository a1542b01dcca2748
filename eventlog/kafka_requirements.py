"""What a topic in Kafka must be: the settings that it is created with, and how one that exists compares with them.

A requirement is about what the design relies on (`wrong` where it is not met), or about what a broker's failure may
cost (`fragile`). Pure; who asks Kafka is in `kafka_topics`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventlog.kafka_commands import KafkaCommands
from eventlog.port import Standing, Topic, TopicFinding

BATCH_OVERHEAD_BYTES: Final = 128
"""A batch of one record is larger than its key and value by 61 bytes of header and at most 32 of variable integers."""

MIN_COMPACTION_LAG_MS: Final = 600_000
"""A stale record must not push the good one out before its owner publishes again: ten minutes, many takeovers."""

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
class TopicState:
    """A topic as Kafka describes it. `replicas` is the number that every partition has at least.

    `settings` is `None` where this user may not see them.
    """

    partitions: int
    replicas: int
    settings: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Requirement:
    """What a setting must be: `wanted` for people, `value` for the command that sets it."""

    setting: str
    wanted: str
    value: str
    holds: Callable[[str], bool]
    failing: Standing = "wrong"


def settings(topic: Topic) -> dict[str, str]:
    """The topic's settings in Kafka's words, as it is created."""
    return {
        **(_COMPACTED if topic.compacted else _KEPT),
        "max.message.bytes": str(topic.max_record_bytes + BATCH_OVERHEAD_BYTES),
        APPEND_TIMES: "LogAppendTime",
    }


def replicas(brokers: int) -> int:
    """How many replicas a topic should have in a cluster of so many brokers."""
    return max(1, min(REPLICAS, brokers))


def creation(topic: Topic, brokers: int) -> dict[str, str]:
    """The settings to create a topic with by hand: those of ours, and what the loss of a broker must not cost."""
    in_sync = {IN_SYNC: str(IN_SYNC_REPLICAS)} if replicas(brokers) >= REPLICAS else {}
    return settings(topic) | in_sync


def findings(topic: Topic, state: TopicState | None, brokers: int, commands: KafkaCommands) -> Iterator[TopicFinding]:
    """Compare one topic with what it must be, in a cluster of so many brokers.

    What is to be deleted has no settings to mend: it is created anew with those that it must have.
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
    """Kafka gives a topic more partitions, and never fewer."""
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
