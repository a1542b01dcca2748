"""The aggregator: the loop that carries the tallies log through the fold into totals, quarantine and checkpoints.

Everything it holds can be thrown away: a restart, or another member of the consumer group, rebuilds it from the log.
What is owed to the log (totals, quarantine, ledgers) is forgotten only once the log has acknowledged it.

A replay that goes back in time begins another epoch, with topics of its own: `fold_run` then begins anew on those.
So it does where the definition is amended: from the last checkpoint, and with the amendment among the tallies.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NoReturn

from consumers import rounds
from consumers.order_relay import AmendmentRelay, OrderRelay
from eventlog.clock import Clock
from eventlog.loops import LOG_RETRY, RetryPolicy, Tries, retried
from eventlog.port import Batch, Entry, EventLog, Membership, Reader, Standstill, read_until
from eventlog.run import Run, find_run
from schemas.errors import LogError, LogSilent, LogUnavailable
from schemas.progress import Watermark, parse_watermark
from schemas.quarantine import Quarantined
from schemas.totals import Cell
from schemas.trust import OperatorKey
from tabulation.counting.checkpoint import Checkpoint, Marker
from tabulation.counting.tally_fold import TallyFold

_log = logging.getLogger(__name__)

GROUP: Final = "aggregate"

MAX_RECORDS: Final = 2_000
"""Records in one read: some 20 ms of folding, a fifth of a tick, so a flood cannot hold up publishing."""

CATCHING_UP_RECORDS: Final = MAX_RECORDS // 2
"""A read of so many says that more are waiting than a tick can bring."""

CATCHING_UP_TICKS: Final = 10
"""How many ticks apart totals are published while catching up, as in a rebuild: they are old, and soon older."""

CATCHING_UP_ROUNDS: Final = 3
"""How many checkpoint rounds are apart while catching up: all that was folded by then is written, however often."""

NOTICES_MS: Final = 2_000
"""How far apart notices are published: a source whose revisions restarted says so with each of its statements."""
WARN_EVERY_S: Final = 600  # between log lines about them: the control room shows each of them at once

MAX_IDLE_MS: Final = 200
"""The longest wait for input, so that a change of the group's members is noticed."""


@dataclass(frozen=True, slots=True)
class AggregateSettings:
    """How often totals are published at most, how often checkpoints begin, how long to wait for a log that is away."""

    tick_ms: int = 100
    checkpoint_ms: int = 10_000
    retry: RetryPolicy = LOG_RETRY
    compare_ms: int = 5_000
    """How often sources are compared at most: as often as a person reads why they differ."""
    operators: tuple[OperatorKey, ...] = ()
    """Whose orders in the control topic count. Without any, everybody's do unless the run is live."""
    member: str | None = None
    """This process's name in the consumer group: a restart under the same name waits for nobody."""


@dataclass(slots=True)
class Progress:
    """How far the aggregator has come; `folded`, `published`, `outcomes` and `errors` count since its start.

    Moments (`…_s`) are seconds of the clock that never steps back.
    """

    folded: int = 0
    published: int = 0
    behind: dict[int, int] = field(default_factory=dict)
    """By partition that is owned: how many tallies the log held that were not folded, when it was last asked."""
    compared: int = 0
    unverified: int = 0
    """Operators' restrictions that are kept though they cannot be verified."""
    run: str = ""
    partitions: frozenset[int] = frozenset()
    """Those that this member owns."""
    answered_s: float | None = None
    """When the log last answered: a read that brought something, an append, a question how far it goes."""
    kept_s: float | None = None
    """When the last checkpoint round was done; before the first one, when the partitions were taken up."""
    errors: Counter[str] = field(default_factory=Counter)
    """What kept the aggregator from the log, by the error's name."""
    outcomes: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)


Watch = Callable[[Progress], None]


