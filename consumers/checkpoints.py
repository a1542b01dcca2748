"""Checkpoint rounds: the ledgers that changed are written a few at a time, and at the end the markers.

A marker is the watermark of a partition: the input position that the written ledgers cover. It is appended only once
the log has acknowledged every ledger of the round, so a checkpoint is used whole or not at all.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from eventlog.port import Entry, EventLog
from schemas.totals import Cell
from tabulation.counting.checkpoint import Marker, ledger_entry
from tabulation.counting.tally_fold import TallyFold

MAX_BOXES: Final = 10_000
"""Boxes written in one step: about 10 ms of packing, a tenth of a tick."""


class CheckpointWriter:
    """Writes checkpoint rounds into topic `ledger`.

    Call order: `begin()`, then `step()` until `is_busy` is false. An append that fails leaves the round as it was: the
    next `step()` writes the same ledgers again, which is idempotent.
    """

    def __init__(self, log: EventLog, topic: str, fold: TallyFold) -> None:
        self._log = log
        self._topic = topic
        self._fold = fold
        self._unsaved: set[Cell] = set()
        self._versions: dict[Cell, int] = {}
        self._markers: dict[int, Marker] = {}
        self._waiting: list[Cell] = []
        self._round: tuple[Mapping[int, int], int] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a round is under way."""
        return self._round is not None

    def changed(self, cells: Iterable[Cell]) -> None:
        """Note that the ledgers of these cells differ from the checkpoint."""
        self._unsaved.update(cells)

    def saved(self, partition: int, marker: Marker, versions: Mapping[Cell, int]) -> None:
        """Note the checkpoint that was restored: its marker, and the `version` of each ledger in it."""
        self._markers[partition] = marker
        self._versions.update(versions)

    def forget(self, partition: int) -> None:
        """Drop a partition that another member has taken over; a round that is under way is given up.

        Call order: before `TallyFold.forget`, which forgets the cells that this asks for.
        """
        for cell in self._fold.cells_of(partition):
            self._unsaved.discard(cell)
            self._versions.pop(cell, None)
        self._markers.pop(partition, None)
        self._waiting = []
        self._round = None

    def begin(self, positions: Mapping[int, int], followed: int) -> None:
        """Begin a round that covers the input up to `positions`, and `totals` up to `followed`."""
        # A partition that got no input keeps its marker: writing it again would say nothing new.
        moved = {p: position for p, position in positions.items() if self._position_of(p) != position}
        if moved or self._unsaved:
            self._round = (moved, followed)
            self._waiting = sorted(self._unsaved)

    async def step(self) -> None:
        """Write the next few ledgers, or the markers once all are acknowledged."""
        if self._round is None:
            return
        if self._waiting:
            await self._write_some()
            return
        entries = []
        for partition, marker in self._next_markers(*self._round).items():
            entries.append(Entry(*marker.entry(partition)))
            self._markers[partition] = marker
        await self._log.append(self._topic, entries)
        self._round = None

    async def _write_some(self) -> None:
        cells, boxes = [], 0
        while self._waiting and boxes < MAX_BOXES:
            cells.append(self._waiting.pop())
            boxes += len(self._fold.ledgers[cells[-1]]) + 1
        versions = {cell: self._fold.ledgers[cell].version for cell in cells}
        entries = [Entry(*ledger_entry(self._fold.ledgers[cell], self._fold.partition_of(cell))) for cell in cells]
        try:
            await self._log.append(self._topic, entries)
        except BaseException:  # also a cancellation: whether the log has them is not known
            self._waiting += cells
            raise
        self._versions |= versions
        # A ledger that changed while the append was under way is not what was written: it stays for the next round.
        self._unsaved -= {cell for cell in cells if self._fold.ledgers[cell].version == versions[cell]}

    def _next_markers(self, positions: Mapping[int, int], followed: int) -> dict[int, Marker]:
        return {
            partition: Marker(
                position,
                followed,
                {c: self._versions[c] for c in self._fold.cells_of(partition) if c in self._versions},
                self._fold.notices.of(self._fold.cells_of(partition)),
            )
            for partition, position in positions.items()
        }

    def _position_of(self, partition: int) -> int:
        marker = self._markers.get(partition)
        return marker.position if marker else 0
