"""What the board costs before its first number: a reader on a train has few bytes and many letters to see."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser

from benchmarks.board import first_number
from benchmarks.night import election
from gateway.pages import PAGES
from tests.browser.chromium import screen
from tests.browser.stage import begin, log_at, publish, showing, totals

MOST_BYTES: Final = 120_000
MOST_REQUESTS: Final = 12

_FIRST: Final = re.compile(r'url\(fonts/inter-first-[^)]+\) format\("woff2"\);\s+unicode-range: ([^;]+);')
_RANGE: Final = re.compile(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?")


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_the_first_number_of_a_whole_city_costs_little_and_the_rest_follows(
    tmp_path: Path, browser: Browser
) -> None:
    """İstanbul's own definition, with 49 candidates; the bytes are those that the gateway has sent, headers and all."""
    definition = election()
    async with log_at(tmp_path) as log, showing(log) as url:
        await begin(log, definition)
        votes = {candidate.id: 30 + number for number, candidate in enumerate(definition.contests[0].candidates)}
        await publish(
            log,
            *(totals(unit.id, votes, boxes=9, source=one) for unit in definition.districts for one in ("aa", "anka")),
        )
        async with screen(browser, url) as shown:
            await shown.shows(
                "#districts [data-row='tr/34/fatih'] td.boxes",
                f"9 / {definition.boxes_total['tr/34/fatih']:,}".replace(",", "."),
            )
            assert [] == shown.complaints
        found = await first_number(browser, url, slow=False)
    assert found.size_bytes <= MOST_BYTES
    assert found.requests <= MOST_REQUESTS


def test_the_first_fonts_have_every_letter_of_the_boards_own_words() -> None:
    """Another letter costs one of the large fonts, and comes late."""
    sheet = (PAGES / "tokens.css").read_text(encoding="utf-8")
    letters = {
        chr(code)
        for ranges in _FIRST.findall(sheet)
        for first, last in _RANGE.findall(ranges)
        for code in range(int(first, 16), int(last or first, 16) + 1)
    }
    assert {"0", "ğ", "İ", "ı", "ş", "%", "−"} <= letters
    words = "".join((PAGES / name).read_text(encoding="utf-8") for name in ("strings.js", "vocabulary.js"))
    assert set() == {letter for letter in words if letter.isalnum()} - letters - {"ë"}
