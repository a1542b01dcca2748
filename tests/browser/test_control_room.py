"""The control room in real Chromium: orders signed in the page, by mouse and by keyboard, and what comes of them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import structs
from playwright.async_api import Browser, Page, WebSocket, expect

from eventlog.clock import Clock
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import RunTopics
from gateway.admission.handshake import AccessSettings
from schemas.control import Called, EmbargoSet, QuarantineReleased
from schemas.trust import OrderSigner
from tests.browser.chromium import PATIENCE_MS, Screen, screen
from tests.browser.city import election, tallies
from tests.browser.stage import AT_ONCE, FAST, RUN, begin, counting, log_at, say, showing
from tests.gateway.leaping import Leaping
from tests.gateway.tokens import HS256, token
from tests.schemas.orders import written

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = Ed25519PrivateKey.generate()
SIGNER = OrderSigner(KEY)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SETTINGS = replace(FAST, access=AccessSettings(keys=(HS256,)), operators=(SIGNER.public,))
KADIKOY = "tr/34/kadikoy"


@asynccontextmanager
async def night(folder: Path, boxes: int = 400, clock: Clock | None = None) -> AsyncIterator[tuple[EventLog, str]]:
    """A live night with some boxes counted, and where its gateway is."""
    async with log_at(folder) as log:
        run = await begin(log, election())
        settings = replace(AT_ONCE, operators=(SIGNER.public,))
        async with counting(log, run, settings), showing(log, settings=SETTINGS, clock=clock) as url:
            await say(log, tallies(1, "aa")[:boxes])
            yield log, url


async def enter(shown: Screen, *, key: bytes | None = PEM, name: str = "A. Kaya") -> Page:
    """Sign in as an operator."""
    page = shown.page
    await page.fill("#name", name)
    if key is not None:
        await page.set_input_files("#key", {"name": "desk.key", "mimeType": "text/plain", "buffer": key})
    await page.keyboard.press("Enter")
    await expect(page.locator("#run")).to_contain_text(RUN, timeout=PATIENCE_MS)
    return page


def room_url(url: str, scope: str = "operator", lasts: timedelta = timedelta(hours=1)) -> str:
    bearer = token("operator" if scope == "operator" else "control_room", runs=(RUN,), lasts=lasts)
    return f"{url}/control?token={bearer}&contest=metropolitan_mayor&unit={KADIKOY}&source=aa"


async def give(page: Page, reason: str = "bir deneme") -> None:
    """Give the reason, and the order, by keyboard alone."""
    await expect(page.locator("dialog[open][data-considered=true]")).to_be_visible(timeout=PATIENCE_MS)
    if await page.locator("#sure").is_visible():
        await page.locator("#sure").focus()
        await page.keyboard.press("Space")
        await page.locator("#reason").focus()
    await page.keyboard.type(reason)
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_have_count(0, timeout=PATIENCE_MS)


async def program_boxes(page: Page) -> str:
    return await page.locator(".figures tfoot tr").first.locator("td").nth(1).inner_text()


async def test_an_operator_holds_takes_and_releases_by_keyboard_alone(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (log, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await expect(page.locator("#operator")).to_contain_text(SIGNER.public.fingerprint)
        await page.keyboard.press("t")
        await give(page)
        await expect(page.locator(".held li b")).to_have_text(
            "Büyükşehir Belediye Başkanlığı · Kadıköy", timeout=PATIENCE_MS
        )
        before = await program_boxes(page)

        await say(log, tallies(1, "aa")[400:])
        await expect(page.locator(".held [data-pending=true]")).to_be_visible(timeout=PATIENCE_MS)
        assert before == await program_boxes(page)
        await page.keyboard.press("a")
        await expect(page.locator(".changes li").first).to_have_text(
            re.compile(f"^AA, Kadıköy: Açılan sandık {before.split(' ')[0]} → [0-9]+$")
        )
        await give(page)
        await expect(page.locator(".held [data-pending=false]")).to_be_visible(timeout=PATIENCE_MS)
        assert before != await program_boxes(page)
        await page.keyboard.press("b")
        await give(page)
        await expect(page.locator(".held")).to_have_text("Hiçbir şey tutulmuyor.", timeout=PATIENCE_MS)
        await expect(page.locator(".given-list [data-stage=force]")).to_have_count(2)
        await expect(page.locator(".given-list [data-stage=over]")).to_have_count(1)
        assert ["bırakıldı", "alındı", "tutuldu"] == [
            text.split()[0] for text in await page.locator(".audit tbody td:nth-child(2)").all_inner_texts()
        ]
        assert [] == shown.complaints


async def test_rows_stay_under_the_pointer_while_others_come_and_go(tmp_path: Path, browser: Browser) -> None:
    topic = RunTopics(RUN).tallies.name
    async with night(tmp_path, boxes=40) as (log, url), screen(browser, room_url(url), height=1900) as shown:
        page = await enter(shown)
        await log.append(topic, [Entry(KADIKOY.encode(), b"junk")])
        row = page.locator(".groups .queue > li").first
        await expect(row).to_contain_text("junk")
        await row.hover()
        before = await row.bounding_box()
        first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
        await say(log, [structs.replace(first, votes={"imamoglu": 1}, valid=1, cast=1, invalid=0, unattributed=0)])
        await log.append(topic, [Entry(KADIKOY.encode(), b"junk two")])
        await expect(page.locator("#queue-refresh")).to_contain_text("değişti")
        assert before == await row.bounding_box()
        await expect(page.locator(".group")).to_have_count(1)
        await page.locator("#queue-refresh").click()
        await expect(page.locator(".group")).to_have_count(2)


PLACES: Final = """() => Object.fromEntries([...document.querySelectorAll("section.panel")].map((one) => {
  const { left, top, width, height } = one.getBoundingClientRect();
  return [one.className, [left, top + scrollY, width, height]];
}))"""


async def test_no_panel_moves_by_itself(tmp_path: Path, browser: Browser) -> None:
    """Alarms, records in quarantine, calls and orders come in: every panel stays where it was, and so does its size."""
    async with night(tmp_path, boxes=0) as (log, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await expect(page.locator(".figures tbody tr").first).to_be_visible()
        before = await page.evaluate(PLACES)
        assert len(before) > 6
        await say(log, tallies(1, "aa")[:1200])
        first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
        await say(log, [structs.replace(first, votes={"imamoglu": 1}, valid=1, cast=1, invalid=0, unattributed=0)])
        for district in ("adalar", "fatih", "sile", "kadikoy", "pendik"):
            where = {"contest": "metropolitan_mayor", "unit": f"tr/34/{district}", "candidate": "kurum"}
            value = written(Called, SIGNER, run=RUN, epoch="9f2c", **where)
            await log.append(RunTopics(RUN).control.name, [Entry(b"order", value)])
        await expect(page.locator(".alarms li")).not_to_have_count(1)
        await expect(page.locator(".calls li")).to_have_count(5)
        await expect(page.locator(".group .toggle")).to_contain_text("öncekiyle çelişiyor · AA")
        assert before == await page.evaluate(PLACES)


async def test_an_order_is_undone_from_where_it_was_given(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await page.keyboard.press("t")
        await expect(page.locator("dialog[open][data-considered=true]")).to_be_visible()
        await page.keyboard.press("Alt+1")
        assert "Sayılar sıçradı" == await page.input_value("#reason")
        await page.keyboard.press("Enter")
        await expect(page.locator(".given-list li")).to_have_attribute("data-stage", "force")
        await page.locator(".given-list button").click()
        await give(page)
        await expect(page.locator(".held")).to_have_text("Hiçbir şey tutulmuyor.")
        await expect(page.locator(".given-list [data-stage=over]")).to_contain_text("yerini başkası aldı")
        await expect(page.locator(".given-list [data-stage=over] button")).to_have_count(0)
        await expect(page.locator(".audit tbody tr").first).to_contain_text("bırakıldı")


async def test_a_source_whose_revisions_begin_again_is_an_alarm(tmp_path: Path, browser: Browser) -> None:
    first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
    async with night(tmp_path) as (log, url), screen(browser, room_url(url), height=1500) as shown:
        page = await enter(shown)
        later = first.at + timedelta(hours=1)
        others = structs.replace(first, revision=2, at=later, votes={"imamoglu": 1}, valid=1, cast=1, invalid=0)
        await say(log, [structs.replace(first, revision=3), others])
        await expect(page.locator(".alarms [data-kind=restarted]")).to_contain_text(
            "sürümler yeniden başladı (3 geçerliyken 2): 1 yeni bildirim sayılmıyor", timeout=PATIENCE_MS
        )
        await expect(page.locator(".feeds .state").first).to_contain_text("yeniden başladı", timeout=PATIENCE_MS)


async def test_boxes_with_figures_that_no_box_can_have_are_an_alarm_in_words(tmp_path: Path, browser: Browser) -> None:
    """Every tenth box of the night is first misread."""
    async with night(tmp_path) as (_, url), screen(browser, room_url(url), height=1500) as shown:
        page = await enter(shown)
        words = re.compile(r"bir sandıkta olamayacak sayılar: [0-9]+ sandık, sonuncusu 10[0-9]{2} ")
        await expect(page.locator(".alarms [data-kind=impossible]").first).to_contain_text(words, timeout=PATIENCE_MS)
        told = re.compile(r"[0-9]+ sandıkta olamayacak sayılar")
        await expect(page.locator(".feeds .state").first).to_contain_text(told, timeout=PATIENCE_MS)


async def test_figures_far_beyond_what_there_can_be_are_an_alarm_in_words(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (log, url), screen(browser, room_url(url), height=1500) as shown:
        page = await enter(shown)
        first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
        counts = {"cast": 80_000, "valid": 80_000, "invalid": 0, "unattributed": 0, "votes": {"imamoglu": 80_000}}
        await say(log, [structs.replace(first, type="corrected", revision=9, **counts)])
        alarm = page.locator(".alarms [data-kind=contradiction]", has_text="oy, ilçedeki seçmenden çok")
        await expect(alarm.first).to_contain_text("en çok", timeout=PATIENCE_MS)
        assert [] == shown.complaints


BRIEF: Final = timedelta(seconds=200)
"""How long a token holds that is replaced: less than an order may take to be delivered, for its page's clock stands."""


