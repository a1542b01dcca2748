"""Standard input, output and error, whatever whoever started the command has closed, and in whatever encoding.

A closed descriptor below three would be taken by the next thing that is opened, a log or a socket: libuv aborts the
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
from contextlib import suppress
from typing import Final

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

    While more than `MAX_UNWRITTEN_CHARS` wait, a text is left out, and how many were is written once there is room.
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
                self._left_out += 1
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
