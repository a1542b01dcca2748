"""What a replay is told while it runs: the director's orders, as they come through the control topic."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final, NoReturn

from eventlog.port import EventLog
from eventlog.retry import Tries
from eventlog.run import Run
from schemas.control import ReplayOrder, parse_epoch
from schemas.errors import LogError, UsageError
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
