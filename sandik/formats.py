"""How commands write figures to standard output: for programs, or for people."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

_PIPED_COLUMNS: Final = 200
"""How wide a table is where there is no terminal to fit it to."""


class Format(StrEnum):
    """How figures are written."""

    JSON = "json"
    TABLE = "table"


FormatOption = Annotated[Format, typer.Option("--format", help="json for programs, table for people.")]


def write_bytes(encoded: bytes) -> None:
    """Write what is encoded already, as it is, and all of it.

    Where Python does not buffer (PYTHONUNBUFFERED, as in our image), a pipe may take only a part at a time.
    """
    rest = memoryview(encoded)
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def write_json(found: object) -> None:
    """Write anything that JSON can say, indented."""
    write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def print_sentences(console: Console, sentences: Iterable[str]) -> None:
    """Write each sentence in a line of its own, however long: a terminal wraps it, and a pipe has it whole."""
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)


def for_people() -> Console:
    """A console for tables and sentences, as wide as the terminal, or wide enough for whatever reads the pipe."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
