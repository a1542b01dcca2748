"""The OGraf package in Chromium, in a renderer that does what the specification says, beside the real gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from eventlog.port import EventLog
from gateway.pages import OVERLAY_NAMES
from tests.browser.graphics import HIDDEN, SHOWN, desk, place
from tests.browser.moments import SEATED
from tests.browser.overlays import THUMBNAIL
from tests.browser.stage import showing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OK = {"statusCode": 200, "statusMessage": "OK"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(night: EventLog) -> AsyncIterator[str]:
    """The address of a gateway."""
    async with showing(night) as url:
        yield url


async def test_a_graphic_is_loaded_played_updated_and_stopped(browser: Browser, tmp_path: Path, gateway: str) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        loaded = await shown.add("lower-third", {"unit": "tr/34/fatih"})
        assert 200 == loaded["statusCode"]
        await shown.until(HIDDEN)

        assert OK | {"currentStep": 0} == await shown.call("playAction", {})
        await shown.until(SHOWN)
        assert "Fatih" == await shown.reads(".place")

        assert OK == await shown.call("updateAction", {"data": {"unit": "tr/34/sile", "lang": "en"}})
        await shown.until(place("Şile"))

        assert OK == await shown.call("customAction", {"id": "select", "payload": {"unit": "tr/34/fatih"}})
        await shown.until(place("Fatih"))

        assert OK == await shown.call("stopAction", {})
        await shown.until(HIDDEN)
        assert OK == await shown.page.evaluate("remove()")
        assert 0 == await shown.page.locator("iframe").count()
        assert [] == shown.complaints


async def test_what_the_election_does_not_have_is_refused_and_changes_nothing(
    browser: Browser, tmp_path: Path, gateway: str
) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        await shown.add("lower-third", {"unit": "tr/34/fatih"})
        await shown.until(HIDDEN)
        await shown.call("playAction", {})
        await shown.until(SHOWN)
        for method, params in (
            ("updateAction", {"data": {"unit": "tr/34/atlantis"}}),
            ("customAction", {"id": "select", "payload": {"unit": "tr/34/atlantis"}}),
        ):
            refused = await shown.call(method, params)
            assert (404, True) == (refused["statusCode"], "tr/34/atlantis" in refused["statusMessage"])
            assert "Fatih" == await shown.reads(".place")
        assert OK == await shown.call("updateAction", {"data": {"unit": "tr/34/sile"}})
        await shown.until(place("Şile"))
        assert OK == await shown.call("stopAction", {})


async def test_steps_go_to_where_the_specification_says(browser: Browser, tmp_path: Path, gateway: str) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        await shown.add("lower-third", {"units": "tr/34/fatih,tr/34/sile,tr/34/adalar", "unit": "tr/34/fatih"})
        await shown.until(HIDDEN)
        still = {"skipAnimation": True}
        for params, step, name in (
            ({"goto": 1}, 1, "Şile"),
            ({"delta": 1}, 2, "Adalar"),
            ({"delta": -2}, 0, "Fatih"),
            ({}, 1, "Şile"),
        ):
            assert OK | {"currentStep": step} == await shown.call("playAction", params | still)
            await shown.until(place(name))
        refused = await shown.call("playAction", {"delta": -9})
        assert 400 == refused["statusCode"]
        assert "Şile" == await shown.reads(".place")

        await shown.page.evaluate("remove()")
        await shown.add("lead-board", {})
        await shown.until(HIDDEN)
        assert 0 == (await shown.call("playAction", still))["currentStep"]
        ended = await shown.page.evaluate(
            """(async () => {
              const said = await graphic.playAction({});
              return [said.statusCode, 'currentStep' in said, said.currentStep === undefined];
            })()"""
        )
        assert [200, True, True] == ended
        await shown.until(HIDDEN)


async def test_without_animation_it_is_there_when_the_promise_resolves(
    browser: Browser, tmp_path: Path, gateway: str
) -> None:
    opacity = "getComputedStyle(document.querySelector('.overlay')).opacity"
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        await shown.add("lead-board", {})
        await shown.until(HIDDEN)
        overlay = await shown.overlay()
        for method, expected in (("playAction", "1"), ("stopAction", "0"), ("playAction", "1")):
            await shown.call(method, {"skipAnimation": True})
            assert expected == await overlay.evaluate(opacity)
        assert not await overlay.evaluate("document.documentElement.hasAttribute('data-motion')")


async def test_what_cannot_be_done_is_refused_and_changes_nothing(
    browser: Browser, tmp_path: Path, gateway: str
) -> None:
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.renderer()
        assert 400 == (await shown.add("lead-board", {"gateway": "nowhere"}))["statusCode"]
        await shown.page.evaluate("remove()")
        await shown.add("lead-board", {})
        await shown.until(HIDDEN)
        for method, params in (
            ("customAction", {"id": "explode"}),
            ("customAction", {"id": "cut"}),
            ("customAction", {"id": "select", "payload": {"theme": "light"}}),
            ("updateAction", {"data": ["unit"]}),
            ("updateAction", {"data": {"unit": {"id": "tr"}}}),
            ("updateAction", {"data": {"gateway": "ftp://gateway"}}),
            ("playAction", {"goto": 0.5}),
            ("goToTime", {"timestamp": 0}),
            ("setActionsSchedule", {"schedule": []}),
        ):
            answer = await shown.call(method, params)
            assert (400, True) == (answer["statusCode"], bool(answer["statusMessage"])), (method, params)
        await shown.page.evaluate("graphic.dispose({})")
        assert 400 == (await shown.call("playAction"))["statusCode"]


async def test_every_graphic_of_the_package_can_be_on_one_page(browser: Browser, tmp_path: Path, gateway: str) -> None:
    """And is transparent where it paints nothing, in a renderer of another origin, which shows a corner of them all."""
    async with desk(browser, tmp_path, gateway) as shown:
        await shown.page.set_viewport_size(THUMBNAIL)
        await shown.renderer()
        for name in OVERLAY_NAMES:
            answer = await shown.add(name, {"unit": "tr/34/fatih", "seats": "37"} if name in SEATED else {})
            assert 200 == answer["statusCode"], name
            assert 0 == (await shown.call("playAction", {"skipAnimation": True}))["currentStep"]
            await shown.until(SHOWN)
        assert len(OVERLAY_NAMES) == await shown.page.locator("#layer > *").count()
        empty = await shown.page.screenshot(omit_background=True, clip={"x": 2, "y": 2, "width": 1, "height": 1})
        colour = await shown.page.evaluate(
            """async (bytes) => {
              const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
              const canvas = new OffscreenCanvas(1, 1).getContext("2d");
              canvas.drawImage(image, 0, 0);
              return [...canvas.getImageData(0, 0, 1, 1).data];
            }""",
            list(empty),
        )
        assert 0 == colour[3]


async def test_a_graphic_that_is_there_before_the_server_fills_itself(
    browser: Browser, tmp_path: Path, night: EventLog
) -> None:
    async with showing(night) as url:
        port = int(url.rpartition(":")[2])
    async with desk(browser, tmp_path, url) as shown:
        await shown.renderer()
        waiting = await shown.add("lower-third", {"unit": "tr/34/fatih", "units": "tr/34/fatih,tr/34/sile"})
        assert 200 == waiting["statusCode"]
        assert "does not answer yet" in waiting["statusMessage"]
        assert 1 == (await shown.call("playAction", {"goto": 1}))["currentStep"]
        assert 0 == await shown.page.locator("iframe").count()
        async with showing(night, port=port):
            await shown.until(SHOWN)
            await shown.until(place("Şile"))
            assert "test" == await (await shown.overlay()).evaluate("document.getElementById('stage').dataset.mode")
        # the figures stand when the server has gone, and say so
        await shown.until("document.querySelector('.origin')?.dataset.state === 'lost'")
        assert "Şile" == await shown.reads(".place")
