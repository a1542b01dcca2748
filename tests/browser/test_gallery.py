"""The gallery in Chromium: every overlay live, its form, and what it copies."""

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from eventlog.port import EventLog
from gateway.pages import OVERLAY_NAMES
from tests.browser.chromium import PATIENCE_MS, screen
from tests.browser.stage import showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ASKS: Final = ("sandik council: seats: ", "sandik majority: seats: ")
"""No house is declared. Whether these two complain of it is the browser's choice: how far below the window it loads."""


async def test_every_overlay_is_live_and_its_form_makes_its_address(browser: Browser, night: EventLog) -> None:
    async with showing(night) as url, screen(browser, f"{url}/overlays") as shown:
        await expect(shown.page.locator("article")).to_have_count(len(OVERLAY_NAMES), timeout=PATIENCE_MS)
        card = shown.page.locator("article[data-overlay=lead-board]")
        overlay = card.frame_locator("iframe").locator(".overlay .place")
        await expect(overlay).to_have_text("İstanbul", timeout=PATIENCE_MS)
        await card.locator("[name=unit]").fill("tr/34/sile")
        await card.locator("[name=size]").select_option("bug")
        await expect(overlay).to_have_text("Şile", timeout=PATIENCE_MS)
        address = f"{url}/overlays/lead-board?unit=tr/34/sile&size=bug"
        assert address == await card.locator("[aria-label=OBS]").input_value()
        assert f'"{address}&play=0"' in await card.locator("[aria-label=CasparCG]").input_value()
        assert [] == [said for said in shown.complaints if not said.startswith(ASKS)]
