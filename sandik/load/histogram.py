"""A histogram with three significant digits, as HdrHistogram has them, of times in microseconds or of any counts.

Log-linear: a value below 2,048 has a slot of its own; above, each doubling is divided into 1,024 slots, so a slot is
never wider than a thousandth of its values. Ours, and not the package of that name: that one needs setuptools and pbr
at run time, and what is needed of it is this page.
"""

from collections.abc import Iterable, Iterator
from typing import Final

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
