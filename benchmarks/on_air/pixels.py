"""From a tally's append to the pixels changing in Chromium, through an aggregator and a gateway as processes."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from benchmarks.commands import serving
from benchmarks.logs import log_urls
from benchmarks.night import election
from benchmarks.on_air.chromium import chromium, percentile, watched
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from producers.chance import seeded
from sandik.wiring import open_log
from schemas.tally import Counted, encode

TALLIES: Final = 150
WARM_UP: Final = 10
LEAST_APART_S: Final = 0.8
SPREAD_S: Final = 0.6
"""Between two tallies: an overlay takes one change in half a second, and none is to wait for another."""

TICK_MS: Final = 50
DISTRICT: Final = "tr/34/esenyurt"
"""The district with most boxes."""

NUMBER: Final = ".lead-board [data-candidate=imamoglu] .votes"
VOTES: Final = 130
"""What each tally adds to the number that is watched."""

LIMIT_S: Final = 20
ASKED_CLOCK: Final = 25
"""How often the two clocks are compared; the quickest answer says it best."""

WATCH: Final = (Path(__file__).parent / "moment.js").read_text(encoding="utf-8")


def pixels() -> Iterator[str]:
    """Milliseconds on both logs, to the first picture with another number and to the one with the true one."""
    yield "| append → pixels, lead board, ms | p50 | p90 | p99 | worst |"
    yield "|---|---:|---:|---:|---:|"
    with log_urls() as urls, asyncio.Runner() as runner:
        for name, url in urls.items():
            first, landed = runner.run(_measure(url))
            for what, waits in (("the number moves", first), ("it has counted up to the true one", landed)):
                at = " | ".join(f"{percentile(waits, share):.0f}" for share in (0.5, 0.9, 0.99, 1))
                yield f"| {name}: {what} | {at} |"


async def _measure(url: str) -> tuple[list[float], list[float]]:
    """Append one tally after the other, and wait for each to be seen."""
    clock, name = Wall(), f"pixels-{uuid.uuid4().hex[:8]}"
    async with open_log(url, clock) as log:
        run = await create_run(log, name, election(), mode="test", epoch="bench", clock=clock)
        async with (
            serving(url, name, tick_ms=TICK_MS) as address,
            chromium() as browser,
            watched(browser, f"{address}/overlays/lead-board?source=aa", WATCH) as shown,
        ):
            await _append(log, run, 1)
            await shown.page.wait_for_selector(f"{NUMBER}:text-is('{VOTES}')", timeout=LIMIT_S * 1000)
            await shown.page.evaluate("(selector) => watch(selector)", NUMBER)
            behind_ms = await _clock_of(shown.page)
            chance, first, landed = seeded("pixels"), [], []
            for box in range(2, TALLIES + WARM_UP + 2):
                began = await _append(log, run, box)
                times = await _seen(shown.page, f"{VOTES * box:,}".replace(",", "."))
                first.append(times[0] - began - behind_ms)
                landed.append(times[1] - began - behind_ms)
                await asyncio.sleep(LEAST_APART_S + chance.random() * SPREAD_S)
    return sorted(first[WARM_UP:]), sorted(landed[WARM_UP:])


async def _clock_of(page: Page) -> float:
    """How far the page's clock is ahead of ours, in milliseconds, to within half of the quickest answer: about one."""
    answers = []
    for _ in range(ASKED_CLOCK):
        before = time.perf_counter() * 1000
        theirs = await page.evaluate("performance.now()")
        after = time.perf_counter() * 1000
        answers.append((after - before, theirs - (before + after) / 2))
    return float(min(answers)[1])


async def _seen(page: Page, text: str) -> tuple[float, float]:
    """When the number began to move, and when it stood at `text`; forgets both."""
    await page.wait_for_function("(text) => changes.at(-1)?.[0] === text", arg=text, timeout=LIMIT_S * 1000)
    changes = await page.evaluate("changes.splice(0)")
    return float(changes[0][1]), float(changes[-1][1])


async def _append(log: EventLog, run: Run, count: int) -> float:
    """Append one box's tally; when that began, in milliseconds of our clock."""
    district = run.definition.unit_by_id[DISTRICT]
    tally = Counted(
        type="counted",
        contest="metropolitan_mayor",
        district=DISTRICT,
        box=district.boxes[0][0] + count - 1,
        source="aa",
        revision=1,
        at=datetime.now(UTC),
        registered=300,
        cast=250,
        valid=245,
        invalid=5,
        votes={"imamoglu": VOTES, "kurum": 115},
    )
    began = time.perf_counter() * 1000
    await log.append(run.topics.tallies.name, [Entry(DISTRICT.encode(), encode(tally))])
    return began
