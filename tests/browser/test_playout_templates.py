"""The single-file templates in Chromium, opened from a folder and called as CasparCG and SPX-GC call them."""

from pathlib import Path
from typing import Final

import orjson
import pytest
from playwright.async_api import Browser

from eventlog.port import EventLog
from tests.browser.graphics import HIDDEN, SHOWN, Desk, desk, place
from tests.browser.stage import showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


XML: Final = (
    '<templateData><componentData id="unit"><data id="text" value="tr/34/sile"/></componentData>'
    '<componentData id="lang"><data id="text" value="en"/></componentData></templateData>'
)
"""As CasparCG's clients send it."""


async def update(shown: Desk, said: str) -> None:
    """CG UPDATE: CasparCG calls update with one string."""
    await shown.page.evaluate("(said) => update(said)", said)


async def test_casparcg_plays_updates_goes_on_stops_and_removes(
    browser: Browser, tmp_path: Path, night: EventLog
) -> None:
    async with showing(night) as url, desk(browser, tmp_path, "http://127.0.0.1:9") as shown:
        await shown.template("lower-third")  # CG ADD, then UPDATE with data that names the gateway
        await update(shown, orjson.dumps({"gateway": url, "unit": "tr/34/fatih", "_caspar": "extra"}).decode())
        await shown.until(HIDDEN)
        await shown.page.evaluate("play()")
        await shown.until(SHOWN)
        assert "Fatih" == await shown.reads(".place")
        await update(shown, XML)
        await shown.until(place("Şile"))
        assert "en" == await (await shown.overlay()).evaluate("document.documentElement.lang")
        await shown.page.evaluate("next()")
        await shown.until(place("Silivri"))
        await update(shown, "<templateData><broken")
        await update(shown, "{broken")
        assert "Silivri" == await shown.reads(".place")
        await shown.page.evaluate("stop()")
        await shown.until(HIDDEN)
        await shown.page.evaluate("remove()")
        await shown.page.wait_for_selector("iframe", state="detached")
        assert 2 == sum("update() got what it cannot read" in one for one in shown.complaints)


async def test_the_address_of_a_template_chooses_too(browser: Browser, tmp_path: Path, night: EventLog) -> None:
    async with showing(night) as url, desk(browser, tmp_path, url) as shown:
        await shown.template("lower-third", "?unit=tr/34/sile&theme=light&random=1")
        await shown.page.evaluate("play()")
        await shown.until(SHOWN)
        assert "Şile" == await shown.reads(".place")
        assert "light" == await (await shown.overlay()).evaluate("document.documentElement.dataset.theme")
        assert [] == shown.complaints


async def test_spx_gives_its_fields_and_plays(browser: Browser, tmp_path: Path, night: EventLog) -> None:
    """As its renderer does: the template in a frame of a page of its own, update with f0, f1, …, then play."""
    async with showing(night) as url, desk(browser, tmp_path, url) as shown:
        await shown.page.goto(f"{shown.host}/templates/sandik/lower-third.html")
        definition = await shown.page.evaluate("SPXGCTemplateDefinition")
        said = {field["field"]: field["value"] for field in definition["DataFields"]}
        named = {field["title"]: field["field"] for field in definition["DataFields"]}
        said[named["Unit, such as tr/34 (empty: the home of the election)"]] = "tr/34/fatih"
        await update(shown, orjson.dumps(said).decode())
        await shown.page.evaluate("play()")
        await shown.until(SHOWN)
        await shown.until(place("Fatih"))
        assert [] == shown.complaints


async def test_a_template_shows_nothing_before_the_server_and_keeps_its_figures_after_it(
    browser: Browser, tmp_path: Path, night: EventLog
) -> None:
    async with showing(night) as url:
        port = int(url.rpartition(":")[2])
    async with desk(browser, tmp_path, url) as shown:
        await shown.template("lead-board")
        await shown.page.evaluate("play()")
        await update(shown, '{"unit": "tr/34/fatih"}')
        assert 0 == await shown.page.locator("iframe").count()
        async with showing(night, port=port):
            await shown.until(SHOWN)
            await shown.until("document.querySelector('.gapVotes')?.textContent === '200'")
        await shown.until("document.querySelector('.origin')?.dataset.state === 'lost'")
        assert "200" == await shown.reads(".gapVotes")
