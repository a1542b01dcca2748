"""The order relay: carries what the control topic says into totals, where its position is the same for every reader.

Holds become gates, figures set by hand overrides, a replay's clocks the progress of partitions. That a replay has begun
another take is for the aggregator: it is about to fold what nobody asks for any more.

What cannot be read in the control topic goes to quarantine, as tallies do (`tabulation.orders.control`).

Until there is such an order it reads nothing but the control topic. From then on it follows totals as well, from
their beginning: what a gate shows is what the topic's readers are shown, not what this member has folded so far.

Amendments of the definition go another way (`AmendmentRelay`): from the control topic into the tallies.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Self

from eventlog.clock import Clock
from eventlog.port import CatchingUp, Entry, EventLog, read_to_end
from eventlog.run import Run
from schemas.amendments import AMENDED_KEY, Amended
from schemas.asides import Gate, Override
from schemas.control import Takes
from schemas.fields import Record
from schemas.progress import PartitionProgress, parse_moved
from schemas.quarantine import Quarantined
from schemas.trust import OperatorKey, OrderVerifier, Verdict
from tabulation.counting.tally_fold import TallyFold
from tabulation.orders.control import broken_control
from tabulation.orders.effects import Holds, Overrides, RelayedOrders, Restrictions
from tabulation.replay_clock import ReplayProgress

_log = logging.getLogger(__name__)

MAX_BROKEN: Final = 1_000
"""Control records that wait to be set aside, the newest; the log names the others too."""

_key_of: Final[Callable[[Any], bytes | None]] = attrgetter("key")

_MAX_RECORDS: Final = 2_000
"""Records in one read: some 30 ms of parsing."""


class OrderRelay:
    """Relays operators' orders for the partitions that an aggregator owns. Use as an async context manager."""

    def __init__(self, log: EventLog, run: Run, clock: Clock, operators: Sequence[OperatorKey] = ()) -> None:
        self.take_ended = False
        """Whether the run goes on in another take than this one."""
        self.amended = False
        """Whether the definition was amended beyond what the run says."""
        self._log = log
        self._run = run
        self._clock = clock
        self._takes = Takes(run.name)
        self._control = run.topics.control.name
        self._totals = run.topics.totals.name
        self._verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, operators)
        self._holds = Holds(run.definition)
        self._restrictions = Restrictions(run.definition)
        self._overrides = Overrides()
        self._relayed = RelayedOrders(run.definition)
        self._progress = ReplayProgress(run.epoch)
        partitions = run.topics.partitions
        self._partition = {cell: log.partition_of(cell.encode(), partitions) for cell in run.definition.every_cell}
        self._owned: frozenset[int] = frozenset()
        self._settled = True
        self._broken: deque[Quarantined] = deque(maxlen=MAX_BROKEN)
        self._set_aside: set[bytes] | None = None
        self._control_topic = CatchingUp(log, self._control)
        self._totals_topic = CatchingUp(log, self._totals)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for topic in (self._control_topic, self._totals_topic):
            await topic.__aexit__()

    async def take_over(self, partitions: frozenset[int]) -> None:
        """Relay for these partitions from now on. On return the control topic is folded to where it ended."""
        self._owned = partitions
        self._settled = False
        await self._read_control()

    async def settle(self) -> None:
        """Fold the control topic to its end, and relay what is owed of it into totals.

        Call order: fold tallies, `settle()`, then publish, then `mark()`. A hold that was acknowledged before a tally
        was appended is held before that tally's totals.
        """
        await self._read_control()
        if not self._settled and self._has_orders:
            await self._relay()
        self._settled = True
        if self._broken and 0 in self._owned:
            await self._quarantine()

    async def repair(self) -> None:
        """Publish again what stands where another member's record came after it.

        Call order: after `fold_totals` has been given the totals topic to its end.
        """
        await self._append_progress(self._progress.overwritten(self._owned))
        if self._has_orders:
            await self._relay()
            await self._append(self._relayed.overwritten(self._is_ours))

    async def publish_progress(self, positions: Mapping[int, int]) -> None:
        """Publish which of the replay's clocks are reached.

        Call order: everything before `positions` is published already.
        """
        await self._append_progress(self._progress.owed(positions))

    def fold_totals(self, records: Iterable[Record]) -> None:
        """Fold records of the totals topic, as the aggregator follows it: they may overwrite what was relayed."""
        for record in records:
            self._progress.fold(record)

    async def _append_progress(self, progress: list[PartitionProgress]) -> None:
        if progress:
            await self._log.append(self._totals, [Entry(one.key, one.encode()) for one in progress])
            self._progress.published(progress)

    def unverified(self, now: datetime) -> tuple[Verdict, ...]:
        """The restrictions that stand at this moment though they cannot be verified, by their offset."""
        return self._restrictions.unverified(now)

    @property
    def _has_orders(self) -> bool:
        return bool(self._holds.wanted or self._overrides.wanted)

    async def _relay(self) -> None:
        """Publish what is owed, one order after the other, until the topic has it all.

        It is bounded: each round relays one order at least.
        """
        await self._read_totals()
        for _ in range(self._holds.orders + self._overrides.orders):
            owed = self._relayed.next_owed(self._holds, self._overrides, self._is_ours)
            if not owed:
                return
            await self._append(owed)
            await self._read_totals()

    async def _append(self, records: Sequence[Gate | Override]) -> None:
        if records:
            now = self._clock.now()
            await self._log.append(self._totals, [Entry(one.key_at(now), one.encode()) for one in records])
            _log.info("Relayed %d records of an operator's order.", len(records))

    async def _quarantine(self) -> None:
        """Set aside what cannot be read of the control topic, unless somebody has done so before.

        Of several aggregators it is for the owner of the first partition to do.
        """
        topic = self._run.topics.quarantine.name
        if self._set_aside is None:
            self._set_aside = {record.key or b"" async for record in read_to_end(self._log, topic)}
        found = {one.position: one for one in self._broken if one.position not in self._set_aside}
        if found:
            await self._log.append(topic, [Entry(position, one.encode()) for position, one in found.items()])
            _log.warning("%d control records were quarantined.", len(found))
        self._set_aside |= found.keys()
        self._broken.clear()

    def _is_ours(self, district: str) -> bool:
        return self._partition.get(district) in self._owned

    def _fold_control(self, record: Record) -> None:
        verdict = self._verifier.verify(record.offset, record.value, record.timestamp)
        broken = broken_control(self._control, record, verdict)
        if broken is not None:
            self._broken.append(broken)
        if verdict is None:
            self._fold_replay(record)
            return
        self._restrictions.fold(verdict)
        if verdict.order is not None and verdict.stands:
            self._holds.apply(record.offset, verdict.order, record.timestamp)
            self._overrides.apply(record.offset, verdict.order)
            self._settled = False
        self.amended = len(self._verifier.amendments) > len(self._run.amendments)
        if not verdict.counts:
            _log.warning("The control record at %d %s.", record.offset, verdict.effect)

    def _fold_replay(self, record: Record) -> None:
        if self._run.mode != "replay":
            return
        moved = parse_moved(record.value)
        if moved is not None:
            self._progress.hear(record.offset, moved)
        self._takes.fold(record.value)
        self.take_ended = self._takes.is_beyond(self._run.topics.take)

    async def _read_totals(self) -> None:
        async for record in self._totals_topic.to_end(_MAX_RECORDS):
            self._relayed.fold(record)

    async def _read_control(self) -> None:
        """Fold the control topic to where it ends now: what a read brings that waits for nothing may be less."""
        async for record in self._control_topic.to_end(_MAX_RECORDS):
            self._fold_control(record)


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
        if AMENDED_KEY in map(_key_of, records):
            await orders.settle()
        return orders.amended
