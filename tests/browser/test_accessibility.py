"""axe-core on the board and the control room: no serious and no critical fault, in every theme and language."""

from pathlib import Path
from typing import Any, Final, Literal, cast

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE_MS, screen
from tests.browser.city import election
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.browser.test_control_room import enter, night, room_url
from tests.node.node import FOLDER, needs_packages

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE: Final = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
GRAVE: Final = frozenset({"serious", "critical"})
LANGUAGES: Final = ("tr", "en")

FIND: Final = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, impact, nodes }) => ({
    id, impact, nodes: nodes.slice(0, 5).map((node) => node.html), how: nodes[0].failureSummary,
  }));
}"""

Theme = Literal["dark", "light"]


async def grave_faults(page: Page) -> list[dict[str, Any]]:
    """What axe-core calls serious or critical."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = cast("list[dict[str, Any]]", await page.evaluate(FIND))
    return [fault for fault in found if fault["impact"] in GRAVE]


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_board_has_no_grave_fault(theme: Theme, tmp_path: Path, browser: Browser) -> None:
    """With thin districts, a tie, a figure set by hand, and sources that differ."""
    needs_packages()
    async with log_at(tmp_path) as log:
        await begin(log, election(), mode="test")
        await publish(log, totals("tr/34/fatih", {"imamoglu": 70, "kurum": 30}, boxes=20))
        await publish(log, totals("tr/34/sile", {"imamoglu": 90, "kurum": 90}, boxes=10))
        by_hand = totals("tr/34/adalar", {"imamoglu": 7, "kurum": 5}, boxes=1)
        await publish(log, by_hand.model_copy(update={"overridden": ("boxes_opened", "votes.imamoglu")}))
        await publish(log, totals("tr/34/fatih", {"imamoglu": 60, "kurum": 30}, boxes=18, source="anka"))
        async with showing(log) as url:
            for language in LANGUAGES:
                async with screen(browser, f"{url}/?lang={language}") as shown:
                    await shown.page.emulate_media(color_scheme=theme)
                    await shown.shows("#hero .opened", "31")
                    assert [] == await grave_faults(shown.page)
                    await shown.page.locator("#candidates button").click()
                    await shown.page.set_viewport_size({"width": 360, "height": 800})
                    assert [] == await grave_faults(shown.page)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_control_room_has_no_grave_fault(theme: Theme, tmp_path: Path, browser: Browser) -> None:
    """Before signing in, in it, and with an order about to be given."""
    needs_packages()
    async with night(tmp_path) as (_, url):
        for language in LANGUAGES:
            async with screen(browser, f"{room_url(url)}&lang={language}") as shown:
                await shown.page.emulate_media(color_scheme=theme)
                await expect(shown.page.locator("#name")).to_be_visible(timeout=PATIENCE_MS)
                assert [] == await grave_faults(shown.page)
                await enter(shown)
                assert [] == await grave_faults(shown.page)
                await shown.page.locator("#hold").click()
                await expect(shown.page.locator("dialog[open]")).to_be_visible(timeout=PATIENCE_MS)
                assert [] == await grave_faults(shown.page)
