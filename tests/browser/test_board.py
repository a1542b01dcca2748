"""The board in real Chromium, on the real system: the numbers are read off the page."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, expect

from benchmarks.on_air.expected import shares
from eventlog.port import Entry
from schemas.progress import PartitionProgress, ReplayMoved
from schemas.tally import Counted
from tabulation.derived.feeds import FeedLimits
from tests.browser.chromium import PATIENCE_MS, Screen, screen
from tests.browser.city import BOXES, DISTRICTS, Sums, added_up, election, tallies
from tests.browser.stage import FAST, NEVER_S, begin, counting, log_at, publish, say, showing, totals
from tests.gateway.unreliable import Unreliable

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALL_BOXES = BOXES * len(DISTRICTS)
PLACES = "[...document.querySelectorAll('.panel, #status')].map(e => JSON.stringify(e.getBoundingClientRect()))"
"""Where the panels are, to compare with where they are later."""
PHONE_PX = 360
OUTSIDE = """[...document.querySelectorAll('#districts td, #districts th')]
  .filter(cell => cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > innerWidth)
  .map(cell => cell.textContent)"""
"""What of the table of districts is cut, or beyond the window's edge."""


def turkish(number: int) -> str:
    """A count as Turks write it: 11.360.000."""
    return f"{number:,}".replace(",", ".")


def percent(part: int, whole: int) -> str:
    """A share as Turks write it: %51,14, rounded half up."""
    points = (part * 20_000 + whole) // (2 * whole)
    return f"%{points // 100},{points % 100:02d}"


async def check_hero(shown: Screen, sums: Sums, boxes_total: int) -> None:
    """Who leads, by how much, how much is counted: all of it on the page, to the last vote."""
    (_, first), (_, second) = sums.votes.most_common(2)
    await shown.shows("#hero .opened", turkish(sums.boxes))
    await shown.shows("#hero .total", turkish(boxes_total))
    await shown.shows("#hero .votes", turkish(first))
    await shown.shows("#hero .percent", shares(sums.votes, sums.valid)[0])
    await shown.shows("#hero .gapVotes", turkish(first - second))
    await shown.shows("#hero .turnout", percent(sums.cast, sums.registered))
    assert f"{turkish(sums.cast)} / açılan sandıklardaki {turkish(sums.registered)} seçmen" == await shown.text(
        "#hero .turnoutOf"
    )


async def check_candidates(shown: Screen, sums: Sums) -> None:
    """Every candidate's votes and share, and the votes of nobody yet."""
    ranked = sums.votes.most_common()
    for (candidate, votes), share in zip(ranked, shares(sums.votes, sums.valid), strict=True):
        row = f"#candidates [data-candidate={candidate}]"
        await shown.shows(f"{row} .votes", turkish(votes))
        await shown.shows(f"{row} td.percent", share)
    await shown.shows("#candidates .foot tr:last-child .votes", turkish(sums.unattributed))


async def check_districts(shown: Screen, said: list[Counted], contest: str) -> None:
    """Every district's boxes, margin and turnout."""
    for slug in DISTRICTS:
        sums = added_up(said, contest, f"tr/34/{slug}")
        (_, first), (_, second) = sums.votes.most_common(2)
        row = f"#districts [data-row='tr/34/{slug}']"
        await shown.shows(f"{row} td.boxes", f"{turkish(sums.boxes)} / {BOXES}")
        await shown.shows(f"{row} td.votes", turkish(first - second))
        await shown.shows(f"{row} td.turnout", percent(sums.cast, sums.registered))


async def test_the_numbers_on_the_page_are_the_nights_to_the_last_vote(tmp_path: Path, browser: Browser) -> None:
    """A night of some 6,000 tallies from two sources, with corrections, watched from before the first box."""
    said = {source: list(tallies(seed, source)) for seed, source in enumerate(("aa", "anka"))}
    said["anka"] = said["anka"][:1500]
    async with log_at(tmp_path) as log:
        run = await begin(log, election())
        async with counting(log, run), showing(log) as url, screen(browser, url) as shown:
            await shown.shows("#hero .leader .name", "Henüz sandık açılmadı")
            for start in range(0, len(said["aa"]), 500):
                await say(log, said["aa"][start : start + 500])
                await say(log, said["anka"][start : start + 500])

            mayor = added_up(said["aa"], "metropolitan_mayor", "tr/34")
            await check_hero(shown, mayor, ALL_BOXES)
            await check_candidates(shown, mayor)
            await check_districts(shown, said["aa"], "metropolitan_mayor")
            await shown.is_in_state("live")

            await shown.page.get_by_role("link", name="Belediye Meclisi").click()
            await check_hero(shown, added_up(said["aa"], "district_council", "tr/34"), ALL_BOXES)
            await shown.page.get_by_role("link", name="ANKA", exact=True).click()
            await check_hero(shown, added_up(said["anka"], "district_council", "tr/34"), ALL_BOXES)
            assert [] == shown.complaints


