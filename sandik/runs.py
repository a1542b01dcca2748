"""Runs, as the commands name, create and wait for them."""

import logging
import secrets
from typing import Final

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.run import Run, open_run
from schemas.control import Mode
from schemas.errors import LogError, UnknownRun, UsageError

_log = logging.getLogger(__name__)

RETRY_S: Final = 1.0


async def wait_for_run(log: EventLog, name: str, clock: Clock) -> Run:
    """The run, once it is there; a log that is away is waited for too. Says so once."""
    said = ""
    while True:
        try:
            return await open_run(log, name)
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


def new_epoch() -> str:
    """A name for a new run's log that no other has."""
    return secrets.token_hex(4)


def parse_mode(mode: str) -> Mode:
    """The mode that an option names. Raises `UsageError`."""
    match mode:
        case "live" | "test" | "replay":
            return mode
    raise UsageError(f"{mode!r} is no mode. Give live, test or replay.")
