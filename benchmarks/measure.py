"""Measuring side by side: every peer takes its turn in every round, so a noisy machine is noisy for all of them."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure measured several times."""

    low: float
    median: float
    high: float

    def text(self, form: str = ",.1f") -> str:
        """The median, with the lowest and the highest."""
        return f"{self.median:{form}} ({self.low:{form}} to {self.high:{form}})"


def spread(values: list[float]) -> Spread:
    """The spread of what was measured."""
    return Spread(min(values), median(values), max(values))


def cpu_side_by_side(peers: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Spread]:
    """CPU seconds of each peer's work, by name."""
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, work in peers.items():
            began = time.process_time()
            work()
            taken[name].append(time.process_time() - began)
    return {name: spread(seconds) for name, seconds in taken.items()}


def machine() -> str:
    """What the figures were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )
