"""Comparison rounds: of each district that two sources report box by box, where they differ, a little at a time.

Which comparisons are owed follows from the topic: those whose newest record is older than the ledgers. So a restart, a
rebalance, a zombie's old record or a failed append need no care of their own, and a rebuild that ends where the last
one did writes nothing: a round is idempotent.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, Self

import orjson

from eventlog.port import Entry, EventLog
from eventlog.reading import CatchingUp
from eventlog.run import Run
from schemas.comparison import Pair
from schemas.fields import Record
from schemas.totals import Cell
from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.comparisons import compare, version_of
from tabulation.counting.tally_fold import TallyFold

MAX_BOXES: Final = 2_000
"""Boxes looked at in one step, and what is over in the last district: 2 to 20 ms, a fifth of a tick at most."""

MAX_RECORDS: Final = 200
"""Records of the topic read in one step: some 3 ms of parsing."""

MAX_BEHIND: Final = 2_000
"""Tallies that may wait while sources are compared: one read of the aggregator's. Figures come first."""


class ComparisonRounds:
    """Keeps the comparisons of the districts that an aggregator owns. Use as an async context manager."""

    def __init__(self, log: EventLog, run: Run, fold: TallyFold) -> None:
        self.compared = 0
        """Comparisons published since the start."""
        self._log = log
        self._topic = run.topics.comparisons
        self._fold = fold
        sources = sorted(source.id for source in run.definition.sources if source.reports == "boxes")
        self._pairs = list(combinations(sources, 2))
        self._newest: dict[bytes, int] = {}
        self._waiting: list[Pair] | None = None
        self._is_created = False
        self._reading = CatchingUp(log, self._topic.name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reading.__aexit__()

    @property
    def is_busy(self) -> bool:
        """Whether a round is under way."""
        return self._waiting is not None

    async def begin(self) -> None:
        """Begin a round; none where nothing can be compared."""
        if not self._pairs:
            return
        if not self._is_created:
            await self._log.create([self._topic])  # a run that is older than comparisons has no such topic
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
        """Go on with the round: read what the topic has, then compare and publish what is owed."""
        if self._waiting is None:
            return
        if self._reading.is_behind:
            self._newest.update(_versions(await self._reading.read(MAX_RECORDS)))
        elif self._waiting:
            await self._compare_some(self._waiting)
        else:
            self._waiting = None

    async def finish(self) -> None:
        """Go on until the round is over."""
        while self.is_busy:
            await self.step()

    async def _compare_some(self, waiting: list[Pair]) -> None:
        entries, boxes = [], 0
        while waiting and boxes < MAX_BOXES:
            pair = waiting.pop()
            a, b = (self._ledger(Cell(pair.contest, source, pair.district)) for source in (pair.a, pair.b))
            if version_of(a, b) > self._newest.get(pair.key(), -1):
                entries.append(Entry(pair.key(), compare(pair, a, b).encode()))
                boxes += sum(len(ledger) for ledger in (a, b) if ledger is not None)
        if entries:
            await self._log.append(self._topic.name, entries)
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
