"""Options about operators: whose orders count, and the keys behind them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.errors import UsageError
from schemas.trust import OperatorKey, OperatorSeal

_MAX_KEY_BYTES: Final = 4_096
"""An Ed25519 key in PEM has 120 bytes."""

OperatorKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--operator-key",
        envvar="SANDIK_OPERATOR_KEYS",
        metavar="FILE",
        help="Trust the orders of this operator (a public key, see sandik token --new-key); may be repeated.",
    ),
]


def operator_keys(files: Sequence[Path] | None) -> tuple[OperatorKey, ...]:
    """The public keys in these files. Raises `UsageError`."""
    return tuple(_key(file) for file in files or ())


def operator_seal(file: Path) -> OperatorSeal:
    """The private key in this file. Raises `UsageError`."""
    try:
        return OperatorSeal.from_pem(_read(file))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _key(file: Path) -> OperatorKey:
    try:
        return OperatorKey.from_pem(_read(file))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise UsageError(f"It cannot be read: {error.strerror}.") from error
