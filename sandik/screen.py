"""What the commands show: progress on standard error, so that standard output stays what other programs read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from producers.publish import Waiting
from sandik.numbers import grouped

_SAY_EVERY: Final = 10

console: Final = Console(stderr=True, highlight=False)


class _Counted(ProgressColumn):
    """How many of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        total = f" / {grouped(int(task.total))}" if task.total else ""
        return Text(f"{grouped(int(task.completed))}{total}  {grouped(int(task.speed or 0))}/s")


class Bar:
    """A line of progress."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None, note="")

    def expect(self, total: int) -> None:
        """How much there is to do in all."""
        self._progress.update(self._task, total=total)

    def reached(self, completed: int, note: str = "") -> None:
        """How much of it is done, and a word to go with it."""
        self._progress.update(self._task, completed=completed, note=note)


@contextmanager
def bar(what: str) -> Iterator[Bar]:
    """Show progress while the block runs; on a terminal only."""
    columns = (
        TextColumn("{task.description} {task.fields[note]}"),
        BarColumn(),
        _Counted(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, what)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    console.print(text, markup=False, soft_wrap=True)


def complain(problem: str | None) -> None:
    """Tell the person at the terminal what is wrong and what to do, if anything is."""
    if problem is not None:
        say(problem)


def say_waiting(waiting: Waiting) -> None:
    """The log did not take a batch: say so at the first attempt, and then each time the pause has grown its longest."""
    if waiting.attempt == 1 or waiting.attempt % _SAY_EVERY == 0:
        say(f"{waiting.error} Trying again; nothing is lost. (attempt {waiting.attempt})")