async def test_a_surplus_of_one_district_makes_no_city_complete_and_is_marked(tmp_path: Path, browser: Browser) -> None:
    """All boxes by their sum: two too many in Fatih, two missing in Şişli."""
    async with log_at(tmp_path) as log:
        await begin(log, election())
        opened = dict.fromkeys(DISTRICTS, BOXES) | {"fatih": BOXES + 2, "sisli": BOXES - 2}
        night = [totals(f"tr/34/{slug}", {"imamoglu": 60, "kurum": 40}, boxes=boxes) for slug, boxes in opened.items()]
        await publish(log, *night)
        async with showing(log) as url, screen(browser, url) as shown:
            await shown.shows("#hero .opened", turkish(ALL_BOXES))
            await shown.shows("#hero .progress", "%99,79")
            assert "Çelişkili sayılar: ilçedekinden çok sandık açılmış" in await shown.text("#hero span.note")
            fatih = "#districts [data-row='tr/34/fatih']"
            await expect(shown.page.locator(f"{fatih} td.flagged")).to_have_attribute("data-odd", "")
            await shown.shows(f"{fatih} td.share", "%99,99")
            assert [] == shown.complaints


async def test_the_sources_stand_side_by_side_with_the_gap_written_out(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        await publish(log, totals("tr/34/fatih", {"imamoglu": 300, "kurum": 200}, boxes=2, source="anka"))

        await shown.shows("#compare .scroll tbody tr:nth-child(1) .gap", "AA 2 sandık önde")
        row = "#compare .scroll tbody tr:nth-child(2)"
        await shown.lists(f"{row} b", "%60,00", "%60,00")
        await shown.lists(f"{row} .small", "600 oy", "300 oy")
        assert "+300 oy" in await shown.text(f"{row} .gap")


async def test_a_restart_of_the_gateway_leaves_the_numbers_and_then_catches_up(
    tmp_path: Path, browser: Browser
) -> None:
    async with log_at(tmp_path) as log:
        await begin(log, election())
        await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
        async with showing(log) as url:
            port = urlsplit(url).port or 0
            context = screen(browser, url)
            shown = await context.__aenter__()
            await shown.shows("#hero .votes", "1.200")
            await shown.is_in_state("live")
            places = await shown.page.evaluate(PLACES)
        try:
            await shown.is_in_state("lost")
            assert places == await shown.page.evaluate(PLACES)
            assert "Bağlantı koptu" in await shown.text("#status")
            await expect(shown.page.locator("#hero .feed")).to_have_attribute("data-state", "unknown")
            assert ("1.200", "%60,00") == (await shown.text("#hero .votes"), await shown.text("#hero .percent"))
            await publish(log, totals("tr/34/sisli", {"imamoglu": 1500, "kurum": 900}, boxes=10, version=1))

            async with showing(log, port=port):
                await shown.shows("#hero .votes", "1.500")
                await shown.is_in_state("live")
        finally:
            await context.__aexit__(None, None, None)


async def test_a_login_page_of_the_network_and_a_gateway_that_asks_for_patience_are_waited_out(
    tmp_path: Path, browser: Browser
) -> None:
    answers: list[dict[str, Any] | None] = [{"status": 200, "content_type": "text/html", "body": "<h1>Wi-Fi</h1>"}]

    async def answer(route: Route) -> None:
        given = answers[-1]
        await (route.fulfill(**given) if given is not None else route.continue_())

    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, "about:blank") as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
        await shown.page.route("**/v1/definition*", answer)
        await shown.page.goto(url)
        await shown.is_in_state("lost")
        assert "Sunucuya ulaşılamıyor" in await shown.text("#status")
        answers.append({"status": 503, "headers": {"retry-after": "0"}, "body": "{}"})
        await shown.is_in_state("waiting")
        assert "henüz başlamadı" in await shown.text("#hero .await")
        answers.append({"status": 502, "body": "<h1>Bad gateway</h1>"})
        await shown.is_in_state("lost")
        answers.append(None)
        await shown.shows("#hero .votes", "1.200")
        await shown.is_in_state("live")


