"""The replay and the control topic."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NoReturn

from eventlog.archive_segment import moment
from eventlog.port import Entry, EventLog
from eventlog.retry import Tries
from eventlog.run import Run
from producers.replaying.playhead import Status
from schemas.control import ReplayOrder, parse_epoch
from schemas.errors import LogError, UsageError
from schemas.playback import ReplayMoved
from schemas.record import Record
from schemas.trust import Judge, OperatorKey

_log = logging.getLogger(__name__)

_MAX_RECORDS: Final = 1_000
_READ_WAIT_MS: Final = 1_000
"""How long one read of the control topic waits; it only bounds the wait, since an order ends it."""


class Director:
    """Reads a run's control topic from its beginning: an order counts once. Those before `since` have had their time.

    `said` is what is still to be done, `spoken` is set when there is something.
    """

    def __init__(self, log: EventLog, run: Run, operators: Sequence[OperatorKey], tries: Tries, since: int) -> None:
        self.said: Final[deque[ReplayOrder]] = deque()
        self.spoken: Final = asyncio.Event()
        self._log = log
        self._run = run
        self._tries = tries
        self._since = since
        self._position = 0
        self._judge = Judge(run.name, run.epoch, run.mode, run.definition, operators)
        self._ours: set[str] = set()

    def expect(self, epoch: str) -> None:
        """This epoch is begun by us."""
        self._ours.add(epoch)

    async def follow(self) -> NoReturn:
        """Listen for ever. Raises `UsageError` where somebody else begins to replay into the run."""
        while True:
            try:
                await self._listen()
            except LogError as error:
                await self._tries.wait(error, partial(_log.warning, "%s"))

    async def _listen(self) -> None:
        async with self._log.reader(self._run.topics.control.name, {0: self._position}) as reader:
            while True:
                for batch in await reader.read(max_records=_MAX_RECORDS, wait_ms=_READ_WAIT_MS):
                    self._tries.succeeded()
                    for record in batch.records:
                        self._hear(record)

    def _hear(self, record: Record) -> None:
        self._position = record.offset + 1
        verdict = self._judge.judge(record.offset, record.value, record.timestamp)
        if record.offset < self._since:
            return
        if verdict is None:
            begun = parse_epoch(record.value)
            if begun is not None and begun.run == self._run.name and begun.epoch not in self._ours:
                raise UsageError(f"Another replay goes on in run {self._run.name!r}; this one has ended.")
            return
        if not verdict.counts:
            _log.warning("The control record at %d has no effect: %s.", verdict.offset, verdict.refusal)
        elif isinstance(verdict.order, ReplayOrder):
            self.said.append(verdict.order)
            self.spoken.set()


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """Where a replay is: everything that is due at `clock_us` is in the log, when the wall's clock shows `at`."""

    run: Run
    at: datetime
    clock_us: int
    speed: float
    status: Status
    first_us: int
    last_us: int


class PositionPublisher:
    """Says the newest place. What is said while it is busy is left out, if a newer one comes before it is free."""

    def __init__(self, log: EventLog, tries: Tries, said: Callable[[ReplayPosition], None] = lambda _: None) -> None:
        self._log = log
        self._tries = tries
        self._said = said
        self._next: ReplayPosition | None = None
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def say(self, place: ReplayPosition) -> None:
        """To be said as soon as possible."""
        self._next = place
        self._wanted.set()
        self._idle.clear()

    async def finish(self, patience_s: float) -> None:
        """Return once the last word is in the log, or after so long."""
        try:
            async with asyncio.timeout(patience_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("The log did not take the replay's last word; its clock will stop by itself.")

    async def run(self) -> NoReturn:
        """Say what there is to say, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            place = self._next
            if place is not None:
                await self._append(place)
            if not self._wanted.is_set():
                self._idle.set()

    async def _append(self, place: ReplayPosition) -> None:
        try:
            await self._log.append(place.run.topics.control.name, [Entry(b"replay", await self._record(place))])
        except LogError as error:
            await self._tries.wait(error, partial(_log.warning, "%s"))
            self._wanted.set()  # this place, or what is newer by then
        else:
            self._tries.succeeded()
            self._said(place)

    async def _record(self, place: ReplayPosition) -> bytes:
        """The tallies' ends as they are now: they may be further than the place, never less far."""
        ends = await self._log.end_offsets(place.run.topics.tallies.name)
        return ReplayMoved(
            run=place.run.name,
            epoch=place.run.epoch,
            at=place.at,
            clock=moment(place.clock_us),
            speed=place.speed,
            status=place.status.value,
            first=moment(place.first_us),
            last=moment(place.last_us),
            positions=tuple(ends[partition] for partition in sorted(ends)),
        ).encode()
