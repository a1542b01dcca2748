"""The OGraf package without a gateway: any moment of an archived night, forwards and backwards, in Chromium."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from playwright.async_api import Browser

from eventlog.run import Run, RunTopics
from sandik.timeline import FORMAT, document
from schemas.control import Mode
from schemas.moments import epoch_ms
from tests.browser.city import POLLS_CLOSE, election
from tests.browser.graphics import Desk, desk
from tests.browser.overlays import entry, state

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BEGAN: Final = epoch_ms(POLLS_CLOSE)
OK: Final = {"statusCode": 200, "statusMessage": "OK"}
PLAY: Final = {"timestamp": 1_000, "action": {"type": "playAction", "params": {}}}
STOP: Final = {"timestamp": 9_000, "action": {"type": "stopAction", "params": {}}}


def totals(*entries: dict[str, Any]) -> dict[str, Any]:
    """A message with these figures."""
    said = [{name: value for name, value in one.items() if name not in {"contest", "source"}} for one in entries]
    return {"type": "totals", "contest": "metropolitan_mayor", "source": "aa", "totals": said}


def fatih(imamoglu: int, kurum: int, boxes: int) -> dict[str, Any]:
    """A district's figures."""
    return totals(
        entry("tr/34/fatih", {"imamoglu": imamoglu, "kurum": kurum}, boxes=boxes, boxes_total=24),
    )


def night(mode: Mode = "live") -> bytes:
    """An embargo until 2 s, then figures that grow, another leader at 6 s, a source that falls silent at 7 s."""
    event = {"type": "event", "event": "milestone", "contest": "metropolitan_mayor", "source": "aa", "unit": "tr/34"}
    said: list[tuple[int, dict[str, Any]]] = [
        (0, state(embargoed=True, embargo="2024-03-31T19:20:00+03:00")),
        (2_000, state()),
        (2_000, fatih(600, 400, 4)),
        (4_000, fatih(900, 700, 6)),
        (4_000, event | {"seq": 3, "as_of": POLLS_CLOSE.isoformat(), "percent": 25}),
        (5_000, state(hold=["metropolitan_mayor"])),
        (6_000, fatih(900, 1_400, 9)),
        (7_000, state(feeds={name: {"state": "down", "last_event": None, "age_s": 900} for name in ("aa", "anka")})),
    ]
    run = Run(RunTopics("gece", 4), mode, "9f2c", election())
    return document(run, [(BEGAN + at, message) for at, message in said])


@asynccontextmanager
async def loaded(browser: Browser, folder: Path, name: str, **data: Any) -> AsyncIterator[Desk]:
    """A graphic that is loaded for rendering afterwards; nothing answers at its gateway."""
    async with desk(browser, folder, "http://127.0.0.1:9") as shown:
        (folder / "night.json").write_bytes(night())
        await shown.renderer()
        told = {"timeline": "night.json", "unit": "tr/34/fatih", **data}
        assert OK == await shown.add(name, told, "non-realtime")
        yield shown


async def picture(shown: Desk, timestamp: int) -> str:
    """A digest of the picture at this moment, once the browser has drawn all of it: when it draws the same again."""
    assert OK == await shown.call("goToTime", {"timestamp": timestamp})
    drawn = b""
    while drawn != (drawn := await shown.page.screenshot(omit_background=True)):
        pass
    return sha256(drawn).hexdigest()


