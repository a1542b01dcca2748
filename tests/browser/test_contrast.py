"""WCAG 2.2, 1.4.3 and 1.4.11 on every overlay, in every state and theme: 4.5 for text, 3 for bars and marks."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser

from gateway.pages import OVERLAY_NAMES
from tests.browser.moments import calls, moments, moments_of
from tests.browser.overlays import studio
from tests.browser.test_overlay_pictures import LEADER_CHANGED, SEARCH

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONTRAST: Final = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
STATES: Final = ("live", "embargo", "hold", "quiet", "stale", "down", "lost", "first-box", "tie", "many", "manual")
"""Those that colour something in another way."""
BARE: Final = {("ticker", "tie"), ("ticker", "many")}
"""One district alone has votes then, and the ticker has not come to it yet."""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", OVERLAY_NAMES)
async def test_text_and_bars_stand_out_in_every_state(name: str, theme: str, browser: Browser) -> None:
    found: dict[str, list[str]] = {}
    async with studio(browser) as shown:
        scripts = moments_of(name)
        for state in STATES:
            script = scripts[state]
            script.messages = [LEADER_CHANGED] if name == "strap" else []
            if name == "winner":
                script.state = script.state | {"calls": calls("metropolitan_mayor", "imamoglu")}
            await shown.show(name, script, f"{SEARCH.get(name, '')}&theme={theme}")
            seen = await shown.page.evaluate(CONTRAST)
            if seen["faults"]:
                found[state] = seen["faults"]
            assert seen["texts"] >= 2 or (name, state) == ("strap", "embargo")
            assert seen["bars"] >= 1 or state in ("embargo", "first-box") or (name, state) in BARE
    assert {} == found


async def test_what_is_faint_is_found(browser: Browser) -> None:
    """The rule itself: soft text on soft ground, and a bar in the colour of its track."""
    async with studio(browser, spoilt=True) as shown:
        await shown.show("lead-board", moments()["live"])
        await shown.page.add_style_tag(
            content=".what { color: #3a4450 !important } .fill { background: #2a3440 !important }"
        )
        faults = (await shown.page.evaluate(CONTRAST))["faults"]
        assert any(fault.startswith("text what açıldı") for fault in faults)
        assert any(fault.startswith("bar fill") for fault in faults)
