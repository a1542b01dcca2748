"""Commands as processes that start in a fraction of a second: each is forked from a process that has all imports.

Nothing else differs from a command in a new interpreter: it has its own memory, sockets and event loop, and it can be
killed. Whoever is left over ends with the process that started it.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from tests.patience import LIMIT_S

_PR_SET_PDEATHSIG: Final = 1
"""Linux's prctl(2): the signal that a process gets when the one that forked it ends."""

RUN_LIMIT_S: Final = 10 * LIMIT_S
"""A command that counts all of Türkiye takes a quarter of a minute; on a busy machine, many times that."""

_context: Final = multiprocessing.get_context("forkserver")

_PRELOADED: Final = ("aggregate", "archive", "boxes", "gateway", "simulate", "totals")
"""The commands that are started again and again. The command line imports no command before it is asked for."""

_context.set_forkserver_preload(["sandik.cli", "tests.chaos.feed", *(f"sandik.commands.{name}" for name in _PRELOADED)])


class Forked:
    """A process that was forked, with the part of `subprocess.Popen` that is needed of it. To be used in one thread."""

    def __init__(self, process: ForkServerProcess, name: str) -> None:
        self._process = process
        self._name = name

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._name, timeout or 0)
        return code


def forked(
    arguments: list[str],
    *,
    output: Path,
    errors: Path | None = None,
    environment: Mapping[str, str] | None = None,
    run: Callable[[list[str]], None] | None = None,
) -> Forked:
    """Run a command of ours, or `run`, with these arguments; what it says is added to the file `output`.

    What it says on standard error is added to the file `errors`, if there is one.
    """
    files = (output, errors or output)
    process = _context.Process(target=_run, args=(run or command, arguments, files, dict(environment or {})))
    process.start()
    return Forked(process, arguments[0])


def run(*arguments: str) -> bytes:
    """Run a command of ours to its end; its standard output. Raises `CalledProcessError` if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        code = forked(list(arguments), output=output, errors=errors).wait(RUN_LIMIT_S)
        if code:
            command_line = ["sandik", *arguments]
            raise subprocess.CalledProcessError(code, command_line, output.read_bytes(), errors.read_bytes())
        return output.read_bytes()


def command(arguments: list[str]) -> None:
    """Be the command `sandik`."""
    from sandik.cli import main  # noqa: PLC0415  imported by the process that is forked from, not by whoever starts it

    sys.argv = ["sandik", *arguments]
    main()


def _run(
    work: Callable[[list[str]], None], arguments: list[str], files: tuple[Path, Path], environment: Mapping[str, str]
) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for descriptor, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), descriptor)
    os.environ |= environment
    work(arguments)
