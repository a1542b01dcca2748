"""Runs, as the commands name, create and wait for them."""

import logging
import secrets
from typing import Final

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.retry import RetryPolicy, Tries, Waiting, retried
from eventlog.run import Run, open_run
from schemas.control import Mode
from schemas.errors import UnknownRun, UsageError

_log = logging.getLogger(__name__)

_RUN_RETRY: Final = RetryPolicy(longest_s=1.0)
"""A run that is created is found within a second."""


async def wait_for_run(log: EventLog, name: str, clock: Clock) -> Run:
    """The run, once it is there; a log that is away is waited for too. Says so once."""
    said = ""

    def say(waiting: Waiting) -> None:
        nonlocal said
        error = waiting.error
        reason = "no producer has created it yet." if isinstance(error, UnknownRun) else str(error)
        if reason != said:
            _log.warning("Waiting for run %r: %s", name, reason)
            said = reason

    tries = Tries(clock, _RUN_RETRY, retriable=lambda error: error.retriable or isinstance(error, UnknownRun))
    return await retried(lambda: open_run(log, name), tries, say)


def new_epoch() -> str:
    """A name for a new run's log that no other has."""
    return secrets.token_hex(4)


def parse_mode(mode: str) -> Mode:
    """The mode that an option names. Raises `UsageError`."""
    match mode:
        case "live" | "test" | "replay":
            return mode
    raise UsageError(f"{mode!r} is no mode. Give live, test or replay.")
