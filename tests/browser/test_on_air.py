"""What a page that is on air for a night must not do: complain, end on another number than the log's, or grow."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from benchmarks.on_air.chromium import watched
from benchmarks.on_air.expected import OTHER_SOURCE, OVERLAYS, SOURCE, expected
from benchmarks.on_air.oracle import read_oracle
from eventlog.clock import Replay, Wall
from producers.publish import Publisher, play
from producers.simulating.library import read_scenario
from producers.simulating.simulate import stage
from tests.browser.chromium import PATIENCE_MS
from tests.browser.moments import moments_of
from tests.browser.overlays import THUMBNAIL, Studio, studio
from tests.browser.stage import begin, counting, log_at, showing
from tests.browser.test_overlay_pictures import SEARCH
from tests.patience import LIMIT_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPEED: Final = 15_000
"""A night of 17 hours in four seconds."""


SETTLED: Final = 40
COUNTED_ON: Final = 80
"""Pictures until everything has been made once, and twice as many after them: one thing kept a picture would show."""

TIMERS: Final = """(() => {
  window.timers = new Set();
  for (const kind of ["Interval", "Timeout"]) {
    const [set, clear] = [window[`set${kind}`], window[`clear${kind}`]];
    window[`set${kind}`] = (work, ...rest) => {
      const id = set(() => { if (kind === "Timeout") timers.delete(id); work(); }, ...rest);
      timers.add(id);
      return id;
    };
    window[`clear${kind}`] = (id) => { timers.delete(id); clear(id); };
  }
})()"""
"""Keeps count of the timers that run."""


@pytest.mark.slow
async def test_a_simulated_night_ends_in_every_overlay_on_the_logs_totals(tmp_path: Path, browser: Browser) -> None:
    """The benchmark's night, shrunk: `python -m benchmarks on_air` measures the whole one."""
    scenario = read_scenario().shrink(boxes_per_district=2)
    staged = stage(scenario, 7, sources=[SOURCE, OTHER_SOURCE])
    async with log_at(tmp_path) as log, AsyncExitStack() as stack:
        run = await begin(log, scenario.definition())
        await stack.enter_async_context(counting(log, run))
        url = await stack.enter_async_context(showing(log))
        pages = {
            name: await stack.enter_async_context(watched(browser, f"{url}/overlays/{name}?{search}"))
            for name, search in OVERLAYS.items()
        }
        clock = Wall()
        await asyncio.wait_for(
            play(Publisher(log, run.topics.tallies.name, clock), staged, Replay(staged.first_due, SPEED, clock)),
            LIMIT_S,
        )
        oracle = await read_oracle(log, run)
        districts = [one.id for one in scenario.definition().districts]
        for name, shown in pages.items():
            overlay = shown.page.locator(".overlay")
            for text in expected(name, oracle, districts):
                await expect(overlay).to_contain_text(text, timeout=PATIENCE_MS)
            assert [] == shown.complaints


async def held(shown: Studio) -> tuple[int, int, int]:
    """DOM nodes, event listeners and timers after a collection of garbage."""
    session = await shown.page.context.new_cdp_session(shown.page)
    await session.send("Performance.enable")
    await session.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: int(one["value"]) for one in (await session.send("Performance.getMetrics"))["metrics"]}
    await session.detach()
    timers = await shown.page.evaluate("timers.size")
    return metrics["Nodes"], metrics["JSEventListeners"], timers


@pytest.mark.parametrize("name", OVERLAYS)
async def test_an_overlay_keeps_nothing_of_the_pictures_it_has_shown(name: str, browser: Browser) -> None:
    """Nodes, listeners and timers are as many after many pictures as after few."""
    async with studio(browser, motion=True, spoilt=True) as shown:
        await shown.page.set_viewport_size(THUMBNAIL)
        await shown.page.evaluate(TIMERS)
        script = moments_of(name)["live"]
        await shown.show(name, script, SEARCH.get(name, ""))
        await shown.page.evaluate("(times) => countOn(times)", SETTLED)
        before = await held(shown)
        await shown.page.evaluate("(times) => countOn(times)", COUNTED_ON)
        after = await held(shown)
        assert all(later <= earlier + SETTLED // 2 for later, earlier in zip(after, before, strict=True)), (
            before,
            after,
        )
        assert [] == shown.complaints
