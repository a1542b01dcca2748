"""`sandik graphics`: files for the tools of a graphics desk."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from sandik import screen
from sandik.graphics.package import OGRAF, TEMPLATES, write_graphics
from sandik.options import command_app

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
) -> None:
    """Write the overlays as graphics tools take them: an OGraf package, and templates for CasparCG and SPX-GC.

    They hold no figures and no token. See docs/graphics-tools.md for where to put them.
    """
    files = write_graphics(out, gateway=gateway, version=version("sandik"))
    screen.say(f"Wrote {len(files)} files to {out}: {OGRAF} for OGraf, {TEMPLATES} for CasparCG and SPX-GC.")
