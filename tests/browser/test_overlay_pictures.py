"""Every overlay in every moment of a night: looked at by rules here, and by people in the screenshots.

The screenshots go where SANDIK_SCREENSHOTS says, and are not taken where it says nothing.
"""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, expect

from benchmarks.on_air.expected import shares
from gateway.brand import BrandFile, BrandFolder, listing, shipped_brands
from gateway.pages import MANIFEST, OVERLAY_NAMES
from tests.browser.moments import (
    MANY,
    MEMBERS,
    SILENT_MINUTES,
    STATES,
    UNIT,
    calls,
    courses,
    last_time,
    moments,
    moments_of,
    one_quiet,
)
from tests.browser.overlays import AT, STANDARD, Script, Studio, state, studio
from tests.browser.test_board import turkish

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SEARCH: Final = {
    "lower-third": f"unit={UNIT}",
    "council": f"contest=district_council&unit={UNIT}&population=280000&quota=3",
    "majority": "contest=district_council&seats=" + ",".join(f"{slug}:{many}" for slug, many in MEMBERS.items()),
}
SIZES: Final = {
    overlay.name: next((one.words for one in overlay.parameters if one.name == "size"), ("",))
    for overlay in MANIFEST.overlays
}
"""Every overlay's sizes; an empty one where it has its own alone."""

WITHOUT_A_SHARE: Final = {"strap", "ticker", "winner", "council", "majority", "swing", "lead-over-time"}
"""Overlays that do not show the leader's share of the unit, or not at once."""

ASKED: Final = {"swing": ".swing [data-candidate]", "lead-over-time": ".lead-over-time:not([data-uncharted]) .tick"}
"""What is there once the gateway has answered an overlay that asks it for more than figures."""

CALLING: Final = ("lead-board", "duel", "lower-third", "strap")
"""Overlays that show an editor's call."""
LEADER_CHANGED: Final = {
    "type": "event",
    "event": "leader_changed",
    "contest": "metropolitan_mayor",
    "source": "aa",
    "unit": "tr/34",
    "seq": 1,
    "as_of": AT,
    "candidate": "imamoglu",
    "before": "kurum",
}

WITHDRAW: Final = """async (state) => {
  window.client.receive(state);
  window.onStage.redraw();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""
PANEL_HEIGHT: Final = "document.querySelector('.panel').getBoundingClientRect().height"

FAULTS: Final = (Path(__file__).parent / "faults.js").read_text(encoding="utf-8")
"""What no screenshot may have: text outside the graphics-safe area of EBU R 95, cut off, or over other text."""


@pytest.mark.parametrize("name", OVERLAY_NAMES)
async def test_every_moment_is_whole_and_in_its_place(name: str, browser: Browser) -> None:
    """No text is clipped, over other text or outside the safe area; nothing is complained of."""
    found: dict[str, Any] = {}
    async with studio(browser) as shown:
        scripts = moments_of(name)
        for moment in STATES:
            script = scripts[moment]
            script.messages = [LEADER_CHANGED] if name == "strap" else []
            await shown.show(name, script, SEARCH.get(name, ""))
            faults = await shown.page.evaluate(FAULTS)
            if faults or shown.complaints:
                found[moment] = [*faults, *shown.complaints]
            shown.complaints.clear()
            await shown.picture(f"{name}-{moment}")
    assert {} == found


async def test_a_swing_names_its_base_and_is_whole_in_every_brand(browser: Browser) -> None:
    for brand in shipped_brands():
        async with studio(browser, brand=brand) as shown:
            shown.last_time = last_time()
            await shown.show("swing", moments()["live"])
            for candidate, change in (("imamoglu", "+4,12"), ("kurum", "−6,55"), ("altinoz", "+0,87")):
                await expect(shown.page.locator(f"[data-candidate={candidate}] .change")).to_have_text(change)
            assert "Geçen sefer: 31 Mart 2019 Büyükşehir Belediye Başkanlığı" == await shown.text(".base")
            assert "sonuç gelen 38 / 39 birimde" in await shown.text(".about")
            assert [] == [*await shown.page.evaluate(FAULTS), *shown.complaints]
            await shown.picture(f"{brand}-swing-compared")


async def test_a_lead_over_time_says_who_leads_on_which_side_in_every_brand(browser: Browser) -> None:
    for brand in shipped_brands():
        async with studio(browser, brand=brand) as shown:
            for moment in ("live", "down", "hundred", "long", "embargo"):
                script = moments()[moment]
                shown.courses = courses()
                await shown.show("lead-over-time", script)
                if moment != "embargo":
                    await shown.page.locator(ASKED["lead-over-time"]).first.wait_for()
                if moment == "live":
                    assert ["Ekrem İmamoğlu önde", "Murat Kurum önde"] == await shown.texts(".side .name")
                    assert ["AA", "ANKA"] == await shown.texts(".end .source")
                    assert ["18:00", "19:00", "20:00", "21:00"] == await shown.texts(".tick")
                faults = [*await shown.page.evaluate(FAULTS), *shown.complaints]
                assert ([], moment, brand) == (faults, moment, brand)
                await shown.picture(f"{brand}-lead-over-time-{moment}")


async def test_a_quiet_source_goes_on_dotted_from_its_last_word(browser: Browser) -> None:
    """To the present, at the height of its last figures; the other source's line ends there by itself."""
    for brand in shipped_brands():
        async with studio(browser, brand=brand) as shown:
            shown.courses = courses()
            await shown.show("lead-over-time", one_quiet())
            await shown.page.locator(ASKED["lead-over-time"]).first.wait_for()
            (own, _), (other, height) = [await _ends(shown, number) for number in (0, 1)]
            assert own == pytest.approx(1, abs=0.01)
            assert other == pytest.approx(1 - SILENT_MINUTES / 240, abs=0.01)
            drawn = await shown.page.locator(".rest[data-line='1']").get_attribute("d")
            assert drawn is not None
            assert drawn.endswith("H1000")
            assert height == pytest.approx(float(drawn.removesuffix("H1000").split()[1]) / 1_000, abs=0.01)
            assert "sakin" in await shown.text(".feet + .feet .feed")
            assert [] == [*await shown.page.evaluate(FAULTS), *shown.complaints]
            await shown.picture(f"{brand}-lead-over-time-one-quiet")


