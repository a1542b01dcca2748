"""Frame times from the browser's own trace: what it drew, and what it should have drawn and did not. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

REFRESH_MS: Final = 1000 / 60
"""How often a screen of 60 Hz takes a new picture."""

_US_PER_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Frames:
    """`times_ms`: sorted, between two frames drawn, where one was wanted at every refresh in between."""

    times_ms: tuple[float, ...]
    drawn: int
    dropped: int

    @property
    def dropped_share(self) -> float:
        """The part of the frames that were wanted and not drawn."""
        return self.dropped / max(1, self.drawn + self.dropped)


def process_of(events: Iterable[Mapping[str, Any]], mark: str) -> int:
    """The process of the page that has set this mark of performance.mark()."""
    return next(int(event["pid"]) for event in events if event["name"] == mark)


def frames_of(events: Iterable[Mapping[str, Any]], process: int) -> Frames:
    """The frames of one page's process.

    A page that wants no picture is not late. So two frames drawn count as neighbours only where a frame was dropped at
    every refresh that lies between them.
    """
    told = sorted(
        (event["ts"], event["name"])
        for event in events
        if event["pid"] == process and event["name"] in ("DrawFrame", "DroppedFrame")
    )
    drawn = [at for at, name in told if name == "DrawFrame"]
    dropped = [at for at, name in told if name == "DroppedFrame"]
    times, position = [], 0
    for before, after in pairwise(drawn):
        missed = 0
        while position < len(dropped) and dropped[position] <= after:
            missed += dropped[position] > before
            position += 1
        time_ms = (after - before) / _US_PER_MS
        if round(time_ms / REFRESH_MS) <= missed + 1:
            times.append(time_ms)
    return Frames(tuple(sorted(times)), len(drawn), len(dropped))
