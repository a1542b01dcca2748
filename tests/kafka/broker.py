"""An Apache Kafka broker of our own (KRaft, one node), for tests and benchmarks.

    with Broker.fresh() as broker:
        broker.servers  # "127.0.0.1:40123"

Its data lives in a temporary folder. Both end with the `with`, and also when this process is killed.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from base64 import urlsafe_b64encode
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from tests.kafka.jars import NoKafka, fetch_jars
from tests.patience import LIMIT_S
from tests.ports import free_port

_HERE: Final = Path(__file__).parent
_STARTED: Final = "Kafka Server started"

START_LIMIT_S: Final = 2 * LIMIT_S
"""A start takes three seconds; on a busy machine, many times that."""

_KEPT_LINES: Final = 50
"""The end of the broker's log, to be shown where it did not start."""

_JVM: Final = (
    *("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
)

SESSION_MS: Final = 60_000
"""How long a broker may be silent before it counts as gone: long, since a busy machine stalls it for seconds."""

RESTART_SESSION_MS: Final = 9_000
"""The same of one that is killed and started again: so long a start has to wait for its predecessor's end."""

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
default.replication.factor=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
"""

GUARDED: Final = {"clerk": "right"}
"""Who may come in at a guarded broker's own listener, and with which password. Nobody there has any other right."""

_GUARD: Final = """\
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={login} required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""

_LOGIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Broker:
    """One broker. It keeps its port and its data from `stop` or `kill` to the next `start`."""

    guarded: str | None = None
    """Where a guarded broker wants to know who comes."""

    def __init__(self, jars: Path, folder: Path, session_ms: int, *, guarded: bool = False) -> None:
        self._jars = jars
        self._folder = folder
        self._port, controller = free_port(), free_port()
        self._process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None
        self._settings = folder / "server.properties"
        properties = _PROPERTIES.format(port=self._port, controller=controller, folder=folder, session_ms=session_ms)
        if guarded:
            port = free_port()
            self.guarded = f"127.0.0.1:{port}"
            users = " ".join(f'user_{name}="{password}"' for name, password in GUARDED.items())
            properties += _GUARD.format(
                port=self._port, guarded=port, controller=controller, login=_LOGIN, users=users
            )  # the last of two lines about the same is the one that counts
        self._settings.write_text(properties)
        self._format()

    @classmethod
    def fresh(cls, session_ms: int = SESSION_MS, *, guarded: bool = False) -> Self:
        """A broker with no data, not started yet, that counts as gone after so long a silence. Raises `NoKafka`.

        A guarded one has a second listener, which asks for a password.
        """
        jars = fetch_jars()
        if shutil.which("java") is None:
            raise NoKafka("there is no java; install it, or point SANDIK_TEST_KAFKA at a broker")
        return cls(jars, Path(tempfile.mkdtemp(prefix="sandik-kafka-")), session_ms, guarded=guarded)

    @property
    def servers(self) -> str:
        """Where it listens: `host:port`."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it, and return once it answers."""
        command = [sys.executable, str(_HERE / "watchdog.py"), str(self._folder), *self._java("kafka.Kafka")]
        self._process = process = subprocess.Popen(
            [*command, str(self._settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; the watchdog ends the broker
        )
        assert process.stdout is not None
        said: deque[str] = deque(maxlen=_KEPT_LINES)
        answers = threading.Event()
        self._drain = threading.Thread(target=_drain, args=(process.stdout, said, answers), daemon=True)
        self._drain.start()
        if not answers.wait(START_LIMIT_S) or process.poll() is not None:
            self.close()
            raise RuntimeError(f"Kafka did not start within {START_LIMIT_S} s. It said:\n{''.join(said)}")

    def stop(self) -> None:
        """Shut it down in order; keep its data."""
        self._end("stop\n")

    def kill(self) -> None:
        """End it as `kill -9` does; keep its data."""
        self._end("kill\n")

    def close(self) -> None:
        """End it and remove its data."""
        self._end("")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, order: str) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            process.stdin.write(order)
            process.stdin.close()
        try:
            process.wait(LIMIT_S)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            if self._drain is not None:
                self._drain.join(LIMIT_S)
            if process.stdout is not None:
                process.stdout.close()

    def _java(self, main: str) -> list[str]:
        return ["java", *_JVM, "-cp", f"{self._jars}/*", main]

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # an id may begin with "-", so it is not given as a word of its own
        command = [
            *self._java("kafka.tools.StorageTool"),
            "format",
            f"--cluster-id={cluster}",
            "-c",
            str(self._settings),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=START_LIMIT_S)


def _drain(output: IO[str], said: deque[str], answers: threading.Event) -> None:
    """Read what the broker says, lest it blocks; note that it is up, or that it ended."""
    for line in output:
        said.append(line)
        if _STARTED in line:
            answers.set()
    answers.set()
