"""The servers side by side. Each runs in a process of its own; a round is the same messages to all of its clients."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

from websockets.sync.client import connect

from benchmarks.gateway.feed import Feed
from benchmarks.gateway.handshake import bearer, request, subscribe
from benchmarks.gateway.process import family, start_on_server_core, stop
from benchmarks.patience import LIMIT_S

PEERS: Final = Path(__file__).parent.parent / "peers"
NCHAN_MODULES: Final = ("/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/share/nginx/modules/ngx_nchan_module.so")

DELTA: Final = b'{"type":"delta"'
SNAPSHOT: Final = b'{"type":"snapshot"'


class Missing(Exception):
    """A peer that cannot run here; the message says what to install."""


class Server(Protocol):
    """A server that runs: where it is, what its clients say, and how it is told to send a round."""

    port: int
    pids: list[int]
    request: bytes
    says: tuple[bytes, ...]
    counted: tuple[bytes, ...]

    def round(self) -> None:
        """Have it send one round to every client."""
        ...


class Ordered:
    """A peer that takes its orders on standard input."""

    counted: tuple[bytes, ...] = (b"",)

    def __init__(self, process: subprocess.Popen[bytes], *, upgrades: bool, deflate: bool = False) -> None:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("a server is started with pipes")
        self._orders = process.stdin
        self.port = int(process.stdout.readline())
        self.pids = [process.pid]
        self.request = request(deflate=deflate) if upgrades else b""
        self.says: tuple[bytes, ...] = ()

    def round(self) -> None:
        self._orders.write(b"\n")
        self._orders.flush()


class Nchan:
    """nginx with nchan: a round is published to it over HTTP, message by message, on one kept connection."""

    counted: tuple[bytes, ...] = (b"",)

    def __init__(self, process: subprocess.Popen[bytes], port: int, texts: list[str]) -> None:
        self.port = port
        _until_listening(port, process)
        self.pids = family(process.pid)
        self.request = request()
        self.says: tuple[bytes, ...] = ()
        self._texts = [text.encode() for text in texts]
        self._publisher = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)

    def round(self) -> None:
        for text in self._texts:
            self._publisher.request("POST", "/pub", body=text)
            self._publisher.getresponse().read()

    def close(self) -> None:
        self._publisher.close()


class Sandik:
    """The command `sandik gateway`, as shipped, fed through its log."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, feed: Feed) -> None:
        self.port = port
        _until_listening(port, process)
        self.pids = [process.pid]
        self.feed = feed
        self.token = ""
        self.request = b""
        self.says: tuple[bytes, ...] = ()
        self.counted: tuple[bytes, ...] = (DELTA, SNAPSHOT)

    def round(self) -> None:
        self.feed.round()


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
        with _running([str(program), str(file)]) as process:
            yield Ordered(process, upgrades=False)


@contextmanager
def python_peer(kind: str, frames: bytes) -> Iterator[Server]:
    """One of the servers in `loops`."""
    with tempfile.NamedTemporaryFile(prefix="sandik-bench-") as file:
        file.write(frames)
        file.flush()
        with _running([sys.executable, "-m", "benchmarks.gateway.loops", kind, file.name]) as process:
            yield Ordered(process, upgrades=kind != "loop", deflate=kind.endswith("deflate"))


@contextmanager
def nchan(texts: list[str]) -> Iterator[Server]:
    """Nchan in nginx, from the distribution. Raises `Missing` where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    module = next(filter(os.path.exists, NCHAN_MODULES), None)
    if program is None or module is None:
        raise Missing("no nginx with nchan; on Debian: apt-get install nginx libnginx-mod-nchan")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        os.chmod(folder, 0o755)  # the worker is another user  # noqa: PTH101, S103
        config = Path(folder) / "nginx.conf"
        text = (PEERS / "nchan.conf").read_text()
        for name, value in {"FOLDER": folder, "MODULE": module, "PORT": str(port)}.items():
            text = text.replace(f"@{name}@", value)
        config.write_text(text)
        with _running([program, "-p", folder, "-c", str(config), "-e", "stderr"]) as process:
            server = Nchan(process, port, texts)
            try:
                yield server
            finally:
                server.close()


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
        process = stack.enter_context(_running([sys.executable, "-m", "sandik", "gateway", *options]))
        server = Sandik(process, port, feed)
        server.token = token
        server.request = request(deflate=deflate, token=token)
        server.says = says or (subscribe("tr/34"),)
        yield server


def sample(server: Sandik) -> bytes:
    """One delta as the gateway frames it, so that the others can send as many bytes of the same text.

    It is the second: a gateway's first one of what it found in the log is the whole figures.
    """
    with connect(
        f"ws://127.0.0.1:{server.port}/v1/stream", compression=None, additional_headers=bearer(server.token)
    ) as client:
        client.send(server.says[0][server.says[0].index(b"{") :].decode())
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


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile(prefix="sandik-bench-") as complaints:
        process = start_on_server_core(command, complaints)
        try:
            yield process
        except BaseException as error:
            complaints.seek(0)
            error.add_note(f"{command[0]} said: {complaints.read()[-2_000:].decode(errors='replace')}")
            raise
        finally:
            stop(process)


def _token(key: Path) -> str:
    """A new pair of keys, and a token made with it for any run."""
    make = [sys.executable, "-m", "sandik", "token"]
    subprocess.run([*make, "--new-key", str(key)], check=True, capture_output=True, timeout=LIMIT_S)
    ask = [*make, "--key", str(key), "--run", "*", "--subject", "benchmark"]
    made = subprocess.run(ask, check=True, capture_output=True, text=True, timeout=LIMIT_S)
    return made.stdout.strip()


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{process.args!r} does not listen")
