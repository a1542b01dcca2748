"""What an input may cost: CPU time and memory. Whoever takes more has broken a law."""

import resource
import signal
from pathlib import Path
from types import FrameType
from typing import Final, Self

from tests.fuzz.target import Broken, Check

MAX_JUMP_BYTES: Final = 256 * 1024 * 1024
"""What one input may add to the most memory that a process ever had: a thousand times the largest input."""

_TICK_S: Final = 0.25
"""How often it is looked whether an input takes too long: one timer for all of them, since each call costs more."""

_PAGE_BYTES: Final = resource.getpagesize()
_KIB: Final = 1024


class TooSlow(BaseException):
    """An input took more CPU time than it may. No `Exception`, so that nobody on the way takes it for one of theirs."""


class Bound:
    """Gives inputs to a check and stops one that takes more CPU time. Use as a context manager, in the main thread."""

    def __init__(self, cpu_s: float) -> None:
        self._cpu_s = cpu_s
        self._ticks = 0
        self._is_trying = False

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def attempt(self, check: Check, data: bytes) -> None:
        """Try an input. Raises what the check raises, and `Broken` where it takes too long."""
        self._ticks, self._is_trying = 0, True
        try:
            check(data)
        except TooSlow as slow:
            raise Broken(f"an input takes more than {self._cpu_s:g} s of CPU time") from slow
        finally:
            self._is_trying = False

    def _tick(self, _: int, __: FrameType | None) -> None:
        self._ticks += 1
        if self._is_trying and self._ticks * _TICK_S > self._cpu_s:
            self._ticks = 0
            raise TooSlow


def peak_bytes() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def resident_bytes() -> int:
    """The memory that this process has now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
