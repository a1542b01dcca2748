"""Amendments of the definition, as an aggregator carries them from the control topic into its partitions of tallies."""

from collections.abc import Iterable, Sequence
from typing import Final

from consumers.order_relay import OrderRelay
from eventlog.port import Entry, EventLog
from eventlog.run import Run
from schemas.amendments import AMENDED_KEY, Amended
from schemas.fields import Record
from tabulation.counting.tally_fold import TallyFold


class AmendmentRelay:
    """Relays the amendments that a run has, so that they lie among the tallies of each partition."""

    def __init__(self, log: EventLog, run: Run, fold: TallyFold) -> None:
        self._log: Final = log
        self._run: Final = run
        self._fold: Final = fold

    def resume(self, partition: int, digest: str | None) -> None:
        """Let the fold go on where the definition with this digest holds; `None`: the one that the run began with."""
        found = [at for at, amendment in enumerate(self._run.amendments, 1) if amendment.yields == digest]
        held: Sequence[Amended] = self._run.amendments[: found[0]] if found else ()
        self._fold.resume(partition, held)

    async def relay(self, partitions: Iterable[int]) -> None:
        """Append to partitions of the tallies the amendments that are not known to lie there. Twice is once.

        Not in a replay: there they lie where they lay in the night that is replayed.
        """
        if self._run.mode == "replay":
            return
        owed = [
            Entry(AMENDED_KEY, amendment.encode(), partition)
            for partition in sorted(partitions)
            for amendment in self._run.amendments[len(self._fold.amendments_of(partition)) :]
        ]
        if owed:
            await self._log.append(self._run.topics.tallies.name, owed)

    async def are_beyond(self, records: Iterable[Record], orders: OrderRelay) -> bool:
        """Whether the definition is amended by more than the run has, so that the fold must begin anew with that.

        Where these tallies amend it, the order that they do it by is read first.
        """
        if any(record.key == AMENDED_KEY for record in records):
            await orders.settle()
        return orders.amended
