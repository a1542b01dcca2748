"""A whole simulated night at 600x through every overlay: what it shows at the end, what it holds on to, its frames."""

import asyncio
import contextlib
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as BrowserTimeoutError

from benchmarks.commands import command, serving
from benchmarks.on_air.chromium import Held, Watched, chromium, percentile, traced, watched
from benchmarks.on_air.expected import OTHER_SOURCE, OVERLAYS, SOURCE, expected
from benchmarks.on_air.frames import Frames, frames_of, process_of
from benchmarks.on_air.oracle import read_oracle
from benchmarks.on_air.pixels import pixels
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import find_run
from producers.simulating.library import read_scenario
from sandik.wiring import open_log

SPEED: Final = 600
HOUR_S: Final = 3600 / SPEED
"""An hour of the night, on the wall."""

TICK_MS: Final = 50
BESIDE: Final = 2
"""Overlays that share a night, each in a page of its own: two cores draw no more without one starving another."""

FLAT_KIB_AN_HOUR: Final = 64
"""What a page may hold on to in an hour of the night and still count as flat: 1 MiB in a night of sixteen hours."""

NIGHT_LIMIT_S: Final = 900
"""A night takes 100 s; on a machine that is much too slow it falls behind."""

PROBE: Final = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
"""Collects the interval between animation frames as the page itself sees them: a check on the trace."""

BARE: Final = (Path(__file__).parent / "bare.html").read_text(encoding="utf-8")
"""A page with nothing on it but one element that moves: what this machine can draw at best, just then."""


@dataclass
class Shown:
    """What came of a night in one overlay."""

    name: str
    wrong: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    @property
    def kib_an_hour(self) -> float:
        """How much more the page holds on to per hour of the night: its last quarter against its second."""
        kib = [one.heap_kib for one in self.held]
        quarter = len(kib) // 4
        return (median(kib[-quarter:]) - median(kib[quarter : 2 * quarter])) / (len(kib) - 2 * quarter)


def on_air() -> Iterator[str]:
    """The nights through the overlays, and from append to pixels."""
    yield from nights()
    yield ""
    yield from pixels()


def nights() -> Iterator[str]:
    """The overlays' table, then the frames'."""
    yield f"| a night at {SPEED}x through | last figures | complaints | heap, first → last hour, KiB | growth, KiB an hour | DOM nodes | listeners |"  # noqa: E501  one row
    yield "|---|---|---:|---:|---:|---:|---:|"
    with asyncio.Runner() as runner:
        for start in range(0, len(OVERLAYS), BESIDE):
            for shown in runner.run(_night(list(OVERLAYS)[start : start + BESIDE])):
                yield _row(shown)
        yield ""
        yield "| frame times, ms | p50 | p95 | p99 | dropped | `requestAnimationFrame` p50 / p95 / p99 |"
        yield "|---|---:|---:|---:|---:|---:|"
        for name, frames, gaps in runner.run(_frames("lead-board")):
            yield _frames_row(name, frames, gaps)


def _frames_row(name: str, frames: Frames, gaps: list[float]) -> str:
    drawn = " | ".join(f"{percentile(frames.times_ms, share):.1f}" for share in (0.5, 0.95, 0.99))
    seen = " / ".join(f"{percentile(gaps, share):.1f}" for share in (0.5, 0.95, 0.99))
    wanted = frames.drawn + frames.dropped
    return f"| {name} | {drawn} | {frames.dropped_share:.2%} of {wanted:,} | {seen} |"


def _row(shown: Shown) -> str:
    first, last = shown.held[1], shown.held[-1]
    figures = "the log's" if not shown.wrong else f"**missing {', '.join(shown.wrong[:3])}**"
    flat = f"{shown.kib_an_hour:+.1f}{'' if shown.kib_an_hour <= FLAT_KIB_AN_HOUR else ' **not flat**'}"
    return (
        f"| {shown.name} | {figures if shown.name != 'strap' else '(events)'} | {len(shown.complaints)} | "
        f"{first.heap_kib:,.0f} → {last.heap_kib:,.0f} | {flat} | "
        f"{first.nodes:,} → {last.nodes:,} | {first.listeners} → {last.listeners} |"
    )


