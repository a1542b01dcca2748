"""Several processes behind one port: killed, started again, and let go, under clients that must not see it."""

import asyncio
import os
import re
import signal
from pathlib import Path

from websockets.exceptions import WebSocketException

from tests.gateway.gateways import RUN, Running, Viewer, get, night, publish, viewer
from tests.gateway.nights import totals
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.simulation.processes import Process

CLIENTS = 16
"""With two workers, all of them at one of the two is a chance of 1 in 32,768."""


async def children(parent: int) -> set[int]:
    """The process ids of the workers."""
    text = await asyncio.to_thread(Path(f"/proc/{parent}/task/{parent}/children").read_text)
    return {int(pid) for pid in text.split()}


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def workers_of(process: Process, count: int, killed: int | None = None) -> set[int]:
    """The workers, once there are so many, and the one that was killed is none of them."""
    async with asyncio.timeout(LIMIT_S):
        while len(found := await children(process.pid) - {killed}) < count:  # noqa: ASYNC110  another process starts them
            await asyncio.sleep(0.02)
    return found


async def connected(gateway: Running) -> None:
    """Return once somebody is greeted."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                async with viewer(gateway) as client:
                    await client.next("hello")
                    return
            except (OSError, WebSocketException):
                await asyncio.sleep(0.05)  # another process starts


async def follow(gateway: Running, client: Viewer | None, seq: int) -> Viewer:
    """A client that comes, or comes back, until it has seen `seq`; it returns with its connection closed."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                return await followed(gateway, client, seq)
            except (OSError, WebSocketException):
                await asyncio.sleep(0.05)  # it has met a worker that is just being killed


async def followed(gateway: Running, client: Viewer | None, seq: int) -> Viewer:
    """One connection of it."""
    async with viewer(gateway) as again:
        since = {}
        if client is not None:
            again.shown, again.seq, again.epoch = client.shown, client.seq, client.epoch
            since = {"since": {"epoch": client.epoch, "seq": client.seq}}
        await again.subscribe("tr", "tr/*", **since)
        if client is not None:
            assert (await again.next("snapshot", "delta"))["type"] == "delta"
        await again.until(lambda: again.seq >= seq)
        return again


async def test_clients_move_between_workers_and_resume(tmp_path: Path) -> None:
    """One worker is killed and started again; SIGTERM to the first process ends all of them."""
    port = free_port()
    url = f"sqlite:{tmp_path / 'night.db'}"
    arguments = ["gateway", "--log", url, "--run", RUN, "--port", str(port), "--workers", "2"]
    async with night(tmp_path) as log:
        with Process(arguments) as process:
            process.start()
            gateway = Running(port)
            before = await workers_of(process, 2)
            await connected(gateway)
            await publish(log, totals(votes={"imamoglu": 1}))
            clients = [await follow(gateway, None, 1) for _ in range(CLIENTS)]
            os.kill(min(before), signal.SIGKILL)
            await publish(log, totals(votes={"imamoglu": 2}, version=1))
            clients = [await follow(gateway, client, 2) for client in clients]
            after = await workers_of(process, 2, killed=min(before))
            assert len(before & after) == 1
            clients = [await follow(gateway, client, 2) for client in clients]
            assert {str(client.shown["tr"]["votes"]) for client in clients} == {"{'imamoglu': 2, 'kurum': 0}"}
            os.kill(process.pid, signal.SIGTERM)
            assert await asyncio.to_thread(process.wait) == 0
            assert not any(map(runs, before | after))


async def test_workers_that_cannot_reach_their_log_at_the_start_end_with_the_reason(tmp_path: Path) -> None:
    """As one process does; it is not said again and again, for ever."""
    nobody = f"kafka://127.0.0.1:{free_port()}"
    with Process(["gateway", "--log", nobody, "--run", RUN, "--port", "0", "--workers", "2"]) as process:
        process.start()
        assert 1 == await asyncio.to_thread(process.wait)


async def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Also if that is killed and can say nothing."""
    arguments = ["gateway", "--log", f"sqlite:{tmp_path / 'night.db'}", "--run", RUN, "--port", "0", "--workers", "2"]
    async with night(tmp_path):
        with Process(arguments) as process:
            process.start()
            workers = await workers_of(process, 2)
        async with asyncio.timeout(LIMIT_S):
            while any(map(runs, workers)):  # noqa: ASYNC110  other processes end
                await asyncio.sleep(0.02)


async def test_one_scrape_tells_of_all_workers(tmp_path: Path) -> None:
    port = free_port()
    url = f"sqlite:{tmp_path / 'night.db'}"
    async with night(tmp_path):
        with Process(["gateway", "--log", url, "--run", RUN, "--port", str(port), "--workers", "2"]) as process:
            process.start()
            gateway = Running(port)
            await connected(gateway)
            expected = {f'sandik_gateway_worker_up{{run="{RUN}",worker="{worker}"}} 1.0' for worker in (1, 2)}
            async with asyncio.timeout(LIMIT_S):
                while not expected <= set((await get(gateway, "/metrics")).text.splitlines()):  # noqa: ASYNC110  another process starts
                    await asyncio.sleep(0.05)
            text = (await get(gateway, "/metrics")).text
            assert 2 == len(re.findall(r"^sandik_gateway_connections\{", text, re.MULTILINE))
            assert 1 == text.count("# TYPE sandik_gateway_connections gauge")
