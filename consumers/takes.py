"""Folding a run take after take: where a replay begins again, so does whoever folds it."""

import logging
from functools import partial
from typing import NoReturn

from consumers.aggregate import AggregateSettings, Aggregator, Progress
from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.retry import Tries, retried
from eventlog.run import Run, find_run
from schemas.errors import LogError

_log = logging.getLogger(__name__)


async def fold_takes(
    log: EventLog,
    run: Run,
    clock: Clock,
    settings: AggregateSettings | None = None,
    progress: Progress | None = None,
) -> NoReturn:
    """Fold the run for ever, whichever take it is in. Ends only by cancellation.

    Nothing is carried over: a take has its own topics, and its own group of members.
    """
    settings = settings or AggregateSettings()
    progress = progress or Progress()
    while True:
        await Aggregator(log, run, clock, settings, progress=progress).run()
        run = await _found(log, run.name, clock, settings, progress)
        _log.info("Run %r goes on in take %d.", run.name, run.topics.take)


async def _found(log: EventLog, name: str, clock: Clock, settings: AggregateSettings, progress: Progress) -> Run:
    async def found() -> Run:
        try:
            return await find_run(log, name)
        except LogError as error:
            progress.errors[type(error).__name__] += 1
            raise

    return await retried(found, Tries(clock, settings.retry), partial(_log.warning, "%s"))
