"""Chromium as a playout machine has it: a stage of 1920 × 1080, and what the browser itself says about it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.patience import LIMIT_S

ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WIDTH: Final = 1920
HEIGHT: Final = 1080

CATEGORIES: Final = ("-*", "disabled-by-default-devtools.timeline.frame", "blink.user_timing", "__metadata")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window and without a GPU."""
    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("There is no Chromium: install Debian's package chromium.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS), headless=True)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds after a forced collection."""

    heap_kib: float
    nodes: int
    listeners: int


@dataclass
class Watched:
    """A page with all that it complained of."""

    page: Page
    session: CDPSession
    complaints: list[str] = field(default_factory=list)

    async def held(self) -> Held:
        """Collect garbage, and look at what is left."""
        await self.session.send("HeapProfiler.collectGarbage")
        answer: dict[str, Any] = await self.session.send("Performance.getMetrics")
        found = {one["name"]: one["value"] for one in answer["metrics"]}
        return Held(found["JSHeapUsedSize"] / 1024, int(found["Nodes"]), int(found["JSEventListeners"]))


@asynccontextmanager
async def watched(browser: Browser, url: str, script: str = "") -> AsyncIterator[Watched]:
    """A page on a stage of its own; each has a process of its own. `script` runs in it first."""
    context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="tr-TR", bypass_csp=True)
    try:
        if script:
            await context.add_init_script(script)
        page = await context.new_page()
        shown = Watched(page, await context.new_cdp_session(page))
        page.on(
            "console", lambda said: shown.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        await shown.session.send("Performance.enable")
        await page.goto(url)
        yield shown
    finally:
        await context.close()


@asynccontextmanager
async def traced(browser: Browser) -> AsyncIterator[list[dict[str, Any]]]:
    """The browser's own trace of its frames while the block runs; it is there once the block has ended."""
    session = await browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    complete = asyncio.Event()
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda _: complete.set())
    configuration = {"recordMode": "recordUntilFull", "includedCategories": list(CATEGORIES)}
    await session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": configuration})
    yield events
    await session.send("Tracing.end")
    async with asyncio.timeout(LIMIT_S):
        await complete.wait()
    await session.detach()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))]
