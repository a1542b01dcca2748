"""The embargo (yayın yasağı): from when on the public may see numbers. Data and a pure rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Embargo:
    """An embargo that ends at a time, or by an operator's word, whichever comes first.

    Without `until` only an operator ends it.
    """

    until: datetime | None = None
    lifted: bool = False

    def is_in_force(self, now: datetime) -> bool:
        """Whether numbers are for the control room only at this moment."""
        return not self.lifted and (self.until is None or now < self.until)

    def ends_before(self, other: "Embargo") -> bool:
        """Whether it is over at a moment at which the other one may still be in force."""
        if self.lifted or other.lifted:
            return not other.lifted
        return self.until is not None and (other.until is None or self.until < other.until)


NO_EMBARGO: Final = Embargo(lifted=True)
"""What holds where nobody has set one."""


def longest(embargo: Embargo, others: Iterable[Embargo]) -> Embargo:
    """Of these embargoes the one that ends last, the first of those that end at the same time."""
    for other in others:
        if embargo.ends_before(other):
            embargo = other
    return embargo