async def test_a_new_token_closes_no_form_and_loses_no_word(tmp_path: Path, browser: Browser) -> None:
    """Half of a reason is written, and a value; the token before expires; the order is given with the next one."""
    clock = Leaping()
    next_one = token("operator", runs=(RUN,), lasts=timedelta(hours=3))
    async with (
        night(tmp_path, clock=clock) as (_, url),
        screen(browser, room_url(url, lasts=BRIEF), height=1500) as shown,
    ):
        opened: list[WebSocket] = []
        shown.page.on("websocket", lambda socket: opened.append(socket))  # noqa: PLW0108  Playwright marks the function
        page = await enter(shown)
        await expect(page.locator("#renewal summary")).to_contain_text("Belirteç:", timeout=PATIENCE_MS)
        await page.select_option("#figure", "votes.kurum")
        await page.fill("#value", "1136")
        before = await program_boxes(page)
        await page.keyboard.press("Tab")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("t")
        await expect(page.locator("dialog[open][data-considered=true]")).to_be_visible(timeout=PATIENCE_MS)
        await page.keyboard.type("yarım ")
        known = len(opened)
        async with opened[0].expect_event("close"), opened[1].expect_event("close"):
            await page.evaluate("(token) => update({ token })", next_one)
        clock.leap(BRIEF.total_seconds() + 10)
        await page.keyboard.type("bir gerekçe")
        assert "yarım bir gerekçe" == await page.input_value("#reason")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open]")).to_have_count(0, timeout=PATIENCE_MS)
        await expect(page.locator(".held li b")).to_be_visible(timeout=PATIENCE_MS)
        assert ("1136", before) == (await page.input_value("#value"), await program_boxes(page))
        assert {next_one} == {parse_qs(urlsplit(one.url).query)["token"][0] for one in opened[known:]}
        assert [] == shown.complaints


