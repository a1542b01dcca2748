"""Write figures to standard output, as JSON or as tables, and show a progress bar on a terminal. Imports rich."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from sandik.quantities import grouped

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


def terminal() -> Console:
    """What is drawn on: standard error, so that standard output stays what other programs read."""
    return Console(stderr=True, highlight=False)


class _Counted(ProgressColumn):
    """How many of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        total = f" / {grouped(int(task.total))}" if task.total else ""
        return Text(f"{grouped(int(task.completed))}{total}  {grouped(int(task.speed or 0))}/s")


class ProgressBar:
    """A bar, how much of how much, and how long it takes."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None, note="")

    def expect(self, total: int) -> None:
        self._progress.update(self._task, total=total)

    def reached(self, completed: int, note: str = "") -> None:
        self._progress.update(self._task, completed=completed, note=note)


@contextmanager
def shown(what: str) -> Iterator[ProgressBar]:
    """Show it while the block runs. What is written to standard error meanwhile goes above it."""
    columns = (
        TextColumn("{task.description} {task.fields[note]}"),
        BarColumn(),
        _Counted(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal()) as progress:
        yield ProgressBar(progress, what)
