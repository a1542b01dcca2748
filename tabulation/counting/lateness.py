"""Lateness: which tallies waited so long to be published that what they came to meanwhile was never on air. Pure.

How long they waited is measured without comparing two machines' clocks, as far as that can be: between the log's times
of the first and the last tally that are published at once, and on our own clock since they were folded. Only of a
partition that was just taken up, whose tallies may have waited for anybody at all, is the log's time compared with
ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from schemas.late import Late
from schemas.moments import epoch_ms
from schemas.record import Record

LATE_MS: Final = 1_000
"""Tallies that waited so long are late: ten ticks, as many as pass between two publishings while catching up."""


class Now(NamedTuple):
    """One moment on the wall clock and on the one that never steps back (seconds)."""

    wall: datetime
    monotonic: float


class _Waiting(NamedTuple):
    """A partition's first tally that is not published, the times of the first and last, and since when it waits."""

    offset: int
    first_ms: int
    last_ms: int
    since: float


class Lateness:
    """Follows the tallies of each partition from folding to publishing."""

    def __init__(self, late_ms: int = LATE_MS) -> None:
        self._late_ms = late_ms
        self._published: dict[int, int] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._taken_up: set[int] = set()

    def begin(self, partition: int, published: int) -> None:
        """Speak for a partition from now on; the tallies before this offset are published."""
        self._published[partition] = published
        self._waiting.pop(partition, None)
        self._taken_up.add(partition)

    def folded(self, partition: int, records: Sequence[Record], now: Now) -> None:
        """These tallies of a partition are folded next."""
        published = self._published.get(partition, 0)
        if not records or records[-1].offset < published:
            return
        waiting = self._waiting.get(partition)
        if waiting is None:
            first = next(record for record in records if record.offset >= published)
            waiting = _Waiting(first.offset, first.timestamp, first.timestamp, now.monotonic)
        self._waiting[partition] = waiting._replace(last_ms=records[-1].timestamp)

    def owed(self, partitions: Iterable[int], now: Now) -> list[Late]:
        """What is to be said before what these partitions came to is published."""
        return [
            Late(partition=partition, offset=waiting.offset)
            for partition in sorted(set(partitions))
            if (waiting := self._waiting.get(partition)) is not None
            and self._waited_ms(partition, waiting, now) > self._late_ms
        ]

    def publish(self, positions: Mapping[int, int], *, caught_up: bool) -> None:
        """Everything before these positions is published; `caught_up`: no more than that was in the log."""
        self._published.update(positions)
        self._waiting.clear()
        if caught_up:
            self._taken_up.clear()

    def _waited_ms(self, partition: int, waiting: _Waiting, now: Now) -> float:
        in_log_ms, here_ms = waiting.last_ms - waiting.first_ms, (now.monotonic - waiting.since) * 1_000
        for_anybody_ms = epoch_ms(now.wall) - waiting.first_ms if partition in self._taken_up else 0
        return max(in_log_ms, here_ms, for_anybody_ms)
