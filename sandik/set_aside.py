"""What a run has in quarantine, read from its log, and what letting one of it out publishes again."""

from eventlog.port import Entry, EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from gateway.folds.quarantine import Quarantine
from schemas.control import Order, QuarantineRejected, QuarantineReleased
from schemas.tally import encode
from schemas.trust import Judge, OperatorKey


async def quarantine_of(log: EventLog, run: Run, keys: tuple[OperatorKey, ...] = ()) -> Quarantine:
    """The run's quarantine, less what an operator has settled with an order that counts by these keys."""
    queue = Quarantine(run.definition)
    judge = Judge(run.name, run.epoch, run.mode, run.definition, keys)
    async for record in read_to_end(log, run.topics.control.name):
        verdict = judge.judge(record.offset, record.value, record.timestamp)
        if verdict is not None and verdict.order is not None and (verdict.counts or not keys):
            queue.obey(verdict.order)
    async for record in read_to_end(log, run.topics.quarantine.name):
        queue.fold(record)
    return queue


async def let_out(log: EventLog, run: Run, order: Order) -> list[Entry]:
    """What an order about a quarantined record publishes again: nothing, for most. Raises `UsageError`."""
    if not isinstance(order, QuarantineReleased | QuarantineRejected):
        return []  # without reading two topics to find that out
    event = (await quarantine_of(log, run)).released_by(order)
    return [Entry(event.district.encode(), encode(event))] if event is not None else []