async def _ends(shown: Studio, number: int) -> tuple[float, float]:
    """Where a line's dot is: parts of the plot's width and height."""
    x, y = await shown.page.evaluate(
        """(number) => {
          const box = (selector) => document.querySelector(selector).getBoundingClientRect();
          const [dot, plot] = [box(`.dot[data-line="${number}"]`), box(".plot svg")];
          const middle = [dot.left + dot.width / 2, dot.top + dot.height / 2];
          return [(middle[0] - plot.left) / plot.width, (middle[1] - plot.top) / plot.height];
        }""",
        number,
    )
    return x, y


async def numbers(shown: Studio) -> str:
    """All text of the overlay."""
    return str(await shown.page.evaluate("document.querySelector('.overlay').textContent"))


async def test_the_lead_board_says_what_the_server_said(browser: Browser) -> None:
    async with studio(browser) as shown:
        script = moments()["live"]
        await shown.show("lead-board", script)
        said = next(one for one in script.totals if one["unit"] == "tr/34" and one["source"] == "aa")
        ranked = sorted(said["votes"].items(), key=lambda row: -row[1])
        for (candidate, votes), share in list(zip(ranked, shares(said["votes"], said["valid"]), strict=True))[:5]:
            row = f"[data-candidate={candidate}]"
            assert turkish(votes) == await shown.text(f"{row} .votes")
            assert share == await shown.text(f"{row} .share")
        assert turkish(ranked[0][1] - ranked[1][1]) == await shown.text(".gapVotes")
        assert turkish(said["boxes_opened"]) == await shown.text(".counted .opened")
        assert turkish(said["unattributed"]) == await shown.text(".rest p:last-child .votes")


@pytest.mark.parametrize("name", [name for name in OVERLAY_NAMES if name not in WITHOUT_A_SHARE])
async def test_a_leader_is_the_servers_in_every_overlay(name: str, browser: Browser) -> None:
    async with studio(browser) as shown:
        script = moments()["live"]
        await shown.show(name, script, SEARCH.get(name, ""))
        unit = UNIT if name == "lower-third" else "tr/34"
        said = next(one for one in script.totals if one["unit"] == unit and one["source"] == "aa")
        assert shares(said["votes"], said["valid"])[0] in await numbers(shown)


async def test_every_district_goes_by_in_turkish_order(browser: Browser) -> None:
    async with studio(browser, motion=True) as shown:
        script = moments()["live"]
        await shown.show("ticker", script)
        names = await shown.texts(".belt:first-child .district")
        assert 39 == len(names)
        assert names.index("Büyükçekmece") + 1 == names.index("Çatalca")
        assert names.index("Sultangazi") < names.index("Şile") < names.index("Şişli") < names.index("Tuzla")
        for said in (one for one in script.totals if one["source"] == "aa" and one["level"] == "district"):
            item = f".belt:first-child [data-unit='{said['unit']}']"
            assert shares(said["votes"], said["valid"])[0] == (await shown.texts(f"{item} .share"))[0]