SLEEP = """() => {
  const now = Date.now;
  let slept = 0;
  Date.now = () => now() + slept;
  const sleep = setInterval(() => {
    if (seen.includes("lost")) clearInterval(sleep);
    else slept += 3 * 3_600_000;
  }, 500);
}"""
"""Be asleep for hours, again and again until it is noticed: what comes in just after one shows that all is well."""


async def test_a_machine_that_was_asleep_for_hours_says_so_and_comes_back(tmp_path: Path, browser: Browser) -> None:
    """Its timers stood still, and its connection may look open: nobody waits for the network to notice."""
    async with log_at(tmp_path) as log:
        await begin(log, election())
        await publish(log, totals("tr/34/sisli", {"imamoglu": 1200, "kurum": 800}, boxes=8))
        async with showing(log) as url, screen(browser, url) as shown:
            await shown.shows("#hero .votes", "1.200")
            await shown.is_in_state("live")
            await shown.page.evaluate("globalThis.seen = []")
            await shown.page.evaluate(
                "new MutationObserver(() => seen.push(document.documentElement.dataset.state))"
                ".observe(document.documentElement, { attributes: true, attributeFilter: ['data-state'] })"
            )
            async with shown.page.expect_websocket():
                await shown.page.evaluate(SLEEP)
            await publish(log, totals("tr/34/sisli", {"imamoglu": 1500, "kurum": 900}, boxes=10, version=1))
            await shown.shows("#hero .votes", "1.500")
            await shown.is_in_state("live")
            assert "lost" in await shown.page.evaluate("seen")


async def test_a_page_opened_before_the_run_exists_fills_itself(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await shown.is_in_state("waiting")
        assert "henüz başlamadı" in await shown.text("#status")

        await begin(log, election())
        await shown.shows("#hero .opened", "–")  # no figure is not a zero
        await publish(log, totals("tr/34/adalar", {"imamoglu": 7, "kurum": 5}, boxes=1))

        await shown.shows("#hero .leader .name", "Ekrem İmamoğlu")
        await shown.shows("#hero .opened", "1")
        await shown.shows("#hero span.note", "Sandıkların onda birinden azı açıldı")


async def test_a_correction_takes_votes_and_the_lead_away_again(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/tuzla", {"imamoglu": 900, "kurum": 500}, boxes=5))
        await shown.shows("#hero .votes", "900")

        await publish(log, totals("tr/34/tuzla", {"imamoglu": 700, "kurum": 710}, boxes=5, version=1))

        await shown.shows("#hero .leader .name", "Murat Kurum")
        await shown.shows("#hero .gapVotes", "10")
        await shown.shows("#candidates tbody:nth-of-type(1) tr:first-child .name", "Murat Kurum")


async def test_a_tie_names_both_and_shares_a_rank(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/sile", {"imamoglu": 90, "kurum": 90, "altinoz": 20}, boxes=1))

        await shown.shows("#hero .verb", "berabere")
        assert "Ekrem İmamoğlu – Murat Kurum" == await shown.text("#hero .leader .name")
        for place, rank in enumerate(("1. =", "1. =", "3.")):
            await expect(shown.page.locator("#candidates tbody td.rank").nth(place)).to_have_text(rank)
        await expect(shown.page.locator(".tile[data-unit='tr/34/sile']")).to_have_attribute("data-state", "tie")


@pytest.mark.parametrize(
    ("state", "limits"),
    [
        ("live", FeedLimits(NEVER_S, NEVER_S, NEVER_S)),
        ("quiet", FeedLimits(0, NEVER_S, NEVER_S)),
        ("stale", FeedLimits(0, 0, NEVER_S)),
        ("down", FeedLimits(0, 0, 0)),
    ],
)
async def test_a_feeds_state_is_on_the_page_its_tab_and_its_numbers(
    state: str, limits: FeedLimits, tmp_path: Path, browser: Browser
) -> None:
    """And the last good numbers stand, whatever it is."""
    async with log_at(tmp_path) as log:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 60, "kurum": 40}, boxes=1))
        async with showing(log, settings=replace(FAST, feeds=limits)) as url, screen(browser, url) as shown:
            await shown.is_in_state(state)
            await shown.shows("#hero .percent", "%60,00")
            await expect(shown.page.locator("#hero .feed")).to_have_attribute("data-state", state)
            icon = await shown.page.evaluate(
                "async (state) => (await import('/static/status.js')).iconOf(state)", state
            )
            assert icon == await shown.page.locator("#favicon").get_attribute("href")


