"""`sandik schema`: the contract as JSON Schema."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from pydantic import TypeAdapter

from sandik import screen
from schemas.control import CONTROL
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.gate import GATE
from schemas.quarantine import Quarantined
from schemas.tally import TALLY
from schemas.totals import TOTALS
from schemas.wire import CLIENT_MESSAGE, SERVER_MESSAGE

EXAMPLE = "Example: sandik schema --out schema/     or one alone: sandik schema tally"

SCHEMAS: Final[dict[str, TypeAdapter[Any]]] = {
    "definition": TypeAdapter(Election),
    "tally": TALLY,
    "totals": TOTALS,
    "gate": GATE,
    "control": CONTROL,
    "quarantine": TypeAdapter(Quarantined),
    "client-message": CLIENT_MESSAGE,
    "server-message": SERVER_MESSAGE,
}
"""Every shape of the contract, by the name of its file."""


def schema(
    name: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(SCHEMAS)}.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write all of them here, a file each.")
    ] = None,
) -> None:
    """Write the contract as JSON Schema (2020-12): what feeds may send, and what clients get."""
    if (name is None) == (out is None):
        raise UsageError("Say which schema to print, or with --out where to write them all.")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for each in SCHEMAS:
            (out / f"{each}.schema.json").write_bytes(json_schema(each))
        screen.say(f"Wrote {len(SCHEMAS)} schemas to {out}.")
    elif name in SCHEMAS:
        sys.stdout.buffer.write(json_schema(name))
        sys.stdout.buffer.flush()
    else:
        raise UsageError(f"There is no schema {name!r}. There are: {', '.join(SCHEMAS)}.")


def json_schema(name: str) -> bytes:
    """One schema as JSON, two spaces deep."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | SCHEMAS[name].json_schema()
    return orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