@contextlib.asynccontextmanager
async def _staged() -> AsyncIterator[tuple[EventLog, str, str, asyncio.Task[int]]]:
    """A night under way: its log, its run's name, the gateway, and the simulator, which ends with the night."""
    run = f"on-air-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        url = f"sqlite:{folder}/night.db"
        what = ("--run", run, "--log", url, "--speed", str(SPEED), "--source", SOURCE, "--source", OTHER_SOURCE)
        async with (
            open_log(url, Wall()) as log,
            command("simulate", *what) as simulator,
            serving(url, run, tick_ms=TICK_MS) as address,
        ):
            ended = asyncio.create_task(simulator.wait())
            try:
                yield log, run, address, ended
            finally:
                ended.cancel()


async def _night(names: Sequence[str]) -> list[Shown]:
    """One night through these overlays, memory looked at every hour of it."""
    results = [Shown(name) for name in names]
    async with _staged() as (log, run, address, ended), chromium() as browser, contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(_overlay(browser, address, name)) for name in names]
        began = time.monotonic()
        while not ended.done() and time.monotonic() - began < NIGHT_LIMIT_S:
            await asyncio.wait({ended}, timeout=HOUR_S)
            for shown, page in zip(results, pages, strict=True):
                shown.held.append(await page.held())
        await _compare(log, run, results, pages)
    return results


@contextlib.asynccontextmanager
async def _overlay(browser: Browser, address: str, name: str, script: str = "") -> AsyncIterator[Watched]:
    async with watched(browser, f"{address}/overlays/{name}?{OVERLAYS[name]}", script) as shown:
        await shown.page.wait_for_selector(".overlay[data-shown]", state="attached")
        yield shown


async def _compare(log: EventLog, name: str, results: Sequence[Shown], pages: Sequence[Watched]) -> None:
    run = await find_run(log, name)
    oracle = await read_oracle(log, run)
    districts = [one.id for one in read_scenario().definition().districts]
    for shown, page in zip(results, pages, strict=True):
        shown.wrong = await _missing(page.page, expected(shown.name, oracle, districts))
        shown.complaints = page.complaints


async def _missing(page: Page, texts: list[str]) -> list[str]:
    """The texts that the overlay does not show, once it has had the time to."""
    missing = "(texts) => texts.filter((text) => !document.querySelector('.overlay').textContent.includes(text))"
    with contextlib.suppress(BrowserTimeoutError):
        await page.wait_for_function(f"(texts) => ({missing})(texts).length === 0", arg=texts, timeout=LIMIT_S * 1000)
    return list(await page.evaluate(missing, texts))


async def _frames(name: str) -> list[tuple[str, Frames, list[float]]]:
    """The browser's own trace of a night in one overlay, beside a bare page."""
    async with (
        _staged() as (_, _, address, ended),
        chromium() as browser,
        watched(browser, "about:blank", PROBE) as bare,
        _overlay(browser, address, name, PROBE) as overlay,
    ):
        await bare.page.set_content(BARE)
        pages = {name: overlay.page, "a bare page beside it": bare.page}
        async with traced(browser) as events:
            for index, page in enumerate(pages.values()):
                await page.evaluate("(index) => { performance.mark(`sandik-${index}`); gaps.length = 0; }", index)
            await asyncio.wait({ended}, timeout=NIGHT_LIMIT_S)
            gaps = [sorted(await page.evaluate("gaps")) for page in pages.values()]
        frames = [frames_of(events, process_of(events, f"sandik-{index}")) for index in range(len(pages))]
        return list(zip(pages, frames, gaps, strict=True))
