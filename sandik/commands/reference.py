"""What needs no run: the contract's schemas (`sandik schema`), the staged nights (`scenarios`), a first `mapping`."""

from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from pydantic import TypeAdapter

from producers.simulating.library import library
from producers.tables.guess import guess_mapping
from sandik import screen
from sandik.options import command_app
from schemas.asides import GATE, NOTICE
from schemas.comparison import COMPARISON, Explanation
from schemas.control import CONTROL
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.quarantine import Assessment, Quarantined
from schemas.tally import TALLY
from schemas.totals import TOTALS
from schemas.wire import CLIENT_MESSAGE, SERVER_MESSAGE, asyncapi

SCHEMA_EXAMPLE = "Example: sandik schema --out schema/     or one alone: sandik schema tally"

app = command_app()

SCHEMAS: Final[dict[str, TypeAdapter[Any]]] = {
    "definition": TypeAdapter(Election),
    "tally": TALLY,
    "totals": TOTALS,
    "gate": GATE,
    "notice": NOTICE,
    "comparison": COMPARISON,
    "explanation": TypeAdapter(Explanation),
    "control": CONTROL,
    "quarantine": TypeAdapter(Quarantined),
    "assessment": TypeAdapter(Assessment),
    "client-message": CLIENT_MESSAGE,
    "server-message": SERVER_MESSAGE,
}
"""Every shape of the contract, by the name of its file."""

ASYNCAPI: Final = "asyncapi"
"""The name of the document that describes the whole stream."""


@app.command(epilog=SCHEMA_EXAMPLE)
def schema(
    name: Annotated[str | None, typer.Argument(help=f"One of: {', '.join((*SCHEMAS, ASYNCAPI))}.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write all of them here, a file each.")
    ] = None,
) -> None:
    """Write the contract as JSON Schema (2020-12): what feeds may send, and what clients get.

    `asyncapi` is the stream as an AsyncAPI document, for generators of clients and of documentation.
    """
    if (name is None) == (out is None):
        raise UsageError("Say which schema to print, or with --out where to write them all.")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for each in SCHEMAS:
            (out / f"{each}.schema.json").write_bytes(json_schema(each))
        (out / f"{ASYNCAPI}.json").write_bytes(asyncapi_document())
        screen.say(f"Wrote {len(SCHEMAS)} schemas and {ASYNCAPI}.json to {out}.")
    elif name in SCHEMAS or name == ASYNCAPI:
        from sandik.console import write_bytes  # noqa: PLC0415  it brings rich, and scenarios need none

        write_bytes(asyncapi_document() if name == ASYNCAPI else json_schema(name))
    else:
        raise UsageError(f"There is no schema {name!r}. There are: {', '.join((*SCHEMAS, ASYNCAPI))}.")


def json_schema(name: str) -> bytes:
    """One schema as JSON, two spaces deep."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | SCHEMAS[name].json_schema()
    return orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def asyncapi_document() -> bytes:
    """The AsyncAPI document as JSON, two spaces deep."""
    return orjson.dumps(asyncapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


SCENARIOS_EXAMPLE = "Example: sandik scenarios"


@app.command(epilog=SCENARIOS_EXAMPLE)
def scenarios() -> None:
    """List the staged nights, each with its story. sandik simulate and sandik demo take a name with --scenario."""
    nights = library()
    width = max(len(night.name) for night in nights)
    for night in nights:
        typer.echo(f"{night.name:<{width}}  {night.story}")


GUESS_EXAMPLE: Final = "Example: sandik mapping guess results.csv > mapping.toml"

mapping = command_app("Make a first mapping for a file that is to be published.", GUESS_EXAMPLE)
app.add_typer(mapping, name="mapping")


@mapping.command(epilog=GUESS_EXAMPLE)
def guess(
    file: Annotated[Path, typer.Argument(help="The table: a file, or a folder or ZIP of files.")],
) -> None:
    """Print a first mapping for a table, with what is left open as comments: lines with a ? want a person."""
    typer.echo(guess_mapping(file), nl=False)
