"""A replay's clock: which one the totals have reached, and which clients are shown, never ahead of the figures. Pure.

The control topic says where the clock is; the totals topic says, partition by partition, that the figures have got
there (`schemas.progress`). A clock is shown once all partitions have. From there it runs at its speed, but not beyond
the next clock that was heard and not reached yet, and no longer than `LEASE_S` past the last one: a replay that was
killed, or an aggregator that is away, must not leave a clock that runs over standing figures.

That the replay moves on is told as soon as it is heard, and the replay says so before it moves: figures are later than
the clock only while clients know that they may be. The two topics have no order between them, so figures that change
say it, too. That the replay stands is told once the figures are where it stands. That nobody confirms a clock any more
says nothing about the figures: it is told as seeking.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.fields import Record
from schemas.progress import PartitionProgress, PlaybackStatus, ReplayMoved, is_progress, parse_progress
from schemas.wire import Playback

MAX_WAITING: Final = 10_000
"""Clocks that wait to be reached: hours of them. Beyond it the oldest go; whoever reaches a later one reached those."""


class _Clock(NamedTuple):
    offset: int
    positions: tuple[int, ...]


class ReplayProgress:
    """The fold of one epoch's clocks, in the order of the control topic, and of the progress published for them."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._clocks: deque[_Clock] = deque(maxlen=MAX_WAITING)
        self._newest: dict[int, int] = {}
        self._newest_in_log: dict[int, int] = {}

    def hear(self, offset: int, moved: ReplayMoved) -> None:
        """Take a clock of the control topic, which lies at `offset`; one of another epoch is ignored."""
        if moved.epoch == self._epoch:
            self._clocks.append(_Clock(offset, moved.positions))

    def owed(self, positions: Mapping[int, int]) -> list[PartitionProgress]:
        """Return the progress to append once everything before these positions (offsets by partition) is published."""
        reached = {partition: self._reached(partition, position) for partition, position in positions.items()}
        return [
            PartitionProgress(partition=partition, mark=mark)
            for partition, mark in sorted(reached.items())
            if mark is not None
        ]

    def published(self, progress: list[PartitionProgress]) -> None:
        """Note that this progress is in the log now.

        Call order: `owed()`, append what it returns, then `published()`.
        """
        for one in progress:
            self._newest[one.partition] = max(one.mark, self._newest.get(one.partition, -1))

    def fold(self, record: Record) -> None:
        """Fold the next record of the totals topic, whoever has written it."""
        progress = parse_progress(record.value) if is_progress(record.key) else None
        if progress is not None:
            self._newest_in_log[progress.partition] = progress.mark

    def overwritten(self, partitions: frozenset[int]) -> list[PartitionProgress]:
        """Return the progress to append again: of partitions whose newest record in the log is older than ours."""
        return [
            PartitionProgress(partition=partition, mark=mark)
            for partition, mark in sorted(self._newest.items())
            if partition in partitions and self._newest_in_log.get(partition, -1) < mark
        ]

    def _reached(self, partition: int, position: int) -> int | None:
        """Return the offset of the newest clock that the partition has reached; `None` where that is published."""
        newest = self._newest.get(partition, -1)
        for clock in reversed(self._clocks):
            if clock.offset <= newest:
                return None
            if partition >= len(clock.positions) or clock.positions[partition] <= position:
                return clock.offset
        return None


LEASE_S: Final = 5.0
"""How long a clock runs without being confirmed: the replay confirms it every two seconds, and one may be late."""

TOLERANCE_S: Final = 0.25
"""How far, in our seconds, a clock may be from where clients take it to be before they are told."""


class ReplayClock:
    """The fold of one epoch's clocks, and of how far partitions have published for them."""

    def __init__(self, epoch: str, partitions: int) -> None:
        self._epoch = epoch
        self._partitions = partitions
        self._waiting: deque[tuple[int, ReplayMoved]] = deque(maxlen=MAX_WAITING)
        self._reached: dict[int, int] = {}
        self._shown: ReplayMoved | None = None
        self._moved_on = False
        """Whether figures have changed since the clock that is shown was reached."""

    def hear(self, offset: int, moved: ReplayMoved) -> None:
        """A clock from the control topic, at this offset of it; one of another epoch says nothing."""
        if moved.epoch == self._epoch:
            self._waiting.append((offset, moved))
            self._look()

    def receive_progress(self, progress: PartitionProgress) -> None:
        """Fold a record of the totals topic. Whoever wrote it, it holds, and so does every earlier one."""
        self._reached[progress.partition] = max(progress.mark, self._reached.get(progress.partition, -1))
        self._look()

    def figures_changed(self) -> None:
        """A record of the totals topic changed figures: where the clock stood, they are no longer of that moment."""
        self._moved_on = True

    def at(self, now: datetime) -> Playback | None:
        """Where the replay is now; `None` as long as nothing is known of it."""
        shown = self._shown
        if shown is None:
            return self._at_the_beginning()
        status, clock = shown.status, shown.clock
        if status == "playing":
            elapsed_s = max(0.0, (now - shown.at).total_seconds())
            clock += timedelta(seconds=min(elapsed_s, LEASE_S) * shown.speed)
            status = "seeking" if elapsed_s > LEASE_S else status
            if self._waiting:
                clock = min(clock, max(shown.clock, self._waiting[0][1].clock))
        clock = min(clock, max(shown.clock, shown.last))
        status = self._as_heard(status)
        if self._moved_on and status in {"paused", "ended"}:
            status = "seeking"
        return Playback(clock=clock, speed=shown.speed, status=status, first=shown.first, last=shown.last)

    def _at_the_beginning(self) -> Playback | None:
        """A take begins by seeking; the first word of that presumes no figures at all."""
        first = self._waiting[0][1] if self._waiting else None
        if first is None or first.status != "seeking":
            return None
        return Playback(clock=first.clock, speed=first.speed, status="seeking", first=first.first, last=first.last)

    def _as_heard(self, shown: PlaybackStatus) -> PlaybackStatus:
        """The status, if what is heard and not there yet is counted as far as it moves."""
        heard = {shown, *(moved.status for _, moved in self._waiting)}
        if "seeking" in heard:
            return "seeking"
        return "playing" if self._waiting and "playing" in heard else shown

    def _look(self) -> None:
        if len(self._reached) < self._partitions:
            return
        reached = min(self._reached.values())
        while self._waiting and self._waiting[0][0] <= reached:
            self._shown = self._waiting.popleft()[1]
            self._moved_on = False


def is_surprising(told: Playback | None, told_at: datetime, found: Playback | None, now: datetime) -> bool:
    """Whether a client that was told so, and let the clock run since, would now be wrong."""
    if told is None or found is None:
        return told is not found
    if (told.status, told.speed, told.first, told.last) != (found.status, found.speed, found.first, found.last):
        return True
    running = told.speed if told.status == "playing" else 0.0
    expected = min(told.clock + (now - told_at) * running, max(told.clock, told.last))
    return abs((found.clock - expected).total_seconds()) > TOLERANCE_S * max(1.0, running)
