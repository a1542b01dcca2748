"""Standard input, output and error, whatever whoever started the command has closed, and in whatever encoding.

A closed descriptor below three would be taken by the next thing that is opened, a log or a socket: libuv aborts the
process then, and whoever writes a message writes into that. And Python has no `sys.stderr` then to say anything on.
"""

import io
import os
import sys


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


def give_up_output() -> None:
    """Send what was not written yet nowhere, so that the interpreter's end does not fail on it as well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
