"""The aggregator's rounds: checkpoints, comparisons of sources, and assessments of quarantined statements, bit by bit.

In a round of checkpoints the ledgers that changed are written into topic `ledger` a few at a time, and at the end the
markers. A marker is the watermark of a partition: the input position that the written ledgers cover. It is appended
only once the log has acknowledged every ledger of the round, so a checkpoint is used whole or not at all. A start reads
them again.

What the other two owe follows from the topics: comparisons whose newest record is older than the ledgers, and
assessments that differ from what the ledgers say. So a restart, a rebalance, a zombie's old record or a failed append
need no care of their own, and a rebuild that ends where the last one did appends nothing: a round is idempotent.
"""

import logging
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple, Self

import orjson
from pydantic import ValidationError

from eventlog.port import CatchingUp, Entry, EventLog, read_until
from eventlog.run import Run
from schemas.asides import is_aside
from schemas.comparison import Pair
from schemas.fields import Record
from schemas.quarantine import (
    MAX_KEPT_BYTES,
    MAX_STATEMENTS,
    Assessment,
    Quarantined,
    SetAside,
    is_assessment,
    set_aside_in,
)
from schemas.totals import Cell, parse_totals
from tabulation.counting.checkpoint import Checkpoint, Marker, ledger_entry
from tabulation.counting.comparisons import compare, version_of
from tabulation.counting.ledgers import BoxLedger
from tabulation.counting.quarantine import assess
from tabulation.counting.tally_fold import Ledger, TallyFold

_log = logging.getLogger(__name__)

MAX_WRITTEN_BOXES: Final = 10_000
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

    async def finish(self) -> None:
        """Go on until the round is done."""
        while self.is_busy:
            await self.step()

    async def _write_some(self) -> None:
        cells, boxes = [], 0
        while self._waiting and boxes < MAX_WRITTEN_BOXES:
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


MAX_COMPARED_BOXES: Final = 2_000
"""Boxes looked at in one step, and what is over in the last district: 2 to 20 ms, a fifth of a tick at most."""

MAX_RECORDS: Final = 200
"""Records of a topic read in one step: 3 to 5 ms of parsing."""

MAX_ASSESSED: Final = 200
"""Statements assessed in one step: some 5 ms, a twentieth of a tick."""


class _Rounds:
    """Keeps a topic of one partition in step with the ledgers. Use as an async context manager.

    Call order: `begin()`, then `step()` while it `is_busy`; or `finish()`.
    """

    def __init__(self, log: EventLog, topic: str, fold: TallyFold) -> None:
        self._log = log
        self._topic = topic
        self._fold = fold
        self._reading = CatchingUp(log, topic)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reading.__aexit__()

    @property
    @abstractmethod
    def is_busy(self) -> bool:
        """Whether there is something to do in the next step."""

    @abstractmethod
    async def step(self) -> None:
        """Do so much as does not hold up a tick: read some of the topic, or work out and append what is owed."""

    async def finish(self) -> None:
        """Go on until nothing is left to do."""
        while self.is_busy:
            await self.step()


class ComparisonRounds(_Rounds):
    """Keeps the comparisons of the districts that an aggregator owns."""

    def __init__(self, log: EventLog, run: Run, fold: TallyFold) -> None:
        super().__init__(log, run.topics.comparisons.name, fold)
        self._settings = run.topics.comparisons
        self.compared = 0
        """Comparisons published since the start."""
        sources = sorted(source.id for source in run.definition.sources if source.reports == "boxes")
        self._pairs = list(combinations(sources, 2))
        self._newest: dict[bytes, int] = {}
        self._waiting: list[Pair] | None = None
        self._is_created = False

    @property
    def is_busy(self) -> bool:
        return self._waiting is not None

    async def begin(self) -> None:
        """Begin a round; none where nothing can be compared."""
        if not self._pairs:
            return
        if not self._is_created:
            await self._log.create([self._settings])  # a run that is older than comparisons has no such topic
            self._is_created = True
        await self._reading.begin()
        self._waiting = sorted(
            {
                Pair(cell.contest, cell.district, *sources)
                for cell in self._fold.ledgers
                for sources in self._pairs
                if cell.source in sources
            }
        )

    async def step(self) -> None:
        if self._waiting is None:
            return
        if self._reading.is_behind:
            self._newest.update(_versions(await self._reading.read(MAX_RECORDS)))
        elif self._waiting:
            await self._compare_some(self._waiting)
        else:
            self._waiting = None

    async def _compare_some(self, waiting: list[Pair]) -> None:
        entries, boxes = [], 0
        while waiting and boxes < MAX_COMPARED_BOXES:
            pair = waiting.pop()
            a, b = (self._ledger(Cell(pair.contest, source, pair.district)) for source in (pair.a, pair.b))
            if version_of(a, b) > self._newest.get(pair.key(), -1):
                entries.append(Entry(pair.key(), compare(pair, a, b).encode()))
                boxes += sum(len(ledger) for ledger in (a, b) if ledger is not None)
        if entries:
            await self._log.append(self._topic, entries)
            self.compared += len(entries)

    def _ledger(self, cell: Cell) -> BoxLedger | None:
        ledger = self._fold.ledgers.get(cell)
        return ledger if isinstance(ledger, BoxLedger) else None