async def test_the_next_token_is_handed_in_on_the_page(tmp_path: Path, browser: Browser) -> None:
    """One that is no good is named, and the room goes on with the one that it has."""
    clock = Leaping()
    async with (
        night(tmp_path, clock=clock) as (_, url),
        screen(browser, room_url(url, lasts=BRIEF), height=1500) as shown,
    ):
        page = await enter(shown)
        await expect(page.locator("#renewal[data-soon]")).to_be_visible(timeout=PATIENCE_MS)
        await page.locator("#renewal summary").click()
        await page.fill("#next-token", "nonsense")
        await page.keyboard.press("Enter")
        await expect(page.locator("#renewal .problem")).to_contain_text("Bu belirteç okunamıyor", timeout=PATIENCE_MS)
        await page.fill("#next-token", token("operator", runs=(RUN,), lasts=timedelta(hours=3)))
        await page.keyboard.press("Enter")
        await expect(page.locator("#renewal form")).to_be_hidden(timeout=PATIENCE_MS)
        await expect(page.locator("#renewal:not([data-soon])")).to_be_visible(timeout=PATIENCE_MS)
        clock.leap(BRIEF.total_seconds() + 10)
        await page.keyboard.press("t")
        await give(page)
        await expect(page.locator(".held li b")).to_be_visible(timeout=PATIENCE_MS)


