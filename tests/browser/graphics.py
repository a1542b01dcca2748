"""Graphics tools in Chromium: an OGraf renderer, and what CasparCG and SPX-GC do with a template."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from playwright.async_api import Browser, Frame
from playwright.async_api import Error as PlaywrightError

from sandik.commands.graphics import OGRAF, TEMPLATES, write_graphics
from tests.browser.chromium import PATIENCE_MS, Screen, until
from tests.browser.overlays import HEIGHT, WIDTH
from tests.patience import LIMIT_S

_RENDERER_FILE: Final = "renderer.html"
_RENDERER: Final = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<style>html, body { margin: 0; background: transparent }
#layer { position: absolute; left: 0; top: 0; width: 1920px; height: 1080px }</style>
<script type="module">
const tags = new Map();
// EBU OGraf v1, "Requirements for a Renderer": add the element, load() and wait; dispose() before it is removed
window.add = async (manifest, params) => {
  const about = await (await fetch(manifest)).json();
  const { default: Graphic } = await import(new URL(about.main, new URL(manifest, location.href)).href);
  if (!tags.has(Graphic)) {
    tags.set(Graphic, `graphic-${tags.size}`);
    customElements.define(tags.get(Graphic), Graphic);
  }
  window.graphic = document.createElement(tags.get(Graphic));
  document.getElementById("layer").append(window.graphic);
  return window.graphic.load({
    ...params,
    renderCharacteristics: { resolution: { width: 1920, height: 1080 }, frameRate: 50, accessToPublicInternet: false },
  });
};
window.remove = async () => {
  const answer = await window.graphic.dispose({});
  window.graphic.remove();
  return answer;
};
window.ready = true;
</script></head><body><div id="layer"></div></body></html>"""


class Desk(Screen):
    """A graphics desk's screen, with the files of `sandik graphics` at hand."""

    folder: Path
    host: str

    async def renderer(self) -> None:
        """Open the renderer."""
        await self.page.goto(f"{self.host}/{_RENDERER_FILE}")
        await self.page.wait_for_function("window.ready")

    async def add(self, name: str, data: dict[str, Any], render_type: str = "realtime") -> Any:
        """Load a graphic as its manifest says, with its standard data and this; what load() answers."""
        return await self.page.evaluate(
            """async ([manifest, data, renderType]) => {
              const about = await (await fetch(manifest)).json();
              const standard = Object.fromEntries(
                Object.entries(about.schema.properties).map(([name, one]) => [name, one.default]));
              return window.add(manifest, { data: { ...standard, ...data }, renderType });
            }""",
            [f"/{OGRAF}/{name}.ograf.json", data, render_type],
        )

    async def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Call a method of the graphic; what it answers, with the names that it has."""
        return await self.page.evaluate(
            "async ([method, params]) => await window.graphic[method](params ?? undefined)", [method, params]
        )

    async def template(self, name: str, search: str = "") -> None:
        """Open a template from its folder, as CasparCG does."""
        await self.page.goto((self.folder / TEMPLATES / f"{name}.html").as_uri() + search)

    async def overlay(self) -> Frame:
        """The overlay's page inside the newest graphic, once it is there."""
        found = await self.page.wait_for_selector(_NEWEST, state="attached")
        assert found is not None
        frame = await found.content_frame()
        assert frame is not None
        return frame

    async def until(self, script: str) -> None:
        """Wait until this is so inside of the overlay's page, also where a newer graphic takes its place meanwhile."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                shown = await self.overlay()
                try:
                    return await until(shown, script)
                except PlaywrightError:
                    if not shown.is_detached():
                        raise

    async def reads(self, selector: str) -> str:
        """A text inside of the overlay's page."""
        return (await (await self.overlay()).locator(selector).first.inner_text()).strip()


_NEWEST: Final = ":is(#layer > :last-child, body:not(:has(#layer))) > iframe"

SHOWN: Final = "document.querySelector('.overlay')?.hasAttribute('data-shown')"
HIDDEN: Final = f"document.querySelector('.overlay') && !{SHOWN}"


def place(name: str) -> str:
    """That the overlay shows this place."""
    return f"document.querySelector('.place')?.textContent === {name!r}"


@asynccontextmanager
async def desk(browser: Browser, folder: Path, gateway: str) -> AsyncIterator[Desk]:
    """A desk with freshly written files."""
    write_graphics(folder, gateway=gateway, version="0.0.1")
    (folder / _RENDERER_FILE).write_text(_RENDERER)
    context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="tr-TR")
    context.set_default_timeout(PATIENCE_MS)
    with serving(folder) as host:
        try:
            shown = Desk(await context.new_page())
            shown.folder, shown.host = folder, host
            yield shown
        finally:
            await context.close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server of files, as a renderer has one; its address, which is not the gateway's origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Files(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".woff2": "font/woff2"}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""
