"""The rundown in real Chromium: two operators, by keyboard and by mouse, a page that follows, and a restart."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics
from schemas.asides import Gate
from schemas.contests import SeatPlan
from tests.browser.chromium import screen
from tests.browser.city import election, tallies
from tests.browser.stage import AT_ONCE, RUN, begin, counting, log_at, publish, say, showing, totals
from tests.browser.test_control_room import SETTINGS, SIGNER, enter, room_url
from tests.gateway.tokens import token
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def add(page: Page, overlay: str, **fields: str) -> None:
    """Put a graphic into the list by keyboard: from the list to the form and back."""
    await page.keyboard.press("n")
    await page.locator("#graphic-overlay").select_option(overlay)
    for name, value in fields.items():
        await page.locator(f".graphic-form [name={name}]").select_option(value)
    before = await page.locator(".rundown-list li[data-item]").count()
    await page.locator(".graphic-form button[type=submit]").press("Enter")
    await expect(page.locator(".rundown-list li[data-item]")).to_have_count(before + 1)
    await expect(page.locator(".rundown-list li[data-item]").last).to_be_focused()


async def test_two_operators_run_a_channel_and_its_page_follows_through_a_restart(
    tmp_path: Path, browser: Browser
) -> None:
    port = free_port()
    async with log_at(tmp_path) as log, counting(log, await begin(log, election()), AT_ONCE):
        await say(log, tallies(1, "aa")[:400])
        url = f"http://127.0.0.1:{port}"
        async with (
            showing(log, port=port, settings=SETTINGS),
            screen(browser, room_url(url), height=1500) as first,
            screen(browser, room_url(url), height=1500) as second,
            screen(browser, f"{url}/overlays/program?channel=a", width=1920, height=1080) as air,
        ):
            one, other = await enter(first), await enter(second, name="B. Demir")
            shown = air.page.frame_locator("iframe").last.locator(".overlay[data-shown]")
            await expect(air.page.locator("iframe")).to_have_count(0)

            await one.keyboard.press("l")
            await add(one, "lower-third")
            await add(one, "duel", size="full")
            await add(one, "lead-board", unit="tr/34")
            rows = other.locator(".rundown-list li[data-item]")
            await expect(rows).to_have_count(3)
            await expect(rows.nth(1)).to_contain_text("2. İkili yarış · Kadıköy")

            await one.keyboard.press("ArrowUp")
            await one.keyboard.press("ArrowUp")
            await one.keyboard.press("Space")
            await expect(rows.nth(0)).to_have_attribute("data-next", "true")
            await one.keyboard.press("Enter")
            await expect(shown).to_have_attribute("data-overlay", "lower-third")
            await expect(shown.locator(".place").first).to_have_text("Kadıköy")
            await one.keyboard.press("s")
            await expect(shown.locator(".place").first).to_have_text("Kağıthane")
            await first.picture("rundown-room")

            await other.locator("#take-graphic").click()  # what is cued by then is the duel
            await expect(shown).to_have_attribute("data-overlay", "duel")
            await expect(air.page.locator("iframe")).to_have_count(1)
            await expect(rows.nth(1)).to_have_attribute("data-on-air", "true")
            await expect(rows.nth(2)).to_have_attribute("data-next", "true")
            await air.picture("rundown-air")

            await other.locator("#rundown-channel").select_option("b")
            await rows.nth(2).get_by_role("button", name="Sıraya al").click()
            await other.locator("#take-graphic").click()
            await expect(
                other.frame_locator(".program iframe").frame_locator("iframe").locator(".overlay[data-shown]")
            ).to_have_attribute("data-overlay", "lead-board")
            await second.picture("rundown-two-channels")
            assert [] == first.complaints == second.complaints == air.complaints
        await goes_on(browser, log, port)


async def test_a_picture_of_what_is_on_air_shows_no_seats_that_are_held(tmp_path: Path, browser: Browser) -> None:
    """The gateway works seats out for whoever asks: the room's pictures ask for what is on air, as the public does."""
    city = election()
    council = city.contests[2]
    seats = SeatPlan(method="dhondt", seats={"tr/34/fatih": 45})
    contests = (*city.contests[:2], council.model_copy(update={"seats": seats}))
    before = totals("tr/34/fatih", {"chp": 900, "ak_parti": 100}, boxes=4, contest=council.id)
    after = totals("tr/34/fatih", {"chp": 900, "ak_parti": 9_900}, boxes=40, contest=council.id, version=1)
    gate = Gate(contest=council.id, source="aa", district="tr/34/fatih", gate=1, held=True, program=before)
    async with log_at(tmp_path) as log:
        await begin(log, city.model_copy(update={"contests": contests}))
        await publish(log, before)
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        await publish(log, after)
        async with showing(log, settings=SETTINGS) as url:
            desk = token(runs=(RUN,))
            page = f"{url}/overlays/council?contest={council.id}&unit=tr/34/fatih"
            inside = f"{page}&token={desk}"
            for address, first in ((page, "CHP"), (inside, "AK Parti"), (f"{inside}&view=program", "CHP")):
                async with screen(browser, address, width=1920, height=1080) as shown:
                    row = shown.page.locator(".overlay[data-shown] .house li").first
                    await expect(row).to_contain_text(first)


async def goes_on(browser: Browser, log: EventLog, port: int) -> None:
    """The gateway is started anew: channel a shows the duel as before, and is cleared, undone, moved in, taken out."""
    url = f"http://127.0.0.1:{port}"
    async with (
        showing(log, port=port, settings=SETTINGS),
        screen(browser, room_url(url), height=1500) as third,
        screen(browser, f"{url}/overlays/program?channel=a", width=1920, height=1080) as air,
    ):
        page = await enter(third)
        shown = air.page.frame_locator("iframe").last.locator(".overlay[data-shown]")
        await expect(shown).to_have_attribute("data-overlay", "duel")
        await page.keyboard.press("l")
        await page.keyboard.press("x")
        await expect(air.page.locator("iframe")).to_have_count(0)
        await page.keyboard.press("z")
        await expect(shown).to_have_attribute("data-overlay", "duel")
        await expect(page.locator(".rundown-given")).to_contain_text("Geri al: grafik kaldırıldı (a)")
        await page.keyboard.press("Alt+ArrowUp")
        await expect(page.locator(".rundown-list li[data-item]").nth(1)).to_contain_text("Sıralama · İstanbul")
        await page.keyboard.press("Delete")
        await expect(page.locator(".rundown-list li[data-item]")).to_have_count(2)
        await expect(page.locator(".audit tbody tr").first).to_contain_text("grafik listeden çıkarıldı")
        assert SIGNER.public.fingerprint in await page.locator(".audit tbody tr").first.inner_text()
        assert [] == third.complaints == air.complaints
