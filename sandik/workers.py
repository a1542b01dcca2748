"""Several processes of one command behind one port: who dies is started again, and all of them end together.

Each worker is this very command once more, so that it reads its own options, secrets and log; the kernel deals new
connections out among all that listen at the port (SO_REUSEPORT, socket(7)).
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

from eventlog.clock import Clock
from eventlog.loops import forever
from eventlog.retry import RetryPolicy
from sandik import screen
from sandik.process import command_line
from schemas.errors import LogError, UsageError

WORKER_PORT: Final = "SANDIK_WORKER_PORT"
"""The environment variable by which a worker knows that it is one, and where to listen."""

WORKER_NUMBER: Final = "SANDIK_WORKER_NUMBER"
WORKER_FOLDER: Final = "SANDIK_WORKER_FOLDER"
"""By which a worker knows which one it is, counted from 1, and where it finds the others."""

STOP_S: Final = 30
"""How long a worker may take to let its clients go before it is killed: three times what a gateway takes."""

STEADY_S: Final = 10
"""A worker that lived so long was well: the next one is started soon."""

_RESTART: Final = RetryPolicy(first_s=0.25, longest_s=5.0)
"""Pauses before a worker is started again, doubling while they die young."""

_PIPE_BYTES: Final = 1_024
_PROBE_EVERY_S: Final = 0.1
_LOG_EXIT: Final = 1
_USAGE_EXIT: Final = 2


class WorkersRefused(LogError):
    """A worker could not begin, for a reason that it has told."""

    def __init__(self) -> None:
        super().__init__("A worker cannot begin; it has said why above. Mend that, then start again.")


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """The port, or a free one for 0, kept for the workers while the block runs. Raises `UsageError` if it is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as reservation:
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reservation.bind(address)
            yield reservation.getsockname()[1]
    except OSError as error:
        raise UsageError(f"Cannot listen at {host}:{port}: {error.strerror}. Choose another --port.") from error


async def supervise(count: int, host: str, port: int, clock: Clock) -> None:
    """Keep so many workers of this command running until cancelled; then end them as SIGTERM does, and wait.

    Returns only by an exception: `UsageError` where a worker says that what was asked cannot work, `WorkersRefused`
    where one cannot begin before any of them has served anybody. Later on, whoever dies is started again.
    """
    served = asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="sandik-") as folder:  # nobody else may open it
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                told = {WORKER_PORT: str(port), WORKER_NUMBER: str(number), WORKER_FOLDER: folder}
                group.create_task(forever(_keep_one(told, clock, served), "A worker's keeper"))
            await _listened_at(host, port, clock)
            served.set()
            screen.say(f"{count} workers listen at {host}:{port}.")


def end_with_parent() -> None:
    """In a worker: end, as on SIGTERM, when the process that started this one is gone."""

    def wait_for_the_end_of_the_pipe() -> None:
        while os.read(sys.stdin.fileno(), _PIPE_BYTES):  # unbuffered: no lock is held while the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end_of_the_pipe, daemon=True).start()


async def _keep_one(told: Mapping[str, str], clock: Clock, served: asyncio.Event) -> NoReturn:
    deaths = 0
    while True:
        began = clock.monotonic()
        code = await _run_one(told)
        if code == _USAGE_EXIT:
            raise UsageError("A worker cannot do what was asked; it has said why above.")
        if code == _LOG_EXIT and not served.is_set():
            raise WorkersRefused
        deaths = 1 if clock.monotonic() - began >= STEADY_S else deaths + 1
        screen.say(f"A worker has ended with {code}; another one starts.")
        await clock.sleep(_RESTART.pause_s(deaths))


async def _run_one(told: Mapping[str, str]) -> int:
    """Run one worker, told this in its environment, to its end: its exit code.

    Cancelled, it asks the worker to end and waits for it.
    """
    process = await asyncio.create_subprocess_exec(
        *command_line(*sys.argv[1:]),
        env=os.environ | told,
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which then passes on what it means
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listened_at(host: str, port: int, clock: Clock) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await clock.sleep(_PROBE_EVERY_S)
        else:
            writer.close()
            return
