"""`sandik graphics`: write the overlays into a folder, for the tools of a graphics desk."""

import json
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from gateway.brand import STANDARD_BRAND, BrandFolder, open_brand, standard_brand
from gateway.pages import MANIFEST, PAGES
from sandik import screen
from sandik.graphics import NO_NAMES, Names, manifest, module, names_of, page
from sandik.options import EMBEDDED_LOG, BrandName, LogUrl, command_app
from schemas.definition import Election
from schemas.errors import UsageError

EXAMPLE = "Example: sandik graphics --out graphics --gateway http://graphics-server:8765"

app = command_app()


@app.command(epilog=EXAMPLE)
def graphics(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write them.")],
    gateway: Annotated[
        str,
        typer.Option(
            envvar="SANDIK_GATEWAY",
            metavar="URL",
            help="Where the graphics find their figures; each can be told another.",
        ),
    ] = "http://localhost:8765",
    brand: BrandName = STANDARD_BRAND,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="NAME", help="Have forms offer this run's contests, units, sources and candidates by name."
        ),
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
) -> None:
    """Write the overlays as graphics tools take them: an OGraf package, and templates for CasparCG and SPX-GC.

    They hold no figures and no token. See docs/graphics-tools.md for where to put them.
    """
    names = names_of(_definition_of(log, run)) if run is not None else NO_NAMES
    files = write_graphics(out, gateway=gateway, version=version("sandik"), brand=open_brand(brand), names=names)
    screen.say(f"Wrote {len(files)} files to {out}: {OGRAF} for OGraf, {TEMPLATES} for CasparCG and SPX-GC.")


def _definition_of(url: str, name: str) -> Election:
    """The election of a run, as it is by now."""
    from eventlog.clock import Wall  # noqa: PLC0415  an event loop and a log take 20 MB, and most name no run
    from eventlog.run import find_run  # noqa: PLC0415
    from sandik.process import run_to_completion  # noqa: PLC0415
    from sandik.wiring import open_log  # noqa: PLC0415

    async def read() -> Election:
        async with open_log(url, Wall()) as log:
            return (await find_run(log, name)).definition

    return run_to_completion(read())


OGRAF: Final = "ograf/sandik"
TEMPLATES: Final = "templates/sandik"
"""Folders below the one that is asked for, each to be copied into a tool's own as it is."""

_BESIDE: Final = ("client", "fonts", "graphics", "overlays")
"""Folders of the pages that a graphic needs; of the pages themselves all modules and styles, which are small."""

_SCRIPTS: Final = (
    "overlays/playout-data.js",
    "overlays/on-air.js",
    "overlays/playout.js",
    "graphics/frame.js",
    "graphics/playout.js",
)
_KINDS: Final = frozenset({".js", ".css", ".woff2", ".txt"})
_OFFLINE: Final = "graphics/offline.html"
"""The only page that a package has: the others are the gateway's."""


def write_graphics(
    out: Path, *, gateway: str, version: str, brand: BrandFolder | None = None, names: Names = NO_NAMES
) -> list[Path]:
    """Write the OGraf package and the templates, over what was there of the same names; the files that were written.

    Their forms offer what `names` has.

    Raises `UsageError` where the gateway's address is none, or the folder cannot be written.
    """
    address = checked_gateway(gateway)
    try:
        return [
            *_write_templates(out / TEMPLATES, address, names),
            *_write_ograf(out / OGRAF, address, version, brand or standard_brand(), names),
        ]
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}). Choose another --out.") from error


def checked_gateway(text: str) -> str:
    """A gateway's address as graphics take it. Raises `UsageError`."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{text!r} is no gateway's address. Give one such as http://graphics-server:8765.")
    if parts.query or parts.fragment:
        raise UsageError(f"{text!r} has more than an address. A token is each graphic's own field.")
    return text.rstrip("/")


def _write_templates(folder: Path, gateway: str, names: Names) -> Iterator[Path]:
    sources = [(PAGES / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    folder.mkdir(parents=True, exist_ok=True)
    for overlay in MANIFEST.overlays:
        yield _write(folder / f"{overlay.name}.html", page(overlay, gateway=gateway, sources=sources, names=names))


def _write_ograf(folder: Path, gateway: str, version: str, brand: BrandFolder, names: Names) -> Iterator[Path]:
    for source in _pages():
        target = folder / "pages" / source.relative_to(PAGES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        yield target
    for name, file in brand.files.items():
        target = folder / "pages/brand" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.body)
        yield target
    for overlay in MANIFEST.overlays:
        described = manifest(overlay, gateway=gateway, version=version, names=names)
        text = json.dumps(described, ensure_ascii=False, indent=2)
        yield _write(folder / f"{overlay.name}.ograf.json", text + "\n")
        yield _write(folder / f"{overlay.name}.mjs", module(overlay, gateway=gateway))


def _pages() -> Iterator[Path]:
    for path in sorted(PAGES.rglob("*")):
        inside = path.relative_to(PAGES)
        is_near = len(inside.parts) == 1 or inside.parts[0] in _BESIDE
        if is_near and (path.suffix in _KINDS or inside.as_posix() == _OFFLINE):
            yield path


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