async def test_every_panel_does_what_it_says(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (log, url), screen(browser, room_url(url), height=1500) as shown:
        page = await enter(shown)
        await page.locator("#call").click()
        await give(page, "karar masası")
        await expect(page.locator(".calls li b")).to_have_text("Ekrem İmamoğlu", timeout=PATIENCE_MS)

        await page.select_option("#figure", "votes.kurum")
        await page.fill("#value", "1136")
        before = await page.locator(".figures tbody tr", has_text="Murat Kurum").locator("td").nth(1).inner_text()
        await page.locator("#override").click()
        await expect(page.locator(".changes li")).to_have_text(f"Murat Kurum: {before} → 1.136", timeout=PATIENCE_MS)
        await give(page, "ajansın virgülü kaymış")
        await expect(page.locator(".figures [data-manual]").first).to_have_text("1.136", timeout=PATIENCE_MS)

        await log.append(RunTopics(RUN).tallies.name, [Entry(KADIKOY.encode(), b"not JSON")])
        queue = page.locator(".groups .queue > li")
        await expect(queue).to_have_count(1, timeout=PATIENCE_MS)
        await expect(queue.get_by_role("button", name="Geçerli say")).to_be_disabled()
        await queue.get_by_role("button", name="Reddet").click()
        await give(page, "bozuk")
        await expect(page.locator(".groups")).to_have_text("Bekleyen kayıt yok.", timeout=PATIENCE_MS)

        first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
        await say(log, [structs.replace(first, votes={"imamoglu": 1}, valid=1, cast=1, invalid=0, unattributed=0)])
        await expect(queue.locator(".about")).to_contain_text("AA · Büyükşehir", timeout=PATIENCE_MS)
        about = await queue.locator(".about").inner_text()
        assert ("sürüm 1" in about, "Ekrem İmamoğlu 1" in about) == (True, True), about
        await expect(page.locator(".feeds .state").first).to_contain_text("1 bildirim karantinada", timeout=PATIENCE_MS)
        await expect(page.locator(".alarms [data-kind=set_aside]")).to_contain_text(
            "1 bildirim karantinada: öncekiyle çelişiyor", timeout=PATIENCE_MS
        )
        await queue.get_by_role("button", name="Reddet").click()
        await give(page, "eski dosya")
        await expect(page.locator(".groups")).to_have_text("Bekleyen kayıt yok.", timeout=PATIENCE_MS)
        assert not await page.locator(".queue.again").is_visible()

        await page.locator("#embargo-order").click()
        await give(page, "yayın yasağı")
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "true", timeout=PATIENCE_MS)
        assert "yasak" == await program_boxes(page)
        await shown.picture("control-room-embargo", full_page=True)
        await page.locator("#embargo-order").click()
        await page.keyboard.type("kurul kaldırdı")
        await page.keyboard.press("Enter")
        assert await page.locator("dialog[open]").is_visible(), "it is lifted without the second yes"
        await page.keyboard.press("Escape")
        await page.locator("#embargo-order").click()
        await give(page, "kurul kaldırdı")
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "false", timeout=PATIENCE_MS)

        await page.locator(".overrides li button").click()
        await give(page)
        await expect(page.locator(".figures [data-manual]")).to_have_count(0, timeout=PATIENCE_MS)
        await page.locator(".calls li button").click()
        await give(page)
        await expect(page.locator(".calls ul")).to_have_text("İlan yok.", timeout=PATIENCE_MS)
        assert [] == shown.complaints


