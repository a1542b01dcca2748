"""What time a page says: the gateway's, however wrong the clock of the machine is that shows it."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from schemas.control import EmbargoSet
from tests.browser.chromium import PATIENCE_MS, screen
from tests.browser.city import election
from tests.browser.stage import begin, give, log_at, publish, showing, totals

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TIME = re.compile(r"\d\d:\d\d:\d\d")
ZONE = ZoneInfo("Europe/Istanbul")


def times_since(start: datetime) -> set[str]:
    """The times of day from a moment on until now, to the second."""
    gone_s = int((datetime.now(ZONE) - start).total_seconds()) + 1
    return {f"{start + timedelta(seconds=s):%H:%M:%S}" for s in range(gone_s + 1)}


@pytest.mark.parametrize(
    ("path", "status", "lost", "hours_ahead"),
    [("/", "#status", "Bağlantı koptu", 3), ("/overlays/lead-board", ".origin", "Bağlantı yok: ", -3)],
)
async def test_a_machine_whose_clock_is_wrong_says_since_when_the_figures_stand(
    path: str, status: str, lost: str, hours_ahead: int, tmp_path: Path, browser: Browser
) -> None:
    start = datetime.now(ZONE)
    async with log_at(tmp_path) as log:
        await begin(log, election())
        await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
        async with showing(log) as url:
            context = screen(browser, url + path, hours_ahead=hours_ahead)
            shown = await context.__aenter__()
            await expect(shown.page.locator(".votes").first).to_have_text("1.200", timeout=PATIENCE_MS)
            if path == "/":
                await expect(shown.page.locator("#clock")).to_contain_text(TIME, timeout=PATIENCE_MS)
                clock = TIME.search(await shown.text("#clock"))
                assert clock is not None
                assert clock[0] in times_since(start)
        try:
            await expect(shown.page.locator(status).first).to_contain_text(lost, timeout=PATIENCE_MS)
            told = TIME.search((await shown.texts(status))[0].partition(lost)[2])
            assert told is not None
            assert told[0] in times_since(start)
        finally:
            await context.__aexit__(None, None, None)


async def test_the_clock_of_an_embargo_is_the_gateways(tmp_path: Path, browser: Browser) -> None:
    start = datetime.now(ZONE)
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, election(), mode="test")
        await give(log, EmbargoSet)
        async with screen(browser, f"{url}/overlays/lead-board", hours_ahead=3) as shown:
            await expect(shown.page.locator(".curtain .clock")).to_contain_text(TIME, timeout=PATIENCE_MS)
            clock = TIME.search(await shown.text(".curtain .clock"))
            assert clock is not None
            assert clock[0] in times_since(start)
