"""The board with a read token in its address, in real Chromium."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from gateway.admission.handshake import AccessSettings
from tests.browser.chromium import screen
from tests.browser.city import election
from tests.browser.stage import FAST, RUN, begin, log_at, publish, showing, totals
from tests.gateway.tokens import HS256, token

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CLOSED = replace(FAST, access=AccessSettings(keys=(HS256,), public="token"))


async def test_the_board_passes_on_the_token_it_was_opened_with(tmp_path: Path, browser: Browser) -> None:
    """To the gateway, and with no referrer to anybody else."""
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with screen(browser, f"{url}/?token={token('public', runs=(RUN,))}") as shown:
            await shown.shows("#hero .gapVotes", "200")
            assert await shown.page.evaluate("document.referrer") == ""
            assert shown.complaints == []