@pytest.mark.parametrize(("mode", "says"), [("test", "TEST"), ("replay", "TEKRAR")])
async def test_a_rehearsal_is_marked_all_over_the_page(mode: str, says: str, tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election(), mode="test" if mode == "test" else "replay")
        await shown.shows("#mode", says)
        await expect(shown.page.locator("#watermark")).to_be_visible(timeout=PATIENCE_MS)
        await expect(shown.page).to_have_title(f"[{says}] İstanbul · AA")


async def test_a_replay_shows_the_clock_of_its_night(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        run = await begin(log, election(), mode="replay")
        at = datetime.fromisoformat("2024-03-31T21:15:00+03:00")
        moved = ReplayMoved(
            run=run.name,
            epoch=run.epoch,
            at=at,
            clock=at,
            speed=60,
            status="paused",
            first=at,
            last=at,
            positions=(0,) * 4,
        )
        number = (await log.end_offsets(run.topics.control.name))[0]
        await log.append(run.topics.control.name, [Entry(b"replay", moved.encode())])
        marks = [PartitionProgress(partition=partition, mark=number) for partition in range(4)]
        await log.append(run.topics.totals.name, [Entry(mark.key, mark.encode()) for mark in marks])
        await shown.shows("#mode", "TEKRAR 21:15:00 · duraklatıldı")


async def test_a_live_night_carries_no_mark(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, *(totals(f"tr/34/{one}", {"imamoglu": 60, "kurum": 40}, boxes=BOXES) for one in DISTRICTS))
        await expect(shown.page).to_have_title("Ekrem İmamoğlu %60,00 · %100,00 açıldı · İstanbul · AA")
        await expect(shown.page.locator("#watermark")).to_be_hidden()


async def test_a_link_keeps_contest_source_and_unit(tmp_path: Path, browser: Browser) -> None:
    """And a district's own ballot names its candidates, where the province reads by party."""
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, election())
        votes = {"chp": 300, "ak_parti": 200}
        await publish(log, totals("tr/34/uskudar", votes, boxes=2, source="anka", contest="district_mayor"))
        address = f"{url}/?contest=district_mayor&source=anka&unit=tr/34/uskudar"
        async with screen(browser, address) as shown:
            await shown.shows("#hero .leader .name", "Üsküdar CHP Adayı")
            await shown.shows("#hero h1", "Üsküdar")

            await shown.page.locator("#hero .back").click()
            await shown.shows("#hero .leader .name", "CHP")
            assert shown.page.url.endswith("?contest=district_mayor&source=anka&unit=tr/34")

            await shown.page.go_back()
            await shown.shows("#hero h1", "Üsküdar")
            assert [] == shown.complaints


async def test_the_map_is_walked_with_arrow_keys_and_shows_the_districts_card(tmp_path: Path, browser: Browser) -> None:
    """West of the Bosphorus is Beşiktaş, east of it Üsküdar."""
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/uskudar", {"imamoglu": 70, "kurum": 30}, boxes=20))
        await publish(log, totals("tr/34/silivri", {"imamoglu": 70, "kurum": 30}, boxes=2))
        await shown.shows("#hero .opened", "22")
        await expect(shown.page.locator(".tile")).to_have_count(len(DISTRICTS))
        await expect(shown.page.locator(".tile[data-unit='tr/34/uskudar']")).to_have_attribute("data-state", "solid")
        await expect(shown.page.locator(".tile[data-unit='tr/34/silivri']")).to_have_attribute("data-state", "thin")

        await shown.page.locator(".tile[data-unit='tr/34/besiktas']").focus()
        await shown.page.keyboard.press("ArrowRight")
        await shown.shows("#card h2", "Üsküdar · AA")
        assert "%70,00" in await shown.text("#card")

        await shown.page.keyboard.press("Enter")
        await shown.shows("#hero h1", "Üsküdar")


