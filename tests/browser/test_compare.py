"""Why two sources differ, read off the board in real Chromium, through the aggregator and the gateway."""

from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, expect

from schemas.control import FigureOverridden, Held, OverrideWithdrawn
from schemas.tally import Counted
from tests.browser.chromium import PATIENCE_MS, screen
from tests.browser.city import POLLS_CLOSE, election, tallies
from tests.browser.stage import begin, counting, give, log_at, say, showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FATIH: Final = "tr/34/fatih"


def box(number: int, votes: dict[str, int], **changes: Any) -> Counted:
    """A box of Fatih, every valid vote somebody's."""
    valid = sum(votes.values())
    fields: dict[str, Any] = {
        "type": "counted",
        "contest": "metropolitan_mayor",
        "district": FATIH,
        "box": number,
        "source": "aa",
        "revision": 1,
        "at": POLLS_CLOSE,
        "registered": 340,
        "cast": valid,
        "valid": valid,
        "invalid": 0,
        "votes": votes,
    }
    return Counted(**(fields | changes))


async def test_the_gap_is_split_and_its_boxes_are_named(tmp_path: Path, browser: Browser) -> None:
    """AA has a box that ANKA has not, and counts another differently; then ANKA catches up."""
    said = [
        box(1001, {"imamoglu": 150, "kurum": 50}),
        box(1002, {"imamoglu": 100, "kurum": 100}),
        box(1001, {"imamoglu": 140, "kurum": 60}, source="anka"),
    ]
    async with log_at(tmp_path) as log:
        run = await begin(log, election())
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await say(log, said)
            part = "#compare [data-part={}] td.number"
            # the gap is known from the totals alone; its parts come with the comparison
            await expect(shown.page.locator(part.format("coverage")).first).to_have_text("0", timeout=PATIENCE_MS)
            await shown.lists(part.format("gap"), "+20", "−15,00")
            await shown.lists(part.format("coverage"), "0", "−25,00")
            await shown.lists(part.format("disagreement"), "+20", "+10,00")
            words = await shown.text("#compare .why")
            assert "Ekrem İmamoğlu – Murat Kurum farkında" in words
            assert "yalnız AA: 1 sandık · yalnız ANKA: 0 sandık" in words
            assert "ikisinde de olan 1 sandığın 1 tanesi farklı" in words
            assert "İkisinde de olan 1 sandıkta Ekrem İmamoğlu: AA %75,00 · ANKA %70,00" in words

            await shown.page.locator("#compare summary").click()
            await shown.lists("#compare .boxes b", "Fatih 1002", "Fatih 1001")
            assert "ANKA: açmadı" in await shown.text("#compare .boxes li:nth-child(1)")
            await shown.lists("#compare .boxes .number", "0", "+20")

            caught_up = [replace(said[1], source="anka"), replace(said[0], source="anka", revision=2)]
            await say(log, caught_up)
            await expect(shown.page.locator(part.format("gap")).first).to_have_text("0", timeout=PATIENCE_MS)
            await shown.shows("#compare summary", "Aranın en büyük olduğu sandıklar (0) ve farktaki payları")
            assert [] == shown.complaints


async def test_a_word_that_is_set_aside_is_said_beside_its_source(tmp_path: Path, browser: Browser) -> None:
    """Both have the same boxes with the same counts, and one has said something else since."""
    said = [box(1001, {"imamoglu": 150, "kurum": 50}, source=source) for source in ("aa", "anka")]
    async with log_at(tmp_path) as log:
        run = await begin(log, election(), mode="test")
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await say(log, said)
            gap = shown.page.locator("#compare [data-part=gap] td.number").first
            await expect(gap).to_have_text("0", timeout=PATIENCE_MS)
            await say(log, [box(1001, {"imamoglu": 90, "kurum": 110})])
            await shown.shows(
                "#compare .why .manual",
                "⚠ AA kaynağının sayılarına girmeyen 1 bildirimi karantinada (öncekiyle çelişiyor).",
            )
            states = shown.page.locator("#compare thead .feed")
            await expect(states.first).to_contain_text("1 bildirim karantinada", timeout=PATIENCE_MS)
            assert "karantinada" not in await states.nth(1).inner_text()
            await say(log, [box(1001, {"imamoglu": 90, "kurum": 110}, revision=2)])
            await expect(shown.page.locator("#compare .why .manual")).to_be_hidden(timeout=PATIENCE_MS)
            assert [] == shown.complaints


