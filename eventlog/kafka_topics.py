"""Topics in Kafka: creating them with the settings that the design relies on, and finding out what there is."""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from eventlog.kafka_closing import stop_admin
from eventlog.kafka_connection import REQUEST_TIMEOUT_MS, RETRY_BACKOFF_MS, Connection
from eventlog.port import MAX_RECORD_BYTES, Topic
from schemas.errors import LogError, UnknownTopic

BATCH_OVERHEAD_BYTES: Final = 128
"""A batch of one record is larger than its key and value by 61 bytes of header and at most 32 of variable integers."""

MIN_COMPACTION_LAG_MS: Final = 600_000
"""A stale record must not push the good one out before its owner publishes again: ten minutes, many takeovers."""

_APPEND_TIMES: Final = "message.timestamp.type"
_AppendTimes = Literal["LogAppendTime", "CreateTime"]
"""Whose append times are in a topic: the log's own, or those of the entries."""

_SET_ON_TOPIC: Final = 1  # DYNAMIC_TOPIC_CONFIG among the sources that Kafka tells of a setting; KIP-226

_BROKERS_DEFAULT: Final = -1  # the replication factor; KIP-464

_KEPT: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(MIN_COMPACTION_LAG_MS),
    "min.cleanable.dirty.ratio": "0.1",  # a start reads the topic whole: cleaning is cheaper than reading
    "segment.ms": str(MIN_COMPACTION_LAG_MS),  # the newest segment is never cleaned, so it must not stay it for a week
    "segment.bytes": str(64 * 1024 * 1024),
}


def settings(topic: Topic) -> dict[str, str]:
    """The topic's settings in Kafka's words."""
    return {
        **(_COMPACTED if topic.compacted else _KEPT),
        "max.message.bytes": str(topic.max_record_bytes + BATCH_OVERHEAD_BYTES),
        _APPEND_TIMES: "LogAppendTime",
    }


def _request(topic: Topic, append_times: _AppendTimes) -> NewTopic:
    chosen = settings(topic) | {_APPEND_TIMES: append_times}
    request = NewTopic(topic.name, topic.partitions, 1, topic_configs=chosen)
    request.replication_factor = _BROKERS_DEFAULT  # the constructor takes it for none given, and refuses it
    return request


class Topics:
    """Creates and looks up topics. What it looked up it remembers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._admin = AIOKafkaAdminClient(**connection.options)
        self._known: dict[str, Topic] = {}

    async def start(self) -> None:
        """Reach the cluster. Raises `LogUnavailable`, within a few seconds."""
        try:
            await self._connection.begin(self._admin.start())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the cluster."""
        await stop_admin(self._admin)

    async def create(self, topics: Sequence[Topic]) -> None:
        """Create those that are missing, and wait until they can be written to."""
        await self._create(topics, "LogAppendTime")

    async def open_for_restore(self, topics: Sequence[Topic]) -> None:
        """Create those that are missing; of all of them append times are from now on those of the entries."""
        await self._create(topics, "CreateTime")
        await self._set_append_times(topics, "CreateTime")

    async def close_restore(self, topics: Sequence[Topic]) -> None:
        """From now on append times are those of the brokers."""
        await self._set_append_times(topics, "LogAppendTime")

    async def _create(self, topics: Sequence[Topic], append_times: _AppendTimes) -> None:
        with self._connection.translated():
            there = await self._describe()
            missing = [topic for topic in topics if topic.name not in there]
            if not missing:
                return
            response = await self._admin.create_topics([_request(topic, append_times) for topic in missing])
            for name, code, *reason in response.topic_errors:
                error = for_code(code)
                if error not in (NoError, TopicAlreadyExistsError):
                    raise LogError(f"Kafka did not create topic {name!r}: {error.__name__} {reason}. Ask its operator.")
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                # Kafka tells nobody when a topic is ready
                while not {topic.name for topic in missing} <= (await self._describe()).keys():  # noqa: ASYNC110  see above
                    await asyncio.sleep(RETRY_BACKOFF_MS / 1000)

    async def find(self, name: str) -> Topic:
        """The topic as Kafka has it. Raises `UnknownTopic`."""
        topic = self._known.get(name)
        if topic is None:
            with self._connection.translated():
                partitions = (await self._describe()).get(name)
                if partitions is None:
                    raise UnknownTopic(name)
                topic = Topic(name, partitions, max_record_bytes=await self._max_record_bytes(name))
            self._known[name] = topic
        return topic

    async def _describe(self) -> dict[str, int]:
        """How many partitions each topic has whose partitions all have leaders.

        It asks for all topics: a request that names one would create it, where the cluster creates topics by itself.
        """
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in await self._admin.describe_topics()
            if topic["partitions"] and all(partition["leader"] >= 0 for partition in topic["partitions"])
        }

    async def _set_append_times(self, topics: Sequence[Topic], append_times: _AppendTimes) -> None:
        """Change that one setting where it is another, and wait until the cluster tells the new one."""
        for topic in topics:
            with self._connection.translated():
                async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                    found = await self._settings_of(topic.name)
                    if found.get(_APPEND_TIMES) == append_times:
                        continue
                    await self._alter(topic.name, found | {_APPEND_TIMES: append_times})
                    # Kafka tells nobody when it has changed
                    while (await self._settings_of(topic.name)).get(_APPEND_TIMES) != append_times:  # noqa: ASYNC110
                        await asyncio.sleep(RETRY_BACKOFF_MS / 1000)

    async def _alter(self, name: str, chosen: dict[str, str]) -> None:
        """Set all of a topic's own settings: those that are left out would fall back to the brokers' defaults."""
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=chosen)
        for response in await self._admin.alter_configs([resource]):
            for code, reason, *_ in response.resources:
                error = for_code(code)
                if error is not NoError:
                    raise error(f"topic {name!r} could not be set to {chosen[_APPEND_TIMES]}: {reason}")

    async def _settings_of(self, name: str) -> dict[str, str]:
        """The settings that the topic itself has, by their names."""
        wanted = ConfigResource(ConfigResourceType.TOPIC, name)
        return {
            setting: value
            for response in await self._admin.describe_configs([wanted])
            for code, _, _, _, configs in response.resources
            if for_code(code) is NoError
            for setting, value, _, source, *_ in configs
            if source == _SET_ON_TOPIC
        }

    async def _max_record_bytes(self, name: str) -> int:
        """The limit of a record's key and value; ours where Kafka does not tell."""
        wanted = ConfigResource(ConfigResourceType.TOPIC, name, configs={"max.message.bytes": None})
        for response in await self._admin.describe_configs([wanted]):
            for code, _, _, _, configs in response.resources:
                if for_code(code) is NoError:
                    return min(int(value) - BATCH_OVERHEAD_BYTES for _, value, *_ in configs)
        return MAX_RECORD_BYTES
