"""What operators order, as the board's viewers see it."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from schemas.control import Called, EmbargoSet, Held
from tests.browser.chromium import screen
from tests.browser.city import election
from tests.browser.stage import begin, counting, give, log_at, publish, showing, totals

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_an_embargo_without_an_end_is_said(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election(), mode="test")
        await publish(log, totals("tr/34/fatih", {"imamoglu": 60, "kurum": 40}, boxes=1))
        await shown.is_in_state("live")
        await give(log, EmbargoSet)
        await shown.is_in_state("embargo")
        await shown.shows("#status", "Yayın yasağı: sonuçlar yasak kalkınca yayımlanacak.")


async def test_a_hold_is_said_by_the_names_of_what_is_held(tmp_path: Path, browser: Browser) -> None:
    known = election()
    contest = known.contest_by_id["metropolitan_mayor"].name
    async with log_at(tmp_path) as log:
        run = await begin(log, known, mode="test")
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await give(log, Held, contest="metropolitan_mayor", unit="tr/34/fatih")
            await shown.shows("#status", f"Bekletiliyor: {contest} · Fatih")


async def test_figures_set_by_hand_and_calls_are_marked(tmp_path: Path, browser: Browser) -> None:
    said = totals("tr/34/fatih", {"imamoglu": 60, "kurum": 40}, boxes=1)
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election(), mode="test")
        await shown.is_in_state("quiet")
        shown.complaints.clear()  # the page had asked for the night before there was one
        await publish(log, said.model_copy(update={"overridden": ("boxes_opened", "votes.imamoglu")}))
        mark = "getComputedStyle(document.querySelector('#hero .votes'), '::before').content"
        await shown.shows("#hero .facts .manual dd", "açılan sandık, Ekrem İmamoğlu")
        assert '"✎ "' == await shown.page.evaluate(mark)
        for place in ("#hero .opened", "#hero .gapVotes", "#candidates [data-candidate=imamoglu] .votes"):
            await expect(shown.page.locator(place)).to_have_attribute("title", "elle girilen sayı")
        row = "#districts [data-row='tr/34/fatih']"
        await expect(shown.page.locator(f"{row} [data-manual]")).to_have_count(2)
        assert 0 == await shown.page.locator("#candidates [data-candidate=kurum] [data-manual]").count()

        await give(log, Called, contest="metropolitan_mayor", unit="tr/34", candidate="kurum")
        await shown.shows("#hero .called", "Murat Kurum kazandı")
        assert "ilan eden" in await shown.text("#hero .calledBy")
        await expect(shown.page.locator("#candidates [data-called]")).to_have_attribute("data-candidate", "kurum")
        assert [] == shown.complaints
