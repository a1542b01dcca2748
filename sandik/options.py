"""Options that several commands share, and the files that they name. Most can be set as `SANDIK_…`, too.

Those about operators say whose orders count, by the keys behind them.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sandik.quantities import parse_zoned_moment
from schemas.errors import UsageError

if TYPE_CHECKING:
    from schemas.trust import OperatorKey, OrderSigner


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


def name_and_value(text: str, refusal: str) -> tuple[str, str]:
    """Split `NAME=VALUE`. Raises `UsageError`, with this refusal, where there is no name or no `=`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(refusal)
    return name, value


def command_app(text: str | None = None, epilog: str | None = None) -> typer.Typer:
    """Return the Typer app that a module of `commands/` registers its command with.

    An app of several commands is a group, and `text` is its help.
    """
    return typer.Typer(help=text, epilog=epilog, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


_MAX_KEY_BYTES: Final = 4_096
"""An Ed25519 key in PEM has 120 bytes."""

OperatorKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--operator-key",
        envvar="SANDIK_OPERATOR_KEYS",
        metavar="FILE[@UNTIL]",
        help="Trust the orders of this operator (a public key, see sandik token --new-key), or those that came before "
        "UNTIL, a time with its zone, where the operator has left; may be repeated.",
    ),
]

_UNTIL: Final = re.compile(r"@(\d{4}-\d{2}-\d{2}T[^@/]*)$")
"""What ends an option about an operator who has left: a time that begins with its date."""

_CUT_TIME: Final = re.compile(r"@\d{4}-\d{2}-\d{2}T\d{2}(:\d{2}){0,2}(\.\d+)?([+-]\d{2})?$")
"""Such an end whose time goes on, which has no zone yet: it was cut at a colon in `SANDIK_OPERATOR_KEYS`, which has
colons between files."""


def operator_keys(files: Sequence[Path] | None) -> "tuple[OperatorKey, ...]":
    """The public keys in these files; `@` and a time behind one says until when it is trusted. Raises `UsageError`."""
    keys: dict[str, OperatorKey] = {}
    for text in _whole(files or ()):
        key = _key(text)
        other = keys.setdefault(key.fingerprint, key)
        if other.trusted_until != key.trusted_until:
            raise UsageError(f"{text}: This key was given before, trusted until another time. Give it once.")
    return tuple(keys.values())


def _whole(files: Sequence[Path]) -> Iterator[str]:
    """The options as they were written: parts of a time that was cut at its colons are put together again."""
    cut = ""
    for file in files:
        text = f"{cut}:{file}" if cut else str(file)
        cut = text if _CUT_TIME.search(text) else ""
        if not cut:
            yield text
    if cut:
        yield cut


def order_signer(file: Path) -> "OrderSigner":
    """The private key in this file. Raises `UsageError`."""
    from schemas.trust import OrderSigner  # noqa: PLC0415  its library takes 50 ms, and most commands sign nothing

    try:
        return OrderSigner.from_pem(_read(file))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _key(text: str) -> "OperatorKey":
    from schemas.trust import OperatorKey  # noqa: PLC0415  as above

    found = _UNTIL.search(text)
    file = text[: found.start()] if found else text
    try:
        return OperatorKey.from_pem(_read(Path(file)), _until(found))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _until(found: re.Match[str] | None) -> datetime | None:
    return parse_zoned_moment(found.group(1)) if found is not None else None


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise UsageError(f"It cannot be read: {error.strerror}.") from error
