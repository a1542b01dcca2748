"""Overlays in Chromium without a server: the pages come from the folder, the night from a script of messages."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, Route, ViewportSize

from gateway.brand import STANDARD_BRAND, BrandFolder, open_brand, standard_brand
from gateway.pages import OVERLAY_NAMES, PAGES
from schemas.definition import Election
from tests.browser.chromium import PATIENCE_MS, Screen

HOST: Final = "http://overlay.test"
WIDTH: Final = 1920
HEIGHT: Final = 1080
THUMBNAIL: Final = ViewportSize(width=192, height=108)
"""For who does not look at the picture: a small window is painted in a tenth of the time."""
AT: Final = "2024-03-31T21:55:12+03:00"

STANDARD: Final = standard_brand()
_BRAND: Final = "/static/brand/"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".woff2": "font/woff2"}

_HARNESS: Final = (Path(__file__).parent / "harness.js").read_text(encoding="utf-8")

_SHEETS: Final = "".join(
    f'<link rel="stylesheet" href="/static/{name}.css">'
    for name in ("tokens", "overlays/overlay", "overlays/scenes", "overlays/changes", "overlays/houses", "brand/brand")
)
_PAGE: Final = (
    '<!doctype html><html lang="tr" data-theme="dark"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
    f"{_SHEETS}"
    '<script type="module" src="/harness.js"></script></head><body><div id="stage"></div></body></html>'
)


def state(**changes: object) -> dict[str, Any]:
    """A `state` message: both sources live."""
    feeds = {
        "aa": {"state": "live", "last_event": AT, "age_s": 12.0},
        "anka": {"state": "live", "last_event": AT, "age_s": 40.0},
    }
    return {
        "type": "state",
        "seq": 1,
        "at": AT,
        "feeds": feeds,
        "embargo": None,
        "embargoed": False,
        "hold": [],
    } | changes


@dataclass
class Script:
    """A moment of a night: the election, what is counted, and how things are."""

    election: Election
    totals: Sequence[Mapping[str, Any]]
    mode: str = "live"
    state: dict[str, Any] = field(default_factory=state)
    lost: bool = False
    messages: Sequence[Mapping[str, Any]] = ()

    def told(self) -> str:
        """The script as the page takes it: JSON, for Playwright goes through each value of an argument by itself."""
        return dumps(
            {
                "totals": list(self.totals),
                "mode": self.mode,
                "state": self.state,
                "lost": self.lost,
                "messages": list(self.messages),
            }
        )


class Studio(Screen):
    """A page of 1920 × 1080 on which overlays are shown one after the other."""

    definition: bytes = b"{}"
    boundaries: bytes | None = None
    last_time: Sequence[Mapping[str, Any]] = ()
    """What has changed since earlier contests, in every unit."""
    courses: Sequence[Mapping[str, Any]] = ()
    """How every unit stood in the course of the night, by source."""
    seats: Mapping[str, Any] | None = None
    """How the seats of every unit are divided by now."""
    brand: BrandFolder

    async def begin(self, brand: BrandFolder) -> None:
        """Open the page, with this brand."""
        self.brand = brand
        await self.page.goto(HOST)
        await self.page.wait_for_function("window.ready")

    async def clear(self) -> None:
        """Be as at the beginning, with nothing on the stage that draws or counts while others are looked at."""
        await self.page.evaluate("window.clear()")
        self.complaints.clear()
        self.boundaries, self.seats, self.last_time, self.courses = None, None, (), ()
        await self.resize(upright=False)

    async def resize(self, *, upright: bool) -> None:
        """Turn the frame: upright for a phone, or a programme's."""
        size = (HEIGHT, WIDTH) if upright else (WIDTH, HEIGHT)
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})

    async def show(self, name: str, script: Script, search: str = "") -> None:
        """Show an overlay, still: nothing of it moves any more."""
        assert name in OVERLAY_NAMES
        self.definition = script.election.model_dump_json().encode()
        await self.page.evaluate(
            "([name, search, script]) => window.show(name, search, script)", [name, search, script.told()]
        )

    async def serve(self, route: Route) -> None:
        """Answer for a file of the pages, or for what a gateway would say."""
        path = urlsplit(route.request.url).path
        if path == "/":
            await route.fulfill(body=_PAGE, content_type="text/html")
        elif path == "/harness.js":
            await route.fulfill(body=_HARNESS, content_type="text/javascript")
        elif path == "/v1/definition":
            await route.fulfill(body=self.definition, content_type="application/json")
        elif path == "/v1/boundaries":
            await route.fulfill(
                status=200 if self.boundaries else 204, body=self.boundaries or b"", content_type="application/json"
            )
        elif path == "/v1/facts":
            await route.fulfill(body=dumps({"facts": [{"previous": self.last_time}]}), content_type="application/json")
        elif path == "/v1/lead-over-time":
            await route.fulfill(body=dumps({"courses": self.courses}), content_type="application/json")
        elif path == "/v1/seats":
            seats = [self.seats] if self.seats else []
            await route.fulfill(body=dumps({"seats": seats}), content_type="application/json")
        elif path.startswith(_BRAND):
            branded = self.brand.files[path.removeprefix(_BRAND)]
            await route.fulfill(body=branded.body, content_type=branded.media_type)
        else:
            file = PAGES / path.removeprefix("/static/")
            await route.fulfill(body=file.read_bytes(), content_type=_TYPES[file.suffix])

    async def picture(self, name: str, **how: Any) -> None:
        """A picture over something that is neither dark nor light, as a programme is."""
        await super().picture(name, omit_background=True, **how)


