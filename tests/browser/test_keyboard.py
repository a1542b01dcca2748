"""The board and the control room by keyboard alone: every control is reached in order, seen, and left again."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE_MS, screen, until
from tests.browser.city import BOXES, election
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.browser.test_control_room import enter, give, night, room_url

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STEPS: Final = 400
"""More than any page has controls: who has not come round by then is in a trap."""

CONTROLS: Final = """() => {
  const may = "a[href], button, input, select, textarea, summary, [tabindex]";
  const here = (node) => node.checkVisibility() && !node.closest("dialog:not([open])");
  return [...document.querySelectorAll(may)].filter((node) => !node.disabled && node.tabIndex >= 0 && here(node))
    .map((node, index) => { node.dataset.stop = index; return index; });
}"""
"""The controls in the order of the document; each is given its place."""

FOCUSED: Final = """() => {
  const node = document.activeElement;
  if (!node || node === document.body || node === document.documentElement) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const { top, bottom } = node.getBoundingClientRect();
  return {
    stop: Number(node.dataset.stop), said: (node.id || node.className || node.textContent).slice(0, 40),
    seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && bottom > 0 && top < innerHeight,
  };
}"""


FROM_THE_TOP: Final = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  getSelection().removeAllRanges();
  scrollTo(0, 0);
}"""
"""Tab goes on from the beginning of the page, wherever the focus was, also where what had it is gone."""


async def walked(page: Page) -> list[dict[str, Any]]:
    """Where Tab leads from the beginning of the page until it leaves it."""
    await page.evaluate(FROM_THE_TOP)
    visited: list[dict[str, Any]] = []
    for _ in range(STEPS):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused is None or (visited and focused["stop"] == visited[0]["stop"]):
            return visited
        visited.append(focused)
    pytest.fail(f"Tab never comes round: {visited[-3:]}")


async def check_walk(page: Page) -> None:
    """Tab visits every control once, in the order of the document, and each shows that it has the focus."""
    stops = await page.evaluate(CONTROLS)
    visited = await walked(page)
    assert stops == [one["stop"] for one in visited]
    assert [] == [one for one in visited if not one["seen"]]


async def test_every_control_of_the_board_is_reached_in_order_and_seen(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 70, "kurum": 30}, boxes=20))
        await shown.shows("#districts [data-row='tr/34/fatih'] td.boxes", f"20 / {BOXES}")
        await check_walk(shown.page)


async def test_the_board_is_run_by_keyboard_alone(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/pendik", {"imamoglu": 70, "kurum": 30}, boxes=9))
        await publish(log, totals("tr/34/fatih", {"imamoglu": 70, "kurum": 30}, boxes=2, source="anka"))
        await shown.shows("#hero .opened", "9")
        page = shown.page
        await page.get_by_role("link", name="ANKA", exact=True).focus()
        await page.keyboard.press("Enter")
        await shown.shows("#hero .opened", "2")
        await expect(page.get_by_role("link", name="ANKA", exact=True)).to_be_focused()
        await page.get_by_role("button", name="Açılan / toplam sandık").focus()
        await page.keyboard.press("Enter")
        await shown.shows("#districts tbody tr:first-child th", "Fatih")
        await page.locator("#districts tbody tr:first-child th a").focus()
        await page.keyboard.press("Enter")
        await shown.shows("#hero h1", "Fatih")
        await page.locator("#hero .back").focus()
        await page.keyboard.press("Enter")
        await shown.shows("#hero h1", "İstanbul")


async def test_every_control_of_the_control_room_is_reached_in_order_and_seen(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        await expect(shown.page.locator("#name")).to_be_focused(timeout=PATIENCE_MS)
        await check_walk(await enter(shown))


async def test_an_orders_dialog_holds_the_focus_and_gives_it_back(tmp_path: Path, browser: Browser) -> None:
    """To the control it came from; where that is gone with what it undid, to the panel it was in."""
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await page.locator("#hold").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#reason")).to_be_focused(timeout=PATIENCE_MS)
        for _ in range(8):
            await page.keyboard.press("Tab")
            assert await page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open]")).to_have_count(0)
        await expect(page.locator("#hold")).to_be_focused()

        await page.locator("#call").focus()
        await page.keyboard.press("Enter")
        await give(page)
        await expect(page.locator("#call")).to_be_focused()

        await page.locator(".calls li button").focus()
        await page.keyboard.press("Enter")
        await give(page)
        await expect(page.locator(".calls ul")).to_have_text("İlan yok.", timeout=PATIENCE_MS)
        await until(page, "document.activeElement.closest('.calls') !== null")
        assert [] == shown.complaints
