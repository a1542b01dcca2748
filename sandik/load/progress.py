"""What is seen while a load runs: a line that stays in its place, or now and then one where there is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.live import Live
from rich.text import Text

from sandik import screen
from sandik.load.conductor import Show
from sandik.load.histogram import Histogram
from sandik.load.outcome import Outcome
from sandik.numbers import decimal, grouped
from sandik.progress_bar import terminal

LINE_EVERY_S: Final = 10.0
"""Between two lines where there is no terminal: a log file wants to know that it goes on, no more."""

_KIB: Final = 1024
_US_PER_MS: Final = 1000


@contextmanager
def progress() -> Iterator[Show]:
    """Show how a load goes while the block runs."""
    console = terminal()
    if console.is_terminal:
        with Live(Text("starting"), console=console, refresh_per_second=4, transient=True) as live:
            yield lambda outcome, elapsed_s: live.update(Text(line(outcome, elapsed_s)))
        return
    due = 0.0

    def say(outcome: Outcome, elapsed_s: float) -> None:
        nonlocal due
        if elapsed_s >= due:
            screen.say(line(outcome, elapsed_s))
            due = elapsed_s + LINE_EVERY_S

    yield say


def line(outcome: Outcome, elapsed_s: float) -> str:
    """How far a load is, in one line."""
    plan, last = outcome.plan, outcome.seconds[-1] if outcome.seconds else None
    parts = [
        f"{phase(outcome, elapsed_s)} {grouped(round(elapsed_s))} s of {grouped(round(plan.end_s))} s",
        f"{grouped(outcome.connected)} of {grouped(plan.clients)} connected",
        f"{grouped(last.frames if last else 0)} frames/s",
        f"{grouped((last.size_bytes if last else 0) // _KIB)} KiB/s",
        f"p50 {milliseconds(outcome.latency, 0.5)}, p99 {milliseconds(outcome.latency, 0.99)}",
        f"{grouped(outcome.figures.faults.total())} faults",
    ]
    return " · ".join(parts)


def phase(outcome: Outcome, elapsed_s: float) -> str:
    """What is going on at the moment."""
    if elapsed_s < outcome.plan.ramp_s:
        return "connecting"
    if outcome.interrupted or elapsed_s >= outcome.plan.end_s:
        return "catching up"
    return "measuring"


def milliseconds(times: Histogram, quantile: float) -> str:
    """A quantile as people read it; a dash where nothing was timed."""
    return f"{decimal(times.at(quantile) / _US_PER_MS)} ms" if times.count else "—"
