"""The commands of sandik as processes of their own, as an operator starts them."""

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from benchmarks.patience import LIMIT_S


@contextlib.asynccontextmanager
async def command(*arguments: str) -> AsyncIterator[Process]:
    """Run a command for as long as the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandik", *arguments, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def serving(url: str, run: str, *, tick_ms: int) -> AsyncIterator[str]:
    """An aggregator and a gateway for a run; the gateway's address, once it has read the log."""
    where, port = ("--log", url, "--run", run, "--tick-ms", str(tick_ms)), free_port()
    async with command("aggregate", *where), command("gateway", *where, "--port", str(port)):
        deadline = time.monotonic() + LIMIT_S
        while not await asyncio.to_thread(_answers, port):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The gateway at port {port} has not answered for {LIMIT_S} s.")
            await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("GET", "/v1/definition")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()
