"""The board on a slow phone: bytes, milliseconds and CPU until the first number stands on the page.

Bytes are counted by a relay in front of the gateway; the network and the processor are Chromium's emulation. On a busy
machine the milliseconds say little: then the CPU of the page's thread, which is not slowed down, says what has changed.
"""

import asyncio
import tempfile
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, CDPSession

from benchmarks.commands import serving
from benchmarks.night import election, events
from benchmarks.on_air.chromium import chromium
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.run import create_run
from sandik.wiring import open_log

ROUNDS: Final = 7
TALLIES: Final = 20_000
_BATCH: Final = 2_000

DOWN_BYTES_PER_S: Final = 1_600_000 // 8
UP_BYTES_PER_S: Final = 750_000 // 8
SLOW_NETWORK: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": DOWN_BYTES_PER_S,
    "uploadThroughput": UP_BYTES_PER_S,
}
CPU_SLOWDOWN: Final = 4
"""What Lighthouse takes for a mid-range phone on a slow mobile network."""

_LOOK_S: Final = 0.02

_NUMBER: Final = "#hero .votes"
_CHUNK_BYTES: Final = 16 * 1024

_WATCH: Final = """
new MutationObserver((_, observer) => {
  if (!/\\d/.test(document.querySelector(SELECTOR)?.textContent ?? "")) return;
  observer.disconnect();
  globalThis.firstNumber = { sinceStartMs: performance.now(), epochMs: performance.timeOrigin + performance.now() };
}).observe(document, { childList: true, characterData: true, subtree: true });
""".replace("SELECTOR", repr(_NUMBER))
"""Notes when the number is first there, by the page's clock and by the wall."""


class FirstNumber(NamedTuple):
    """What a page took until its first number: what the gateway had sent, requests, and milliseconds."""

    size_bytes: int
    requests: int
    after_ms: float
    cpu_ms: float


class Relay:
    """Carries connections to a port of this machine, and notes when the port has sent how many bytes."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._moments_s: list[float] = []
        self._sums: list[int] = []

    def sent_by(self, moment_s: float) -> int:
        """The bytes that the port had sent at a moment, in seconds since 1970."""
        count = bisect_right(self._moments_s, moment_s)
        return self._sums[count - 1] if count else 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = (self._way(reader, up_writer, counts=False), self._way(up_reader, writer, counts=True))
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            up_writer.close()
            writer.close()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if counts:
                    self._moments_s.append(time.time())
                    self._sums.append((self._sums[-1] if self._sums else 0) + len(chunk))
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def relaying(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay to the gateway at this address, and the address at which it listens."""
    relay = Relay(urlsplit(url).port or 80)
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0)
    try:
        yield relay, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def first_number(browser: Browser, url: str, *, slow: bool) -> FirstNumber:
    """Open the board at this address as for the first time; where it is slow, as on a slow phone."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, locale="tr-TR")
    try:
        async with relaying(url) as (relay, address):
            return await _opened(context, address, relay, slow=slow)
    finally:
        await context.close()


async def _opened(context: BrowserContext, address: str, relay: Relay, *, slow: bool) -> FirstNumber:
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    if slow:
        await session.send("Network.enable")
        await session.send("Network.emulateNetworkConditions", SLOW_NETWORK)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    requests: list[float] = []
    page.on("request", lambda _: requests.append(time.time()))
    before_s = await _cpu_s(session)
    await page.goto(address, wait_until="commit")
    async with asyncio.timeout(LIMIT_S):
        while (found := await page.evaluate("globalThis.firstNumber ?? null")) is None:  # noqa: ASYNC110  no event of ours
            await asyncio.sleep(_LOOK_S)
    cpu_s = await _cpu_s(session) - before_s
    moment_s = found["epochMs"] / 1_000
    return FirstNumber(
        size_bytes=relay.sent_by(moment_s),
        requests=bisect_right(requests, moment_s),
        after_ms=found["sinceStartMs"],
        cpu_ms=1_000 * cpu_s,
    )


async def _cpu_s(session: CDPSession) -> float:
    answer = await session.send("Performance.getMetrics")
    return float(next(one["value"] for one in answer["metrics"] if one["name"] == "TaskDuration"))


def board() -> Iterator[str]:
    """The board's first number on a fresh browser: over a slow network with a slow processor, and with neither."""
    with asyncio.Runner() as runner:
        found = runner.run(_measure())
    yield "| the board until its first number, median (spread) | slow phone | as fast as this machine |"
    yield "|---|---:|---:|"
    for what, key in (
        ("bytes from the gateway", "size_bytes"),
        ("requests", "requests"),
        ("ms by the wall", "after_ms"),
        ("ms of CPU of the page's thread", "cpu_ms"),
    ):
        columns = " | ".join(_spread([getattr(one, key) for one in rounds]) for rounds in found)
        yield f"| {what} | {columns} |"


def _spread(values: list[float]) -> str:
    return f"{median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


async def _measure() -> tuple[list[FirstNumber], list[FirstNumber]]:
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        url, definition = f"sqlite:{folder}/board.db", election()
        async with open_log(url, Wall()) as log:
            run = await create_run(log, "board", definition, mode="test", epoch="bench", clock=Wall())
            entries = list(events(definition, TALLIES))
            for start in range(0, TALLIES, _BATCH):
                await log.append(run.topics.tallies.name, entries[start : start + _BATCH])
        async with serving(url, "board", tick_ms=100) as address, chromium() as browser:
            await _counted(address)
            slow, quick = [], []
            for _ in range(ROUNDS):
                slow.append(await first_number(browser, address, slow=True))
                quick.append(await first_number(browser, address, slow=False))
            return slow, quick


async def _counted(address: str) -> None:
    """Wait until the whole night is counted: two looks a second apart see the same."""
    before = None
    async with asyncio.timeout(LIMIT_S), httpx.AsyncClient(base_url=address, timeout=LIMIT_S) as client:
        while (seq := (await client.get("/v1/totals")).json().get("seq")) is None or seq != before:
            before = seq
            await asyncio.sleep(1)
