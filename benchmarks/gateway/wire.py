"""Bytes on the wire: a minute of the staged night as deltas, against the whole state as JSON at every update."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.commands import free_port
from benchmarks.gateway.handshake import masked, request
from benchmarks.gateway.options import Options
from benchmarks.gateway.servers import DELTA, frame
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.run import Run, create_run
from producers.publish import Publisher, entry, publish
from producers.simulating.library import read_scenario
from producers.simulating.simulate import night
from sandik.wiring import open_log
from schemas.tally import Counted, Withdrawn

CONTEST: Final = "metropolitan_mayor"
SOURCE: Final = "aa"
UNITS: Final = ("tr/34", "tr/34/*")
"""İstanbul and its 39 districts: what the board shows."""

INTO_THE_NIGHT: Final = timedelta(hours=3)
"""When the window begins, after the first box: the busiest hour, 90 boxes a minute."""

SPEEDS: Final = (1, 10)
SETTLE_S: Final = 1.5

Shown = dict[str, dict[str, object]]


def wire(options: Options) -> Iterator[str]:
    """Bytes a client is sent while the night goes on, as often as it is sent something."""
    yield (
        f"| board of İstanbul (39 districts, 49 candidates), {3 * options.seconds:.0f} s of a busy hour | deltas "
        "| bytes a delta | whole state, bytes | deltas in % of it | with deflate offered, % |"
    )
    yield "|---|---:|---:|---:|---:|---:|"
    for speed in SPEEDS:
        sizes, wholes, compressed = asyncio.run(_measure(speed, 3 * options.seconds))
        whole = sum(wholes)
        yield (
            f"| {speed}× the night's speed | {len(sizes)} | {sum(sizes) / len(sizes):,.0f} "
            f"| {whole / len(wholes):,.0f} | {100 * sum(sizes) / whole:.1f} | {100 * compressed / whole:.1f} |"
        )
    yield ""


async def _measure(speed: float, seconds: float) -> tuple[list[int], list[int], int]:
    scenario, clock = read_scenario(), Wall()
    with tempfile.TemporaryDirectory(prefix="sandik-bench-", ignore_cleanup_errors=True) as folder:
        url = f"sqlite:{folder}/bench.db"
        async with open_log(url, clock) as log:
            run = await create_run(log, "bench", scenario.definition(), mode="test", epoch="bench", clock=clock)
            staged = night(scenario, 1, sources=[SOURCE], contests=[CONTEST])
            begins = staged.first_due + INTO_THE_NIGHT
            window: list[tuple[datetime, Counted | Withdrawn]] = []
            earlier = []
            for due, event in staged:
                if due >= begins + timedelta(seconds=speed * seconds):
                    break
                (earlier.append(entry(event)) if due < begins else window.append((due, event)))
            publisher = Publisher(log, run.topics.tallies.name, clock)
            await publish(publisher, iter(earlier))
            port = free_port()
            where = ("--log", url, "--run", "bench")
            async with _command("aggregate", *where), _command("gateway", *where, "--port", str(port)):
                return await _follow(port, run, publisher, window, speed, seconds)


async def _follow(
    port: int,
    run: Run,
    publisher: Publisher,
    window: list[tuple[datetime, Counted | Withdrawn]],
    speed: float,
    seconds: float,
) -> tuple[list[int], list[int], int]:
    """Sizes of the deltas, of the whole state after each, and bytes sent to a client that offers compression."""
    began = asyncio.Event()
    sizes: list[int] = []
    wholes: list[int] = []
    counted = 0

    async def plain(client: ClientConnection) -> None:
        shown: Shown = {}
        async for message in client:
            data = message.encode() if isinstance(message, str) else message
            _apply(shown, orjson.loads(data))
            if began.is_set() and data.startswith(DELTA):
                sizes.append(len(frame(data)))
                whole = {**orjson.loads(data), "totals": list(shown.values())}
                wholes.append(len(frame(orjson.dumps(whole))))

    async def offering(reader: asyncio.StreamReader) -> None:
        nonlocal counted
        while data := await reader.read(1 << 16):
            counted += len(data) if began.is_set() else 0

    url = f"ws://127.0.0.1:{port}/v1/stream"
    async with asyncio.timeout(seconds + LIMIT_S):
        await _until_open(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(deflate=True))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(_ask()))
        async with connect(url, compression=None) as client:
            await client.send(_ask().decode())
            following = [asyncio.create_task(plain(client)), asyncio.create_task(offering(reader))]
            await _until_caught_up(publisher, run)
            began.set()
            await _play(publisher, window, speed)
            await asyncio.sleep(SETTLE_S)
            for task in following:
                task.cancel()
            await asyncio.wait(following)
        writer.close()
    return sizes, wholes, counted


def _ask() -> bytes:
    return orjson.dumps({"type": "subscribe", "id": "s1", "contest": CONTEST, "units": UNITS, "source": SOURCE})


def _apply(shown: Shown, message: dict[str, object]) -> None:
    if message["type"] == "snapshot":
        shown.clear()
    entries = message.get("totals", ())
    for one in entries if isinstance(entries, list) else ():
        known = shown.setdefault(one["unit"], {"votes": {}})
        votes = known["votes"]
        known.update({**one, "votes": {**votes, **one.get("votes", {})}})  # type: ignore[dict-item]  # JSON


async def _play(publisher: Publisher, window: list[tuple[datetime, Counted | Withdrawn]], speed: float) -> None:
    first, began = window[0][0], time.monotonic()
    for due, event in window:
        wait_s = (due - first).total_seconds() / speed - (time.monotonic() - began)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await publisher.append([entry(event)])


async def _until_open(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def _until_caught_up(publisher: Publisher, run: Run) -> None:
    """Until the aggregator has published nothing new for a while."""
    topic, end, since = run.topics.totals.name, -1, time.monotonic()
    while time.monotonic() - since < SETTLE_S or end == 0:
        now = (await publisher.log.end_offsets(topic))[0]
        if now != end:
            end, since = now, time.monotonic()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _command(*arguments: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandik", *arguments, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
