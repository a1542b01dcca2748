"""Print words and progress on standard error, so that standard output stays what other programs read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

_SAY_EVERY: Final = 10


class Bar(Protocol):
    """A line of progress."""

    def expect(self, total: int) -> None:
        """How much there is to do in all."""
        ...

    def reached(self, completed: int, note: str = "") -> None:
        """How much of it is done, and a word to go with it."""
        ...


class Waiting(Protocol):
    """The log did not take something: what a publisher says then."""

    @property
    def error(self) -> Exception:
        """Why not."""
        ...

    @property
    def attempt(self) -> int:
        """How often it was tried."""
        ...


class _NoBar:
    def expect(self, total: int) -> None:
        pass

    def reached(self, completed: int, note: str = "") -> None:
        pass


@contextmanager
def bar(what: str) -> Iterator[Bar]:
    """Show progress while the block runs; on a terminal only."""
    if not sys.stderr.isatty():
        yield _NoBar()
        return
    from sandik import console  # noqa: PLC0415  rich takes 5 MB, and services have no terminal

    with console.shown(what) as shown:
        yield shown


def say(text: str) -> None:
    """One line for the person at the terminal; it goes above a bar that is shown.

    Where nobody can be told, since a disk is full or a terminal is gone, the work goes on.
    """
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201  what this module is for


def warn(problem: str | None) -> None:
    """Print a warning, if there is one, on standard error."""
    if problem is not None:
        say(problem)


def say_waiting(waiting: Waiting) -> None:
    """The log did not take a batch: say so at the first attempt, and then each time the pause has grown its longest."""
    if waiting.attempt == 1 or waiting.attempt % _SAY_EVERY == 0:
        say(f"{waiting.error} Trying again; nothing is lost. (attempt {waiting.attempt})")