def _versions(records: Sequence[Record]) -> Mapping[bytes, int]:
    """The version of each key's last record. What cannot be read as a comparison is skipped."""
    versions = {}
    for record in records:
        try:
            versions[record.key or b""] = int(orjson.loads(record.value or b"")["version"])
        except (ValueError, LookupError, TypeError):
            continue
    return versions


def versions_of_totals(records: Iterable[Record]) -> Mapping[Cell, int]:
    """The version of each cell's last totals record. What cannot be read as one is skipped."""
    versions = {}
    for record in records:
        if is_aside(record.key):
            continue
        try:
            totals = parse_totals(record.value or b"")
        except ValidationError:
            continue
        versions[totals.cell] = totals.version
    return versions


class _Tracked(NamedTuple):
    found: SetAside
    record: Quarantined | None


class AssessmentRounds(_Rounds):
    """Publishes assessments of what is in quarantine from the districts that an aggregator owns.

    Nothing is assessed before the topic was read to its end once: what other members
    have published is known by then.
    """

    def __init__(self, log: EventLog, run: Run, fold: TallyFold) -> None:
        super().__init__(log, run.topics.quarantine.name, fold)
        self._definition = run.definition
        self._owned: frozenset[int] = frozenset()
        self._tracked: OrderedDict[str, _Tracked] = OrderedDict()
        self._of_cell: dict[Cell, set[str]] = {}
        self._told: dict[str, Assessment] = {}
        self._pending: dict[str, None] = {}
        self._is_reading = False
        self._has_read = False

    @property
    def is_busy(self) -> bool:
        return self._is_reading or bool(self._pending and self._has_read)

    def own(self, partitions: frozenset[int]) -> None:
        """Assess the statements of these partitions from now on, after a rebalance."""
        for cell, positions in self._of_cell.items():
            if self._fold.partition_of(cell) in partitions - self._owned:
                self._pending |= dict.fromkeys(positions)
        self._owned = partitions

    def amended(self) -> None:
        """Assess everything again: what the definition did not have, it may have now."""
        self._pending |= dict.fromkeys(self._tracked)

    def changed(self, cells: set[Cell]) -> None:
        """Note the cells whose ledgers have changed: what is in quarantine of them is assessed again."""
        for cell in self._of_cell.keys() & cells:
            self._pending |= dict.fromkeys(self._of_cell[cell])

    def set_aside(self, records: Iterable[Quarantined]) -> None:
        """Note records that the aggregator has appended to the topic."""
        for record in records:
            self._track(record)

    async def begin(self) -> None:
        """Begin to read what the topic has by now."""
        await self._reading.begin()
        self._is_reading = True

    async def step(self) -> None:
        if self._is_reading:
            if self._reading.is_behind:
                for record in await self._reading.read(MAX_RECORDS):
                    self._read(record)
                return
            self._is_reading, self._has_read = False, True
        if self._has_read:
            await self._assess_some()

    async def _assess_some(self) -> None:
        positions = [position for position, _ in zip(list(self._pending), range(MAX_ASSESSED), strict=False)]
        differing = []
        for position in positions:
            tracked = self._tracked.get(position)
            if tracked is not None and self._is_ours(tracked.found):
                assessment = assess(*tracked, self._fold)
                if self._told.get(position) != assessment:
                    differing.append(assessment)
        if differing:
            await self._log.append(self._topic, [Entry(one.key, one.encode()) for one in differing])
            self._told |= {one.position: one for one in differing}
        for position in positions:
            self._pending.pop(position, None)

    def _is_ours(self, found: SetAside) -> bool:
        return self._fold.partition_of(found.cell) in self._owned

    def _read(self, record: Record) -> None:
        """Fold one record of the topic; one that cannot be read is skipped."""
        try:
            if is_assessment(record.key):
                assessment = Assessment.model_validate_json(record.value or b"")
                if assessment.position in self._tracked and self._told.get(assessment.position) != assessment:
                    self._told[assessment.position] = assessment
                    self._pending[assessment.position] = None
            else:
                self._track(Quarantined.model_validate_json(record.value or b""))
        except ValidationError:
            return

    def _track(self, record: Quarantined) -> None:
        position = record.position.decode()
        found = set_aside_in(record) if position not in self._tracked else None
        if found is None or not self._definition.knows(found.cell):
            return
        self._tracked[position] = _Tracked(found, record if len(record.original) <= MAX_KEPT_BYTES else None)
        self._of_cell.setdefault(found.cell, set()).add(position)
        self._pending[position] = None
        if len(self._tracked) > MAX_STATEMENTS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        position, (found, _) = self._tracked.popitem(last=False)
        self._told.pop(position, None)
        self._pending.pop(position, None)
        positions = self._of_cell[found.cell]
        positions.discard(position)
        if not positions:
            del self._of_cell[found.cell]