_idle: Final[WeakKeyDictionary[Browser, dict[tuple[str, bool], Studio]]] = WeakKeyDictionary()
"""Each browser's studios that nobody is in, by brand and motion: a new page costs more than what it shows."""


@asynccontextmanager
async def studio(
    browser: Browser, *, brand: str = STANDARD_BRAND, motion: bool = False, spoilt: bool = False
) -> AsyncIterator[Studio]:
    """A studio; without motion, so that what is looked at has arrived. It is used again where no test has `spoilt` it.

    A test that changes the page itself, and not what is shown on it, says so.
    """
    idle = _idle.setdefault(browser, {})
    shown = idle.pop((brand, motion), None)
    if shown is None:
        shown = await _opened(browser, STANDARD if brand == STANDARD_BRAND else open_brand(brand), motion=motion)
    try:
        yield shown
        if not spoilt:
            await shown.clear()
    except BaseException:
        spoilt = True
        raise
    finally:
        if spoilt:
            await shown.page.context.close()
        else:
            idle[brand, motion] = shown


async def _opened(browser: Browser, brand: BrandFolder, *, motion: bool) -> Studio:
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        locale="tr-TR",
        reduced_motion="no-preference" if motion else "reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    shown = Studio(await context.new_page())
    await shown.page.route(f"{HOST}/**", shown.serve)
    await shown.begin(brand)
    return shown


def rolled_up(districts: Sequence[Mapping[str, Any]], unit: str, boxes_total: int) -> dict[str, Any]:
    """A unit's entry: the sum of its districts'."""
    votes: dict[str, int] = {}
    for one in districts:
        for candidate, count in one["votes"].items():
            votes[candidate] = votes.get(candidate, 0) + count
    counts = ("boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged")
    first = districts[0]
    return {
        "contest": first["contest"],
        "source": first["source"],
        "unit": unit,
        "level": "province",
        "boxes_total": boxes_total,
        "as_of": max(one["as_of"] for one in districts),
        **{name: sum(one[name] for one in districts) for name in counts},
        "votes": votes,
    }


def entry(unit: str, votes: Mapping[str, int], *, boxes: int, boxes_total: int, **changes: Any) -> dict[str, Any]:
    """A district's entry as the server sends it."""
    valid = sum(votes.values()) + changes.get("unattributed", 0)
    return {
        "contest": "metropolitan_mayor",
        "source": "aa",
        "unit": unit,
        "level": "district",
        "boxes_total": boxes_total,
        "as_of": AT,
        "boxes_opened": boxes,
        "annulled": 0,
        "registered": 340 * boxes,
        "cast": valid + 9,
        "valid": valid,
        "invalid": 9,
        "unattributed": 0,
        "flagged": 0,
        "votes": dict(votes),
    } | changes
