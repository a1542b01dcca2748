"""What a broker of ours is told: its place in its cluster, its listeners, and who may come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COPIES: Final = 3
"""Of each record, where a cluster has so many brokers; all but one of them must be there for an append."""

_SETTINGS: Final = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name={between}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={enough}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={enough}
default.replication.factor={copies}
min.insync.replicas={enough}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=4000
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a broker's. Clients are told to come to `advertised`; a guarded one asks who they are."""

    name: str
    port: int
    advertised: int
    is_guarded: bool = False

    @property
    def protocol(self) -> str:
        """Kafka's name for it."""
        return "SASL_PLAINTEXT" if self.is_guarded else "PLAINTEXT"


@dataclass(frozen=True, slots=True)
class Node:
    """A broker's place in a cluster: which one it is, every controller's port, and where it listens.

    The first listener is for the other brokers, too. Who was silent for `session_ms` counts as gone.
    """

    number: int
    controllers: Mapping[int, int]
    listeners: tuple[Listener, ...]
    session_ms: int
    more: str = ""
    """Further settings, such as who may come in at the guarded listeners."""

    def settings(self, folder: Path) -> str:
        """The broker's file of settings, for data below `folder`."""
        copies = min(COPIES, len(self.controllers))
        return self.more + _SETTINGS.format(
            number=self.number,
            voters=",".join(f"{number}@127.0.0.1:{port}" for number, port in self.controllers.items()),
            controller=self.controllers[self.number],
            listeners=",".join(f"{one.name}://127.0.0.1:{one.port}" for one in self.listeners),
            advertised=",".join(f"{one.name}://127.0.0.1:{one.advertised}" for one in self.listeners),
            protocols=",".join(f"{one.name}:{one.protocol}" for one in self.listeners),
            between=self.listeners[0].name,
            folder=folder,
            copies=copies,
            enough=max(1, copies - 1),
            session_ms=self.session_ms,
        )
