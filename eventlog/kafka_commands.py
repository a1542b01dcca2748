"""Commands of Apache Kafka's own tools, ready to be run by whoever administers the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventlog.port import Topic

PROPERTIES: Final = "admin.properties"
"""The file in which an administrator of a secured cluster keeps how Kafka's tools connect to it."""


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
