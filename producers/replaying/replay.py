"""The replay: append an archive's records to a run's log, each when it is due, and as operators order.

`inputs` brings records and orders, `playhead` decides what is due; here is the loop between them. It wakes up when the
next record is due, not in ticks: at 60x a tick of 50 ms would be three seconds of the night. The position is published
beside it, in the control topic: the publishing of records does not wait for that.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, NoReturn

from pydantic import ValidationError

from eventlog.archive_files import microseconds, moment
from eventlog.clock import Clock
from eventlog.loops import Tries, Waiting, forever, retried
from eventlog.port import Entry, EventLog
from eventlog.run import Run, begin_replay_epoch, find_run
from producers.publish import BATCH_RECORDS, Publisher
from producers.replaying.inputs import ArchivedNight, ArchiveReader, OrderReceiver
from producers.replaying.playhead import Playhead, Status
from schemas.amendments import AMENDED_KEY, FIRST_VERSION, Amended, parse_amended
from schemas.control import (
    DefinitionAmended,
    ReplayOrder,
    ReplayPaused,
    ReplayResumed,
    ReplaySought,
    ReplaySpeedSet,
    ReplayStepped,
)
from schemas.errors import LogError, UsageError
from schemas.progress import ReplayMoved
from schemas.trust import OperatorKey, OrderSigner, encode_order

_log = logging.getLogger(__name__)

CONFIRM_S: Final = 2.0
"""How often the position is published while the clock runs: without, a gateway stops its clock after `LEASE_S`, five
seconds."""

SEEKING_CONFIRM_S: Final = 0.5
"""The same while seeking, or at speed 0: clients then see the clock in such steps."""

LATE_S: Final = 5.0
"""How long an amendment of the definition waits behind an append that failed and was made again.

A log may write the failed one after all, a little later than its copy. A tally that the night set aside because it came
before the amendment must not come behind it too: there it would count.
"""

LAST_POSITION_S: Final = 5.0
"""How long to wait for the log to take a position that must be in it before the replay goes on, or ends."""


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """Where a replay is: at the time `at` everything that was due by `clock_us` is in the log.

    `…_us` are moments of the night in microseconds since 1970, UTC. `speed` is how many seconds of the night pass in
    one of ours, 0: as fast as possible.
    """

    run: Run
    at: datetime
    clock_us: int
    speed: float
    status: Status
    first_us: int
    last_us: int


class PositionPublisher:
    """Appends the replay's newest position to the control topic; one that is overtaken by a newer one is left out.

    `on_published` is called with each position that is in the log. Call order: `run()` in a task, `publish()` whenever
    there is a new position, `finish()` at the end.
    """

    def __init__(
        self, log: EventLog, tries: Tries, on_published: Callable[[ReplayPosition], None] = lambda _: None
    ) -> None:
        self._log = log
        self._tries = tries
        self._on_published = on_published
        self._next: ReplayPosition | None = None
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def publish(self, position: ReplayPosition) -> None:
        """Have a position appended as soon as possible; return at once."""
        self._next = position
        self._wanted.set()
        self._idle.clear()

    async def finish(self, patience_s: float) -> None:
        """Return once the newest position is in the log, or after `patience_s`."""
        try:
            async with asyncio.timeout(patience_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("The log did not take the replay's last word; its clock will stop by itself.")

    async def run(self) -> NoReturn:
        """Append what is to be published, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            position = self._next
            if position is not None:
                await self._append(position)
            if not self._wanted.is_set():
                self._idle.set()

    async def _append(self, position: ReplayPosition) -> None:
        try:
            await self._log.append(position.run.topics.control.name, [Entry(b"replay", await self._record(position))])
        except LogError as error:
            await self._tries.wait(error, partial(_log.warning, "%s"))
            self._wanted.set()  # append this position again, or the one that is newer by then
        else:
            self._tries.succeeded()
            self._on_published(position)

    async def _record(self, position: ReplayPosition) -> bytes:
        # the tallies' ends are those of now: they may be further than the position, never less far
        ends = await self._log.end_offsets(position.run.topics.tallies.name)
        return ReplayMoved(
            run=position.run.name,
            epoch=position.run.epoch,
            at=position.at,
            clock=moment(position.clock_us),
            speed=position.speed,
            status=position.status.value,
            first=moment(position.first_us),
            last=moment(position.last_us),
            positions=tuple(ends[partition] for partition in sorted(ends)),
        ).encode()


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """How to replay: `begin` and `end` are moments of the night; at the end `loop` begins anew, and `stay` waits there.

    `operators`: whose orders count; without any, everybody's do. `signer` signs the amendments
    of the night's definition, which are ordered anew.
    """

    speed: float = 1.0
    begin: datetime | None = None
    end: datetime | None = None
    loop: bool = False
    stay: bool = False
    operators: tuple[OperatorKey, ...] = ()
    signer: OrderSigner | None = None


