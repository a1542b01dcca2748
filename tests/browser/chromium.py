"""Debian's own Chromium, driven by Playwright."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import pytest
from playwright.async_api import Browser, ConsoleMessage, Frame, Page, async_playwright, expect

from tests.patience import LIMIT_S

PATIENCE_MS: Final = 1_000 * LIMIT_S
"""How long a page may take to show something: far more than it needs on a machine that is busy with other tests."""

expect.set_options(timeout=PATIENCE_MS)

PICTURES: Final = Path(os.environ["SANDIK_SCREENSHOTS"]) if "SANDIK_SCREENSHOTS" in os.environ else None
"""The folder in which pictures are kept."""

_LOOK_S: Final = 0.02
"""A frame's time: how often a page is looked at."""

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--font-render-hinting=none",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without a GPU its process only passes pictures on. Text is as wide in the headless shell as it is in a window."""

_SHIFTED_DATE: Final = """
globalThis.Date = class extends Date {
  constructor(...moment) {
    if (moment.length) super(...moment);
    else super(new.target.now());
  }
  static now() {
    return super.now() + %d;
  }
};
"""

_NOTHING_MOVES: Final = """
() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity
)
"""

Theme = Literal["dark", "light"]


def chromium_path() -> str:
    """Where Chromium is: SANDIK_TEST_CHROMIUM, or on the path. Without one the test is skipped, in CI it fails.

    The headless shell comes first: it draws the same pages and has no windows, each of which costs as much as a page.
    """
    named = os.environ.get("SANDIK_TEST_CHROMIUM")
    path = named or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    return path or _without_chromium()


def _without_chromium() -> NoReturn:
    reason = "No Chromium: install Debian's package chromium, or name one with SANDIK_TEST_CHROMIUM."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=list(ARGUMENTS), headless=True, timeout=PATIENCE_MS
        )
        try:
            yield browser
        finally:
            await browser.close()


class Screen:
    """A page as its viewer has it, with everything that it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def shows(self, selector: str, text: str) -> None:
        """Wait until an element's whole text is this."""
        await expect(self.page.locator(selector)).to_have_text(text, timeout=PATIENCE_MS)

    async def lists(self, selector: str, *texts: str) -> None:
        """Wait until the whole texts of all elements that match are these, in their order."""
        await expect(self.page.locator(selector)).to_have_text(list(texts), timeout=PATIENCE_MS)

    async def is_in_state(self, state: str) -> None:
        """Wait until the status line says this state."""
        await expect(self.page.locator("#status")).to_have_attribute("data-state", state, timeout=PATIENCE_MS)

    async def is_still(self) -> None:
        """Wait until nothing that moves and ends is moving, so that places can be measured."""
        await self.page.wait_for_function(_NOTHING_MOVES, timeout=PATIENCE_MS)

    async def picture(self, name: str, **how: Any) -> None:
        """Keep a picture of the page, as Playwright takes it, where somebody wants to look: no test does."""
        if PICTURES is not None:
            await self.page.screenshot(path=PICTURES / f"{name}.png", **how)

    async def texts(self, selector: str) -> list[str]:
        """The texts of all elements that match, as one would select them."""
        return await self.page.locator(selector).all_text_contents()

    async def text(self, selector: str) -> str:
        """One element's text."""
        return await self.page.locator(selector).inner_text()


@asynccontextmanager
async def screen(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, hours_ahead: int = 0
) -> AsyncIterator[Screen]:
    """The page at this address, in a window of this size, on a machine whose clock is so far ahead of the time."""
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="tr-TR")
    context.set_default_timeout(PATIENCE_MS)
    try:
        if hours_ahead:
            await context.add_init_script(_SHIFTED_DATE % (hours_ahead * 3_600_000))
        shown = Screen(await context.new_page())
        await shown.page.goto(url)
        yield shown
    finally:
        await context.close()


async def until(looked_at: Page | Frame, script: str) -> None:
    """Wait until an expression is true in a page or a frame.

    Playwright's own `wait_for_function` evaluates a string within the page, which a page of the gateway's forbids.
    """
    async with asyncio.timeout(LIMIT_S):
        while not await looked_at.evaluate(script):  # noqa: ASYNC110  a page has no event of ours
            await asyncio.sleep(_LOOK_S)
