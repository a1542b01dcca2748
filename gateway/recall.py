"""The past that a gateway asks for: the totals of a moment, and the lead over time of before its start.

A gateway holds the present. The past is worked out from the log by whoever implements `History` and `NightSoFar`,
outside of the gateway's event loop. No web framework is imported, so that a command which works out the past need not
import one either.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self

from eventlog.clock import Clock
from eventlog.loops import RetryPolicy, Tries
from schemas.errors import LogUnavailable, SandikError
from schemas.graphics import Graphic
from schemas.totals import Row
from tabulation.derived.history import Courses

if TYPE_CHECKING:  # a command that works out the past needs neither
    from gateway.gateway import Gateway
    from gateway.run_state import RunState

WAIT_S: Final = 20.0
"""How long one request waits for the answer: a night of İstanbul, two million tallies, takes about that."""

LIMIT_S: Final = 300.0
"""How long one moment may take: all of Türkiye, with two sources and three contests, some 2.5 million tallies."""

MAX_KEPT: Final = 4
"""Moments kept: at some 10 MB for a whole country each."""


@dataclass(frozen=True, slots=True)
class Past:
    """The totals as they stood at a moment: what was on air, and what the control room had.

    `hold` names what was held, `held` is each contest and unit of which a part was, and during an embargo nothing was
    on air. Of a replay one `take` is told, the present one: what an earlier one showed at that moment is not in it.
    `unverified_warning` says which restrictions could not be verified, and count as if they had been. `graphics` is by
    channel what operators had on air.
    """

    at: datetime
    embargoed: bool
    hold: tuple[str, ...]
    held: frozenset[tuple[str, str]]
    on_air: tuple[Row, ...]
    control_room: tuple[Row, ...]
    take: int = 0
    unverified_warning: str | None = None
    graphics: Mapping[str, Graphic] = field(default_factory=dict)


class History(Protocol):
    """Works out the past of one run."""

    async def at(self, moment: datetime) -> Past:
        """The totals as they stood then. Raises `UsageError` where the run had not begun, `LogError` where it fails."""
        ...


class Busy(SandikError):
    """Another moment is being worked out, or this one is not ready yet. Ask again."""

    retriable = True


class Moments:
    """Rations a history: a night takes seconds of a processor, and anybody may ask.

    Use as an async context manager: on leaving, nothing goes on.
    """

    def __init__(self, history: History, *, wait_s: float = WAIT_S, limit_s: float = LIMIT_S) -> None:
        self._history = history
        self._wait_s = wait_s
        self._limit_s = limit_s
        self._kept: dict[tuple[str, datetime], Past] = {}
        self._asked: tuple[str, datetime] | None = None
        self._work: asyncio.Task[Past | SandikError] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})

    async def at(self, moment: datetime, epoch: str) -> Past:
        """The totals as they stood at this moment. Raises `Busy`, or what the history raises.

        What is kept is of one `epoch`: a replay that goes back tells another take of the same moment.
        """
        asked = epoch, moment
        kept = self._kept.get(asked)
        if kept is not None:
            return kept
        if self._work is None or self._work.done():
            self._asked = asked
            self._work = asyncio.create_task(self._work_out(epoch, moment))
        elif self._asked != asked:
            raise Busy("Another moment is being worked out, and there is one at a time. Ask again in a while.")
        work = self._work
        await asyncio.wait({work}, timeout=self._wait_s)
        if not work.done():
            raise Busy("That moment is being worked out. Ask for it again in a while.")
        found = work.result()
        if isinstance(found, SandikError):
            raise found
        return found

    async def _work_out(self, epoch: str, moment: datetime) -> Past | SandikError:
        try:
            async with asyncio.timeout(self._limit_s):
                past = await self._history.at(moment)
        except TimeoutError:
            return LogUnavailable(f"That moment was not worked out within {self._limit_s:g} s. Try sandik at instead.")
        except SandikError as error:
            return error
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[epoch, moment] = past
        return past


_log: Final = logging.getLogger(__name__)

NIGHT_LIMIT_S: Final = 600.0
"""How long the night so far may take: all of Türkiye's takes a minute or two of a processor, at the lowest priority."""

RETRY: Final = RetryPolicy(first_s=5.0, longest_s=300.0, refused_s=300.0)
"""Nobody waits for the night so far: what the gateway has seen itself is there, and the rest is tried for rarely."""


class NightSoFar(Protocol):
    """Works out the night of one run from its log."""

    async def courses(self) -> Courses:
        """How the units stood in the course of the night so far. Raises `SandikError` where that fails."""
        ...


async def recall(gateway: "Gateway", night: NightSoFar, clock: Clock, policy: RetryPolicy = RETRY) -> NoReturn:
    """Recall the lead over time of before, each time that a run is read to its end, for ever.

    What a gateway has seen itself begins where it began: at a start, with another take of a replay, with an amendment
    of the definition. Where recalling fails, it is tried again as long as the same state of the run is followed.
    """
    while True:
        await gateway.caught_up_now.wait()
        gateway.caught_up_now.clear()
        tries = Tries(clock, policy, retriable=lambda _: True)
        state = gateway.run_state
        while state is not None and gateway.run_state is state and not state.lead_over_time.is_recalled:
            try:
                await _recall(state, night)
            except SandikError as error:
                waiting = tries.failed(error)
                _log.warning("The lead over time begins with this gateway so far: %s", waiting)
                await clock.sleep(waiting.pause_s)


async def _recall(state: "RunState", night: NightSoFar) -> None:
    try:
        async with asyncio.timeout(NIGHT_LIMIT_S):
            courses = await night.courses()
    except TimeoutError:
        raise LogUnavailable(f"The night so far was not worked out within {NIGHT_LIMIT_S:g} s.") from None
    state.lead_over_time.recall(courses)
