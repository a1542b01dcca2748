"""The embargo (yayın yasağı): from when on the public may see numbers. Data and a pure rule."""

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


NO_EMBARGO: Final = Embargo(lifted=True)
"""What holds where nobody has set one."""
