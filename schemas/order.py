"""What every order of the control topic says, whatever it orders: for which run, by whom, when and why."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.fields import Frozen, Moment

MAX_REASON_CHARS: Final = 500
"""A reason is a sentence or two for whoever reads the audit."""

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""How far an operator's clock and the log's may be apart: clocks that are kept by NTP differ by less than a second, one
that was set by hand by less than a minute."""


class SignedOrder(Frozen):
    """What every order says: which run it is for, who gave it, when and why.

    `deliver_by` is the last moment at which it may be appended to the log; orders of before there was such a field have
    none, and never expire.
    """

    v: Literal[1] = 1
    run: str
    epoch: str
    id: Annotated[str, Field(min_length=8, max_length=64)]
    by: Annotated[str, Field(min_length=1, max_length=100)]
    at: Moment
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARS)]
    deliver_by: Moment | None = None

    def is_late(self, appended: datetime) -> bool:
        """Whether it was appended after it was to be delivered, and the clocks' difference does not explain it."""
        return self.deliver_by is not None and appended - self.deliver_by > CLOCK_TOLERANCE
