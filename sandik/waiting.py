"""Waiting for a run that a producer has not created yet."""

import logging

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.run import Run, find_run
from schemas.errors import LogError, UnknownRun

_log = logging.getLogger("sandik")

RETRY_S = 1.0


async def wait_for_run(log: EventLog, name: str, clock: Clock) -> Run:
    """The run, once it is there; a log that is away is waited for too. Says so once."""
    said = ""
    while True:
        try:
            return await find_run(log, name)
        except UnknownRun:
            reason = f"Waiting for run {name!r}: no producer has created it yet."
        except LogError as error:
            if not error.retriable:
                raise
            reason = f"Waiting for run {name!r}: {error}"
        if reason != said:
            _log.warning("%s", reason)
            said = reason
        await clock.sleep(RETRY_S)
