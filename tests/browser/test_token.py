"""The board with a read token in its address, in real Chromium."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Frame, Page

from gateway.admission.handshake import AccessSettings
from tests.browser.chromium import screen, until
from tests.browser.city import election
from tests.browser.graphics import SHOWN, desk
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


OLD = token("public", runs=(RUN,))
NEW = token("public", runs=(RUN,), lasts=timedelta(hours=2))

WATCH = """() => {
  window.states = new Set();
  const overlay = document.querySelector(".overlay");
  const feed = () => document.querySelector(".origin .feed").textContent;
  const look = () => states.add(`${overlay.isConnected} ${overlay.hasAttribute("data-shown")} ${feed()}`);
  look();
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document, everything);
}"""
"""Note whatever is so of the picture from now on: whether it is the same, on air, and how its feed is."""


def sockets(page: Page) -> list[str]:
    """The streams that a page has opened, as they are opened."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


async def stays(looked_at: Page | Frame) -> None:
    """Whether the picture was the same all the time, and is on air."""
    assert ["true true canlı"] == await looked_at.evaluate("[...states]")


async def test_an_overlay_takes_a_new_token_without_a_blank(tmp_path: Path, browser: Browser) -> None:
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with screen(browser, "about:blank") as shown:
            opened = sockets(shown.page)
            await shown.page.goto(f"{url}/overlays/lead-board?motion=0&token={OLD}")
            await shown.shows(".lead-board li:first-child .votes", "600")
            await shown.shows(".origin .feed", "canlı")
            await until(shown.page, SHOWN)
            await shown.page.evaluate(WATCH)
            async with shown.page.expect_event("websocket") as renewed:
                await shown.page.evaluate("(token) => update({ token })", NEW)
            assert (await renewed.value).url.endswith(f"token={NEW}")
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await shown.shows(".lead-board li:first-child .votes", "700")
            await stays(shown.page)
            assert [address.rpartition("=")[2] for address in opened] == [OLD, NEW]
            assert shown.complaints == []


async def test_a_graphic_takes_a_new_token_in_the_page_that_it_has(tmp_path: Path, browser: Browser) -> None:
    """Updated with nothing else, its page is not loaded anew."""
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with desk(browser, tmp_path / "files", url) as shown:
            opened = sockets(shown.page)
            await shown.renderer()
            await shown.add("lead-board", {"token": OLD, "motion": False})
            await shown.call("playAction", {})
            await shown.until(f"{SHOWN} && document.querySelector('.origin .feed').textContent === 'canlı'")
            overlay = await shown.overlay()
            await overlay.evaluate(WATCH)
            async with shown.page.expect_event("websocket"):
                assert 200 == (await shown.call("updateAction", {"data": {"token": NEW}}))["statusCode"]
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await until(overlay, "document.querySelector('.lead-board li .votes').textContent === '700'")
            await stays(overlay)
            assert [address.rpartition("=")[2] for address in opened] == [OLD, NEW]
