"""An Apache Kafka broker of our own (KRaft), for tests and benchmarks: alone, or one of a cluster.

    with Broker.fresh() as broker:
        broker.servers  # "127.0.0.1:40123"

Its data lives in a temporary folder. Both end with the `with`, and also when this process is killed.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from tests.kafka.class_archive import ClassArchive
from tests.kafka.jars import NoKafka, fetch_jars
from tests.kafka.settings import Listener, Node
from tests.patience import LIMIT_S
from tests.ports import free_port

_HERE: Final = Path(__file__).parent
_STARTED: Final = "Kafka Server started"

START_LIMIT_S: Final = 2 * LIMIT_S
"""A start takes three seconds; on a busy machine, many times that."""

_KEPT_LINES: Final = 50
"""The end of the broker's log, to be shown where it did not start."""

HEAP_MB: Final = 512
_JVM: Final = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
)

SESSION_MS: Final = 60_000
"""How long a broker may be silent before it counts as gone: long, since a busy machine stalls it for seconds."""

RESTART_SESSION_MS: Final = 9_000
"""The same of one that is killed and started again: so long a start has to wait for its predecessor's end."""

_ROLES: Final = ("producer", "aggregator", "gateway", "archiver", "operator")

CHIEF: Final = "chief"
"""Who may do anything there."""

GUARDED: Final = {"clerk": "right", CHIEF: "right"} | {f"sandik-{role}": "right" for role in _ROLES}
"""Who may come in at a guarded broker's own listener, and with which password. The chief alone has any other right."""

_GUARD: Final = """\
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={login} required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{chief}
"""

_BROKER: Final = "kafka.Kafka"
_STORAGE: Final = "kafka.tools.StorageTool"
_TOOLS: Final = {
    "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
}
"""Kafka's own scripts, which come in its distribution and not in its jars: each starts one of these classes."""

_LOGIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Broker:
    """One broker. It keeps its port and its data from `stop` or `kill` to the next `start`."""

    def __init__(self, node: Node, cluster: str, *, heap_mb: int = HEAP_MB, users: Sequence[str] = ()) -> None:
        """A broker with no data, not started yet. `users` are options that the storage is formatted with.

        Raises `NoKafka`.
        """
        self._jars = fetch_jars()
        if shutil.which("java") is None:
            raise NoKafka("there is no java; install it, or point SANDIK_TEST_KAFKA at a broker")
        self._folder = Path(tempfile.mkdtemp(prefix="sandik-kafka-"))
        self._listeners = {one.name: one for one in node.listeners}
        self._heap_mb = heap_mb
        self._process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None
        self._settings = self._folder / "server.properties"
        self._settings.write_text(node.settings(self._folder))
        self._format(cluster, users)

    @classmethod
    def fresh(cls, session_ms: int = SESSION_MS, *, guarded: bool = False) -> Self:
        """A broker alone that counts as gone after so long a silence. Raises `NoKafka`.

        A guarded one has a second listener, which asks for a password.
        """
        port, door = free_port(), free_port()
        listeners = [Listener("PLAINTEXT", port, port)]
        guard = ""
        if guarded:
            listeners.append(Listener("SASL_PLAINTEXT", door, door, is_guarded=True))
            users = " ".join(f'user_{name}="{password}"' for name, password in GUARDED.items())
            guard = _GUARD.format(login=_LOGIN, users=users, chief=CHIEF)
        return cls(Node(1, {1: free_port()}, tuple(listeners), session_ms, guard), cluster_id())

    @property
    def servers(self) -> str:
        """Where it listens: `host:port`."""
        return f"127.0.0.1:{self._listeners['PLAINTEXT'].advertised}"

    @property
    def guarded(self) -> str | None:
        """Where a guarded broker wants to know who comes."""
        door = self._listeners.get("SASL_PLAINTEXT")
        return f"127.0.0.1:{door.advertised}" if door else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def write_class_archive(self) -> None:
        """Start and stop it for the archive of the classes that brokers load, if there is none yet."""
        archive = self._classes()
        if not archive.is_written:
            with archive.during():
                self._start(archive.options)
                self.stop()

    def start(self) -> None:
        """Start it, and return once it answers."""
        archive = self._classes()
        self._start(archive.options if archive.is_written else ())

    def _start(self, options: Sequence[str]) -> None:
        watchdog = (sys.executable, str(_HERE / "watchdog.py"), str(self._folder))
        self._process = process = subprocess.Popen(
            [*watchdog, *self._java(_BROKER, *options), str(self._settings)],
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

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP): its connections stay, and nothing answers."""
        self._order("pause\n")

    def resume(self) -> None:
        """Let it go on from there (SIGCONT)."""
        self._order("resume\n")

    def close(self) -> None:
        """End it and remove its data."""
        self._end("")
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of Kafka's to its end. Raises `CalledProcessError`."""
        archive = ClassArchive(self._jars, program)
        with archive.during():
            command = [*self._java(program, *archive.options), *arguments]
            subprocess.run(command, check=True, capture_output=True, timeout=START_LIMIT_S)

    def _classes(self) -> ClassArchive:
        return ClassArchive(self._jars, _BROKER)

    def _java(self, program: str, *options: str) -> list[str]:
        return ["java", f"-Xmx{self._heap_mb}m", *_JVM, *options, "-cp", f"{self._jars}/*", program]

    def _order(self, order: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def set_password(self, user: str, password: str) -> None:
        """Have a guarded broker, from its next start on, let this user in with another password."""
        settings = self._settings.read_text()
        self._settings.write_text(re.sub(f'user_{user}="[^"]*"', f'user_{user}="{password}"', settings))

    def administer(self, command: str) -> None:
        """Run a command line of Kafka's own tools, as an administrator would type it."""
        tools = Path(tempfile.mkdtemp(dir=self._folder))  # another thread may be typing another one
        archives = {program: ClassArchive(self._jars, program) for program in _TOOLS.values()}
        for name, program in _TOOLS.items():
            tool = tools / name
            tool.write_text(f'#!/bin/sh\nexec {shlex.join(self._java(program, *archives[program].options))} "$@"\n')
            tool.chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        with contextlib.ExitStack() as kept:
            for archive in archives.values():
                kept.enter_context(archive.during())
            done = subprocess.run(
                ["bash", "-c", command],
                env=os.environ | {"PATH": path},
                capture_output=True,
                text=True,
                timeout=START_LIMIT_S,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")

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

    def _format(self, cluster: str, users: Sequence[str]) -> None:
        # an id may begin with "-", so it is not given as a word of its own
        added = (word for user in users for word in ("--add-scram", user))
        self.run(_STORAGE, "format", f"--cluster-id={cluster}", *added, "-c", str(self._settings))


def cluster_id() -> str:
    """A name for a new cluster that no other has."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _drain(output: IO[str], said: deque[str], answers: threading.Event) -> None:
    """Read what the broker says, lest it blocks; note that it is up, or that it ended."""
    for line in output:
        said.append(line)
        if _STARTED in line:
            answers.set()
    answers.set()
