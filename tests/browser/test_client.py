"""The client in Chromium, as a gateway serves it, through a line that fails."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import PATIENCE_MS
from tests.browser.chromium import screen as window
from tests.browser.city import election
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.client.chaos import WANTED, Screen, chaos
from tests.gateway.nights import DISTRICTS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DOCS = Path(__file__).parents[2] / "docs" / "client.md"

FOLLOW = """async ([wanted, units]) => {
  const { connect } = await import("/static/client/index.js");
  const subscriptions = wanted.map(({ max_rate_hz: maxRateHz, ...one }) => ({ ...one, maxRateHz }));
  const night = connect({ subscriptions, retry: { firstMs: 20, longestMs: 100 }, openingMs: 1000, helloMs: 2000 });
  night.on("change", () => {
    const places = subscriptions.flatMap(({ contest, source }) => units.map((unit) => [contest, source, unit]));
    const entries = places.map((place) => [place.join(" "), night.entry(...place)]);
    show(JSON.stringify([Object.fromEntries(entries.filter(([, entry]) => entry)), night.gaps]));
  });
}"""


async def test_after_every_fault_the_view_is_the_gateways(tmp_path: Path, browser: Browser) -> None:
    shown = Screen()
    async with chaos(tmp_path, seed=5) as staged, window(browser, f"{staged.url}/healthz") as opened:
        await opened.page.expose_function("show", lambda said: shown.show(*json.loads(said)))
        await opened.page.evaluate(FOLLOW, [WANTED, ["tr", "tr/06", "tr/34", *DISTRICTS]])
        await staged.rounds(shown)


async def test_the_example_for_a_page_shows_a_night(tmp_path: Path, browser: Browser) -> None:
    """As a page of the gateway's own: the example is put in the place of another."""
    (page,) = re.findall(r"```html\n(.*?)\n```", DOCS.read_text(), re.DOTALL)
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with window(browser, f"{url}/healthz") as opened:
            await opened.page.set_content(page)
            await expect(opened.page.locator("#lead")).to_contain_text('4: {"', timeout=PATIENCE_MS)
            await expect(opened.page.locator("#age")).to_contain_text("open, ", timeout=PATIENCE_MS)
