"""Another election on the same page: several provinces, one source, no map."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from schemas.definition import Election
from tests.browser.chromium import screen
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.builders import small_election
from tests.shapes import deep
from tests.tabulation.derived.test_swing import LAST, result

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def two_provinces() -> Election:
    """İstanbul and Kocaeli, with one source."""
    whole = small_election()
    return whole.model_copy(update={"sources": whole.sources[:1]})


async def test_a_country_is_a_table_of_provinces_and_a_province_one_of_districts(
    tmp_path: Path, browser: Browser
) -> None:
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, url) as shown:
        await begin(log, two_provinces())
        await publish(log, totals("tr/41/gebze", {"imamoglu": 60, "kurum": 40}, boxes=2, contest="mayor"))
        await publish(log, totals("tr/34/kadikoy", {"imamoglu": 30, "kurum": 70}, boxes=3, contest="mayor"))
        await shown.shows("#hero h1", "Türkiye")
        await shown.shows("#hero .opened", "5")
        await shown.lists("#districts tbody th", "İstanbul", "Kocaeli")
        await expect(shown.page.locator("#map")).to_be_hidden()
        await expect(shown.page.locator("#compare")).to_be_hidden()

        await shown.page.get_by_label("İl", exact=True).select_option("tr/41")
        await shown.shows("#hero h1", "Kocaeli")
        await shown.shows("#hero .votes", "60")
        await shown.lists("#districts tbody th", "GEBZE")

        await shown.page.get_by_label("İlçe", exact=True).select_option("tr/41/gebze")
        await shown.shows("#hero h1", "GEBZE")
        assert [] == [one for one in shown.complaints if "503" not in one]


async def test_a_country_of_other_levels_has_their_names_its_trees_and_its_last_time(
    tmp_path: Path, browser: Browser
) -> None:
    last = LAST.model_copy(update={"results": {"n/p/d/w1": result(60, 40)}, "name": "May 2022"})
    election = Election(**{**dict(deep()), "previous": (last,)})
    async with log_at(tmp_path) as log, showing(log) as url, screen(browser, f"{url}?lang=en") as shown:
        await begin(log, election)
        await publish(log, totals("n/p/d/w1", {"a": 45, "b": 55, "c": 0}, boxes=3, contest="m"))
        await shown.shows("#hero .opened", "3")
        await expect(shown.page.locator("#districts tbody th")).to_have_count(3)
        assert ["Abroad", "P", "Q"] == sorted(await shown.texts("#districts tbody th"))
        await shown.shows("#districts h2 span:first-child", "Provinces (3)")
        await shown.shows("#hero .last-time dt", "Last time: May 2022")

        await shown.page.get_by_role("link", name="Parliament").click()
        await shown.shows("#districts h2 span:first-child", "Constituencies (2)")
        assert ["One", "Two"] == sorted(await shown.texts("#districts tbody th"))

        await shown.page.get_by_role("link", name="One", exact=True).click()
        await shown.shows("#hero h1", "One")
        await shown.shows("#districts h2 span:first-child", "Wards (2)")
        await shown.shows("[data-row='n/p/d/w1'] .boxes", "3 / 3")
        await expect(shown.page.locator("#hero .last-time dd")).to_contain_text("changing hands: 1")
        assert [] == [one for one in shown.complaints if "503" not in one]
