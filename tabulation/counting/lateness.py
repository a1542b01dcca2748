"""Lateness: which tallies waited so long to be published that what they came to meanwhile was never on air. Pure.

How long they waited is measured without comparing two machines' clocks, as far as that can be: between the log's times
of the first and the last tally that are published at once, on our own clock since they were folded, and before they
were folded by how much longer they took to come here than the fastest that ever came: whoever stood still, or was
brought nothing for a time, has read late what it then publishes at once. Only of a partition that was just taken up,
whose tallies may have waited for anybody at all, is the log's time compared with ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from schemas.fields import Record
from schemas.moments import epoch_ms
from schemas.progress import Late

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
        self._fastest_ms: dict[int, float] = {}
        """By partition the least that our clock was ever ahead of a tally's time when it was folded."""
        self._newest_ms: dict[int, int] = {}
        self._taken_up: set[int] = set()

    def begin(self, partition: int, published: int) -> None:
        """Speak for a partition from now on; the tallies before this offset are published."""
        self._published[partition] = published
        for known in (self._waiting, self._fastest_ms, self._newest_ms):
            known.pop(partition, None)
        self._taken_up.add(partition)

    def folded(self, partition: int, records: Sequence[Record], now: Now) -> None:
        """These tallies of a partition are folded next."""
        if not records:
            return
        self._measure(partition, records[-1].timestamp, now.monotonic * 1_000)
        published = self._published.get(partition, 0)
        if records[-1].offset < published:
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

    def publish(self, positions: Mapping[int, int]) -> None:
        """Everything before these positions is published."""
        self._published.update(positions)
        self._waiting.clear()

    def caught_up(self, partitions: Iterable[int]) -> None:
        """Of these partitions everything was read that was in the log, and what was not late before that is known.

        Of one of which nothing was read since it was taken up nobody knows yet how fast its tallies come.
        """
        self._taken_up.difference_update(self._fastest_ms.keys() & set(partitions))

    def _measure(self, partition: int, appended_ms: int, here_ms: float) -> None:
        """Note how fast a tally came; where the log's clock was set back, what was known of it says nothing."""
        ahead_ms = here_ms - appended_ms
        if appended_ms >= self._newest_ms.get(partition, appended_ms):
            ahead_ms = min(ahead_ms, self._fastest_ms.get(partition, ahead_ms))
        self._fastest_ms[partition] = ahead_ms
        self._newest_ms[partition] = appended_ms

    def _waited_ms(self, partition: int, waiting: _Waiting, now: Now) -> float:
        in_log_ms, here_ms = waiting.last_ms - waiting.first_ms, (now.monotonic - waiting.since) * 1_000
        unread_ms = now.monotonic * 1_000 - waiting.first_ms - self._fastest_ms[partition]
        for_anybody_ms = epoch_ms(now.wall) - waiting.first_ms if partition in self._taken_up else 0
        return max(in_log_ms, here_ms, unread_ms, for_anybody_ms)
