"""The board with a read token in its address, in real Chromium."""

import re
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
from tests.gateway.leaping import Leaping
from tests.gateway.tokens import HS256, token

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

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


@pytest.fixture
def old() -> str:
    """A token that holds for an hour from the test's beginning."""
    return token("public", runs=(RUN,))


@pytest.fixture
def new() -> str:
    """Another one, which holds for an hour longer."""
    return token("public", runs=(RUN,), lasts=timedelta(hours=2))


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


async def test_an_overlay_takes_a_new_token_without_a_blank(
    tmp_path: Path, browser: Browser, old: str, new: str
) -> None:
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with screen(browser, "about:blank") as shown:
            opened = sockets(shown.page)
            await shown.page.goto(f"{url}/overlays/lead-board?motion=0&token={old}")
            await shown.shows(".lead-board li:first-child .votes", "600")
            await shown.shows(".origin .feed", "canlı")
            await until(shown.page, SHOWN)
            await shown.page.evaluate(WATCH)
            async with shown.page.expect_event("websocket") as renewed:
                await shown.page.evaluate("(token) => update({ token })", new)
            assert (await renewed.value).url.endswith(f"token={new}")
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await shown.shows(".lead-board li:first-child .votes", "700")
            await stays(shown.page)
            assert [address.rpartition("=")[2] for address in opened] == [old, new]
            assert shown.complaints == []


async def test_a_graphic_takes_a_new_token_in_the_page_that_it_has(
    tmp_path: Path, browser: Browser, old: str, new: str
) -> None:
    """Updated with nothing else, its page is not loaded anew."""
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with desk(browser, tmp_path / "files", url) as shown:
            opened = sockets(shown.page)
            await shown.renderer()
            await shown.add("lead-board", {"token": old, "motion": False})
            await shown.call("playAction", {})
            await shown.until(f"{SHOWN} && document.querySelector('.origin .feed').textContent === 'canlı'")
            overlay = await shown.overlay()
            await overlay.evaluate(WATCH)
            async with shown.page.expect_event("websocket"):
                assert 200 == (await shown.call("updateAction", {"data": {"token": new}}))["statusCode"]
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await until(overlay, "document.querySelector('.lead-board li .votes').textContent === '700'")
            await stays(overlay)
            assert [address.rpartition("=")[2] for address in opened] == [old, new]


WATCH_BOARD = """() => {
  window.states = new Set();
  const votes = () => document.querySelector("#hero .gapVotes")?.textContent;
  const look = () => states.add(`${votes()} ${document.getElementById("status").dataset.state}`);
  look();
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document, everything);
}"""


@pytest.mark.parametrize("way", ["(token) => update({ token })", "(token) => { location.hash = `token=${token}`; }"])
async def test_the_board_takes_a_new_token_without_a_blank(
    tmp_path: Path, browser: Browser, way: str, old: str, new: str
) -> None:
    """Past the end of the one before it goes on; its own address and its links bring the new one."""
    clock = Leaping()
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED, clock=clock) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with screen(browser, "about:blank") as shown:
            async with shown.page.expect_event("websocket") as first:
                await shown.page.goto(f"{url}/?token={old}")
            opened = sockets(shown.page)
            await shown.shows("#hero .gapVotes", "200")
            await shown.is_in_state("live")
            await shown.page.evaluate(WATCH_BOARD)
            async with (await first.value).expect_event("close"):
                await shown.page.evaluate(way, new)
            await until(shown.page, f"location.search === '?token={new}' && location.hash === ''")
            clock.leap(3_700)
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await shown.shows("#hero .gapVotes", "300")
            seen = await shown.page.evaluate("[...states]")
            assert {"live"} == {state.rpartition(" ")[2] for state in seen}
            assert all(200 <= int(state.partition(" ")[0]) <= 300 for state in seen), seen
            assert [new] == [address.rpartition("=")[2] for address in opened]
            await shown.page.locator("#districts a", has_text="Fatih").click()
            await shown.page.go_back()
            await until(shown.page, f"location.search === '?token={new}'")
            assert shown.complaints == []


async def test_a_token_that_is_no_good_changes_nothing_on_the_board(tmp_path: Path, browser: Browser, old: str) -> None:
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        async with screen(browser, f"{url}/?token={old}") as shown:
            await shown.shows("#hero .gapVotes", "200")
            assert await shown.page.evaluate("update({ token: 'nonsense' }).then(() => false, () => true)")
            assert f"?token={old}" == await shown.page.evaluate("location.search")
            await publish(log, totals("tr/34/fatih", {"imamoglu": 700, "kurum": 400}, boxes=5, version=1))
            await shown.shows("#hero .gapVotes", "300")


PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
FOLLOW = """([example, address, token]) => {
  window.told = [];
  window.next = new Function(`${example}; return follow;`)()(address, token, (message) => told.push(message));
}"""


async def test_a_page_of_server_sent_events_takes_a_new_token_without_a_gap(
    tmp_path: Path, browser: Browser, old: str, new: str
) -> None:
    """As docs/protocol.md has it: each figure is told once, and a token that is refused changes nothing."""
    (example,) = re.findall(r"```js\n(.*?)\n```", PROTOCOL, re.DOTALL)
    clock = Leaping()
    async with log_at(tmp_path) as log, showing(log, settings=CLOSED, clock=clock) as url:
        await begin(log, election())
        await publish(log, totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4))
        address = f"{url}/v1/stream?contest=metropolitan_mayor&source=aa&unit=tr/34/fatih"
        async with screen(browser, f"{url}/healthz") as shown:
            await shown.page.evaluate(FOLLOW, [example, address, old])
            await until(shown.page, "told.length === 1")
            async with shown.page.expect_response(lambda response: "nonsense" in response.url):
                await shown.page.evaluate("next('nonsense')")
            for version in range(1, 4):
                if version == 2:
                    async with shown.page.expect_response(lambda response: new in response.url):
                        await shown.page.evaluate("(token) => next(token)", new)
                    clock.leap(3_700)  # by now the token before has expired
                votes = {"imamoglu": 600 + version, "kurum": 400}
                await publish(log, totals("tr/34/fatih", votes, boxes=4, version=version))
                await until(shown.page, f"told.at(-1).totals[0].votes.imamoglu === {600 + version}")
            told = await shown.page.evaluate("told.map(({ type, from, seq }) => [type, from ?? null, seq])")
            assert ["snapshot", "delta", "delta", "delta"] == [kind for kind, _, _ in told]
            assert [seq for _, _, seq in told[:-1]] == [begins for _, begins, _ in told[1:]]
