"""A step and a new selection at every door of an overlay, in Chromium: what is told is what is on air.

The table of all doors and commands is in tests/node/pages/on-air.test.mjs; here the doors lead to a picture.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from eventlog.port import EventLog
from tests.browser.chromium import screen
from tests.browser.graphics import HIDDEN, SHOWN, Desk, desk, place
from tests.browser.stage import showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OK: Final = {"statusCode": 200, "statusMessage": "OK"}
UNIT: Final = "Unit, such as tr/34 (empty: the home of the election)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(night: EventLog) -> AsyncIterator[str]:
    """The address of a gateway."""
    async with showing(night) as url:
        yield url


async def update(shown: Desk, **said: object) -> None:
    """CG UPDATE: CasparCG calls update with one string."""
    await shown.page.evaluate("(said) => update(said)", orjson.dumps(said).decode())


async def test_casparcg_shows_the_unit_of_an_update_after_next(browser: Browser, tmp_path: Path, gateway: str) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.template("lower-third")
        await update(shown, unit="tr/34/kadikoy")
        await shown.page.evaluate("play()")
        await shown.page.evaluate("next()")
        await shown.until(place("Kağıthane"))
        await update(shown, unit="tr/34/sile")
        await shown.until(place("Şile"))
        await shown.page.evaluate("next()")
        await shown.until(place("Şişli"))


async def test_spx_shows_the_unit_of_its_form_after_continue(browser: Browser, tmp_path: Path, gateway: str) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.page.goto(f"{shown.host}/templates/sandik/lower-third.html")
        fields = await shown.page.evaluate("SPXGCTemplateDefinition.DataFields")
        form = {field["field"]: field["value"] for field in fields}
        (unit,) = (field["field"] for field in fields if field["title"] == UNIT)
        await update(shown, **form | {unit: "tr/34/kadikoy"})
        await shown.page.evaluate("play()")
        await shown.page.evaluate("next()")
        await shown.until(place("Kağıthane"))
        await update(shown, **form | {unit: "tr/34/sile"})
        await shown.until(place("Şile"))


@pytest.mark.parametrize("method", ["updateAction", "customAction"])
async def test_ograf_shows_the_unit_of_an_update_or_a_selection_after_a_step(
    browser: Browser, tmp_path: Path, gateway: str, method: str
) -> None:
    said: dict[str, dict[str, Any]] = {
        "updateAction": {"data": {"unit": "tr/34/sile"}},
        "customAction": {"id": "select", "payload": {"contest": "", "unit": "tr/34/sile", "source": ""}},
    }
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        await shown.add("lower-third", {"unit": "tr/34/kadikoy", "contest": "district_mayor"})
        await shown.until(HIDDEN)
        await shown.call("playAction", {})
        assert OK | {"currentStep": 1} == await shown.call("playAction", {})
        await shown.until(place("Kağıthane"))
        contest = await shown.reads(".heading .contest")
        assert OK == await shown.call(method, said[method])
        await shown.until(place("Şile"))
        assert contest == await shown.reads(".heading .contest")
        assert OK | {"currentStep": 1} == await shown.call("playAction", {})
        await shown.until(place("Şişli"))


async def test_the_page_goes_back_to_its_first_step_when_it_was_stopped(browser: Browser, gateway: str) -> None:
    address = f"{gateway}/overlays/lower-third?unit=tr/34/kadikoy"
    async with screen(browser, address, width=1920, height=1080) as shown:
        await shown.shows(".place", "Kadıköy")
        await shown.page.evaluate("next()")
        await shown.shows(".place", "Kağıthane")
        await shown.page.evaluate("""update('{"unit": "tr/34/sile"}')""")
        await shown.shows(".place", "Şile")
        await shown.page.evaluate("next()")
        await shown.shows(".place", "Şişli")
        await shown.page.evaluate("stop()")
        await shown.page.wait_for_function(HIDDEN)
        await shown.page.evaluate("play()")
        await shown.page.wait_for_function(SHOWN)
        await shown.shows(".place", "Şile")


async def test_what_leaves_does_not_change_on_its_way(browser: Browser, tmp_path: Path, gateway: str) -> None:
    """`stop` leads back to the first step: that is not to be seen."""
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.template("lower-third", "?unit=tr/34/kadikoy")
        await shown.page.evaluate("play(); next()")
        await shown.until(place("Kağıthane"))
        await shown.until("getComputedStyle(document.querySelector('.overlay')).opacity === '1'")
        overlay = await shown.overlay()
        await overlay.evaluate(
            """() => {
              window.seen = new Set();
              const look = () => {
                const [node, place] = [document.querySelector(".overlay"), document.querySelector(".place")];
                if (Number(getComputedStyle(node).opacity) > 0) window.seen.add(place.textContent);
                requestAnimationFrame(look);
              };
              look();
            }"""
        )
        await shown.page.evaluate("stop()")
        await shown.until(place("Kadıköy"))
        assert ["Kağıthane"] == await overlay.evaluate("[...window.seen]")
