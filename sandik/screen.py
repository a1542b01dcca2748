"""What a person at a terminal is told: words and progress on standard error, so that output stays for other programs.

The standard files are made usable first, whatever whoever started the command has closed, and in whatever encoding. A
closed descriptor below three would be taken by the next thing that is opened, a log or a socket: libuv aborts the
process then, and whoever writes a message writes into that. And Python has no `sys.stderr` then to say anything on.

A pipe behind standard error is full once its reader stands still, as a log collector may. A gateway must not wait for
that, with all its clients: there a thread writes, and what it cannot write in time is left out.
"""

import atexit
import io
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

MAX_UNWRITTEN_CHARS: Final = 256 * 1024
"""How much may wait for the reader of standard error: some thousand lines."""

LAST_WORDS_S: Final = 2.0
"""How long the end of the process waits for what is not written yet."""


def repair() -> None:
    """Open those that are closed, and let no character fail.

    Input is at its end then; writing to output fails, since somebody wanted it, and what is written to error is lost.
    What the encoding of standard output does not have is written as Python would write it, as on standard error.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # noqa: FBT003  it is `number`: the lowest that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  a descriptor, for as long as the process
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115  as above
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115  as above
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    kind = os.fstat(2).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
        behind = sys.stderr = WrittenBehind(2, sys.stderr.encoding)
        atexit.register(behind.drain, LAST_WORDS_S)


def give_up_output() -> None:
    """Send what was not written yet nowhere, so that the interpreter's end does not fail on it as well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


class WrittenBehind(io.TextIOBase):
    """A text stream that never makes its caller wait: a thread writes to the descriptor below, in order.

    While more than `MAX_UNWRITTEN_CHARS` wait, a text is left out, and its lines are counted for the next.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._unwritten = 0
        self._left_out = 0
        self._writer: threading.Thread | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a variable
        """How texts become bytes; what it does not have is written as an escape."""
        return self._encoding

    def fileno(self) -> int:
        """The descriptor below."""
        return self._descriptor

    def writable(self) -> bool:
        """It always is."""
        return True

    def write(self, text: str, /) -> int:
        """Take a text to be written, or leave it out. Returns at once."""
        with self._changed:
            if self._unwritten + len(text) > MAX_UNWRITTEN_CHARS:
                self._left_out += text.count("\n")  # print writes a line's end by itself
                return len(text)
            self._waiting.append(text)
            self._unwritten += len(text)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="standard error", daemon=True)
                self._writer.start()
            self._changed.notify_all()
        return len(text)

    def drain(self, patience_s: float) -> None:
        """Return once everything is written, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unwritten, patience_s)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text, left_out = "".join(self._waiting), self._left_out
                self._waiting, self._left_out = [], 0
            if left_out:
                text += f"sandik: {left_out} lines are missing here: nobody took them from standard error.\n"
            rest = memoryview(text.encode(self._encoding, "backslashreplace"))
            with suppress(OSError):  # a reader that is gone
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            with self._changed:
                self._unwritten = sum(map(len, self._waiting))
                self._changed.notify_all()


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
