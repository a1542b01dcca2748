"""The replay's side of the control topic: operators' orders come in, the replay's position goes out.

Both run beside the publishing of records, which waits for neither.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NoReturn

from eventlog.archive.segment import moment
from eventlog.loops import Tries
from eventlog.port import Entry, EventLog
from eventlog.run import Run
from producers.replaying.playhead import Status
from schemas.control import ReplayOrder, parse_epoch
from schemas.errors import LogError, UsageError
from schemas.fields import Record
from schemas.progress import ReplayMoved
from schemas.trust import OperatorKey, OrderVerifier

_log = logging.getLogger(__name__)

_MAX_RECORDS: Final = 1_000
_READ_WAIT_MS: Final = 1_000
"""How long one read of the control topic waits; it only bounds the wait, since an order ends it."""


class OrderReceiver:
    """Reads a run's control topic from its beginning, and keeps the operators' orders that are to be carried out.

    Orders before the offset `since` were given to an earlier replay and are not carried out. They are read all the
    same, since an order is verified by those before it. `orders` has the ones to carry out, oldest first; the caller
    takes them out. `received` is set whenever there is a new one; the caller clears it.
    """

    def __init__(self, log: EventLog, run: Run, operators: Sequence[OperatorKey], tries: Tries, since: int) -> None:
        self.orders: Final[deque[ReplayOrder]] = deque()
        self.received: Final = asyncio.Event()
        self._log = log
        self._run = run
        self._tries = tries
        self._since = since
        self._position = 0
        self._verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, operators)
        self._own_epochs: set[str] = set()

    def expect(self, epoch: str) -> None:
        """Note that this replay begins the epoch itself. Call it before the epoch begins."""
        self._own_epochs.add(epoch)

    async def follow(self) -> NoReturn:
        """Read the topic until cancelled. Raises `UsageError` where another process begins to replay into the run."""
        while True:
            try:
                await self._read()
            except LogError as error:
                await self._tries.wait(error, partial(_log.warning, "%s"))

    async def _read(self) -> None:
        async with self._log.reader(self._run.topics.control.name, {0: self._position}) as reader:
            while True:
                for batch in await reader.read(max_records=_MAX_RECORDS, wait_ms=_READ_WAIT_MS):
                    self._tries.succeeded()
                    for record in batch.records:
                        self._receive(record)

    def _receive(self, record: Record) -> None:
        self._position = record.offset + 1
        verdict = self._verifier.verify(record.offset, record.value, record.timestamp)
        if record.offset < self._since:
            return
        if verdict is None:
            begun = parse_epoch(record.value)
            if begun is not None and begun.run == self._run.name and begun.epoch not in self._own_epochs:
                raise UsageError(f"Another replay goes on in run {self._run.name!r}; this one has ended.")
            return
        if not verdict.counts:
            _log.warning("The control record at %d has no effect: %s.", verdict.offset, verdict.refusal)
        elif isinstance(verdict.order, ReplayOrder):
            self.orders.append(verdict.order)
            self.received.set()


_log = logging.getLogger(__name__)


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
