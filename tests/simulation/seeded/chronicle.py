"""What happens in one simulated night, line by line: its trace, and what of it must not be."""

import asyncio
import gc
import hashlib
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.seeded.loop import run as run_in_loop


@dataclass
class Outcome:
    """What a night came to: nothing `wrong`, if all is well. `trace` is a hash of all that happened."""

    wrong: list[str] = field(default_factory=list)
    trace: str = ""
    lines: list[str] = field(default_factory=list)
    """All that happened, where it was asked for."""


class Chronicle:
    """Takes down what happens, with its moment."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.failed = asyncio.Event()
        self.outcome = Outcome()
        self._verbose = verbose
        self._hash = hashlib.blake2b(digest_size=16)
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _, context: self.wrong(f"in a callback: {context}"))

    def wrong(self, what: str) -> None:
        """Something is that must not be."""
        self.outcome.wrong.append(f"{self._loop.time():.3f}: {what}")
        self.record(f"WRONG {what}")
        self.failed.set()

    def record(self, what: str) -> None:
        """Something has happened."""
        line = f"{self._loop.time():.6f} {what}"
        self._hash.update(line.encode())
        if self._verbose:
            self.outcome.lines.append(line)

    def close(self) -> Outcome:
        """What it came to."""
        self.outcome.trace = self._hash.hexdigest()
        return self.outcome


def staged(work: Callable[[Path], Coroutine[Any, Any, Outcome]], seed: object) -> Outcome:
    """Run a night in a loop and a folder of its own. Whatever ends it too early is wrong, too."""
    collects = gc.isenabled()
    gc.disable()  # what it finds it would end at a moment of its own
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_in_loop(work(Path(folder)), seed)
    except Exception as error:  # noqa: BLE001  whatever it is, a night does not end by it
        return Outcome([f"{type(error).__name__}: {error}"])
    finally:
        if collects:
            gc.enable()
