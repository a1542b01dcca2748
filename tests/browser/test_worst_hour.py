"""An operator's worst hour, by keyboard alone: 600 records in quarantine, alarms everywhere, a second operator.

What is asserted is what is on screen. How long it takes is printed (`pytest -s`); the table in docs/control-room.md is
from here.
"""

from pathlib import Path
from typing import Final

import pytest
from msgspec import structs
from playwright.async_api import Browser, Page, expect

from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics
from schemas.control import Called
from schemas.tally import Counted
from tests.browser.chromium import PATIENCE_MS, screen
from tests.browser.city import tallies
from tests.browser.hands import Hands
from tests.browser.stage import RUN, say
from tests.browser.test_control_room import KADIKOY, SIGNER, enter, night, room_url
from tests.schemas.orders import written

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

JUNK: Final = 560
CONFLICTS: Final = 40
BOXES: Final = 400
MANY_ORDERS_MS: Final = 4 * PATIENCE_MS
"""How long hundreds of orders may take, each signed, sent and written by itself, where a machine is busy."""


def mayors() -> list[Counted]:
    """The boxes of the race that is looked at, as they were counted first."""
    return [one for one in tallies(1, "aa")[:BOXES] if one.contest == "metropolitan_mayor"]


async def go_wrong(log: EventLog) -> None:
    """A feed sends junk and contradicts itself, and a box of each district comes with figures that it cannot have."""
    one_vote = {"votes": {"imamoglu": 1}, "valid": 1, "cast": 1, "invalid": 0, "unattributed": 0}
    await say(log, [structs.replace(one, **one_vote) for one in mayors()[-CONFLICTS:]])
    junk = [Entry(KADIKOY.encode(), f"junk {number}".encode()) for number in range(JUNK)]
    await log.append(RunTopics(RUN).tallies.name, junk)
    firsts = {one.district: one for one in mayors()[:-CONFLICTS]}.values()
    many = {"votes": {"imamoglu": 80_000}, "valid": 80_000, "cast": 80_000, "invalid": 0, "unattributed": 0}
    await say(log, [structs.replace(one, type="corrected", revision=9, **many) for one in firsts])


async def is_asked(page: Page) -> None:
    await expect(page.locator("dialog[open][data-considered=true]")).to_be_visible()


async def confirm(page: Page, hands: Hands) -> None:
    """Give the first reason at hand, and the second yes."""
    await is_asked(page)
    await hands.press("Alt+1")
    while not await page.evaluate("document.activeElement.id === 'sure'"):
        await hands.press("Tab")
    await hands.press("Space", "Enter")
    await expect(page.locator("dialog[open]")).to_have_count(0, timeout=MANY_ORDERS_MS)


async def hold_and_embargo(page: Page, other: Page, hands: Hands) -> None:
    async with hands.task("acknowledge all alarms"):
        await hands.press("g")
        await expect(page.locator(".alarms [data-new=true]")).to_have_count(0)
        assert not (await page.title()).startswith("(")
    assert (await other.title()).startswith("("), "what one has seen, the other may not have"

    async with hands.task("hold a district"):
        await hands.press("t")
        await is_asked(page)
        await hands.press("Alt+1", "Enter")
        await expect(page.locator(".given-list li").first).to_have_attribute("data-stage", "force")
    await expect(other.locator(".held li b")).to_contain_text("Kadıköy")

    async with hands.task("set the embargo"):
        await hands.press("4", "Enter")
        await is_asked(page)
        await hands.press("Alt+1", "Enter")
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "true")
    await expect(other.locator(".embargo-state")).to_have_attribute("data-embargoed", "true")