@pytest.mark.parametrize("name", ["lead-board", "ticker", "strap"])
async def test_the_same_moment_is_the_same_picture_whatever_was_drawn_before(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    async with loaded(browser, tmp_path, name, unit="tr/34") as shown:
        assert OK == await shown.call("setActionsSchedule", {"schedule": [STOP, PLAY]})
        moments = (0, 1_200, 4_120, 6_500, 8_260, 9_200, 12_000)
        forwards = {moment: await picture(shown, moment) for moment in moments}
        assert forwards == {moment: await picture(shown, moment) for moment in (4_120, *reversed(moments))}
        assert forwards[0] == forwards[12_000]
        assert len(set(forwards.values())) > 4
        assert [] == shown.complaints


async def test_at_each_moment_it_shows_what_stood_then(browser: Browser, tmp_path: Path) -> None:
    async with loaded(browser, tmp_path, "lead-board") as shown:
        await shown.call("setActionsSchedule", {"schedule": [PLAY]})
        for timestamp, votes, feed, embargoed in (
            (1_900, None, None, True),
            (2_900, "200", "live", False),
            (5_500, "200", "hold", False),
            (6_900, "500", "hold", False),
            (7_500, "500", "down", False),
            (3_900, "200", "live", False),
        ):
            assert OK == await shown.call("goToTime", {"timestamp": timestamp})
            overlay = await shown.overlay()
            assert embargoed == await overlay.evaluate(
                "document.querySelector('.overlay').hasAttribute('data-embargo')"
            )
            if votes is not None:
                assert votes == await shown.reads(".gapVotes")
                assert feed == await overlay.evaluate("document.querySelector('.origin').dataset.state")
        assert "replay" == await (await shown.overlay()).evaluate("document.getElementById('stage').dataset.mode")
        assert await shown.page.locator("iframe").count() == 1


async def test_numbers_and_transitions_are_on_their_way_in_between(browser: Browser, tmp_path: Path) -> None:
    opacity = "Number(getComputedStyle(document.querySelector('.overlay')).opacity)"
    async with loaded(browser, tmp_path, "lead-board") as shown:
        await shown.call("setActionsSchedule", {"schedule": [PLAY, STOP]})
        seen = []
        for timestamp in (1_000, 1_200, 1_400, 9_000, 9_200, 9_400):
            await shown.call("goToTime", {"timestamp": timestamp})
            seen.append(await (await shown.overlay()).evaluate(opacity))
        assert [0, 1, 1, 0] == [seen[0], seen[2], seen[3], seen[5]]
        assert 0 < seen[1] < 1
        assert 0 < seen[4] < 1
        await shown.call("goToTime", {"timestamp": 4_100})
        between = int((await shown.reads("[data-candidate=imamoglu] .votes")).replace(".", ""))
        assert 600 < between < 900


async def test_the_night_can_begin_later_and_go_faster(browser: Browser, tmp_path: Path) -> None:
    async with loaded(browser, tmp_path, "lead-board", speed=2, **{"from": "2024-03-31T17:00:02+03:00"}) as shown:
        assert OK | {"currentStep": 0} == await shown.call("playAction", {"skipAnimation": True})
        assert "200" == await shown.reads(".gapVotes")
        await shown.call("goToTime", {"timestamp": 1_500})
        assert "hold" == await (await shown.overlay()).evaluate("document.querySelector('.origin').dataset.state")
        await shown.call("goToTime", {"timestamp": 2_600})
        assert "500" == await shown.reads(".gapVotes")


async def test_actions_besides_the_schedule_and_updates_in_it(browser: Browser, tmp_path: Path) -> None:
    update = {"timestamp": 3_000, "action": {"type": "updateAction", "params": {"data": {"lang": "en"}}}}
    select = {
        "timestamp": 4_000,
        "action": {"type": "customAction", "params": {"id": "select", "payload": {"unit": "tr/34/sile"}}},
    }
    async with loaded(browser, tmp_path, "lower-third", units="tr/34/fatih,tr/34/sile") as shown:
        await shown.call("setActionsSchedule", {"schedule": [PLAY, update, select]})
        for timestamp, place, language in (
            (2_500, "Fatih", "tr"),
            (3_500, "Fatih", "en"),
            (4_500, "Şile", "en"),
            (2_500, "Fatih", "tr"),
        ):
            await shown.call("goToTime", {"timestamp": timestamp})
            assert (place, language) == (
                await shown.reads(".place"),
                await (await shown.overlay()).evaluate("document.documentElement.lang"),
            )
        assert OK | {"currentStep": 1} == await shown.call("playAction", {"skipAnimation": True})
        assert "Şile" == await shown.reads(".place")
        await shown.page.evaluate("remove()")
        assert 0 == await shown.page.locator("iframe").count()


async def test_what_cannot_be_drawn_is_explained(browser: Browser, tmp_path: Path) -> None:
    async with desk(browser, tmp_path, "http://127.0.0.1:9") as shown:
        (tmp_path / "night.json").write_bytes(night())
        (tmp_path / "other.json").write_bytes(orjson.dumps({"format": "something"}))
        await shown.renderer()
        for data, why in (
            ({}, "sandik timeline"),
            ({"timeline": "nowhere.json"}, "is not there"),
            ({"timeline": "other.json"}, FORMAT),
            ({"timeline": "night.json", "from": "tea time"}, "with its zone"),
            ({"timeline": "night.json", "speed": -1}, "above 0"),
        ):
            answer = await shown.add("lead-board", data, "non-realtime")
            assert (400, True) == (answer["statusCode"], why in answer["statusMessage"]), answer
            await shown.page.evaluate("remove()")
        assert OK == await shown.add("lead-board", {"timeline": "night.json"}, "non-realtime")
        assert 400 == (await shown.call("goToTime", {"timestamp": -1}))["statusCode"]
        for schedule in ("now", [{"timestamp": 1}], [{"timestamp": 1, "action": {"type": "explode"}}]):
            assert 400 == (await shown.call("setActionsSchedule", {"schedule": schedule}))["statusCode"]
