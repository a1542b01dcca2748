"""Which of a replay's clocks a partition has reached, and whether the totals topic says so. Pure."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.fields import Record
from schemas.progress import Mark, ReplayMoved, is_mark, parse_mark

MAX_WAITING: Final = 10_000
"""Clocks that wait to be reached: hours of them. Beyond it the oldest go; whoever reaches a later one reached those."""


class _Clock(NamedTuple):
    offset: int
    positions: tuple[int, ...]


class ReplayProgress:
    """The fold of one epoch's clocks, in the order of the control topic, and of the marks that were said of them."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._clocks: deque[_Clock] = deque(maxlen=MAX_WAITING)
        self._newest: dict[int, int] = {}
        self._last_said: dict[int, int] = {}

    def hear(self, offset: int, moved: ReplayMoved) -> None:
        """A clock from the control topic; one of another epoch says nothing."""
        if moved.epoch == self._epoch:
            self._clocks.append(_Clock(offset, moved.positions))

    def owed(self, positions: Mapping[int, int]) -> list[Mark]:
        """What is to be said by whoever has published everything before these positions."""
        reached = {partition: self._reached(partition, position) for partition, position in positions.items()}
        return [Mark(partition=partition, mark=mark) for partition, mark in sorted(reached.items()) if mark is not None]

    def said(self, marks: list[Mark]) -> None:
        """These are in the log now."""
        for mark in marks:
            self._newest[mark.partition] = max(mark.mark, self._newest.get(mark.partition, -1))

    def fold(self, record: Record) -> None:
        """Fold the next record of the totals topic, whoever has written it."""
        mark = parse_mark(record.value) if is_mark(record.key) else None
        if mark is not None:
            self._last_said[mark.partition] = mark.mark

    def overwritten(self, partitions: frozenset[int]) -> list[Mark]:
        """What is to be said again: where the newest record of a partition is an older mark than ours."""
        return [
            Mark(partition=partition, mark=mark)
            for partition, mark in sorted(self._newest.items())
            if partition in partitions and self._last_said.get(partition, -1) < mark
        ]

    def _reached(self, partition: int, position: int) -> int | None:
        """The newest clock that the partition has reached, if that was not said yet."""
        said = self._newest.get(partition, -1)
        for clock in reversed(self._clocks):
            if clock.offset <= said:
                return None
            if partition >= len(clock.positions) or clock.positions[partition] <= position:
                return clock.offset
        return None