async def test_the_districts_sort_by_any_column(tmp_path: Path, browser: Browser) -> None:
    """By name as Turkish orders it: Çatalca after Büyükçekmece, Şile after Sultangazi."""
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/pendik", {"imamoglu": 70, "kurum": 30}, boxes=9))
        await shown.shows("#districts [data-row='tr/34/pendik'] td.boxes", f"9 / {BOXES}")
        names = await shown.texts("#districts tbody th")
        assert list(DISTRICTS.values()) != sorted(DISTRICTS.values())
        assert 1 == names.index("Çatalca") - names.index("Büyükçekmece")
        assert names.index("Sultangazi") < names.index("Şile") < names.index("Şişli") < names.index("Tuzla")

        await shown.page.get_by_role("button", name="Açılan / toplam sandık").click()
        await shown.shows("#districts tbody tr:first-child th", "Pendik")


async def test_the_rest_of_the_candidates_unfold(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        votes = {f"bagimsiz_{number}": number for number in range(1, 6)} | {"imamoglu": 80, "kurum": 60}
        await publish(log, totals("tr/34/fatih", votes, boxes=2))
        await shown.shows("#hero .votes", "80")
        button = shown.page.get_by_role("button", name="diğer 3 aday")
        await expect(shown.page.locator("#rest")).to_be_hidden()
        await button.click()
        await expect(shown.page.locator("#rest tr")).to_have_count(3)
        await expect(shown.page.locator("#rest")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1440, 3840])
async def test_no_width_makes_the_page_scroll_sideways(width: int, tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url, width=width) as shown:
        await begin(log, election(), mode="test")
        votes = {"imamoglu": 5_680_000, "kurum": 5_679_999, "kavuncu": 1}
        await publish(log, totals("tr/34/buyukcekmece", votes, boxes=BOXES))
        await shown.shows("#hero .votes", "5.680.000")
        await shown.shows("#districts [data-row='tr/34/buyukcekmece'] td.boxes", f"{BOXES} / {BOXES}")
        assert 0 == await shown.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if width == PHONE_PX:
            assert [] == await shown.page.evaluate(OUTSIDE)


async def test_counting_moves_nothing_on_the_page(tmp_path: Path, browser: Browser) -> None:
    """From the first box to millions of votes, the panels stay where they are."""
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 2, "kurum": 1}, boxes=1))
        await shown.shows("#hero .votes", "2")
        await shown.shows("#districts [data-row='tr/34/fatih'] td.boxes", f"1 / {BOXES}")
        before = await shown.page.evaluate(PLACES)

        await publish(log, totals("tr/34/fatih", {"imamoglu": 4_432_862, "kurum": 3_431_742}, boxes=24, version=1))

        await shown.shows("#hero .votes", "4.432.862")
        assert before == await shown.page.evaluate(PLACES)


async def test_english_is_a_parameter_away(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, f"{url}/?lang=en") as shown:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 6_000, "kurum": 4_000}, boxes=20))
        await shown.shows("#hero .percent", "60.00%")
        await shown.shows("#hero .votes", "6,000")
        assert "en" == await shown.page.locator("html").get_attribute("lang")


async def test_a_source_that_has_opened_all_boxes_is_complete_however_silent(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log:
        await begin(log, election())
        for slug in DISTRICTS:
            await publish(log, totals(f"tr/34/{slug}", {"imamoglu": 60, "kurum": 40}, boxes=BOXES))
        silent = replace(FAST, feeds=FeedLimits(0, 0, 0))
        async with showing(log, settings=silent) as url, screen(browser, url) as shown:
            await shown.is_in_state("complete")
            await shown.shows("#hero .feed", "tamam")
            await shown.page.get_by_role("link", name="Belediye Meclisi").click()
            await shown.is_in_state("down")


async def test_nothing_is_complete_while_the_log_is_out_of_reach(tmp_path: Path, browser: Browser) -> None:
    """Every feed is down already, by its age, when the log goes away: the page says so all the same."""
    async with log_at(tmp_path) as log:
        await begin(log, election())
        for slug in DISTRICTS:
            await publish(log, totals(f"tr/34/{slug}", {"imamoglu": 60, "kurum": 40}, boxes=BOXES))
        line = Unreliable(log)
        silent = replace(FAST, feeds=FeedLimits(0, 0, 0))
        async with showing(line, settings=silent) as url, screen(browser, url) as shown:
            await shown.is_in_state("complete")
            line.break_off()
            await shown.is_in_state("down")
            await shown.shows("#hero .feed", "kesildi")
            await shown.shows("#hero .progress", "%100,00")
            line.come_back()
            await shown.is_in_state("complete")
