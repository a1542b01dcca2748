"""Assessments: for each statement in quarantine, whether letting it out would change a figure, by what stands now.

What is known of a statement is what the quarantine topic says: its record, and the last assessment of it. So a restart,
a rebalance or a zombie's old record need no care of their own: what is owed is whatever differs from the ledgers.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from pydantic import ValidationError

from eventlog.port import Entry, EventLog
from eventlog.reading import CatchingUp
from eventlog.run import Run
from schemas.fields import Record
from schemas.quarantine import Assessment, Quarantined, is_assessment
from schemas.set_aside import MAX_KEPT_BYTES, MAX_STATEMENTS, SetAside, set_aside_in
from schemas.totals import Cell
from tabulation.counting.quarantine import assess
from tabulation.counting.tally_fold import TallyFold

MAX_ASSESSED: Final = 200
"""Statements assessed in one step: some 5 ms, a twentieth of a tick."""

MAX_RECORDS: Final = 200
"""Records of the topic read in one step: some 5 ms of parsing."""


class _Tracked(NamedTuple):
    found: SetAside
    record: Quarantined | None


class AssessmentRounds:
    """Publishes assessments of what is in quarantine from the districts that an aggregator owns.

    Use as an async context manager. Nothing is assessed before the topic was read to its end once: what other members
    have published is known by then.
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
        self._is_reading = False
        self._has_read = False
        self._reading = CatchingUp(log, self._topic)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reading.__aexit__()

    @property
    def is_busy(self) -> bool:
        """Whether there is something to read or to assess."""
        return self._is_reading or bool(self._pending and self._has_read)

    def own(self, partitions: frozenset[int]) -> None:
        """Assess the statements of these partitions from now on, after a rebalance."""
        for cell, positions in self._of_cell.items():
            if self._fold.partition_of(cell) in partitions - self._owned:
                self._pending |= dict.fromkeys(positions)
        self._owned = partitions

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
        """Go on: read what the topic has, then assess what is pending, and publish what differs from what was told."""
        if self._is_reading:
            if self._reading.is_behind:
                for record in await self._reading.read(MAX_RECORDS):
                    self._read(record)
                return
            self._is_reading, self._has_read = False, True
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
