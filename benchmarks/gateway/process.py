"""What a process costs, read from outside: every server is measured alike, whatever it is written in."""

import contextlib
import os
import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.patience import LIMIT_S

SERVER_CORE: Final = 0
"""The core that is the server's alone; everything else of ours runs on the others, where there are others."""

STOP_TIMEOUT_S: Final = 10
"""After which a process that was asked to end is killed."""


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds of these processes so far, user and system, all threads, in nanoseconds' resolution."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)  # the clock that clock_getcpuclockid(3) makes


def queued_s(pids: Iterable[int]) -> float:
    """Seconds for which these processes could have run and had to wait for their core: others of the machine had it."""
    threads = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[1]) for task in threads) / 1e9


def resident_kb(pids: Iterable[int]) -> int:
    """Resident memory (VmRSS) of these processes."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def family(pid: int) -> list[int]:
    """The process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, on the core that is its own, with these variables besides ours; orders go to its standard input."""
    with tempfile.TemporaryFile(prefix="sandik-bench-") as complaints:
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(
            0, {SERVER_CORE}
        )  # ours, for a moment: then all threads that the server begins with have it
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, **(environment or {})},
            )
        finally:
            os.sched_setaffinity(0, ours)
        try:
            yield process
        except BaseException as error:
            complaints.seek(0)
            error.add_note(f"{command[0]} said: {complaints.read()[-2_000:].decode(errors='replace')}")
            raise
        finally:
            _stop(process)


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process takes connections. Raises `TimeoutError` where it ends before, or never does."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{process.args!r} does not listen")


def leave_server_core() -> None:
    """Keep this process, and what it starts from now on, off the server's core."""
    others = set(range(os.cpu_count() or 1)) - {SERVER_CORE}
    if others:
        os.sched_setaffinity(0, others)


def raise_socket_limit() -> None:
    """As many open files as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it, politely first."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(LIMIT_S)