async def test_figures_beyond_their_limits_are_named_before_they_are_given(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await page.select_option("#figure", "boxes_opened")
        await page.fill("#value", "99999")
        await page.locator("#override").click()
        await expect(page.locator(".questions [data-code=limits]")).to_contain_text(
            "boxes_opened is 99,999", timeout=PATIENCE_MS
        )
        await page.locator("#reason").focus()
        await page.keyboard.type("bir deneme")
        await page.keyboard.press("Enter")
        assert await page.locator("dialog[open]").is_visible(), "it is given without the second yes"
        assert await page.locator(".overrides li button").count() == 0
        await page.keyboard.press("Escape")

        await page.fill("#value", "99999999")
        await page.locator("#override").click()
        await expect(page.locator("dialog .problem")).to_contain_text("more than any district", timeout=PATIENCE_MS)
        assert [error for error in shown.complaints if "409" not in error] == []


async def test_what_was_confirmed_of_another_state_is_asked_anew(tmp_path: Path, browser: Browser) -> None:
    """A call is made elsewhere while the dialog is open: this one would replace it."""
    async with night(tmp_path) as (log, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown)
        await page.locator("#call").click()
        await expect(page.locator("dialog[data-considered=true]")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.locator(".changes [data-race]")).to_contain_text("Ekrem İmamoğlu önde")
        where = {"contest": "metropolitan_mayor", "unit": KADIKOY, "candidate": "kurum"}
        value = written(Called, SIGNER, run=RUN, epoch="9f2c", **where)
        await log.append(RunTopics(RUN).control.name, [Entry(b"order", value)])
        await expect(page.locator(".calls li b")).to_have_text("Murat Kurum", timeout=PATIENCE_MS)
        await page.locator("#sure").check()
        await page.fill("#reason", "bir deneme")
        await page.locator("dialog .give").click()
        await expect(page.locator(".questions [data-code=call]")).to_contain_text(
            "It replaces a call: kurum", timeout=PATIENCE_MS
        )
        await expect(page.locator("#sure")).not_to_be_checked()
        await page.locator("#sure").check()
        await page.locator("dialog .give").click()
        await expect(page.locator(".calls li b")).to_have_text("Ekrem İmamoğlu", timeout=PATIENCE_MS)


async def test_without_a_key_a_live_night_refuses_and_says_why(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        page = await enter(shown, key=None)
        await expect(page.locator("#line")).to_contain_text("anahtar dosyasını verin")
        await page.locator("#hold").click()
        await page.keyboard.type("bir deneme")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog .problem")).to_contain_text(
            "no trusted operator has signed it", timeout=PATIENCE_MS
        )


async def test_a_control_room_token_looks_and_gives_no_orders(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url, "control_room")) as shown:
        page = await enter(shown, key=None)
        await expect(page.locator("#line")).to_contain_text("salt okunur")
        await expect(page.locator("#hold")).to_be_disabled()
        await page.keyboard.press("t")
        await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_link_that_brings_all_enters_at_once_and_leaves_no_secret_behind(
    tmp_path: Path, browser: Browser
) -> None:
    bearer, body = token("operator", runs=(RUN,)), "".join(PEM.decode().splitlines()[1:-1])
    behind = urlencode({"token": bearer, "key": body, "name": "Demo"})
    async with night(tmp_path) as (_, url), screen(browser, f"{url}/control?unit={KADIKOY}#{behind}") as shown:
        page = shown.page
        await expect(page.locator("#operator")).to_contain_text(f"Demo · gösterim anahtarı {SIGNER.public.fingerprint}")
        await expect(page.locator("#run")).to_contain_text(RUN)
        assert bearer not in page.url
        assert "key=" not in page.url
        await page.keyboard.press("t")
        await give(page)
        await expect(page.locator(".held li b")).to_be_visible()
        await page.reload()
        await expect(page.locator("#name")).to_have_value("Demo")
        await page.keyboard.press("Enter")
        await expect(page.locator("#line")).to_contain_text("anahtar dosyasını verin")
        assert [] == shown.complaints


async def test_a_key_that_is_not_trusted_is_told_at_the_door(tmp_path: Path, browser: Browser) -> None:
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        page = shown.page
        await page.fill("#name", "A. Kaya")
        await page.set_input_files("#key", {"name": "old.key", "mimeType": "text/plain", "buffer": other})
        await page.keyboard.press("Enter")
        await expect(page.locator(".sign-in .problem")).to_contain_text("anahtarı tanınmıyor")
        await page.set_input_files("#key", {"name": "desk.key", "mimeType": "text/plain", "buffer": PEM})
        await page.locator(".sign-in .give").click()
        await expect(page.locator("#operator")).to_contain_text(SIGNER.public.fingerprint)


