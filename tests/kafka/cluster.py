"""Three Apache Kafka brokers of our own that keep every record three times, in small heaps.

Each has a listener for every link that it is made with, so that whoever comes by that link can be cut off from it, and
one for the brokers themselves, which is also ours: `servers`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from tests.kafka.broker import RESTART_SESSION_MS, Broker, cluster_id
from tests.kafka.settings import Listener, Node
from tests.ports import free_port

BROKERS: Final = 3
HEAP_MB: Final = 256

USER: Final = "clerk"
PASSWORD: Final = "right"  # noqa: S105  it guards a broker of the tests
"""Who may come in by a guarded link, until the password is changed."""

MECHANISM: Final = "SCRAM-SHA-256"
_ITERATIONS: Final = 4_096

_MORE: Final = """\
num.network.threads=1
num.io.threads=4
sasl.enabled.mechanisms=SCRAM-SHA-256
"""
_JAAS: Final = (
    "listener.name.{name}.scram-sha-256.sasl.jaas.config="
    "org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
)


@dataclass(frozen=True, slots=True)
class Link:
    """By which somebody comes: its name, and for each broker the port that they are told to come to."""

    name: str
    advertised: tuple[int, ...]
    is_guarded: bool = False


class Cluster:
    """The brokers. Use as a context manager: all run inside of it, unless they are told otherwise."""

    def __init__(self, links: Sequence[Link]) -> None:
        """Brokers with no data, not started yet. Raises `NoKafka`."""
        numbers = range(1, BROKERS + 1)
        controllers = {number: free_port() for number in numbers}
        more = _MORE + "".join(_JAAS.format(name=link.name.lower()) for link in links if link.is_guarded)
        users = [f"{MECHANISM}=[name={USER},iterations={_ITERATIONS},password={PASSWORD}]"]
        name = cluster_id()
        self.ports: Mapping[str, tuple[int, ...]] = {
            link.name: tuple(free_port() for _ in range(BROKERS)) for link in links
        }
        """By link and broker, where the broker listens."""

        own_ports = {number: free_port() for number in numbers}

        def made(number: int) -> Broker:
            own = own_ports[number]
            doors = (
                Listener(link.name, self.ports[link.name][number - 1], link.advertised[number - 1], link.is_guarded)
                for link in links
            )
            listeners = (Listener("PLAINTEXT", own, own), *doors)
            node = Node(number, controllers, listeners, RESTART_SESSION_MS, more)
            return Broker(node, name, heap_mb=HEAP_MB, users=users)

        with ThreadPoolExecutor(BROKERS) as threads:
            self.brokers: Final = tuple(threads.map(made, numbers))

    @property
    def servers(self) -> str:
        """Where the brokers listen to one another, and to us: `host:port,…`."""
        return ",".join(broker.servers for broker in self.brokers)

    def __enter__(self) -> Self:
        try:
            at_once(*(broker.start for broker in self.brokers))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all of them and remove their data."""
        for broker in self.brokers:
            broker.close()

    def change_password(self, password: str) -> None:
        """Give the user of guarded links another password. Connections that stand are not asked again."""
        self.brokers[0].run(
            "kafka.admin.ConfigCommand",
            *("--bootstrap-server", self.servers, "--alter", "--entity-type", "users", "--entity-name", USER),
            *("--add-config", f"{MECHANISM}=[iterations={_ITERATIONS},password={password}]"),
        )


def at_once(*works: Callable[[], object]) -> None:
    """Do things that block, each in a thread: brokers begin only together. Raises what one of them raised."""
    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(work) for work in works]:
            done.result()
