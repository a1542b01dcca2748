"""The servers side by side. Each runs in a process of its own; a round is the same messages to all of its clients."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

from websockets.sync.client import connect

from benchmarks.commands import free_port
from benchmarks.gateway.feed import EPOCH, Feed
from benchmarks.gateway.handshake import bearer, request, subscribe
from benchmarks.gateway.plan import Dialect, Resume
from benchmarks.gateway.process import running, wait_until_listening
from benchmarks.patience import LIMIT_S

PEERS: Final = Path(__file__).parent.parent / "peers"
PROVINCE: Final = "tr/34"
"""What a client follows where nothing else is said."""

DELTA: Final = b'{"type":"delta"'
SNAPSHOT: Final = b'{"type":"snapshot"'


class Missing(Exception):
    """A peer that cannot run here; the message says what to install."""


class Server(Protocol):
    """A server that runs: where it is, what its clients say, and how it is told to send a round."""

    port: int
    pids: list[int]
    dialect: Dialect

    def round(self) -> None:
        """Have it send one round to every client."""
        ...


class Remembering(Server, Protocol):
    """A server whose clients can come back to what they missed."""

    def resume(self) -> Resume:
        """Return what a client says that comes back."""
        ...


class Fed(Server, Protocol):
    """A server that reads a log, to which its feed appends."""

    feed: Feed


class Ordered:
    """A peer that takes its orders on standard input."""

    def __init__(self, process: subprocess.Popen[bytes], *, upgrades: bool, deflate: bool = False) -> None:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("a server is started with pipes")
        self._orders = process.stdin
        self.port = int(process.stdout.readline())
        self.pids = [process.pid]
        self.dialect = Dialect(request(deflate=deflate) if upgrades else b"")

    def round(self) -> None:
        self._orders.write(b"\n")
        self._orders.flush()


class Sandik:
    """The command `sandik gateway`, as shipped, fed through its log."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, feed: Feed, token: str, dialect: Dialect) -> None:
        self.port = port
        wait_until_listening(port, process)
        self.pids = [process.pid]
        self.feed = feed
        self.token = token
        self.dialect = dialect

    def round(self) -> None:
        self.feed.round()

    def resume(self) -> Resume:
        return _come_back


def _come_back(seq: int) -> bytes:
    return subscribe(PROVINCE, since=(EPOCH, seq))


@contextmanager
def bare(frames: bytes) -> Iterator[Server]:
    """C: prebuilt bytes to every socket. Raises `Missing` without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("no C compiler; install gcc")
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        program, file = Path(folder) / "bare", Path(folder) / "frames"
        file.write_bytes(frames)
        subprocess.run([compiler, "-O2", "-o", program, PEERS / "bare.c"], check=True, timeout=LIMIT_S)
        with running([str(program), str(file)]) as process:
            yield Ordered(process, upgrades=False)


@contextmanager
def python_peer(kind: str, frames: bytes) -> Iterator[Server]:
    """One of the servers in `loops`."""
    with tempfile.NamedTemporaryFile(prefix="sandik-bench-") as file:
        file.write(frames)
        file.flush()
        with running([sys.executable, "-m", "benchmarks.gateway.loops", kind, file.name]) as process:
            yield Ordered(process, upgrades=kind != "loop", deflate=kind.endswith("deflate"))


@contextmanager
def sandik(
    *,
    districts: int = 1,
    says: tuple[bytes, ...] = (),
    deflate: bool = False,
    tick_ms: float = 50,
    url: str | None = None,
    run: str = "bench",
) -> Iterator[Sandik]:
    """The gateway on a fresh run, for clients with a token: on an embedded log of its own, or on the log at `url`."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandik-bench-", ignore_cleanup_errors=True))
        where = url or f"sqlite:{folder}/bench.db"
        feed = stack.enter_context(Feed(where, run, districts))
        port = free_port()
        key = Path(folder) / "clients.key"
        token = _token(key)
        door = ("--public", "token", "--token-key", f"{key}.pub")
        options = ("--log", where, "--run", run, "--port", str(port), "--tick-ms", str(tick_ms), *door)
        process = stack.enter_context(running([sys.executable, "-m", "sandik", "gateway", *options]))
        speech = Dialect(request(deflate=deflate, token=token), says or (subscribe(PROVINCE),), (DELTA, SNAPSHOT))
        yield Sandik(process, port, feed, token, speech)


def sample(server: Sandik) -> bytes:
    """One delta as the gateway frames it, so that the others can send as many bytes of the same text.

    It is the second: a gateway's first one of what it found in the log is the whole figures.
    """
    with connect(
        f"ws://127.0.0.1:{server.port}/v1/stream", compression=None, additional_headers=bearer(server.token)
    ) as client:
        said = server.dialect.says[0]
        client.send(said[said.index(b"{") :].decode())
        while not str(client.recv(LIMIT_S)).startswith(SNAPSHOT.decode()):
            pass
        for _ in range(2):
            server.round()
            while not (text := str(client.recv(LIMIT_S))).startswith(DELTA.decode()):
                pass
    return frame(text.encode())


def frame(text: bytes) -> bytes:
    """The text as one whole frame of a server."""
    size = len(text)
    if size <= 125:
        return bytes([0x81, size]) + text
    if size <= 0xFFFF:
        return bytes([0x81, 126]) + size.to_bytes(2, "big") + text
    return bytes([0x81, 127]) + size.to_bytes(8, "big") + text


def _token(key: Path) -> str:
    """A new pair of keys, and a token made with it for any run."""
    make = [sys.executable, "-m", "sandik", "token"]
    subprocess.run([*make, "--new-key", str(key)], check=True, capture_output=True, timeout=LIMIT_S)
    ask = [*make, "--key", str(key), "--run", "*", "--subject", "benchmark"]
    made = subprocess.run(ask, check=True, capture_output=True, text=True, timeout=LIMIT_S)
    return made.stdout.strip()