async def test_an_order_says_when_it_was_given_by_the_gateways_clock(tmp_path: Path, browser: Browser) -> None:
    """The operator's machine is three hours behind: the order would have come too late to be delivered."""
    async with night(tmp_path) as (log, url), screen(browser, "about:blank") as shown:
        await shown.page.clock.install(time=datetime.now(UTC) - timedelta(hours=3))
        await shown.page.clock.resume()
        await shown.page.goto(room_url(url))
        page = await enter(shown)
        await page.keyboard.press("t")
        await give(page)
        await expect(page.locator(".held li b")).to_be_visible()
        [*_, record] = [one async for one in read_to_end(log, RunTopics(RUN).control.name)]
        given = datetime.fromisoformat(orjson.loads(record.value or b"")["at"])
        assert abs(datetime.now(UTC) - given) < timedelta(minutes=10)


async def test_a_file_that_is_no_key_is_refused(tmp_path: Path, browser: Browser) -> None:
    async with night(tmp_path) as (_, url), screen(browser, room_url(url)) as shown:
        await shown.page.fill("#name", "A. Kaya")
        await shown.page.set_input_files("#key", {"name": "x", "mimeType": "text/plain", "buffer": b"junk"})
        await shown.page.keyboard.press("Enter")
        await expect(shown.page.locator(".sign-in .problem")).to_contain_text("Ed25519", timeout=PATIENCE_MS)


async def test_what_was_let_out_and_is_not_counted_can_be_published_again(tmp_path: Path, browser: Browser) -> None:
    """The order is in the log, and its statement is not: whoever wrote them ended between the two."""
    first = next(one for one in tallies(1, "aa") if one.contest == "metropolitan_mayor")
    other = structs.replace(first, votes={"imamoglu": 1}, valid=1, cast=1, invalid=0, unattributed=0)
    async with night(tmp_path) as (log, url), screen(browser, room_url(url), height=1500) as shown:
        page = await enter(shown)
        await say(log, [other])
        code = page.locator(".groups .queue > li code").first
        await expect(code).to_contain_text("tallies", timeout=PATIENCE_MS)
        await expect(page.locator(".groups .queue .about")).to_contain_text(
            "geçerli olanla çelişiyor", timeout=PATIENCE_MS
        )
        order = written(QuarantineReleased, SIGNER, run=RUN, epoch="9f2c", position=await code.inner_text())
        await log.append(RunTopics(RUN).control.name, [Entry(b"order", order)])

        again = page.locator(".queue.again > li")
        await expect(again).to_have_count(1, timeout=PATIENCE_MS)
        await again.get_by_role("button", name="Yeniden yayımla").click()
        await give(page, "ilk seferinde yazılmadı")
        await expect(page.locator(".queue.again")).to_be_hidden(timeout=PATIENCE_MS)
        assert [] == shown.complaints


async def test_an_embargo_of_an_operator_whose_key_is_missing_is_named_and_can_be_lifted(
    tmp_path: Path, browser: Browser
) -> None:
    async with night(tmp_path) as (log, url), screen(browser, room_url(url), height=1500) as shown:
        unknown = OrderSigner(Ed25519PrivateKey.generate())
        value = written(EmbargoSet, unknown, run=RUN, epoch="9f2c")
        await log.append(RunTopics(RUN).control.name, [Entry(b"order", value)])
        page = await enter(shown)
        await expect(page.locator("#line")).to_contain_text("embargo_set (1)", timeout=PATIENCE_MS)
        await expect(page.locator("#line")).to_have_attribute("data-good", "false")
        await expect(page.locator(".audit tr[data-kept=true]")).to_contain_text("doğrulanamıyor; yine de uygulanıyor")
        await expect(page.locator(".audit tr[data-kept=true]")).to_contain_text("tanınmayan anahtar")
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "true")
        await page.locator("#embargo-order").click()
        await expect(page.locator(".questions [data-code=lift]")).to_contain_text(
            "It lifts the embargo (until an operator lifts it)", timeout=PATIENCE_MS
        )
        await give(page, "tanınmayan emir")
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "false", timeout=PATIENCE_MS)
        await expect(page.locator("#line")).to_have_attribute("data-good", "true", timeout=PATIENCE_MS)
        assert [] == shown.complaints
