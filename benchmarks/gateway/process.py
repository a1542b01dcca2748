"""What a process costs, read from outside: every server is measured alike, whatever it is written in."""

import os
import resource
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

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


def start_on_server_core(command: Sequence[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a server, on the core that is its own; its orders go to its standard input."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
    os.sched_setaffinity(server.pid, {SERVER_CORE})
    return server


def leave_server_core() -> None:
    """Keep this process, and what it starts from now on, off the server's core."""
    others = set(range(os.cpu_count() or 1)) - {SERVER_CORE}
    if others:
        os.sched_setaffinity(0, others)


def raise_socket_limit() -> None:
    """As many open files as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop(process: subprocess.Popen[bytes]) -> None:
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