class Aggregator:
    """One member of the group that folds a run's tallies."""

    def __init__(
        self,
        log: EventLog,
        run: Run,
        clock: Clock,
        settings: AggregateSettings | None = None,
        watch: Watch = lambda _: None,
        *,
        progress: Progress | None = None,
    ) -> None:
        self._log = log
        self._run = run
        self._clock = clock
        self._settings = settings or AggregateSettings()
        self._watch = watch
        self._progress = progress or Progress()
        self._progress.run = run.name
        tallies, partitions = run.topics.tallies.name, run.topics.partitions
        self._fold = TallyFold(run.base, tallies, lambda key: log.partition_of(key, partitions), run.ordered)
        self._progress.outcomes = self._fold.outcomes
        self._saver = rounds.CheckpointWriter(log, run.topics.ledger.name, self._fold)
        self._standstill = Standstill()
        self._relay = OrderRelay(log, run, clock, self._settings.operators)
        self._amendments = AmendmentRelay(log, run, self._fold)
        self._comparing = rounds.ComparisonRounds(log, run, self._fold)
        self._assessing = rounds.AssessmentRounds(log, run, self._fold)
        self._owned: frozenset[int] = frozenset()
        self._held: frozenset[int] = frozenset()
        """Partitions of which the fold holds something: the owned ones, and what a restore that failed has left."""
        self._reader: Reader | None = None
        self._totals: Reader | None = None
        self._unpublished: set[Cell] = set()
        self._watermark: dict[int, int] = {}
        """By partition the position that the totals topic says to be published."""
        self._watermarked: set[int] = set()
        """Partitions of which the totals topic has a watermark, as far as it was followed."""
        self._owned_since = clock.now(), clock.monotonic()  # partitions were taken up, or an append failed
        self._unquarantined: list[Quarantined] = []
        self._unfolded: deque[Batch] = deque()  # read and not folded yet: an error in between loses none
        self._newest: dict[Cell, int] = {}
        self._is_catching_up = False
        self._publish_due = self._save_due = self._compare_due = self._notices_due = self._warn_due = clock.monotonic()
        self._resources = AsyncExitStack()

    async def run(self) -> None:
        """Fold for ever, sharing the partitions with the group's other members.

        Ends by cancellation, or where all is to be read anew (another take or definition, silence): see `fold_run`.
        """
        tries = Tries(self._clock, self._settings.retry)
        join = partial(self._log.member, self._run.topics.tallies.name, GROUP, self._settings.member)
        member: Membership | None = None
        async with self._relay, self._comparing, self._assessing, self._resources, AsyncExitStack() as group:
            while not (self._relay.take_ended or self._relay.amended):
                try:
                    if member is None:
                        member = await group.enter_async_context(join())
                    await self._own(member.partitions)
                    await self._turn()
                except LogError as error:
                    self._progress.errors[type(error).__name__] += 1
                    await tries.wait(error, partial(_log.warning, "%s"))
                    if isinstance(error, LogSilent):
                        return
                else:
                    tries.succeeded()

    async def run_until_end(self, expect: Callable[[int], None] = lambda _: None) -> Progress:
        """Fold what the log holds now, publish, checkpoint, return. `expect` is told how many records that is.

        Raises `LogError` where the log fails: what was done stands, and doing it again is harmless.
        """
        async with self._relay, self._comparing, self._assessing, self._resources:
            await self._own(frozenset(range(self._run.partitions)))
            ends = await self._log.end_offsets(self._run.topics.tallies.name)
            expect(sum(ends.values()) - sum(self._positions().values()))
            while any(self._positions()[partition] < end for partition, end in ends.items()):
                await self._turn()
                if self._relay.amended:
                    raise LogUnavailable("The definition was amended while it was folded. Begin again.")
            await self._publish()
            await self._publish_notices()
            await self._saver.finish()
            await self._save()
            await self._saver.finish()
            await self._comparing.begin()
            await self._comparing.finish()
            self._progress.compared = self._comparing.compared
            await self._assessing.begin()
            await self._assessing.finish()
        self._progress.flags = self._fold.flags()
        self._report()
        return self._progress

    async def _own(self, partitions: frozenset[int]) -> None:
        """After a rebalance: drop the partitions that went to others, and restore those that came.

        Raises `LogError`; then nothing is owned, and the next call begins anew.
        """
        if partitions == self._owned:
            return
        kept = {p: at for p, at in self._positions().items() if p in self._owned & partitions}
        for partition in self._held - kept.keys():
            self._drop(partition)
        self._held = partitions
        self._owned = self._progress.partitions = frozenset()  # until the readers stand: what fails begins anew
        await self._relay.take_over(partitions)
        markers = await self._restore(partitions - kept.keys())
        followed = [marker.followed for marker in markers.values()]
        if self._totals is not None:
            followed.append(self._totals.positions[0])
        positions = kept | {partition: marker.position for partition, marker in markers.items()}
        self._unfolded.clear()  # the new reader brings them again
        await self._resources.aclose()
        topics = self._run.topics
        self._reader = await self._resources.enter_async_context(self._log.reader(topics.tallies.name, positions))
        follow_from = {0: min(followed, default=0)}
        self._totals = await self._resources.enter_async_context(self._log.reader(topics.totals.name, follow_from))
        await self._follow_totals()
        await self._begin_watermarks(partitions - kept.keys())
        await self._amendments.relay(partitions - kept.keys())
        self._owned = self._progress.partitions = partitions
        self._progress.behind = {}
        self._progress.kept_s = self._clock.monotonic()
        self._answered()
        self._assessing.own(partitions)
        _log.info("Folding partitions %s from %s as member %s.", sorted(partitions), positions, self._settings.member)

    async def _begin_watermarks(self, partitions: Collection[int]) -> None:
        """Say of partitions of which nothing was ever published that nothing was.

        So the past knows that what it finds of them before their first watermark was not on air, and that the totals
        were not published by an aggregator that wrote no watermarks.
        """
        known = self._watermarked | {self._fold.partition_of(cell) for cell in self._newest}
        for partition in partitions:
            self._watermark.pop(partition, None)
        self._owned_since = self._clock.now(), self._clock.monotonic()
        positions = self._positions()
        unpublished = {one: 0 for one in partitions if one not in known and positions[one] == 0}
        if unpublished:
            await self._append_totals([], unpublished)

    def _drop(self, partition: int) -> None:
        for cell in self._fold.cells_of(partition):
            self._unpublished.discard(cell)
            self._newest.pop(cell, None)
        self._saver.forget(partition)
        self._fold.forget(partition)

    def _positions(self) -> dict[int, int]:
        """Up to where each partition is folded, which is not always as far as it is read."""
        positions = dict(self._reader.positions) if self._reader is not None else {}
        for batch in reversed(self._unfolded):
            positions[batch.partition] = batch.records[0].offset
        return positions

    async def _restore(self, partitions: Iterable[int]) -> dict[int, Marker]:
        """Take over each partition's checkpoint; where there is none that can be used, begin at the start."""
        checkpoints = await rounds.read_checkpoints(self._log, self._run.topics.ledger.name, partitions, MAX_RECORDS)
        return {partition: self._take_over(partition, checkpoint) for partition, checkpoint in checkpoints.items()}

    def _take_over(self, partition: int, checkpoint: Checkpoint) -> Marker:
        self._amendments.resume(partition, checkpoint.marker.definition)
        ledgers = rounds.usable_ledgers(self._fold, partition, checkpoint)
        if ledgers is None:
            self._fold.forget(partition)
            return Marker()
        self._fold.notices.restore(checkpoint.marker.notices)
        for ledger in ledgers:
            self._fold.adopt(ledger)
            self._newest[ledger.cell] = ledger.version  # published before it was kept
        self._fold.notice_impossible(ledger.cell for ledger in ledgers)
        self._saver.saved(partition, checkpoint.marker, {ledger.cell: ledger.version for ledger in ledgers})
        return checkpoint.marker

    async def _turn(self) -> None:
        """Read what is next, fold it, and do what is due: quarantine, publish, checkpoint, compare, assess.

        Each of these does a bounded piece of work, so that a tick is never held up for long.
        """
        if self._reader is None or not self._owned:
            await self._clock.sleep(MAX_IDLE_MS / 1000)
            await self._relay.settle()
            return
        folded = self._progress.folded
        if not self._unfolded:
            self._unfolded.extend(await self._reader.read(max_records=MAX_RECORDS, wait_ms=self._patience_ms()))
        while self._unfolded:
            self._answered()
            if await self._amendments.are_beyond(self._unfolded[0].records, self._relay):
                return
            self._fold_batch(self._unfolded.popleft())
        # A full read says that more is waiting: totals and checkpoints then come more rarely, figures are old anyway.
        self._is_catching_up = self._progress.folded - folded >= CATCHING_UP_RECORDS
        await self._quarantine()  # before totals: a figure that lacks a statement has its reason in the log already
        now = self._clock.monotonic()
        if self._is_due(now, self._publish_due, self._settings.tick_ms, CATCHING_UP_TICKS):
            await self._publish()
        pause_ms = self._settings.checkpoint_ms
        if self._saver.is_busy or self._is_due(now, self._save_due, pause_ms, CATCHING_UP_ROUNDS):
            await self._save()
        if self._comparing.is_busy or now >= self._compare_due:
            await self._compare()
        if self._assessing.is_busy and not self._unpublished:  # what counts now is in the totals before that is said
            await self._assessing.step()
        self._report()

    def _fold_batch(self, batch: Batch) -> None:
        outputs = self._fold.apply(batch.partition, batch.records)
        self._unpublished |= outputs.changed
        self._saver.changed(outputs.changed)
        self._assessing.changed(outputs.changed)
        self._unquarantined += outputs.quarantined
        if outputs.amended:
            self._assessing.amended()
        for alarm in outputs.alarms:
            _log.warning("%s", alarm)
        self._progress.folded += len(batch.records)

    def _is_due(self, now: float, due: float, pause_ms: int, catching_up: int) -> bool:
        """Whether what is due at a moment is so now; while catching up, only after so many pauses instead of one."""
        more = catching_up - 1 if self._is_catching_up else 0
        return now >= due + more * pause_ms / 1000

    def _patience_ms(self) -> int:
        """How long the next read may wait: until something is due, and not so long that the group goes unnoticed."""
        now = self._clock.monotonic()
        due = [now + MAX_IDLE_MS / 1000]
        if self._unpublished:
            due.append(self._publish_due)
        may_assess = self._assessing.is_busy and not self._unpublished
        if self._saver.is_busy or self._comparing.is_busy or may_assess:
            due.append(now)
        return max(0, round((min(due) - now) * 1000))

    async def _quarantine(self) -> None:
        if self._unquarantined:
            entries = [Entry(record.position, record.encode()) for record in self._unquarantined]
            await self._log.append(self._run.topics.quarantine.name, entries)
            _log.warning("%d records were quarantined; the last: %s", len(entries), self._unquarantined[-1].detail)
            self._assessing.set_aside(self._unquarantined)
            self._unquarantined = []

    async def _publish(self) -> None:
        """Publish the cells that changed since the last time.

        Call order: operators' orders first, so that a hold precedes the totals it holds back; then totals; then the
        marks of a replay's clock, which say that everything before them is published.
        """
        await self._relay.settle()
        if self._unpublished:
            await self._publish_cells()
        if self._clock.monotonic() >= self._notices_due:
            await self._publish_notices()
        await self._relay.publish_progress(self._positions())

    async def _publish_cells(self) -> None:
        """Publish the cells that changed, each once, as they stand now."""
        began_s = self._clock.monotonic()
        cells = sorted(self._unpublished)
        self._fold.notice_impossible(cells)
        zone = self._run.definition.zone
        entries = [Entry(cell.key(), self._fold.ledgers[cell].totals(zone).encode()) for cell in cells]
        # A partition of which nothing is folded yet may have totals in the topic: nothing is said of it.
        await self._append_totals(entries, {partition: at for partition, at in self._positions().items() if at})
        self._unpublished.clear()
        self._progress.published += len(cells)
        self._publish_due = began_s + self._settings.tick_ms / 1000  # what the append took is no part of the wait

    async def _append_totals(self, entries: list[Entry], positions: Mapping[int, int]) -> None:
        """Append to the totals topic; behind the entries which positions are published with them, where that is new."""
        since, since_s = self._owned_since
        self._owned_since = self._clock.now(), self._clock.monotonic()  # what fails may be written behind newer ones
        if any(self._watermark.get(partition) != position for partition, position in positions.items()):
            second = 1 + int(self._clock.monotonic() - since_s) if any(positions.values()) else 0
            owned_since = round(since.timestamp() * 1_000_000)
            watermark = Watermark(owned_since=owned_since, second=second, positions=dict(positions))
            entries.append(Entry(watermark.key, watermark.encode()))
        if entries:
            await self._log.append(self._run.topics.totals.name, entries)
            self._answered()
            self._watermark.update(positions)
        self._owned_since = since, since_s

    async def _publish_notices(self) -> None:
        """Publish what was noticed since, each of a kind and cell once, as it stands now."""
        notices = self._fold.notices.owed()
        if not notices:
            return
        await self._log.append(self._run.topics.totals.name, [Entry(one.key, one.encode()) for one in notices])
        self._fold.notices.published()
        self._notices_due = self._clock.monotonic() + NOTICES_MS / 1000
        odd = [one for one in notices if one.count]
        if odd and self._clock.monotonic() >= self._warn_due:
            self._warn_due = self._clock.monotonic() + WARN_EVERY_S
            message = "Statements to look at in the control room: %d, the last of them %s"
            _log.warning(message, len(odd), odd[-1].described())

    async def _save(self) -> None:
        """Go on with the checkpoint round, or begin one.

        Call order: totals are published before a round begins. So a restart from its marker owes nothing for the input
        that it covers.
        """
        if not self._saver.is_busy:
            positions = self._positions()
            ends = await self._log.end_offsets(self._run.topics.tallies.name)
            self._answered()
            self._progress.behind = self._standstill.behind(positions, ends, self._clock.monotonic())
            await self._publish()
            await self._repair_totals()
            followed = self._totals.positions[0] if self._totals is not None else 0
            self._saver.begin(positions, followed)
            self._save_due = self._clock.monotonic() + self._settings.checkpoint_ms / 1000
        await self._saver.step()
        if not self._saver.is_busy:
            self._progress.kept_s = self._clock.monotonic()

    async def _compare(self) -> None:
        """Go on with comparing sources, or begin a round; but not while many tallies wait, as in a rebuild."""
        if not self._comparing.is_busy:
            self._compare_due = self._clock.monotonic() + self._settings.compare_ms / 1000
            ends = await self._log.end_offsets(self._run.topics.tallies.name)
            self._answered()
            if sum(ends[partition] - at for partition, at in self._positions().items()) > MAX_RECORDS:
                return
            await self._comparing.begin()
            await self._assessing.begin()
        await self._comparing.step()
        self._progress.compared = self._comparing.compared

    async def _repair_totals(self) -> None:
        """Publish again what a zombie overwrote: cells of which the newest record is older than our ledger.

        Readers drop such a record by its `version` (that is the fencing); but compaction must not leave it as the only
        one, for a reader that begins later.
        """
        await self._follow_totals()
        ledgers = self._fold.ledgers
        self._unpublished |= {cell for cell, ledger in ledgers.items() if self._newest.get(cell, -1) < ledger.version}
        await self._publish()
        await self._relay.repair()

    async def _follow_totals(self) -> None:
        if self._totals is None:
            return
        ends = await self._log.end_offsets(self._run.topics.totals.name)
        async for batch in read_until(self._totals, ends, max_records=MAX_RECORDS):
            self._newest.update(rounds.versions_of_totals(batch.records))
            for record in batch.records:
                watermark = parse_watermark(record.key, record.value)
                if watermark is not None:
                    self._watermarked |= watermark.positions.keys()
            self._relay.fold_totals(batch.records)

    def _answered(self) -> None:
        self._progress.answered_s = self._clock.monotonic()

    def _report(self) -> None:
        self._progress.unverified = len(self._relay.unverified(self._clock.now()))
        self._watch(self._progress)


async def fold_run(
    log: EventLog,
    run: Run,
    clock: Clock,
    settings: AggregateSettings | None = None,
    progress: Progress | None = None,
) -> NoReturn:
    """Fold the run for ever, whichever replay epoch (take) it is in, and however its definition is amended.

    Nothing is carried over: each take has its own topics, and its own consumer group, and an amended definition goes on
    from the last checkpoint. Ends only by cancellation.
    """
    settings = settings or AggregateSettings()
    progress = progress or Progress()
    while True:
        await Aggregator(log, run, clock, settings, progress=progress).run()
        run = await _found(log, run.name, clock, settings, progress)
        _log.info(
            "Run %r goes on in take %d, with version %d of its definition.", run.name, run.topics.take, run.version
        )


async def _found(log: EventLog, name: str, clock: Clock, settings: AggregateSettings, progress: Progress) -> Run:
    async def found() -> Run:
        try:
            return await find_run(log, name, settings.operators)
        except LogError as error:
            progress.errors[type(error).__name__] += 1
            raise

    return await retried(found, Tries(clock, settings.retry), partial(_log.warning, "%s"))