async def test_of_a_source_that_said_nothing_that_is_said_instead_of_a_gap(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log:
        run = await begin(log, election(), mode="test")
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await say(log, [box(1001, {"imamoglu": 150, "kurum": 50})])
            await shown.shows("#compare .why .like", "ANKA, İstanbul için henüz hiçbir şey bildirmedi.")
            await shown.lists("#compare [data-part=gap] td.number", "–", "–")


async def test_figures_set_by_hand_are_said_not_to_be_compared(tmp_path: Path, browser: Browser) -> None:
    said = [box(1001, {"imamoglu": 150, "kurum": 50}, source=source) for source in ("aa", "anka")]
    async with log_at(tmp_path) as log:
        run = await begin(log, election(), mode="test")
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await say(log, said)
            gap = shown.page.locator("#compare [data-part=gap] td.number").first
            await expect(gap).to_have_text("0", timeout=PATIENCE_MS)
            assert not await shown.page.locator("#compare .why .manual").is_visible()
            where = {"contest": "metropolitan_mayor", "source": "anka", "unit": FATIH}
            await give(log, FigureOverridden, **where, figures={"votes.kurum": 70})
            await shown.shows(
                "#compare .why .manual", "✎ ANKA: elle girilen sayılar değil, kaynağın kendi sayıları karşılaştırılır."
            )
            await expect(gap).to_have_text("0", timeout=PATIENCE_MS)
            await give(log, OverrideWithdrawn, **where)
            await expect(shown.page.locator("#compare .why .manual")).to_be_hidden(timeout=PATIENCE_MS)


async def test_one_held_district_stops_no_other_from_being_explained(tmp_path: Path, browser: Browser) -> None:
    said = [box(1001, {"imamoglu": 150, "kurum": 50}, source=source) for source in ("aa", "anka")]
    async with log_at(tmp_path) as log:
        run = await begin(log, election(), mode="test")
        async with counting(log, run), showing(log) as url, screen(browser, f"{url}/?unit={FATIH}") as shown:
            await say(log, said)
            await give(log, Held, contest="metropolitan_mayor", unit="tr/34/adalar")
            await expect(shown.page.locator("#status")).to_contain_text("Bekletiliyor", timeout=PATIENCE_MS)
            gap = shown.page.locator("#compare [data-part=coverage] td.number").first
            await expect(gap).to_have_text("0", timeout=PATIENCE_MS)

            await shown.page.goto(f"{url}/?unit=tr/34")
            await expect(shown.page.locator("#compare .why")).to_contain_text(
                "Bekletilen sonuçlar karşılaştırılmaz.", timeout=PATIENCE_MS
            )


@pytest.mark.parametrize(("width", "language"), [(1440, "tr"), (360, "en")])
async def test_a_whole_nights_gap_fits_the_page(width: int, language: str, tmp_path: Path, browser: Browser) -> None:
    """A night of 3,000 boxes in which ANKA is behind and misread some; no width makes the page scroll sideways."""
    aa = list(tallies(1, "aa"))
    behind = [replace(one, source="anka") for one in aa[: len(aa) // 2]]
    misread = {"kurum": 3, "imamoglu": 5}
    changed = [
        replace(one, votes=one.votes | misread, valid=one.valid) if number % 40 == 0 else one
        for number, one in enumerate(behind)
    ]
    async with log_at(tmp_path) as log:
        run = await begin(log, election())
        await say(log, aa + changed)
        address = f"?lang={language}"
        async with counting(log, run), showing(log) as url, screen(browser, f"{url}/{address}", width=width) as shown:
            first = shown.page.locator("#compare .boxes li").first
            await expect(first).to_have_count(1, timeout=PATIENCE_MS)
            await shown.page.locator("#compare summary").click()
            assert await shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await shown.picture(f"compare-{width}-{language}", full_page=True)
            assert [] == shown.complaints
