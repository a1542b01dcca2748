"""The path to a majority in the course of a night: what is said, by list and by alliance, and that it is whole."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pytest
from playwright.async_api import Browser, expect

from gateway.brand import shipped_brands
from tests.browser.moments import ALLIANCES, COUNCIL, MEMBERS, calls, counted, house, moments, parliament
from tests.browser.overlays import Script, Studio, state, studio
from tests.browser.test_overlay_pictures import FAULTS, SIZES, numbers

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOUSE: Final = sum(MEMBERS.values())
LINE: Final = HOUSE // 2 + 1
SEARCH: Final = "contest=district_council"


class Moment(NamedTuple):
    """A moment of the night: the seats by then, and what is to be read first."""

    seats: Mapping[str, tuple[int, int]]
    says: str
    counting: int = 0


FIRST_BOX: Final = Moment({"chp": (3, 0)}, f"chp: çoğunluğa {LINE - 3} sandalye eksik", len(MEMBERS))
MID: Final = Moment(
    {"chp": (90, 30), "ak_parti": (84, 41), "yrp": (18, 2)}, f"chp: çoğunluğa {LINE - 90} sandalye eksik", 20
)
TIED: Final = Moment(
    {"chp": (80, 30), "ak_parti": (80, 41)}, f"chp – ak_parti eşit: çoğunluğa {LINE - 80} sandalye eksik", 20
)
OVER: Final = Moment(
    {"chp": (LINE + 4, 60), "ak_parti": (60, 30)},
    f"chp şimdiki sayımla çoğunluğun üstünde; {LINE - 56} sandalyesinde sayım sürüyor",
    12,
)
FINAL: Final = Moment(
    {"chp": (LINE, LINE), "ak_parti": (HOUSE - LINE, HOUSE - LINE)},
    f"chp çoğunluğun üstünde: {LINE} sandalyesinde bütün sandıklar açıldı",
)
HUNG: Final = Moment(
    {"chp": (92, 88), "ak_parti": (80, 80), "yrp": (HOUSE - 172, HOUSE - 172)},
    "Artık hiçbir liste tek başına çoğunluğa ulaşamaz",
    1,
)
NIGHT: Final = {"first": FIRST_BOX, "mid": MID, "tied": TIED, "over": OVER, "final": FINAL, "hung": HUNG}


def named(says: str) -> str:
    """The sentence with the lists' names, as the election has them."""
    parties = {one.id: one.name for one in parliament().contests[2].candidates}
    for key, name in parties.items():
        says = says.replace(key, name)
    return says


def script(*, alliances: bool = False, **changes: Any) -> Script:
    """A moment of a council that is divided in every district."""
    totals = counted(COUNCIL, contest="district_council")
    return Script(parliament(*(ALLIANCES if alliances else ())), totals, **changes)


async def show(shown: Studio, moment: Moment, script: Script, search: str = SEARCH) -> None:
    """Show the overlay, with the seats as the gateway tells them."""
    shown.seats = house(moment.seats, counting=moment.counting)
    await shown.show("majority", script, search)
    if not script.state["embargoed"]:
        await shown.page.locator(".majority-panel .rows li").first.wait_for()


async def faults(shown: Studio) -> list[str]:
    """What is wrong with the picture."""
    return [*await shown.page.evaluate(FAULTS), *shown.complaints]


async def test_the_night_of_a_majority_is_told_in_plain_words(browser: Browser) -> None:
    async with studio(browser) as shown:
        for name, moment in NIGHT.items():
            await show(shown, moment, script())
            assert named(moment.says) == await shown.text(".verdict")
            assert f"çoğunluk {LINE}" == await shown.text(".goal")
            assert [str(many) for many, _ in moment.seats.values()] == await shown.texts("li .seats")
            assert [] == await faults(shown), name
            await shown.picture(f"majority-{name}")