async def figure_and_call(page: Page, other: Page, hands: Hands) -> None:
    async with hands.task("stop at a slip in a figure by hand"):
        await hands.press("3")
        await hands.type("Açılan")
        await hands.press("Tab")
        await hands.type("99999")
        await hands.press("Enter")
        await is_asked(page)
        await expect(page.locator(".changes li")).to_contain_text("→ 99.999")
        await expect(page.locator(".questions [data-code=limits]")).to_be_visible()
        await hands.press("Escape")
        await expect(page.locator(".overrides ul")).to_have_text("Elle girilen sayı yok.")

    async with hands.task("replace a call by the one who leads"):
        await hands.press("Escape", "2", "Tab", "Enter")
        await is_asked(page)
        await expect(page.locator("#what")).to_contain_text("Şu ilanın yerine geçer: Murat Kurum")
        await expect(page.locator(".changes [data-race]").first).to_contain_text("Ekrem İmamoğlu önde")
        await confirm(page, hands)
        await expect(page.locator(".calls li b")).to_have_text("Ekrem İmamoğlu")
    await expect(other.locator(".calls li b")).to_have_text("Ekrem İmamoğlu")


async def quarantine(page: Page, other: Page, hands: Hands) -> None:
    async with hands.task(f"reject {JUNK} records that cannot be read"):
        await hands.press("/")
        await hands.type("okunamıyor")
        await hands.press("Tab", "Enter")
        await expect(page.locator("#what")).to_contain_text(f"{JUNK} kayıt reddedilecek")
        await confirm(page, hands)
        await expect(page.locator(".groups")).to_have_text("Süzgece uyan kayıt yok.")

    async with hands.task(f"reject the {CONFLICTS} others"):
        await hands.press("/", "Control+a", "Delete", "Tab", "Enter")
        await expect(page.locator("#what")).to_contain_text(f"{CONFLICTS} kayıt reddedilecek")
        await confirm(page, hands)
        await expect(page.locator(".groups")).to_have_text("Bekleyen kayıt yok.")
    await expect(other.locator(".groups")).to_have_text("Bekleyen kayıt yok.")


async def back_to_air(page: Page, other: Page, hands: Hands) -> None:
    async with hands.task("release the district"):
        await hands.press("b")
        await confirm(page, hands)
        await expect(page.locator(".held")).to_have_text("Hiçbir şey tutulmuyor.")

    async with hands.task("lift the embargo"):
        await hands.press("4", "Enter")
        await confirm(page, hands)
        await expect(page.locator(".embargo-state")).to_have_attribute("data-embargoed", "false")
    await expect(other.locator(".embargo-state")).to_have_attribute("data-embargoed", "false")


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_the_worst_hour_is_worked_through_by_keyboard_alone(tmp_path: Path, browser: Browser) -> None:
    async with (
        night(tmp_path, boxes=BOXES) as (log, url),
        screen(browser, room_url(url)) as shown,
        screen(browser, room_url(url)) as second,
    ):
        page, hands = await enter(shown), Hands(shown.page)
        other = await enter(second, name="M. Demir")
        await expect(page.locator("#here")).to_have_text("Bu sunucuda ayrıca: M. Demir")
        await expect(other.locator("#here")).to_have_text("Bu sunucuda ayrıca: A. Kaya")
        await go_wrong(log)
        where = {"contest": "metropolitan_mayor", "unit": KADIKOY, "candidate": "kurum"}
        called = written(Called, SIGNER, run=RUN, epoch="9f2c", **where)
        await log.append(RunTopics(RUN).control.name, [Entry(b"order", called)])
        await expect(page.locator(".quarantine [role=status]")).to_contain_text(f"{JUNK + CONFLICTS} kayıt")
        await expect(page.locator(".calls li b")).to_have_text("Murat Kurum")
        await expect(page.locator(".alarms summary", has_text="aynı nedenden").first).to_be_visible()

        await hold_and_embargo(page, other, hands)
        await figure_and_call(page, other, hands)
        await quarantine(page, other, hands)
        await back_to_air(page, other, hands)
        print(f"\n{hands.table()}")  # noqa: T201  for docs/control-room.md
        assert [] == [*shown.complaints, *second.complaints]
