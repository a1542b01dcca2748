"""Histograms and counters of what was measured, which add up over time and over processes. Pure.

The histogram has three significant digits, as HdrHistogram has them, for times in microseconds or counts. It is
log-linear: a value below 2,048 has a bucket of its own; above, each doubling is divided into 1,024 buckets, so a bucket
is never wider than a thousandth of its values. Ours, and not the package of that name: that one needs setuptools and
pbr at run time, and what is needed of it is this page.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Final

from sandik.load.subject_state import Fault, Ordered

_HALF: Final = 1_024
"""Slots of one doubling: the power of two at or above 10 to the 3 digits."""

_EXACT_BITS: Final = 11
"""Values of so many bits have slots of their own: two halves."""

MICROSECONDS: Final = 1_000_000
"""In a second."""


class Histogram:
    """Counts by value. Slots are kept only where something fell, so an idle second costs nothing."""

    __slots__ = ("_counts", "count", "maximum", "minimum", "total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.minimum = 0
        self.maximum = 0
        for value in values:
            self.record(value)

    def record(self, value: int, count: int = 1) -> None:
        """Count a value so many times; a negative one counts as 0 (two clocks that differ by a hair)."""
        value = max(value, 0)
        shift = max(value.bit_length() - _EXACT_BITS, 0)
        slot = shift * _HALF + (value >> shift)
        self._counts[slot] = self._counts.get(slot, 0) + count
        self.minimum = min(value, self.minimum) if self.count else value
        self.maximum = max(value, self.maximum)
        self.count += count
        self.total += value * count

    def merge(self, other: "Histogram") -> None:
        """Add what another one counted."""
        if not other.count:
            return
        for slot, count in other._counts.items():  # noqa: SLF001  one of us
            self._counts[slot] = self._counts.get(slot, 0) + count
        self.minimum = min(other.minimum, self.minimum) if self.count else other.minimum
        self.maximum = max(other.maximum, self.maximum)
        self.count += other.count
        self.total += other.total

    def at(self, quantile: float) -> int:
        """The value that so large a share of the values does not exceed, rounded up within its slot; 0 of none."""
        return next(self.quantiles((quantile,)))

    def quantiles(self, wanted: Iterable[float]) -> Iterator[int]:
        """The values at rising quantiles, in one pass."""
        slots = iter(sorted(self._counts))
        reached, value = 0, 0
        for quantile in wanted:
            rank = max(1, _ceiling(quantile * self.count))
            while reached < min(rank, self.count):
                slot = next(slots)
                reached += self._counts[slot]
                value = min(_highest(slot), self.maximum)
            yield value

    @property
    def mean(self) -> float:
        """The mean of the values themselves; 0 of none."""
        return self.total / self.count if self.count else 0.0


def _highest(slot: int) -> int:
    """The highest value that falls into a slot."""
    shift = max(slot // _HALF - 1, 0)
    return ((slot - shift * _HALF + 1) << shift) - 1


def _ceiling(value: float) -> int:
    """The next whole number, but for the error of a product: 0.29 of 100 is 29, not 28.999999999999996 rounded up."""
    return -int(-round(value, 6) // 1)


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
