"""The aggregator's rounds: comparisons of sources, and assessments of quarantined statements, a little at a time.

What is owed follows from the topics: comparisons whose newest record is older than the ledgers, and assessments that
differ from what the ledgers say. So a restart, a rebalance, a zombie's old record or a failed append need no care of
their own, and a rebuild that ends where the last one did appends nothing: a round is idempotent.
"""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple, Self

import orjson
from pydantic import ValidationError

from eventlog.port import Entry, EventLog
from eventlog.reading import CatchingUp
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
from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.comparisons import compare, version_of
from tabulation.counting.quarantine import assess
from tabulation.counting.tally_fold import TallyFold

MAX_BOXES: Final = 2_000
"""Boxes looked at in one step, and what is over in the last district: 2 to 20 ms, a fifth of a tick at most."""

MAX_RECORDS: Final = 200
"""Records of a topic read in one step: 3 to 5 ms of parsing."""

MAX_BEHIND: Final = 2_000
"""Tallies that may wait while sources are compared: one read of the aggregator's. Figures come first."""


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
        while waiting and boxes < MAX_BOXES:
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