async def test_nobody_sees_a_number_during_an_embargo(browser: Browser) -> None:
    """Not in the page's text either, whatever the connection was told."""
    async with studio(browser) as shown:
        for name in OVERLAY_NAMES:
            script = moments_of(name)["embargo"]
            await shown.show(name, script, SEARCH.get(name, ""))
            text = await numbers(shown)
            assert name == "strap" or "19:20" in text
            for said in script.totals:
                assert shares(said["votes"], said["valid"])[0] not in text


async def test_the_states_are_told_apart_by_word_and_shape(browser: Browser) -> None:
    async with studio(browser) as shown:
        words, shapes = set(), set()
        states = ("live", "hold", "quiet", "stale", "down", "lost")
        for moment in states:
            await shown.show("lead-board", moments()[moment])
            words.add(await shown.text(".origin .feed"))
            shapes.add(
                await shown.page.evaluate("getComputedStyle(document.querySelector('.feed'), '::before').content")
            )
        assert len(states) == len(words) == len(shapes)


async def test_a_figure_set_by_hand_is_marked_wherever_it_shows(browser: Browser) -> None:
    mark = "getComputedStyle(document.querySelector('[data-candidate=imamoglu] .votes'), '::before').content"
    async with studio(browser) as shown:
        for name in ("lead-board", "duel", "lower-third", "sources"):
            await shown.show(name, moments()["manual"], SEARCH.get(name, ""))
            assert '"✎ "' == await shown.page.evaluate(mark)
            assert "elle girilen sayı" in await numbers(shown)
        await shown.show("ticker", moments()["manual"])
        assert 2 * 39 == await shown.page.locator(".belt [data-manual]").count()


def called(name: str) -> Script:
    """A moment in which a call stands; the strap needs an event to show at all."""
    script = moments()["called"]
    script.messages = [LEADER_CHANGED] if name == "strap" else []
    return script


@pytest.mark.parametrize("name", CALLING)
async def test_a_call_is_shown_where_it_stands_and_leaves_quietly(name: str, browser: Browser) -> None:
    """In words, with whose it is; when it is withdrawn nothing else moves."""
    async with studio(browser) as shown:
        await shown.show(name, called(name), SEARCH.get(name, ""))
        assert "✓ Ekrem İmamoğlu kazandı" == await shown.text(".call .called")
        assert "ilan eden A. Kaya, 21:55:12 TSİ" == await shown.text(".call .calledBy")
        before = await shown.page.evaluate(PANEL_HEIGHT)
        await shown.page.evaluate(WITHDRAW, state())
        assert "kazandı" not in await numbers(shown)
        assert "ilan eden" not in await numbers(shown)
        assert before == await shown.page.evaluate(PANEL_HEIGHT)
        await shown.show(name, called(name), f"lang=en&{SEARCH.get(name, '')}")
        assert "✓ Ekrem İmamoğlu has won" == await shown.text(".call .called")


@pytest.mark.parametrize("name", CALLING)
async def test_no_call_shows_for_another_unit_or_contest_or_under_an_embargo(name: str, browser: Browser) -> None:
    elsewhere = [calls("metropolitan_mayor", "imamoglu")[0] | {"unit": "tr/34/sile"}, *calls("district_mayor", "kurum")]
    embargoed = state(embargoed=True, calls=calls("metropolitan_mayor", "imamoglu"))
    async with studio(browser) as shown:
        for said in (state(calls=elsewhere), embargoed):
            script = called(name)
            script.state = said
            await shown.show(name, script, SEARCH.get(name, ""))
            assert "kazandı" not in await numbers(shown)


async def test_the_winner_is_a_picture_by_an_editors_call_alone(browser: Browser) -> None:
    """Whoever leads: nothing of it is there before the call, for another unit, or when it is withdrawn."""
    async with studio(browser) as shown:
        await shown.show("winner", moments()["live"])
        assert "İmamoğlu" not in await numbers(shown)
        await shown.show("winner", moments()["called"])
        assert ["KAZANDI", "Ekrem İmamoğlu"] == [await shown.text(".won"), await shown.text(".winner .name")]
        assert "ilan eden A. Kaya, 21:55:12 TSİ" == await shown.text(".calledBy")
        await shown.page.evaluate(WITHDRAW, state())
        assert not {"Kazandı", "İmamoğlu"} & set((await numbers(shown)).split())
        script = moments()["called"]
        script.state = state(calls=calls("metropolitan_mayor", "kurum"))
        await shown.show("winner", script)
        assert "Murat Kurum" == await shown.text(".winner .name")  # an editor's word, also against the figures
        assert await shown.page.locator(".winner .gap").get_attribute("data-none") is not None


