"""What was measured: counters and histograms that add up over time, and over processes."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Final

from sandik.load.histogram import Histogram
from sandik.load.standing import Fault, Ordered

MAX_EXAMPLES: Final = 20
"""Faults whose text is kept: the first few say what is wrong; a broken gateway makes millions."""


@dataclass(slots=True)
class LoadFigures:
    """Everything that is counted. Times are in microseconds."""

    behind: Histogram = field(default_factory=Histogram)
    """From when a change was to be published until a client showed it: each client and unit, each change."""
    newest: Histogram = field(default_factory=Histogram)
    """From the event time of the newest change in an entry until a client got it."""
    opening: Histogram = field(default_factory=Histogram)
    """From when a client was to connect until the WebSocket was open."""
    joining: Histogram = field(default_factory=Histogram)
    """From when a client was to connect until it showed its first figures."""
    returning: Histogram = field(default_factory=Histogram)
    """From when a connection was lost until the first answer on the next one, the wait that was asked for included."""
    catching_up: Histogram = field(default_factory=Histogram)
    """From when a stalled client read again until it showed what the others showed at that moment."""
    catch_up_frames: Histogram = field(default_factory=Histogram)
    """Frames that took, those that had waited in the network included."""
    own_lag: Histogram = field(default_factory=Histogram)
    """How late the load tester itself ran what was due: it is part of every time above."""
    feed_lag: Histogram = field(default_factory=Histogram)
    """From when a change was to be published until the log had it: part of `behind`."""
    frames_each: Histogram = field(default_factory=Histogram)
    """Text frames a client got in all."""
    bytes_each: Histogram = field(default_factory=Histogram)
    """Bytes a client got in all, frame heads included."""

    frames: int = 0
    size_bytes: int = 0
    opened: int = 0
    reconnects: int = 0
    unreal: int = 0
    """Entries whose event time was not about now, so that their age says nothing."""
    unshown: int = 0
    """Changes that clients should have shown by the end and did not."""
    late_clients: int = 0
    """Clients that lacked any."""
    never_joined: int = 0
    """Clients that never showed anything."""
    fed: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    ordered: Counter[Ordered] = field(default_factory=Counter)
    """Messages that told of orders of operators, by what was ordered."""
    examples: list[str] = field(default_factory=list)

    def add(self, other: "LoadFigures") -> None:
        """Add what another one counted."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Histogram):
                mine.merge(theirs)
            elif isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, one.name, mine + theirs)
        del self.examples[MAX_EXAMPLES:]

    def fault(self, kind: Fault, text: str, clients: int = 1) -> None:
        """Count a fault that so many clients saw."""
        self.faults[kind] += clients
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{kind}: {text}")
