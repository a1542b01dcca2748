"""A line of progress on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from sandik.numbers import grouped


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