@dataclass(frozen=True, slots=True)
class AppendedRecords:
    """Records that are in the log now: when each was due, and the replay's clock before and after the append.

    All in microseconds since 1970, UTC: `handed_us` as they were handed to the log, `durable_us` once it had
    acknowledged them.
    """

    due_us: Sequence[int]
    handed_us: int
    durable_us: int
    speed: float


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ReplayObserver:
    """Callbacks: `on_appended` after each append of records, `on_position` for each position that is in the log."""

    on_appended: Callable[[AppendedRecords], None] = _ignore
    on_position: Callable[[ReplayPosition], None] = _ignore


class ArchiveReplay:
    """A replay of one night into one run of mode replay. `new_epoch` returns a name for each epoch that it begins."""

    def __init__(
        self,
        publisher: Publisher,
        run: Run,
        night: ArchivedNight,
        settings: ReplaySettings,
        new_epoch: Callable[[], str],
        observer: ReplayObserver | None = None,
    ) -> None:
        """Raise `UsageError` where the run is no replay, or `begin` or `end` is outside of the night."""
        if run.mode != "replay":
            raise UsageError(f"Run {run.name!r} is {run.mode}, and a replay writes only to a replay. Choose another.")
        self._publisher = replace(publisher, on_waiting=self._note_failure)
        self._on_waiting = publisher.on_waiting
        self._settled_s = 0.0
        """Until when, by the clock, a failed append may yet be written."""
        self._log: EventLog = publisher.log
        self._clock: Clock = publisher.clock
        self._run = run
        self._night = night
        self._settings = settings
        self._new_epoch = new_epoch
        self._observer = observer or ReplayObserver()
        self._begin_us, last_us = _window(night, settings)
        self._playhead = Playhead(night.first_us, last_us, settings.speed)
        self._positions = PositionPublisher(self._log, Tries(self._clock, publisher.retry), self._observer.on_position)
        self._reader = ArchiveReader(night.batches())
        self._published_state: tuple[str, float, Status] | None = None
        self._confirm_due = 0.0
        self._quitting = False
        self._ordered = {one.yields: one for one in night.archive.run().amendments}
        """What amended the night's definition, by the digest of what it yields."""
        self._version = FIRST_VERSION
        """Of the definition, as far as its amendments were ordered in this epoch."""
        self._wake_up = asyncio.Event()

    async def play(self) -> None:
        """Replay until the end, or until cancelled. Raises the log's error where it is not retriable."""
        tries = Tries(self._clock, self._publisher.retry)
        since = (await self._log.end_offsets(self._run.topics.control.name))[0]
        receiver = OrderReceiver(self._log, self._run, self._settings.operators, tries, since)
        self._wake_up = receiver.received
        async with asyncio.TaskGroup() as group:
            around = [
                group.create_task(forever(receiver.follow(), "Listening to the director")),
                group.create_task(forever(self._positions.run(), "Saying where the replay is")),
            ]
            ends = await self._log.end_offsets(self._run.topics.tallies.name)
            if any(ends.values()) or len(ends) != self._night.archive.manifest.partitions:
                await self._begin_epoch(receiver)
            self._playhead.seek(self._begin_us, self._clock.monotonic())
            while await self._turn(receiver):
                pass
            await self._positions.finish(LAST_POSITION_S)
            for task in around:
                task.cancel()

    def quit(self) -> None:
        """End soon, with the clock paused where it is. Returns at once."""
        self._quitting = True
        self._wake_up.set()

    async def _turn(self, receiver: OrderReceiver) -> bool:
        """Carry out orders, append what is due, publish the position and wait for what is next.

        Return whether there is more to do.
        """
        self._wake_up.clear()
        while receiver.orders:
            await self._carry_out(receiver.orders.popleft(), receiver)
        await self._announce()
        now_s, now = self._clock.monotonic(), self._clock.now()
        if self._quitting:
            self._playhead.pause(now_s)
        await self._append_due(now_s)
        head_us = await self._reader.head()
        self._playhead.look(head_us, now_s)
        self._publish_position(head_us, now_s, now)
        if self._quitting:
            return False
        if self._playhead.status is Status.ENDED:
            if self._settings.loop:
                self._playhead.seek(self._begin_us, now_s)
                await self._rewind(receiver)
                return True
            if not self._settings.stay:
                return False
        await self._wait(head_us)
        return True

    async def _announce(self) -> None:
        """Publish that the replay moves on before it does: so no later figure is taken for one of this moment."""
        is_moving = self._playhead.status in {Status.PLAYING, Status.SEEKING}
        if is_moving and self._published_state != self._state:
            self._publish_position(await self._reader.head(), self._clock.monotonic(), self._clock.now())
            await self._positions.finish(LAST_POSITION_S)

    @property
    def _state(self) -> tuple[str, float, Status]:
        return self._run.epoch, self._playhead.speed, self._playhead.status

    async def _append_due(self, now_s: float) -> None:
        await self._reader.head()  # reads the next batch where this one is used up
        begin, times = self._reader.at, self._reader.times
        end = min(self._playhead.due(times, begin, now_s), begin + BATCH_RECORDS)
        if end <= begin:
            return
        if self._reader.is_at_amendment:
            await self._clock.sleep(max(0.0, self._settled_s - self._clock.monotonic()))
        end = self._reader.alike(end)  # what fails and is made again has no amendment in it, or nothing else
        entries = self._reader.take(end)
        handed_us = self._playhead.clock_us(self._clock.monotonic())
        await self._amend(entries)
        await self._publisher.append(entries)
        durable_us = self._playhead.clock_us(self._clock.monotonic())
        self._playhead.published(len(entries), times[end - 1])
        appended = AppendedRecords(times[begin:end], handed_us, durable_us, self._playhead.speed)
        self._observer.on_appended(appended)

    def _note_failure(self, waiting: Waiting) -> None:
        self._settled_s = self._clock.monotonic() + waiting.pause_s + LATE_S
        self._on_waiting(waiting)

    async def _amend(self, entries: Sequence[Entry]) -> None:
        """Order in this run what amends the definition among these tallies, before they are in its log."""
        for entry in entries:
            if entry.key == AMENDED_KEY and (ordered := self._ordered_as(entry.value)) is not None:
                await self._order(ordered)

    def _ordered_as(self, value: bytes | None) -> Amended | None:
        """What a record among the tallies amends, if the night's operators have ordered it; anybody may write one."""
        try:
            return self._ordered.get(parse_amended(value).yields)
        except ValidationError:
            return None

    async def _order(self, amendment: Amended) -> None:
        """Order an amendment, unless this epoch has it: it lies in each partition."""
        if amendment.version <= self._version:
            return
        order = DefinitionAmended(
            run=self._run.name,
            epoch=self._run.epoch,
            id=f"replay-{self._run.epoch}-{amendment.version}"[:64],
            by="replay",
            at=self._clock.now(),
            reason="As in the night that is replayed.",
            version=amendment.version,
            amends=amendment.amends,
            yields=amendment.yields,
            changes=amendment.changes,
        )
        entries = [Entry(b"order", encode_order(order, self._settings.signer))]
        control = replace(self._publisher, topic=self._run.topics.control.name)
        await control.append(entries)
        self._version = amendment.version

    def _publish_position(self, head_us: int | None, now_s: float, now: datetime) -> None:
        playhead = self._playhead
        state = self._state
        runs = playhead.status in {Status.PLAYING, Status.SEEKING}
        if state == self._published_state and not (runs and now_s >= self._confirm_due):
            return
        if not playhead.is_settled(head_us):
            return  # it was paused with records still due, and a position promises that all of them are in the log
        self._published_state = state
        is_paced = playhead.status is Status.PLAYING and playhead.speed > 0
        self._confirm_due = now_s + (CONFIRM_S if is_paced else SEEKING_CONFIRM_S)
        clock_us = playhead.settled_us(head_us, now_s)
        # at speed 0 the clock follows the records, as in a seek: clients must not let theirs run on
        is_as_fast_as_possible = playhead.status is Status.PLAYING and playhead.speed == 0
        status = Status.SEEKING if is_as_fast_as_possible else playhead.status
        first_us, last_us = playhead.first_us, playhead.last_us
        self._positions.publish(ReplayPosition(self._run, now, clock_us, playhead.speed, status, first_us, last_us))

    async def _wait(self, head_us: int | None) -> None:
        """Wait until the next record is due, the position is to be published again, or an order comes."""
        now_s = self._clock.monotonic()
        wait_s = self._playhead.wait_s(head_us, now_s)
        if wait_s is not None and self._playhead.status is Status.PLAYING:
            wait_s = min(wait_s, max(0.0, self._confirm_due - now_s))
        if wait_s == 0:
            return
        if wait_s is None:
            await self._wake_up.wait()
            return
        waits = {asyncio.ensure_future(self._clock.sleep(wait_s)), asyncio.ensure_future(self._wake_up.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _carry_out(self, order: ReplayOrder, receiver: OrderReceiver) -> None:
        now_s = self._clock.monotonic()
        self._published_state = None  # whatever the order changes, publish the position again
        match order:
            case ReplayPaused():
                self._playhead.pause(now_s)
            case ReplayResumed():
                self._playhead.resume(now_s)
            case ReplaySpeedSet():
                self._playhead.set_speed(order.speed, now_s)
            case ReplayStepped():
                self._playhead.step(order.records, now_s)
            case ReplaySought():
                if self._playhead.first_us <= microseconds(order.to) <= self._playhead.last_us:
                    await self._seek(microseconds(order.to), receiver)
                else:
                    where = self._night.span(self._playhead.first_us, self._playhead.last_us)
                    _log.warning("A seek to %s has no effect: it is outside of %s.", order.to, where)

    async def _seek(self, to_us: int, receiver: OrderReceiver) -> None:
        if self._playhead.seek(to_us, self._clock.monotonic()):
            await self._rewind(receiver)

    async def _rewind(self, receiver: OrderReceiver) -> None:
        await self._begin_epoch(receiver)
        self._reader = ArchiveReader(self._night.batches())
        self._playhead.rewind(self._clock.monotonic())

    async def _begin_epoch(self, receiver: OrderReceiver) -> None:
        """Begin an epoch with empty topics, however long that takes.

        An attempt that seemed to fail may have begun it, so each next one looks first whether it is there.
        """
        epoch = self._new_epoch()
        receiver.expect(epoch)
        partitions = self._night.archive.manifest.partitions

        async def begun() -> Run:
            found = await find_run(self._log, self._run.name)
            if found.epoch == epoch:
                return found
            return await begin_replay_epoch(self._log, found, epoch=epoch, clock=self._clock, partitions=partitions)

        self._version = FIRST_VERSION
        self._run = found = await retried(begun, Tries(self._clock, self._publisher.retry), partial(_log.warning, "%s"))
        self._publisher = replace(self._publisher, topic=found.topics.tallies.name)


def _window(night: ArchivedNight, settings: ReplaySettings) -> tuple[int, int]:
    """Return where to begin and to end, in microseconds. Raises `UsageError` for what is outside of the night."""
    first_us, last_us = night.first_us, night.last_us
    begin_us = first_us if settings.begin is None else microseconds(settings.begin)
    end_us = last_us if settings.end is None else microseconds(settings.end)
    for at_us, what in ((begin_us, "begin"), (end_us, "end")):
        if not first_us <= at_us <= last_us:
            whole = night.span(first_us, last_us)
            raise UsageError(f"The replay cannot {what} at {night.shown(at_us)}: the archive goes from {whole}.")
    if end_us < begin_us or (settings.loop and end_us == begin_us):
        raise UsageError("The replay would end before it begins. Give it a longer stretch of the night.")
    return begin_us, end_us
