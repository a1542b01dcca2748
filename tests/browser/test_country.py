"""Another election on the same page: several provinces, one source, no map."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from schemas.definition import Election
from tests.browser.chromium import screen
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.builders import small_election

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


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
        assert ["İstanbul", "Kocaeli"] == await shown.texts("#districts tbody th")
        await expect(shown.page.locator("#map")).to_be_hidden()
        await expect(shown.page.locator("#compare")).to_be_hidden()

        await shown.page.get_by_label("İl", exact=True).select_option("tr/41")
        await shown.shows("#hero h1", "Kocaeli")
        await shown.shows("#hero .votes", "60")
        assert ["GEBZE"] == await shown.texts("#districts tbody th")

        await shown.page.get_by_label("İlçe", exact=True).select_option("tr/41/gebze")
        await shown.shows("#hero h1", "GEBZE")
        assert [] == [one for one in shown.complaints if "503" not in one]
