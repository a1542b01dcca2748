"""Assessments: of each statement in quarantine, what it comes to by what stands, said anew whenever that changes.

What is known of a statement is what the quarantine topic says: its record, and the last assessment of it. So a restart,
a change of owner or a zombie's old word need no care of their own: what is owed is whatever differs from the ledgers.
"""

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple, Self

from pydantic import ValidationError

from eventlog.port import Entry, EventLog, Reader
from eventlog.run import Run
from schemas.quarantine import Assessment, Quarantined, is_assessment
from schemas.record import Record
from schemas.set_aside import MAX_KEPT_BYTES, MAX_STATEMENTS, SetAside, set_aside_in
from schemas.totals import Cell
from tabulation.counting.assess import assess
from tabulation.counting.tally_fold import TallyFold

MAX_ASSESSED: Final = 200
"""Statements assessed in one step: some 5 ms, a twentieth of a tick."""

MAX_RECORDS: Final = 200
"""Records of the topic read in one step: some 5 ms of parsing."""

_READ_WAIT_MS: Final = 1_000
"""How long one read of what is known to be in the log may wait."""


class _Tracked(NamedTuple):
    found: SetAside
    record: Quarantined | None


class Assessing:
    """Keeps the assessments of what was set aside in the districts that an aggregator owns. Use as a context manager.

    Nothing is assessed before the topic was read to its end once: what others have said is known by then.
    """

    def __init__(self, log: EventLog, run: Run, fold: TallyFold) -> None:
        self._log = log
        self._topic = run.topics.quarantine.name
        self._definition = run.definition
        self._fold = fold
        self._owned: frozenset[int] = frozenset()
        self._tracked: OrderedDict[str, _Tracked] = OrderedDict()
        self._of_cell: dict[Cell, set[str]] = {}
        self._told: dict[str, Assessment] = {}
        self._pending: dict[str, None] = {}
        self._end: int | None = None
        self._has_read = False
        self._reader: Reader | None = None
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader = None
        await self._resources.aclose()

    @property
    def is_busy(self) -> bool:
        """Whether there is something to read or to assess."""
        return self._end is not None or bool(self._pending and self._has_read)

    def own(self, partitions: frozenset[int]) -> None:
        """From now on these partitions' statements are to be assessed here."""
        for cell, positions in self._of_cell.items():
            if self._fold.partition_of(cell) in partitions - self._owned:
                self._pending |= dict.fromkeys(positions)
        self._owned = partitions

    def changed(self, cells: set[Cell]) -> None:
        """What stands in these cells is something else than before."""
        for cell in self._of_cell.keys() & cells:
            self._pending |= dict.fromkeys(self._of_cell[cell])

    def set_aside(self, records: Iterable[Quarantined]) -> None:
        """These records were put into the topic."""
        for record in records:
            self._track(record)

    async def begin(self) -> None:
        """Begin to read what the topic has by now."""
        if self._reader is None:
            reader = self._log.reader(self._topic, {0: 0})
            self._reader = await self._resources.enter_async_context(reader)
        self._end = (await self._log.end_offsets(self._topic))[0]

    async def step(self) -> None:
        """Go on: read what the topic has, then assess what is pending, and publish what differs from what was told."""
        if self._end is not None and self._reader is not None:
            if self._reader.positions[0] < self._end:
                for batch in await self._reader.read(max_records=MAX_RECORDS, wait_ms=_READ_WAIT_MS):
                    for record in batch.records:
                        self._read(record)
                return
            self._end, self._has_read = None, True
        if self._has_read:
            await self._assess_some()

    async def finish(self) -> None:
        """Go on until nothing is left to do."""
        while self.is_busy:
            await self.step()

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
        """Take in one record of the topic; one that cannot be read says nothing."""
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
