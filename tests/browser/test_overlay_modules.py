"""The overlays' pure modules, each asked in the browser that runs them; no server and no night."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser

from gateway.routes.boundaries import read_boundaries
from gateway.routes.overlays import OVERLAYS
from tests.browser.moments import UNIT, moments
from tests.browser.overlays import Studio, studio

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

DISTRICTS: Final = Path(
    os.environ.get(
        "SANDIK_TEST_MAP", Path(__file__).parents[3] / "shared/data/map/istanbul_districts_simplified.geojson"
    )
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(browser: Browser) -> AsyncIterator[Studio]:
    """One page for all questions."""
    async with studio(browser) as page:
        yield page


async def ask(shown: Studio, module: str, code: str) -> Any:
    """Evaluate an expression with a module's exports as `m`."""
    return await shown.page.evaluate(
        f"async () => {{ const m = await import('/static/overlays/{module}.js'); return {code}; }}"
    )


async def test_the_gateway_serves_the_overlays_that_there_are(shown: Studio) -> None:
    assert list(OVERLAYS) == await ask(shown, "open", "m.OVERLAYS")
    for name in OVERLAYS:
        parts = await ask(shown, name, "Object.keys(m)")
        assert {"title", "parameters", "needs", "model", "create"} <= set(parts)


async def test_a_parameter_that_cannot_be_read_is_a_fault_and_has_its_standard_value(shown: Studio) -> None:
    answer = await ask(
        shown,
        "parameters",
        """m.read("?rows=99&side=up&safe&theme=light&colour=red",
        {rows: m.whole(1, 8, 5), side: m.choice("left", "right")})""",
    )
    assert [("rows", "badNumber"), ("side", "badChoice"), ("colour", "unknownParameter")] == [
        (fault["name"], fault["key"]) for fault in answer["faults"]
    ]
    values = answer["values"]
    assert (5, "left", True, "light", True) == tuple(values[name] for name in ("rows", "side", "safe", "theme", "play"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"unit": "tr/34/fatih"}', {"unit": "tr/34/fatih"}),
        ("unit=tr/34/fatih&rows=3", {"unit": "tr/34/fatih", "rows": "3"}),
        (
            '<templateData><componentData id="unit"><data id="text" value="tr/34"/></componentData></templateData>',
            {"unit": "tr/34"},
        ),
        ("", {}),
    ],
)
async def test_playout_systems_say_parameters_in_their_own_ways(shown: Studio, said: str, expected: object) -> None:
    assert expected == await ask(shown, "playout", f"m.parametersIn({orjson.dumps(said).decode()})")


def law_2972(votes: dict[str, int], members: int, quota: int) -> dict[str, int] | None:
    """Article 23 in the plainest way, with fractions; None where a lot decides."""
    from fractions import Fraction  # noqa: PLC0415  the oracle's alone

    valid = sum(votes.values())
    left = {name: count - Fraction(valid, 10) for name, count in votes.items()}
    shares = [(rest / divisor, name) for name, rest in left.items() if rest > 0 for divisor in range(1, members + 1)]
    shares.sort(reverse=True)
    seats = members - quota
    if seats < len(shares) and shares[seats - 1][0] == shares[seats][0]:
        return None
    first = max(votes.values())
    if quota and list(votes.values()).count(first) > 1:
        return None
    given: dict[str, int] = {}
    for _, name in shares[:seats]:
        given[name] = given.get(name, 0) + 1
    if quota:
        winner = max(votes, key=lambda name: votes[name])
        given[winner] = given.get(winner, 0) + quota
    return given


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.lists(st.integers(0, 90_000), min_size=1, max_size=8).filter(any),
    members=st.sampled_from([9, 11, 15, 25, 31, 37, 45, 55]),
    quota=st.integers(0, 5),
)
async def test_seats_are_those_of_law_2972(shown: Studio, counts: list[int], members: int, quota: int) -> None:
    """Against the article's text in fractions; where that needs a lot, seats are left open and none is invented."""
    votes = {f"p{number}": count for number, count in enumerate(counts)}
    question = (
        f"m.allocate({orjson.dumps(votes).decode()}, {{members: {members}, quota: {quota}, valid: {sum(counts)}}})"
    )
    answer = await ask(shown, "seats", f"(r => ({{seats: [...r.seats], open: r.open}}))({question})")
    seats = {name: count for name, count in answer["seats"] if count}
    assert members == sum(seats.values()) + answer["open"]
    expected = law_2972(votes, members, quota)
    if expected is None:
        assert answer["open"] > 0
    else:
        assert (expected, 0) == (seats, answer["open"])


async def test_members_follow_the_population(shown: Studio) -> None:
    answers = await ask(shown, "seats", "[10000, 10001, 50001, 250000, 250001, 1000000, 1000001].map(m.membersFor)")
    assert [9, 11, 25, 31, 37, 45, 55] == answers


async def test_an_independent_takes_one_seat_at_most(shown: Studio) -> None:
    answer = await ask(
        shown, "seats", "[...m.allocate({a: 700, b: 300}, {members: 9, valid: 1000, alone: new Set(['a'])}).seats]"
    )
    assert [["a", 1], ["b", 8]] == answer


@pytest.mark.parametrize("count", [1, 9, 37, 55, 314])
async def test_a_hemicycle_seats_everybody_and_nobody_on_another(shown: Studio, count: int) -> None:
    house = await ask(shown, "seats", f"m.hemicycle({count})")
    places = house["places"]
    assert count == len(places)
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert (one["x"] - other["x"]) ** 2 + (one["y"] - other["y"]) ** 2 >= (1.7 * house["radius"]) ** 2


