"""Topics in Kafka: creating them with the settings that the design relies on, and finding out what there is."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from eventlog.kafka.administration import APPEND_TIMES, BATCH_OVERHEAD_BYTES, TopicState, findings, settings
from eventlog.kafka.connection import REQUEST_TIMEOUT_MS, RETRY_BACKOFF_MS, Connection, stop_admin
from eventlog.port import MAX_RECORD_BYTES, Topic, TopicFinding
from schemas.errors import LogError, UnknownTopic

_AppendTimes = Literal["LogAppendTime", "CreateTime"]
"""Whose append times are in a topic: the log's own, or those of the entries."""

_SET_ON_TOPIC: Final = 1  # DYNAMIC_TOPIC_CONFIG among the sources that Kafka tells of a setting; KIP-226

_BROKERS_DEFAULT: Final = -1  # the replication factor; KIP-464


def _request(topic: Topic, append_times: _AppendTimes) -> NewTopic:
    chosen = settings(topic) | {APPEND_TIMES: append_times}
    request = NewTopic(topic.name, topic.partitions, 1, topic_configs=chosen)
    request.replication_factor = _BROKERS_DEFAULT  # the constructor takes it for none given, and refuses it
    return request


class Topics:
    """Creates topics, changes their settings, and looks them up, with a cache of those that exist."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._admin = AIOKafkaAdminClient(**connection.options)
        self._known: dict[str, Topic] = {}
        self._described: dict[str, int] = {}

    async def start(self) -> None:
        """Reach the cluster. Raises `LogUnavailable`, within a few seconds."""
        try:
            await self._connection.begin(self._admin.start())
            await self._learn_brokers()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the client."""
        await stop_admin(self._admin)

    async def create(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are missing, and wait until their partitions have leaders. Raises `LogError`."""
        await self._create(topics, "LogAppendTime")

    async def open_for_restore(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are missing, and let all of them take their append times from the entries."""
        await self._create(topics, "CreateTime")
        await self._set_append_times(topics, "CreateTime")

    async def close_restore(self, topics: Sequence[Topic]) -> None:
        """Let the brokers set the append times of these topics again."""
        await self._set_append_times(topics, "LogAppendTime")

    async def _create(self, topics: Sequence[Topic], append_times: _AppendTimes) -> None:
        async with self._connection.translated():
            there = await self._describe()
            missing = [topic for topic in topics if not there.get(topic.name)]
            if not missing:
                return
            response = await self._admin.create_topics([_request(topic, append_times) for topic in missing])
            for name, code, *reason in response.topic_errors:
                error = for_code(code)
                if error not in (NoError, TopicAlreadyExistsError):
                    raise LogError(f"Kafka did not create topic {name!r}: {error.__name__} {reason}. Ask its operator.")
            await self._wait_for_leaders({topic.name for topic in missing})

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        """Compare topics with what they must be."""
        brokers, commands = await self._learn_brokers(), self._connection.commands
        async with self._connection.translated():
            states = await self._states([topic.name for topic in topics])
        return [one for topic in topics for one in findings(topic, states.get(topic.name), brokers, commands)]

    async def _learn_brokers(self) -> int:
        """Ask the cluster for its brokers; return how many there are."""
        async with self._connection.translated(), asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            cluster = await self._admin.describe_cluster()
        found = [(broker["host"], broker["port"]) for broker in cluster["brokers"]]
        self._connection.brokers.learn(found)
        return len(found)

    async def _states(self, names: Sequence[str]) -> dict[str, TopicState]:
        """Describe the topics that exist, by name."""
        found = {topic["topic"]: topic["partitions"] for topic in await self._admin.describe_topics()}
        told = await self._told_settings([name for name in names if name in found])
        return {
            name: TopicState(
                len(found[name]), min((len(one["replicas"]) for one in found[name]), default=0), told.get(name)
            )
            for name in names
            if name in found
        }

    async def _told_settings(self, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return the settings in force of the topics that this user may see, with the brokers' defaults, by name."""
        if not names:
            return {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        return {
            name: {setting: value for setting, value, *_ in configs}
            for response in await self._admin.describe_configs(wanted)
            for code, _, _, name, configs in response.resources
            if for_code(code) is NoError
        }

    async def find(self, name: str) -> Topic:
        """Look the topic up, once it has leaders. Raises `UnknownTopic`; that a topic is missing is not cached."""
        topic = self._known.get(name)
        if topic is None:
            async with self._connection.translated():
                if name not in self._described:
                    self._described = await self._describe()  # of all topics: the run's others are found in it next
                partitions = self._described.get(name)
                if partitions is None:
                    raise UnknownTopic(name)
                if not partitions:
                    partitions = (await self._wait_for_leaders({name}))[name]
                topic = Topic(name, partitions, max_record_bytes=await self._max_record_bytes(name))
            self._known[name] = topic
        return topic

    async def _wait_for_leaders(self, names: Collection[str]) -> Mapping[str, int]:
        """Describe all topics, once the partitions of these have leaders."""
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            # Kafka tells nobody when that is so
            while not all(map((described := await self._describe()).get, names)):  # noqa: ASYNC110  see above
                await asyncio.sleep(RETRY_BACKOFF_MS / 1000)
        self._described = described
        return described

    async def _describe(self) -> dict[str, int]:
        """Return the number of partitions of each topic; 0 of one that has a partition without a leader.

        All topics are requested: a request that names one creates it, where the cluster creates topics automatically.
        """
        return {
            topic["topic"]: len(topic["partitions"]) * all(one["leader"] >= 0 for one in topic["partitions"])
            for topic in await self._admin.describe_topics()
        }

    async def _set_append_times(self, topics: Sequence[Topic], append_times: _AppendTimes) -> None:
        """Change `message.timestamp.type` where it is another, and wait until the cluster reports the new value."""
        for topic in topics:
            async with self._connection.translated():
                async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                    found = await self._settings_of(topic.name)
                    if found.get(APPEND_TIMES) == append_times:
                        continue
                    await self._alter(topic.name, found | {APPEND_TIMES: append_times})
                    # Kafka tells nobody when it has changed
                    while (await self._settings_of(topic.name)).get(APPEND_TIMES) != append_times:  # noqa: ASYNC110
                        await asyncio.sleep(RETRY_BACKOFF_MS / 1000)

    async def _alter(self, name: str, chosen: dict[str, str]) -> None:
        """Set all of a topic's own settings: those that are left out fall back to the brokers' defaults."""
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=chosen)
        for response in await self._admin.alter_configs([resource]):
            for code, reason, *_ in response.resources:
                error = for_code(code)
                if error is not NoError:
                    raise error(f"topic {name!r} could not be set to {chosen[APPEND_TIMES]}: {reason}")

    async def _settings_of(self, name: str) -> dict[str, str]:
        """Return the settings that the topic itself has, without the brokers' defaults, by name."""
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
        """Return the limit of a record's key and value; `MAX_RECORD_BYTES` where this user may not see it."""
        wanted = ConfigResource(ConfigResourceType.TOPIC, name, configs={"max.message.bytes": None})
        for response in await self._admin.describe_configs([wanted]):
            for code, _, _, _, configs in response.resources:
                if for_code(code) is NoError:
                    return min(int(value) - BATCH_OVERHEAD_BYTES for _, value, *_ in configs)
        return MAX_RECORD_BYTES