async def test_nobody_is_named_before_the_first_vote(browser: Browser) -> None:
    """The order of a ballot is no ranking."""
    async with studio(browser) as shown:
        for name in ("lead-board", "duel", "lower-third"):
            await shown.show(name, moments()["empty"], SEARCH.get(name, ""))
            for candidate in await shown.page.locator(".name").all():
                assert not await candidate.is_visible()


@pytest.mark.parametrize("brand", shipped_brands())
@pytest.mark.parametrize("name", OVERLAY_NAMES)
async def test_every_size_of_every_brand_is_whole(name: str, brand: str, browser: Browser) -> None:
    """Nothing is clipped, over other text or outside the safe area of its frame, whatever the brand's letters."""
    found: dict[str, Any] = {}
    async with studio(browser, brand=brand) as shown:
        shown.last_time, shown.courses = last_time(), courses()
        scripts = moments_of(name)
        for size in SIZES[name]:
            await shown.resize(upright=size == "tall")
            for moment in ("called", "long", "stale", "empty"):
                script = scripts[moment]
                script.messages = [LEADER_CHANGED] if name == "strap" else []
                await shown.show(name, script, "&".join(filter(None, (SEARCH.get(name), size and f"size={size}"))))
                if name in ASKED and moment != "empty":
                    await shown.page.locator(ASKED[name]).first.wait_for()
                faults = await shown.page.evaluate(FAULTS)
                if faults or shown.complaints:
                    found[f"{size} {moment}"] = [*faults, *shown.complaints]
                shown.complaints.clear()
                await shown.picture(f"{brand}-{name}-{size or 'standard'}-{moment}")
    assert {} == found


async def test_photos_and_logos_are_shown_and_silhouettes_elsewhere(browser: Browser) -> None:
    image = BrandFile(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 5"/>', "image/svg+xml")
    files = {**STANDARD.files, "photos/imamoglu.svg": image, "logos/chp.svg": image}
    about = listing(STANDARD.brand, files)
    async with studio(browser, spoilt=True) as shown:
        await shown.begin(BrandFolder(STANDARD.brand, files | {"brand.json": BrandFile(about, "application/json")}))
        for name in ("lead-board", "duel", "lower-third"):
            await shown.show(name, moments()["live"], SEARCH.get(name, ""))
            for candidate, pictures in (("imamoglu", [True, True]), ("kurum", [False, False])):
                images = shown.page.locator(f"[data-candidate={candidate}] .face img")
                assert pictures == [await one.is_visible() for one in await images.all()]
            assert [] == shown.complaints


@pytest.mark.parametrize(("moment", "mark"), [("test", "TEST"), ("replay", "TEKRAR")])
async def test_a_rehearsal_is_marked_over_every_overlay(moment: str, mark: str, browser: Browser) -> None:
    """So closely that the lowest strip cannot be cut out without one."""
    async with studio(browser) as shown:
        for name in ("lead-board", "ticker"):
            await shown.show(name, moments()[moment])
            image = await shown.page.evaluate("document.querySelector('.watermark').style.backgroundImage")
            assert mark in image
            height = await shown.page.evaluate("document.querySelector('.overlay').getBoundingClientRect().height")
            assert height >= 118


async def test_49_candidates_are_all_counted_in(browser: Browser) -> None:
    async with studio(browser) as shown:
        script = moments()["many"]
        await shown.show("lead-board", script, "rows=8")
        said = next(one for one in script.totals if one["unit"] == "tr/34")
        assert MANY == len(said["votes"])
        rest = sum(sorted(said["votes"].values())[:-8])
        assert turkish(rest) == await shown.text(".rest p:first-child .votes")
        assert [] == await shown.page.evaluate(FAULTS)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_text_stands_out_from_its_panel_over_any_picture(theme: str, browser: Browser) -> None:
    """WCAG 2.2, 1.4.3: 4.5 for text, with white and with black behind the glass."""
    async with studio(browser) as shown:
        await shown.show("lead-board", moments()["live"], f"theme={theme}")
        ratios = await shown.page.evaluate(
            """async () => {
              const { contrast } = await import("/static/hue.js");
              const style = getComputedStyle(document.documentElement);
              const [red, green, blue, alpha] = style.getPropertyValue("--glass").match(/[\\d.]+/g).map(Number);
              const over = (behind) => "#" + [red, green, blue].map((one) =>
                Math.round(one * alpha + behind * (1 - alpha)).toString(16).padStart(2, "0")).join("");
              const inks = ["--ink", "--soft", "--fresh", "--wrong"].map((name) => style.getPropertyValue(name).trim());
              return inks.flatMap((ink) => [0, 255].map((behind) => contrast(ink, over(behind))))
                .concat(contrast(...["--wrong-ink", "--wrong"].map((name) => style.getPropertyValue(name).trim())));
            }"""
        )
        assert min(ratios) >= 4.5