async def test_a_bar_tells_settled_seats_from_those_that_are_still_counted(browser: Browser) -> None:
    async with studio(browser) as shown:
        await show(shown, MID, script())
        pieces = shown.page.locator("[data-block=chp] .piece")
        assert [None, ""] == [await one.get_attribute("data-open") for one in await pieces.all()]
        settled, counting = await pieces.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().width)")
        assert counting / settled == pytest.approx(60 / 30, rel=0.05)
        assert "Sayımı sürenler: Fatih 7 · Kartal 7 · Sarıyer 7" in await shown.text(".where")
        assert "ve 15 çevre daha" in await shown.text(".where")
        assert f"belli değil: {HOUSE - 192}" == await shown.text(".open")


async def test_alliances_are_added_up_unless_lists_are_asked_for(browser: Browser) -> None:
    async with studio(browser) as shown:
        await show(shown, MID, script(alliances=True))
        assert ["Birlik İttifakı", "Emek ve Gelecek İttifakı"] == await shown.texts("li .name")
        assert ["102", "90"] == await shown.texts("li .seats")
        assert "AK Parti 84 · YRP 18" == await shown.text("[data-block=birlik] .party")
        assert 4 == await shown.page.locator("[data-block=birlik] .piece").count()
        assert [] == await faults(shown)
        await shown.picture("majority-alliances")
        await show(shown, HUNG, script(alliances=True))
        assert named(f"Birlik İttifakı çoğunluğun üstünde: {HOUSE - 92} sandalyesinde bütün sandıklar açıldı") == (
            await shown.text(".verdict")
        )
        await show(shown, HUNG, script(alliances=True), f"{SEARCH}&by=list")
        assert HUNG.says == await shown.text(".verdict")


async def test_only_an_editors_call_says_who_has_won(browser: Browser) -> None:
    async with studio(browser) as shown:
        await show(shown, FINAL, script())
        assert "kazandı" not in await numbers(shown)
        called = state(calls=calls("district_council", "chp"))
        await show(shown, FINAL, script(state=called))
        assert "✓ CHP kazandı" == await shown.text(".call .called")


async def test_no_seat_is_known_before_the_gateway_has_said_so_and_none_is_shown_in_an_embargo(
    browser: Browser,
) -> None:
    async with studio(browser) as shown:
        await shown.show("majority", script(), SEARCH)
        assert "Sandalye dağılımı henüz belli değil" == await shown.text(".verdict")
        assert 0 == await shown.page.locator(".majority-panel li").count()
        ban = state(embargoed=True, embargo="2024-03-31T19:20:00+03:00")
        await show(shown, MID, script(state=ban))
        assert not {"90", "84", "18"} & set((await numbers(shown)).split())


async def test_a_contest_that_divides_nothing_has_no_majority(browser: Browser) -> None:
    async with studio(browser) as shown:
        await shown.show("majority", moments()["live"])
        assert 0 == await shown.page.locator(".overlay").count()
        assert "seats:" in shown.complaints[0]


@pytest.mark.parametrize("brand", shipped_brands())
async def test_every_size_of_every_brand_is_whole(brand: str, browser: Browser) -> None:
    async with studio(browser, brand=brand) as shown:
        for size in SIZES["majority"]:
            await shown.resize(upright=size == "tall")
            for name, moment in (("mid", MID), ("hung", HUNG)):
                await show(shown, moment, script(alliances=name == "mid"), f"{SEARCH}&size={size}")
                assert ([], brand, size, name) == (await faults(shown), brand, size, name)
                await shown.picture(f"{brand}-majority-{size}-{name}")


async def test_another_division_is_shown_by_itself(browser: Browser) -> None:
    """The gateway is asked again while the overlay is shown."""
    async with studio(browser) as shown:
        await show(shown, MID, script())
        shown.seats = house(OVER.seats, counting=OVER.counting)
        await expect(shown.page.locator(".verdict")).to_have_text(named(OVER.says))
