"""Draws the pictures of the documentation: `python -m tools.pictures [FOLDER]`, which `make pictures` runs.

The board and the control room are those of a gateway that runs, with figures made here; the overlays are drawn by the
pages that the browser tests look at, in a moment in the middle of a night: `board.jpg`, `control-room.jpg` and
`overlays.jpg`, overlays in each of their sizes and in each brand that is shipped. `share.png`, which a shared link to
the board shows, goes to the pages.
"""

import asyncio
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

from playwright.async_api import Browser, Page

from benchmarks.night import election
from gateway.brand import shipped_brands
from gateway.pages import PAGES
from gateway.routes.link_preview import PICTURE, PICTURE_PX
from producers.chance import seeded
from schemas.definition import Election
from schemas.totals import Totals
from tests.browser import test_control_room as room
from tests.browser.chromium import chromium, screen
from tests.browser.city import POLLS_CLOSE
from tests.browser.moments import courses, last_time, moments_of
from tests.browser.overlays import Studio, studio
from tests.browser.stage import begin, log_at, publish, showing, totals
from tests.browser.test_overlay_pictures import ASKED, LEADER_CHANGED, SEARCH, SIZES

DOCS: Final = Path(__file__).parents[1] / "docs"
COUNTED_FOR: Final = timedelta(hours=4)
LEADING: Final = {"imamoglu": 0.5, "kurum": 0.41}
LEANING: Final = 0.08
OPENED: Final = 0.62
"""How much of the night is counted in the picture of the board."""

WIDTH: Final = 1440
_LOOKS: Final = 50
_LOOK_S: Final = 0.2
SCREEN_QUALITY: Final = 72
SHEET_QUALITY: Final = 38
"""The leading figures stay readable, and all pictures together are below 600 KB."""

_FONT: Final = "fonts/inter-latin-wght-normal.woff2"
_SHARE: Final = """<!doctype html><meta charset="utf-8"><style>
@font-face {{ font-family: Inter; font-weight: 400 900; src: url(data:font/woff2;base64,{font}); }}
body {{ margin: 0; height: 630px; background: #11161d; color: #eef2f6; font: 400 34px/1.3 Inter;
  display: grid; grid-template-columns: 1fr 460px; align-items: center; }}
div {{ padding-left: 96px; }}
h1 {{ font-size: 128px; font-weight: 750; margin: 0; letter-spacing: -.03em; line-height: 1.1; }}
p {{ margin: 16px 0 0; color: #aab6c4; }}
section {{ display: grid; gap: 28px; padding-right: 96px; }}
i {{ height: 44px; border-radius: 8px; background: linear-gradient(90deg, var(--hue) var(--part), #2a3440 0); }}
</style><div><h1>sandık</h1><p>Canlı seçim sonuçları</p></div><section>
<i style="--part: 84%; --hue: #eef2f6"></i><i style="--part: 62%; --hue: #aab6c4"></i>
<i style="--part: 38%; --hue: #6f7f92"></i><i style="--part: 22%; --hue: #6cb8ff"></i></section>"""