SQUARES: Final = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"slug": slug},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, south], [west + 1, south], [west + 1, north], [west, north], [west, south]]],
            },
        }
        for slug, west, south, north in (("a", 28, 40, 41), ("b", 29, 40, 41), ("c", 28, 60, 61))
    ],
}
"""Two squares of degrees beside one another and one far north, where a degree of longitude is much shorter."""


async def test_areas_on_the_map_are_as_areas_on_the_globe(shown: Studio) -> None:
    """A cell of degrees covers sin(north) - sin(south) per degree of longitude (Lambert's cylindrical projection)."""
    from math import radians, sin  # noqa: PLC0415  the formula's alone

    areas = await ask(
        shown,
        "geography",
        f"""(c => [...m.layIn(m.matched(c, 'tr', [{{id: 'tr/a'}}, {{id: 'tr/b'}}, {{id: 'tr/c'}}]),
        {{width: 500, height: 500}}).values()].map(one => one.area))({orjson.dumps(SQUARES).decode()})""",
    )
    on_globe = [sin(radians(north)) - sin(radians(south)) for south, north in ((40, 41), (40, 41), (60, 61))]
    assert areas[1] == pytest.approx(areas[0])
    assert areas[2] / areas[0] == pytest.approx(on_globe[2] / on_globe[0])


async def test_a_map_without_one_of_its_districts_is_no_map(shown: Studio) -> None:
    answer = await ask(
        shown, "geography", f"m.matched({orjson.dumps(SQUARES).decode()}, 'tr', [{{id: 'tr/a'}}, {{id: 'tr/z'}}])"
    )
    assert answer is None


async def test_the_users_own_boundaries_are_drawn_with_their_credit(browser: Browser) -> None:
    """All 39 districts of İstanbul, from a file that is the user's and not the project's."""
    if not DISTRICTS.exists():
        pytest.skip(f"no boundaries at {DISTRICTS}: name a GeoJSON file of İstanbul's districts with SANDIK_TEST_MAP")
    async with studio(browser) as page:
        page.boundaries = read_boundaries(DISTRICTS.read_bytes()).body
        await page.show("district-map", moments()["live"])
        await page.page.wait_for_selector("[data-shape='boundaries'] path[data-unit]")
        assert 39 == await page.page.locator("path[data-unit]").count()
        assert "Harita verisi © OpenStreetMap katkıda bulunanlar" == await page.text(".credit")
        if "SANDIK_SCREENSHOTS" in os.environ:
            await page.picture(Path(os.environ["SANDIK_SCREENSHOTS"]) / "district-map-boundaries.png")
        assert [] == page.complaints


async def test_what_is_not_in_the_election_leaves_the_picture_empty_and_is_explained_when_asked(
    browser: Browser,
) -> None:
    async with studio(browser) as page:
        await page.show("lead-board", moments()["live"], "unit=tr/99")
        assert 0 == await page.page.locator(".overlay").count()
        assert "unit=tr/99" in page.complaints[0]
        assert "" == (await page.text("#stage")).strip()

        await page.show("lead-board", moments()["live"], "unit=tr/99&debug=1")
        assert "unit=tr/99 bu seçimde yok" in await page.text(".card")
        await page.show("lead-board", moments()["live"], "source=bbc&debug=1&lang=en")
        assert "There is no source=bbc" in await page.text(".card")


STRAPS: Final = """async (events) => {
  for (const event of events) client.receive({ type: "event", contest: "metropolitan_mayor", source: "aa",
    unit: "tr/34", seq: 1, as_of: "2024-03-31T21:55:12+03:00", candidate: null, before: null,
    percent: null, ...event });
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const panel = document.querySelector(".strap");
  return { on: panel.hasAttribute("data-on"), text: panel.textContent };
}"""


async def test_a_strap_shows_what_the_stream_says_and_nothing_else(browser: Browser) -> None:
    async with studio(browser) as page:
        await page.show("strap", moments()["live"])
        assert not (await page.page.evaluate(STRAPS, []))["on"]
        elsewhere = {"event": "milestone", "percent": 50, "unit": UNIT}
        assert not (await page.page.evaluate(STRAPS, [elsewhere]))["on"]
        unknown = {"event": "moon_landing"}
        assert not (await page.page.evaluate(STRAPS, [unknown]))["on"]

        shown = await page.page.evaluate(STRAPS, [{"event": "milestone", "percent": 50}])
        assert shown["on"]
        assert "Açılan sandık oranı %50" in shown["text"]
        await page.page.evaluate("next()")
        assert not (await page.page.evaluate(STRAPS, []))["on"]


async def test_playout_commands_bring_a_graphic_on_and_take_it_off(browser: Browser) -> None:
    async with studio(browser) as page:
        await page.show("lower-third", moments()["live"], f"unit={UNIT}&play=0")
        is_shown = "document.querySelector('.overlay').hasAttribute('data-shown')"
        assert not await page.page.evaluate(is_shown)
        await page.page.evaluate("play()")
        assert await page.page.evaluate(is_shown)
        assert "Büyükçekmece" == await page.text(".place")

        await page.page.evaluate("next()")
        assert "Çatalca" == await page.text(".place")
        await page.page.evaluate("""update('{"unit": "tr/34/sile"}')""")
        assert "Şile" == await page.text(".place")
        await page.page.evaluate("stop()")
        assert not await page.page.evaluate(is_shown)
        await page.page.evaluate("update('{broken')")
        assert "update() got what it cannot read" in page.complaints[-1]
