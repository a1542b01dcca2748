"""`sandik scenarios`: the staged nights that sandik brings along."""

import typer

from producers.scenarios.library import library
from sandik.options import command_app

EXAMPLE = "Example: sandik scenarios"

app = command_app()


@app.command(epilog=EXAMPLE)
def scenarios() -> None:
    """List the staged nights, each with its story. sandik simulate and sandik demo take a name with --scenario."""
    told = library()
    width = max(len(one.name) for one in told)
    for one in told:
        typer.echo(f"{one.name:<{width}}  {one.story}")
