"""The loop that gives a gateway the lead over time of before its start.

What a gateway has seen itself begins where it began: at a start, with another take of a replay, with an amendment of
the definition. The course of the night until then is worked out from the log by whoever implements `NightSoFar`,
outside of the gateway's event loop, once for each state of a run that the gateway follows.
"""

import asyncio
import logging
from typing import Final, NoReturn, Protocol

from eventlog.clock import Clock
from eventlog.loops import RetryPolicy, Tries
from gateway.gateway import Gateway
from gateway.run_state import RunState
from schemas.errors import LogUnavailable, SandikError
from tabulation.derived.lead_over_time import Courses

_log = logging.getLogger(__name__)

LIMIT_S: Final = 600.0
"""How long it may take: a night of all of Türkiye takes a minute or two of a processor, at the lowest priority."""

RETRY: Final = RetryPolicy(first_s=5.0, longest_s=300.0, refused_s=300.0)
"""Nobody waits for it: what the gateway has seen itself is there, and the rest is tried for rarely."""


class NightSoFar(Protocol):
    """Works out the night of one run from its log."""

    async def courses(self) -> Courses:
        """How the units stood in the course of the night so far. Raises `SandikError` where that fails."""
        ...


async def recall(gateway: Gateway, night: NightSoFar, clock: Clock, policy: RetryPolicy = RETRY) -> NoReturn:
    """Recall what was on air before, each time that a run is read to its end, for ever.

    Where that fails, it is tried again as long as the same state of the run is followed.
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


async def _recall(state: RunState, night: NightSoFar) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            courses = await night.courses()
    except TimeoutError:
        raise LogUnavailable(f"The night so far was not worked out within {LIMIT_S:g} s.") from None
    state.lead_over_time.recall(courses)
