"""Options that several commands share, and writing the file that one names. Most can be set as `SANDIK_…`, too."""

from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.errors import UsageError

EMBEDDED_LOG: Final = "sqlite:var/sandik.db"
"""Where the night goes when nobody says otherwise: one file below the working folder."""

LogUrl = Annotated[
    str,
    typer.Option(
        "--log", envvar="SANDIK_LOG", metavar="URL", help="The event log: sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]."
    ),
]
RunName = Annotated[
    str, typer.Option("--run", envvar="SANDIK_RUN", metavar="NAME", help="The run: one night, live or rehearsed.")
]
RunMode = Annotated[
    str,
    typer.Option(
        "--mode",
        envvar="SANDIK_MODE",
        metavar="MODE",
        help="What a new run is: live, test or replay. Clients are told.",
    ),
]
Partitions = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=512,
        help="Into how many partitions a new run spreads its districts: 8, or as its topics were created beforehand.",
    ),
]
OutFile = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]

MetricsHost = Annotated[
    str, typer.Option(envvar="SANDIK_METRICS_HOST", help="Where to serve metrics; 0.0.0.0 for every network.")
]
MetricsPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, envvar="SANDIK_METRICS_PORT", help="Serve Prometheus metrics on this port."),
]


BrandName = Annotated[
    str,
    typer.Option(
        "--brand",
        envvar="SANDIK_BRAND",
        metavar="DIR",
        help="How pages and overlays look: a folder with a brand.toml, or a shipped brand (studio, daylight, arena).",
    ),
]


def write_out(out: Path, content: bytes) -> None:
    """Write the file of `--out` beside its place and put it there, so that nobody ever reads half of it.

    Raises `UsageError` where it cannot be written.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_bytes(content)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{out} cannot be written ({error.strerror}). Choose another --out.") from error


def command_app(text: str | None = None, epilog: str | None = None) -> typer.Typer:
    """Return the Typer app that a module of `commands/` registers its command with.

    An app of several commands is a group, and `text` is its help.
    """
    return typer.Typer(help=text, epilog=epilog, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
