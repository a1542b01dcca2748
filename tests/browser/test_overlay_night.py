"""Overlays on the real system: log, gateway, stream; the numbers are read off the picture."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from eventlog.port import EventLog
from schemas.contests import Previous, PreviousResult, SeatPlan
from tests.browser.chromium import PATIENCE_MS, Screen, screen
from tests.browser.city import POLLS_CLOSE, election
from tests.browser.stage import begin, log_at, publish, showing, totals

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLACES = "[...document.querySelectorAll('.overlay, .lead-board li, .counted, .origin')].map(e => JSON.stringify(e.getBoundingClientRect()))"  # noqa: E501  one expression
LEADER = ".lead-board li:first-child"


async def is_on(shown: Screen) -> None:
    """Wait until the graphic is on."""
    await expect(shown.page.locator(".overlay")).to_have_attribute("data-shown", "", timeout=PATIENCE_MS)


async def test_a_page_opened_before_the_run_fills_itself_and_a_restart_changes_nothing(
    tmp_path: Path, browser: Browser
) -> None:
    async with log_at(tmp_path) as log:
        async with showing(log) as url:
            port = urlsplit(url).port or 0
            context = screen(browser, f"{url}/overlays/lead-board", width=1920, height=1080)
            shown = await context.__aenter__()
            assert 0 == await shown.page.locator(".overlay").count()
            await begin(log, election())
            await is_on(shown)
            await shown.shows(".counted .opened", "–")
            await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
            await shown.shows(f"{LEADER} .votes", "1.200")
            await shown.shows(f"{LEADER} .share", "%60,00")
            await shown.shows(".origin .feed", "canlı")
            await shown.is_still()
            places = await shown.page.evaluate(PLACES)
        try:
            await shown.shows(".origin .feed", "bağlantı yok")
            await shown.is_still()
            assert "1.200" == await shown.text(f"{LEADER} .votes")
            assert places == await shown.page.evaluate(PLACES)
            async with showing(log, port=port):
                await shown.shows(".origin .feed", "canlı")
                await shown.is_still()
                assert ("1.200", places) == (await shown.text(f"{LEADER} .votes"), await shown.page.evaluate(PLACES))
        finally:
            await context.__aexit__(None, None, None)


async def test_a_correction_goes_down_at_once_and_another_leader_slides_in_after_a_pause(
    tmp_path: Path, browser: Browser
) -> None:
    """The numbers are true at once; the rows change places two seconds later, and nothing on the way is lighter."""
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/tuzla", {"imamoglu": 900, "kurum": 500}, boxes=5))
        async with screen(browser, f"{url}/overlays/lead-board", width=1920, height=1080) as shown:
            await shown.shows(f"{LEADER} .votes", "900")
            await shown.page.evaluate(
                """() => {
                  window.seen = [];
                  const votes = document.querySelector("[data-candidate=imamoglu] .votes");
                  new MutationObserver(() => seen.push([votes.textContent, document.querySelector(".lead-board li").dataset.candidate])).observe(votes, { childList: true, subtree: true, characterData: true });
                }"""  # noqa: E501  JavaScript has its own width
            )
            await publish(log, totals("tr/34/tuzla", {"imamoglu": 700, "kurum": 710}, boxes=5, version=1))
            await shown.shows("[data-candidate=imamoglu] .votes", "700")
            assert [["700", "imamoglu"]] == await shown.page.evaluate("seen")
            await shown.shows(f"{LEADER} .name", "Murat Kurum")
            assert [] == shown.complaints


async def test_numbers_count_up_within_a_second_and_land_on_the_true_value(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/tuzla", {"imamoglu": 1000, "kurum": 500}, boxes=5))
        async with screen(browser, f"{url}/overlays/lead-board", width=1920, height=1080) as shown:
            await shown.shows(f"{LEADER} .votes", "1.000")
            await shown.page.evaluate(
                """() => {
                  window.seen = [];
                  const votes = document.querySelector("[data-candidate=imamoglu] .votes");
                  new MutationObserver(() => seen.push([document.timeline.currentTime, votes.textContent])).observe(votes, { childList: true, subtree: true, characterData: true });
                }"""  # noqa: E501  JavaScript has its own width
            )
            await publish(log, totals("tr/34/tuzla", {"imamoglu": 9000, "kurum": 700}, boxes=9, version=1))
            await shown.shows(f"{LEADER} .votes", "9.000")
            seen = await shown.page.evaluate("seen")
            values = [int(text.replace(".", "")) for _, text in seen]
            assert sorted(values) == values
            assert 9000 == values[-1]
            on_the_way = [at for at, _ in seen[:-1]]  # the next picture shows the true value, whenever it comes
            assert not on_the_way or on_the_way[-1] - on_the_way[0] < 1000


async def test_declared_seats_are_those_that_the_gateway_divides(tmp_path: Path, browser: Browser) -> None:
    """A parliament by a method that no page knows; a tie is shown as undecided, until a vote decides it."""
    known = election()
    plan = SeatPlan(method="largest_remainder_hare", seats={"tr/34/sisli": 3, "tr/34/tuzla": 1})
    council = known.contest_by_id["district_council"].model_copy(update={"seats": plan})
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, known.model_copy(update={"contests": (council,)}))
        told = {"tr/34/sisli": {"chp": 600, "ak_parti": 310}, "tr/34/tuzla": {"chp": 50, "ak_parti": 50}}
        await publish(log, *(totals(unit, votes, contest="district_council", boxes=5) for unit, votes in told.items()))
        async with screen(browser, f"{url}/overlays/council?unit=tr/34", width=1920, height=1080) as shown:
            await shown.shows(".council li:nth-child(1) .seats", "2")
            await shown.shows(".council li:nth-child(2) .seats", "1")
            await shown.shows(".council li:nth-child(3)", "belli değil1")
            await publish(
                log,
                totals("tr/34/tuzla", {"chp": 50, "ak_parti": 51}, contest="district_council", boxes=5, version=1),
            )
            await shown.shows(".council li:nth-child(2) .seats", "2")
            assert "en büyük artık (Hare)" == await shown.text(".law")


@asynccontextmanager
async def _stands(log: EventLog, browser: Browser, name: str, figures: str) -> AsyncIterator[Screen]:
    """An overlay whose figures are the same afterwards while its gateway is down, and when it is there again."""
    async with showing(log) as url:
        port = urlsplit(url).port or 0
        context = screen(browser, f"{url}/overlays/{name}", width=1920, height=1080)
        shown = await context.__aenter__()
        try:
            yield shown
            before = await shown.text(figures)
        except BaseException:
            await context.__aexit__(None, None, None)
            raise
    try:
        origin = shown.page.locator(".origin").first
        await expect(origin.locator(".feed")).to_have_text("bağlantı yok")
        await expect(origin).to_have_attribute("data-grave", "")
        assert before == await shown.text(figures)
        async with showing(log, port=port):
            await expect(origin.locator(".feed")).to_have_text("canlı")
            assert before == await shown.text(figures)
    finally:
        await context.__aexit__(None, None, None)


LAST: Final = Previous(
    id="2019",
    contest="metropolitan_mayor",
    name="31 Mart 2019",
    date=date(2019, 3, 31),
    results={"tr/34/sisli": PreviousResult(votes={"imamoglu": 600, "kurum": 600}, valid=1200, cast=1200)},
)


async def test_a_swing_stands_while_the_gateway_is_down_and_says_so(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log:
        await begin(log, election().model_copy(update={"previous": (LAST,)}))
        await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
        row = "[data-candidate=imamoglu] .change"
        async with _stands(log, browser, "swing", ".swing .rows") as shown:
            await shown.shows(row, "+10,00")
            await shown.shows(".base", "Geçen sefer: 31 Mart 2019")


async def test_a_lead_over_time_stands_while_the_gateway_is_down_and_goes_on_after_it(
    tmp_path: Path, browser: Browser
) -> None:
    """A gateway that was restarted knows nothing of the time before; the page does."""
    async with log_at(tmp_path) as log:
        await begin(log, election())
        await publish(log, totals("tr/34/sisli", {"imamoglu": 700, "kurum": 900}, boxes=6))
        async with _stands(log, browser, "lead-over-time", ".lead-over-time .plot") as shown:
            await shown.shows(".lead-over-time .uncharted", "Farkın seyri henüz çizilemiyor")
            later = POLLS_CLOSE + timedelta(minutes=30)
            await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8, version=1, at=later))
            await shown.shows(".end[data-line='0'] .ahead", "20,00")
