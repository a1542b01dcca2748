"""Checkpoints in topic `ledger`: they are written in rounds, and read again at a start.

In a round the ledgers that changed are written a few at a time, and at the end the markers. A marker is the watermark
of a partition: the input position that the written ledgers cover. It is appended only once the log has acknowledged
every ledger of the round, so a checkpoint is used whole or not at all.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from eventlog.port import Entry, EventLog
from eventlog.reading import read_until
from schemas.totals import Cell
from tabulation.counting.checkpoint import Checkpoint, Marker, ledger_entry
from tabulation.counting.tally_fold import Ledger, TallyFold

_log = logging.getLogger(__name__)

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
        self._definitions: dict[int, str | None] = {}
        """By partition the digest of the amended definition that holds at the position which the round covers."""

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
            self._definitions = {partition: self._definition_of(partition) for partition in moved}
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
                self._definitions[partition],
            )
            for partition, position in positions.items()
        }

    def _definition_of(self, partition: int) -> str | None:
        held = self._fold.amendments_of(partition)
        return held[-1].yields if held else None

    def _position_of(self, partition: int) -> int:
        marker = self._markers.get(partition)
        return marker.position if marker else 0


async def read_checkpoints(
    log: EventLog, topic: str, partitions: Iterable[int], max_records: int
) -> dict[int, Checkpoint]:
    """Read what the log holds of these partitions' checkpoints, to its end as it is now, `max_records` at a time."""
    checkpoints = {partition: Checkpoint() for partition in sorted(partitions)}
    ends = await log.end_offsets(topic)
    async with log.reader(topic, dict.fromkeys(checkpoints, 0)) as reader:
        owned = {partition: ends[partition] for partition in checkpoints}
        async for batch in read_until(reader, owned, max_records=max_records):
            checkpoints[batch.partition].add(batch.records)
    return checkpoints


def usable_ledgers(fold: TallyFold, partition: int, checkpoint: Checkpoint) -> list[Ledger] | None:
    """Return the ledgers that a fold can go on from; `None` where it has to begin at the start, and log why."""
    ledgers = checkpoint.ledgers()
    if ledgers is None:
        _log.log(
            logging.WARNING if checkpoint.refused else logging.INFO,
            "Partition %d has no checkpoint to go on from: %s. Folding it from the start.",
            partition,
            checkpoint.fault(),
        )
        return None
    foreign = [ledger.cell for ledger in ledgers if not fold.could_hold(ledger)]
    if foreign:
        _log.warning(
            "The checkpoint of partition %d has %s as another definition would. Folding it from the start.",
            partition,
            foreign[0],
        )
        return None
    return ledgers
