"""What overlays do in a page, without a server and a night: boundaries, faults of addresses, straps, commands."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.routes.boundaries import read_boundaries
from tests.browser.moments import UNIT, moments
from tests.browser.overlays import Studio, studio

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DISTRICTS: Final = Path(
    os.environ.get(
        "SANDIK_TEST_MAP", Path(__file__).parents[3] / "shared/data/map/istanbul_districts_simplified.geojson"
    )
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(browser: Browser) -> AsyncIterator[Studio]:
    """One page for all questions."""
    async with studio(browser) as page:
        yield page


async def test_casparcg_says_parameters_as_xml(shown: Studio) -> None:
    """Whatever else a playout system may say needs no page, and is in tests/node."""
    xml = '<templateData><componentData id="unit"><data id="text" value="tr/34"/></componentData></templateData>'
    assert {"unit": "tr/34"} == await shown.page.evaluate(
        "async (xml) => (await import('/static/overlays/playout-data.js')).parametersIn(xml)", xml
    )


async def test_the_users_own_boundaries_are_drawn_with_their_credit(browser: Browser) -> None:
    """All 39 districts of İstanbul, from a file that is the user's and not the project's."""
    if not DISTRICTS.exists():
        pytest.skip(f"no boundaries at {DISTRICTS}: name a GeoJSON file of İstanbul's districts with SANDIK_TEST_MAP")
    async with studio(browser) as page:
        page.boundaries = read_boundaries(DISTRICTS.read_bytes()).body
        await page.show("district-map", moments()["live"], "inset=none")
        await page.page.wait_for_selector("[data-shape='boundaries'] path[data-unit]")
        assert 39 == await page.page.locator("path[data-unit]").count()
        assert "Harita verisi © OpenStreetMap katkıda bulunanlar" == await page.text(".credit")
        await page.picture("district-map-boundaries")
        assert [] == page.complaints


LABELS: Final = """() => {
  const boxes = [...document.querySelectorAll(".picture text")].filter((one) => one.textContent)
    .map((one) => ({ text: one.textContent, box: one.getBoundingClientRect() }));
  const [from, frame] = [...document.querySelectorAll(".inset-frame")].map((one) => one.getBoundingClientRect());
  const touch = (one, other) =>
    one.left < other.right && other.left < one.right && one.top + 4 < other.bottom && other.top + 4 < one.bottom;
  const inside = (box) =>
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  return {
    zoom: frame.width / from.width,
    texts: boxes.map(({ text }) => text),
    framed: boxes.filter(({ box }) => inside(box)).length,
    faults: boxes.flatMap(({ text, box }, index) => [
      ...boxes.slice(index + 1).filter((other) => touch(box, other.box)).map((other) => `${text} / ${other.text}`),
      ...(touch(box, frame) && !inside(box) ? [`${text} / frame`] : []),
    ]),
  };
}"""


@pytest.mark.parametrize("inset", ["auto", UNIT.replace("buyukcekmece", "fatih")])
async def test_what_is_too_small_is_drawn_larger_in_an_inset_and_no_label_touches_another(
    browser: Browser, inset: str
) -> None:
    if not DISTRICTS.exists():
        pytest.skip(f"no boundaries at {DISTRICTS}: name a GeoJSON file of İstanbul's districts with SANDIK_TEST_MAP")
    async with studio(browser) as page:
        page.boundaries = read_boundaries(DISTRICTS.read_bytes()).body
        await page.show("district-map", moments()["live"], f"inset={inset}")
        await page.page.wait_for_selector(".inset-frame")
        found = await page.page.evaluate(LABELS)
        assert [] == found["faults"]
        assert len(found["texts"]) == len(set(found["texts"]))
        assert "Fatih" in found["texts"]
        assert found["zoom"] >= 1.75
        assert found["framed"] >= 5
        await page.show("district-map", moments()["live"], "inset=none")
        await page.page.wait_for_selector("[data-shape='boundaries'] path[data-unit]")
        assert 0 == await page.page.locator(".inset-frame").count()
        await page.show("district-map", moments()["live"], "inset=tr/35&debug=1")
        assert "inset=tr/35 bu seçimde yok" in await page.text(".card")


async def test_what_is_not_in_the_election_leaves_the_picture_empty_and_is_explained_when_asked(
    browser: Browser,
) -> None:
    async with studio(browser) as page:
        await page.show("lead-board", moments()["live"], "unit=tr/99")
        assert 0 == await page.page.locator(".overlay").count()
        assert "unit=tr/99" in page.complaints[0]
        assert "" == (await page.text("#stage")).strip()

        await page.show("lead-board", moments()["live"], "unit=tr/99&debug=1")
        assert "unit=tr/99 bu seçimde yok" in await page.text(".card")
        await page.show("lead-board", moments()["live"], "source=bbc&debug=1&lang=en")
        assert "There is no source=bbc" in await page.text(".card")


STRAPS: Final = """async (events) => {
  for (const event of events) client.receive({ type: "event", contest: "metropolitan_mayor", source: "aa",
    unit: "tr/34", seq: 1, as_of: "2024-03-31T21:55:12+03:00", candidate: null, before: null,
    percent: null, ...event });
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const panel = document.querySelector(".strap");
  return { on: panel.hasAttribute("data-on"), text: panel.textContent };
}"""


async def test_a_strap_shows_what_the_stream_says_and_nothing_else(browser: Browser) -> None:
    async with studio(browser) as page:
        await page.show("strap", moments()["live"])
        assert not (await page.page.evaluate(STRAPS, []))["on"]
        elsewhere = {"event": "milestone", "percent": 50, "unit": UNIT}
        assert not (await page.page.evaluate(STRAPS, [elsewhere]))["on"]
        unknown = {"event": "moon_landing"}
        assert not (await page.page.evaluate(STRAPS, [unknown]))["on"]

        shown = await page.page.evaluate(STRAPS, [{"event": "milestone", "percent": 50}])
        assert shown["on"]
        assert "Açılan sandık oranı %50" in shown["text"]
        await page.page.evaluate("next()")
        assert not (await page.page.evaluate(STRAPS, []))["on"]


async def test_playout_commands_bring_a_graphic_on_and_take_it_off(browser: Browser) -> None:
    async with studio(browser) as page:
        await page.show("lower-third", moments()["live"], f"unit={UNIT}&play=0")
        is_shown = "document.querySelector('.overlay').hasAttribute('data-shown')"
        assert not await page.page.evaluate(is_shown)
        await page.page.evaluate("play()")
        assert await page.page.evaluate(is_shown)
        assert "Büyükçekmece" == await page.text(".place")

        await page.page.evaluate("next()")
        assert "Çatalca" == await page.text(".place")
        await page.page.evaluate("""update('{"unit": "tr/34/sile"}')""")
        assert "Şile" == await page.text(".place")
        await page.page.evaluate("stop()")
        assert not await page.page.evaluate(is_shown)
        await page.page.evaluate("update('{broken')")
        assert "update() got what it cannot read" in page.complaints[-1]


WRITTEN: Final = """async () => {
  const seen = [];
  const note = (records) => {
    const items = records.map(({ target }) => target.closest("li")).filter((item) => item && !seen.includes(item));
    seen.push(...new Set(items));
  };
  new MutationObserver(note).observe(document.querySelector(".crawl"), { subtree: true, childList: true });
  await countOn(1);
  const atFirst = seen.length;
  while (seen.length < 70) await new Promise((resolve) => requestAnimationFrame(resolve));
  return { atFirst, units: seen.map((item) => item.dataset.unit) };
}"""


async def test_a_ticker_writes_what_is_on_screen_first_and_the_rest_in_the_next_pictures(browser: Browser) -> None:
    """A picture in which 39 districts change, twice, takes no longer than one in which a few do."""
    async with studio(browser) as page:
        await page.show("ticker", moments()["live"], "move=pages&seconds=60")
        units = await page.page.locator(".belt:first-child li").evaluate_all(
            "(all) => all.map((one) => one.dataset.unit)"
        )
        written = await page.page.evaluate(WRITTEN)
        assert units[:10] == written["units"][:10]
        assert 4 <= written["atFirst"] <= 4 + 2 * 6
