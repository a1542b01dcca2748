"""`sandik mapping`: help with the file that says what is what in a table."""

from pathlib import Path
from typing import Annotated, Final

import typer

from producers.tables.guess import guess_mapping
from sandik.options import command_app

GUESS_EXAMPLE: Final = "Example: sandik mapping guess results.csv > mapping.toml"

app = command_app("Make a first mapping for a file that is to be published.", GUESS_EXAMPLE)


@app.callback()
def mapping() -> None:
    """Make a first mapping for a file that is to be published."""


@app.command(epilog=GUESS_EXAMPLE)
def guess(
    file: Annotated[Path, typer.Argument(help="The table: a file, or a folder or ZIP of files.")],
) -> None:
    """Print a first mapping for a table, with what is left open as comments: lines with a ? want a person."""
    typer.echo(guess_mapping(file), nl=False)