_SHEET: Final = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 16px; width: 1840px; background: #1b222c; color: #eef2f6; font: 14px/20px sans-serif; }}
main {{ columns: 3; column-gap: 32px; }}
figure {{ margin: 0 0 12px; break-inside: avoid; display: grid; grid-template-columns: repeat(3, 1fr); gap: 0 8px; }}
figcaption {{ grid-column: 1 / -1; }}
img {{ width: 100%; height: 106px; object-fit: contain;
  background: linear-gradient(160deg, #6d8299 0 35%, #8a8f86 60%, #4d5a52); }}
</style><main>{figures}</main>"""


class Shown(NamedTuple):
    """An overlay in one of its sizes; the size is empty where it has its own alone."""

    name: str
    size: str

    @property
    def search(self) -> str:
        """Its options, as an address has them."""
        return "&".join(filter(None, (SEARCH.get(self.name), self.size and f"size={self.size}")))


def shown_overlays() -> list[Shown]:
    """Every overlay in every size."""
    return [Shown(name, size) for name, sizes in SIZES.items() for size in sizes]


def sheet(pictures: Iterable[tuple[Shown, list[bytes]]]) -> str:
    """The page with the overlays, each beside itself in the other brands."""
    return _SHEET.format(figures="".join(_figure(shown, drawn) for shown, drawn in pictures))


def _figure(shown: Shown, drawn: Iterable[bytes]) -> str:
    images = "".join(f'<img src="data:image/png;base64,{b64encode(one).decode()}">' for one in drawn)
    about = f"{shown.name} {shown.size}".strip()
    return f"<figure><figcaption>{escape(about)} · {', '.join(shipped_brands())}</figcaption>{images}</figure>"


def figures(definition: Election) -> Iterator[Totals]:
    """A night in which two are ahead of all others, and the second source is a little behind the first."""
    chance = seeded("pictures")
    contest = definition.contests[0]
    others = [candidate.id for candidate in contest.candidates if candidate.id not in LEADING]
    weights = {name: 1 / (place + 2) for place, name in enumerate(others)}
    left = 1 - sum(LEADING.values())
    for district in definition.districts:
        whole, leaning = definition.boxes_total[district.id], chance.gauss(0, LEANING)
        first, second = LEADING
        shares = {first: LEADING[first] + leaning, second: LEADING[second] - leaning}
        shares |= {name: left * weight / sum(weights.values()) for name, weight in weights.items()}
        for source, part in (("aa", OPENED), ("anka", 0.9 * OPENED)):
            boxes = max(1, min(whole, round(whole * part * (0.6 + 0.75 * chance.random()))))
            votes = {name: round(boxes * 268 * share) for name, share in shares.items()}
            at = POLLS_CLOSE + COUNTED_FOR
            yield totals(district.id, votes, boxes=boxes, source=source, contest=contest.id, at=at)


async def draw(docs: Path, pages: Path) -> None:
    """Draw all of them."""
    async with chromium() as browser:
        await _board(browser, docs / "board.jpg")
        await _room(browser, docs / "control-room.jpg")
        await _overlays(browser, docs / "overlays.jpg")
        await _share(browser, pages / PICTURE)


async def _board(browser: Browser, path: Path) -> None:
    definition = election()
    with tempfile.TemporaryDirectory(prefix="sandik-pictures-") as folder:
        async with log_at(Path(folder)) as log:
            await begin(log, definition, mode="test")
            await publish(log, *figures(definition))
            async with showing(log) as url, screen(browser, f"{url}", width=WIDTH) as shown:
                await shown.page.emulate_media(color_scheme="dark")
                await shown.page.locator("#districts tbody tr").first.wait_for()
                await _rests(shown.page, path)


async def _room(browser: Browser, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sandik-pictures-") as folder:
        async with (
            room.night(Path(folder)) as (_, url),
            screen(browser, room.room_url(url), width=WIDTH) as shown,
        ):
            await shown.page.emulate_media(color_scheme="dark")
            await _rests(await room.enter(shown), path)


async def _rests(page: Page, path: Path) -> None:
    """A picture in which nothing moves any more: fonts are here, and two in a row are the same."""
    await page.evaluate("document.fonts.ready.then(() => null)")
    before, drawn = b"", await page.screenshot()
    for _ in range(_LOOKS):
        if before == drawn:
            break
        await asyncio.sleep(_LOOK_S)
        before, drawn = drawn, await page.screenshot()
    if path.suffix == ".png":
        await page.screenshot(path=path)
    else:
        await page.screenshot(path=path, type="jpeg", quality=SCREEN_QUALITY)


async def _overlays(browser: Browser, path: Path) -> None:
    drawn: dict[Shown, list[bytes]] = {one: [] for one in shown_overlays()}
    for brand in shipped_brands():
        async with studio(browser, brand=brand) as stage:
            stage.last_time, stage.courses = last_time(), courses()
            for one, pictures in drawn.items():
                pictures.append(await _overlay(stage, one))
    context = await browser.new_context(viewport={"width": 1872, "height": 900})
    try:
        page = await context.new_page()
        await page.set_content(sheet(drawn.items()))
        await page.screenshot(path=path, full_page=True, type="jpeg", quality=SHEET_QUALITY)
    finally:
        await context.close()


async def _overlay(stage: Studio, one: Shown) -> bytes:
    script = moments_of(one.name)["called" if one.name == "winner" else "live"]
    script.messages = [LEADER_CHANGED] if one.name == "strap" else []
    await stage.resize(upright=one.size == "tall")
    await stage.show(one.name, script, one.search)
    if one.name in ASKED:
        await stage.page.locator(ASKED[one.name]).first.wait_for()
    return await stage.page.screenshot(omit_background=True)


async def _share(browser: Browser, path: Path) -> None:
    width, height = PICTURE_PX
    font = b64encode((PAGES / _FONT).read_bytes()).decode()
    context = await browser.new_context(viewport={"width": width, "height": height})
    try:
        page = await context.new_page()
        await page.set_content(_SHARE.format(font=font))
        await _rests(page, path)
    finally:
        await context.close()


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]) if sys.argv[1:] else DOCS, PAGES))
