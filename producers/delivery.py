"""A delivery: a record on its way from a producer to the log."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from eventlog.port import Entry


class Delivery(NamedTuple):
    """A record, when it is due to be appended, and which source sends it."""

    due: datetime
    entry: Entry
    source: str


Deliveries = Iterable[Delivery]
"""In due order."""

Delivering = Iterator[Delivery]
