"""`sandik token`: make read tokens, and the keys they are made and checked with."""

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from eventlog.clock import Wall
from gateway.admission.access import sign
from gateway.admission.keys import read_signing_key, write_new_key
from sandik import screen
from sandik.options import command_app
from schemas.errors import UsageError

EXAMPLE = (
    "Example: sandik token --new-key desk.key, and then: "
    "sandik token --key desk.key --scope control_room --run 2024-yerel --expires 24h --subject 'studio 1'"
)

app = command_app()

MAX_LIFE: Final = timedelta(days=400)
"""A token cannot be called back, other than by its key: a year is for a machine that nobody looks after."""

_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ScopeName(StrEnum):
    """What a token lets its bearer see."""

    PUBLIC = "public"
    CONTROL_ROOM = "control_room"
    OPERATOR = "operator"


class AlgorithmName(StrEnum):
    """How tokens are signed: with one shared secret, or with a pair of which the gateway has the public half."""

    EDDSA = "EdDSA"
    HS256 = "HS256"


@app.command(epilog=EXAMPLE)
def token(
    key: Annotated[
        Path | None,
        typer.Option("--key", envvar="SANDIK_SIGNING_KEY_FILE", metavar="FILE", help="Make a token with this key."),
    ] = None,
    scope: Annotated[ScopeName, typer.Option(help="What its bearer may see.")] = ScopeName.PUBLIC,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="NAME", help="For which run; may be repeated; * for all."),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="DURATION", help="How long it holds: 90m, 24h, 7d.")] = "24h",
    subject: Annotated[str, typer.Option(metavar="NAME", help="Whose it is: a desk, a machine.")] = "",
    new_key: Annotated[
        Path | None,
        typer.Option("--new-key", metavar="FILE", help="Make a key instead; a pair's public half goes to FILE.pub."),
    ] = None,
    algorithm: Annotated[
        AlgorithmName, typer.Option(help="What kind of key: a pair (EdDSA), or one shared secret (HS256).")
    ] = AlgorithmName.EDDSA,
) -> None:
    """Print a read token, or make a key for tokens or for an operator's orders.

    The gateway checks tokens with --token-key, and orders with --operator-key as every other process does.
    """
    if (key is None) == (new_key is None):
        raise UsageError("Give either --key FILE, to make a token, or --new-key FILE, to make a key.")
    if new_key is not None:
        _make_key(new_key, algorithm)
    elif key is not None:
        typer.echo(_token(key, scope, run, expires, subject))


def _make_key(path: Path, algorithm: AlgorithmName) -> None:
    secret, *public = write_new_key(path, "EdDSA" if algorithm is AlgorithmName.EDDSA else "HS256")
    purpose = "makes tokens and signs an operator's orders" if public else "makes tokens"
    screen.say(f"{secret} {purpose}: keep it secret.")
    screen.say(f"The gateway checks tokens with: --token-key {[secret, *public][-1]}")
    for half in public:
        screen.say(f"All processes check orders with: --operator-key {half}")


def _token(key: Path, scope: ScopeName, runs: Sequence[str] | None, expires: str, subject: str) -> str:
    if not runs:
        raise UsageError("A token is for a run: give --run NAME, more than once for several, or --run '*' for all.")
    if not subject:
        raise UsageError("A token is somebody's: give --subject NAME, so that one can tell whose it was.")
    life, now = duration(expires), Wall().now()
    return sign(read_signing_key(key), subject=subject, scope=scope.value, runs=runs, now=now, expires=now + life)


def duration(text: str) -> timedelta:
    """A duration such as 90m, 24h or 7d. Raises `UsageError`."""
    match = _DURATION.fullmatch(text.strip())
    life = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < life <= MAX_LIFE:
        raise UsageError(
            f"{text!r} is no time that a token can hold. Give 90m, 24h or 7d, {MAX_LIFE.days} days at most."
        )
    return life
