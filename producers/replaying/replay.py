"""The replay: an archive into a run's log, each record when its time comes, and as its director says.

What is due is decided by `playhead`, what is said comes through `director`, and where it is goes out through `herald`.
Here is the loop between them. It wakes up when the next record is due, not in ticks: at 60x a tick of 50 ms would be
three seconds of the night.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from eventlog.archive_segment import microseconds
from eventlog.clock import Clock
from eventlog.loops import forever
from eventlog.port import Entry, EventLog
from eventlog.retry import Tries, retried
from eventlog.run import Run, begin_take, find_run
from producers.publish import BATCH_RECORDS, Publisher
from producers.replaying.archived import Night, Stretch
from producers.replaying.control_topic import Director, PositionPublisher, ReplayPosition
from producers.replaying.playhead import Playhead, Status
from schemas.control import ReplayOrder, ReplayPaused, ReplayResumed, ReplaySought, ReplaySpeedSet, ReplayStepped
from schemas.errors import UsageError
from schemas.trust import OperatorKey

_log = logging.getLogger(__name__)

CONFIRM_S: Final = 2.0
"""How often a clock that runs is confirmed: a gateway lets it run on for five seconds without (`LEASE_S` there)."""

SEEKING_CONFIRM_S: Final = 0.5
"""The same while seeking or as fast as it goes: clients then see the clock in such steps."""

LAST_WORD_S: Final = 5.0
"""How long the end waits for the log to take the replay's last word."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """How to replay. Moments are of the night; `loop`: at the end begin again; `stay`: stand there for the director."""

    speed: float = 1.0
    begin: datetime | None = None
    end: datetime | None = None
    loop: bool = False
    stay: bool = False
    operators: tuple[OperatorKey, ...] = ()
    """Whose orders count. Without any, everybody's do."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Records that are in the log now: when they were due, and where the replay's clock was as they were handed over.

    `durable_us` is where it was once the log had acknowledged them. Microseconds of the night.
    """

    due_us: Sequence[int]
    handed_us: int
    durable_us: int
    speed: float


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told what happens."""

    sent: Callable[[Sent], None] = _ignore
    said: Callable[[ReplayPosition], None] = _ignore


class Replay:
    """A replay of one night into one run of mode replay. `new_epoch` names each take that it begins."""

    def __init__(
        self,
        publisher: Publisher,
        run: Run,
        night: Night,
        settings: ReplaySettings,
        new_epoch: Callable[[], str],
        watch: Watch | None = None,
    ) -> None:
        """Raises `UsageError` where the run is no replay, or a moment is outside of the night."""
        if run.mode != "replay":
            raise UsageError(f"Run {run.name!r} is {run.mode}, and a replay writes only to a replay. Choose another.")
        self._publisher = publisher
        self._log: EventLog = publisher.log
        self._clock: Clock = publisher.clock
        self._run = run
        self._night = night
        self._settings = settings
        self._new_epoch = new_epoch
        self._watch = watch or Watch()
        self._begin_us, last_us = _window(night, settings)
        self._playhead = Playhead(night.first_us, last_us, settings.speed)
        self._positions = PositionPublisher(self._log, Tries(self._clock, publisher.retry), self._watch.said)
        self._feed = _Feed(night.stretches())
        self._told: tuple[str, float, Status] | None = None
        self._confirm_due = 0.0
        self._quitting = False
        self._nudge = asyncio.Event()

    async def play(self) -> None:
        """Replay until the end, or for ever. Raises what the log raises where trying again makes no sense."""
        tries = Tries(self._clock, self._publisher.retry)
        since = (await self._log.end_offsets(self._run.topics.control.name))[0]
        director = Director(self._log, self._run, self._settings.operators, tries, since)
        self._nudge = director.spoken
        async with asyncio.TaskGroup() as group:
            around = [
                group.create_task(forever(director.follow(), "Listening to the director")),
                group.create_task(forever(self._positions.run(), "Saying where the replay is")),
            ]
            ends = await self._log.end_offsets(self._run.topics.tallies.name)
            if any(ends.values()) or len(ends) != self._night.archive.manifest.partitions:
                await self._begin_take(director)
            self._playhead.seek(self._begin_us, self._clock.monotonic())
            while await self._turn(director):
                pass
            await self._positions.finish(LAST_WORD_S)
            for task in around:
                task.cancel()

    def quit(self) -> None:
        """End soon; the clock is left standing where it is."""
        self._quitting = True
        self._nudge.set()

    async def _turn(self, director: Director) -> bool:
        """Obey, publish what is due, say where that is, wait for what is next; whether there is more to do."""
        self._nudge.clear()
        while director.said:
            await self._obey(director.said.popleft(), director)
        await self._announce()
        now_s, now = self._clock.monotonic(), self._clock.now()
        if self._quitting:
            self._playhead.pause(now_s)
        await self._publish(now_s)
        head_us = await self._feed.head()
        self._playhead.look(head_us, now_s)
        self._say(head_us, now_s, now)
        if self._quitting:
            return False
        if self._playhead.status is Status.ENDED:
            if self._settings.loop:
                self._playhead.seek(self._begin_us, now_s)
                await self._rewind(director)
                return True
            if not self._settings.stay:
                return False
        await self._wait(head_us)
        return True

    async def _announce(self) -> None:
        """Say that the replay moves on before it does, so that nobody takes a later figure for one of this moment."""
        moves = self._playhead.status in {Status.PLAYING, Status.SEEKING}
        if moves and self._told != self._state:
            self._say(await self._feed.head(), self._clock.monotonic(), self._clock.now())
            await self._positions.finish(LAST_WORD_S)

    @property
    def _state(self) -> tuple[str, float, Status]:
        return self._run.epoch, self._playhead.speed, self._playhead.status

    async def _publish(self, now_s: float) -> None:
        await self._feed.head()
        begin, times = self._feed.at, self._feed.times
        end = min(self._playhead.due(times, begin, now_s), begin + BATCH_RECORDS)
        if end <= begin:
            return
        entries = self._feed.take(end)
        handed_us = self._playhead.clock_us(self._clock.monotonic())
        await self._publisher.append(entries)
        durable_us = self._playhead.clock_us(self._clock.monotonic())
        self._playhead.published(len(entries), times[end - 1])
        self._watch.sent(Sent(times[begin:end], handed_us, durable_us, self._playhead.speed))

    def _say(self, head_us: int | None, now_s: float, now: datetime) -> None:
        playhead = self._playhead
        state = self._state
        runs = playhead.status in {Status.PLAYING, Status.SEEKING}
        if state == self._told and not (runs and now_s >= self._confirm_due):
            return
        if not playhead.is_settled(head_us):
            return
        self._told = state
        is_paced = playhead.status is Status.PLAYING and playhead.speed > 0
        self._confirm_due = now_s + (CONFIRM_S if is_paced else SEEKING_CONFIRM_S)
        clock_us = playhead.settled_us(head_us, now_s)
        hurries = playhead.status is Status.PLAYING and playhead.speed == 0
        status = Status.SEEKING if hurries else playhead.status
        first_us, last_us = playhead.first_us, playhead.last_us
        self._positions.say(ReplayPosition(self._run, now, clock_us, playhead.speed, status, first_us, last_us))

    async def _wait(self, head_us: int | None) -> None:
        """Until the next record is due, the clock is to be confirmed, or somebody says something."""
        now_s = self._clock.monotonic()
        wait_s = self._playhead.wait_s(head_us, now_s)
        if wait_s is not None and self._playhead.status is Status.PLAYING:
            wait_s = min(wait_s, max(0.0, self._confirm_due - now_s))
        if wait_s == 0:
            return
        if wait_s is None:
            await self._nudge.wait()
            return
        waits = {asyncio.ensure_future(self._clock.sleep(wait_s)), asyncio.ensure_future(self._nudge.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _obey(self, order: ReplayOrder, director: Director) -> None:
        now_s = self._clock.monotonic()
        self._told = None  # whatever comes of it is worth saying
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
                    await self._seek(microseconds(order.to), director)
                else:
                    where = self._night.span(self._playhead.first_us, self._playhead.last_us)
                    _log.warning("A seek to %s has no effect: it is outside of %s.", order.to, where)

    async def _seek(self, to_us: int, director: Director) -> None:
        if self._playhead.seek(to_us, self._clock.monotonic()):
            await self._rewind(director)

    async def _rewind(self, director: Director) -> None:
        await self._begin_take(director)
        self._feed = _Feed(self._night.stretches())
        self._playhead.rewind(self._clock.monotonic())

    async def _begin_take(self, director: Director) -> None:
        """Begin a take, however long the log is away. It may have begun although the log did not say so."""
        epoch = self._new_epoch()
        director.expect(epoch)
        partitions = self._night.archive.manifest.partitions

        async def begun() -> Run:
            found = await find_run(self._log, self._run.name)
            if found.epoch == epoch:
                return found
            return await begin_take(self._log, found, epoch=epoch, clock=self._clock, partitions=partitions)

        self._run = found = await retried(begun, Tries(self._clock, self._publisher.retry), partial(_log.warning, "%s"))
        self._publisher = replace(self._publisher, topic=found.topics.tallies.name)


class _Feed:
    """What comes next in the archive. It is read in a thread, a stretch ahead, so the event loop goes on."""

    def __init__(self, stretches: Iterator[Stretch]) -> None:
        self.at = 0
        self._stretches = stretches
        self._stretch: Stretch | None = None
        self._is_over = False

    @property
    def times(self) -> Sequence[int]:
        """When the records of this stretch are due."""
        return self._stretch.times if self._stretch is not None else ()

    async def head(self) -> int | None:
        """When the next record is due; `None` after the last one."""
        while self.at >= len(self.times) and not self._is_over:
            self._stretch = await asyncio.to_thread(next, self._stretches, None)
            self._is_over = self._stretch is None
            self.at = 0
        return None if self._is_over else self.times[self.at]

    def take(self, end: int) -> list[Entry]:
        """The records up to this index of the stretch."""
        begin, self.at = self.at, end
        return self._stretch.entries(begin, end) if self._stretch is not None else []


def _window(night: Night, settings: ReplaySettings) -> tuple[int, int]:
    """Where to begin, and where to end. Raises `UsageError` for what is outside of the night."""
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
