"""Saying in the control topic where a replay is, beside the publishing, which must not wait for it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NoReturn

from eventlog.archive_segment import moment
from eventlog.port import Entry, EventLog
from eventlog.retry import Tries
from eventlog.run import Run
from producers.replaying.playhead import Status
from schemas.errors import LogError
from schemas.playback import ReplayMoved

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
