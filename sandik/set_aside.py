"""What a run has in quarantine, read from its log, and what letting one of it out publishes again."""

from typing import NamedTuple

from eventlog.port import Entry, EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from schemas.control import Order, QuarantineRejected, QuarantineReleased
from schemas.mending import MENDABLE
from schemas.quarantine import Assessment, Quarantined
from schemas.tally import encode
from schemas.trust import Judge, OperatorKey
from tabulation.view.quarantine import Quarantine


async def quarantine_of(log: EventLog, run: Run, keys: tuple[OperatorKey, ...] = ()) -> Quarantine:
    """The run's quarantine, less what an operator has settled with an order that counts by these keys."""
    queue = Quarantine(run.definition)
    judge = Judge(run.name, run.epoch, run.mode, run.definition, keys)
    async for record in read_to_end(log, run.topics.control.name):
        verdict = judge.judge(record.offset, record.value, record.timestamp)
        if verdict is not None and verdict.order is not None and verdict.counts:
            queue.obey(verdict.order)
    async for record in read_to_end(log, run.topics.quarantine.name):
        queue.fold(record)
    return queue


class Listed(NamedTuple):
    """One record as people are shown it, with the aggregator's word on it, if there is one."""

    record: Quarantined
    assessment: Assessment | None
    is_let_out: bool

    def described(self) -> dict[str, object]:
        """What is known of the record beside itself, for programs."""
        assessment = self.assessment
        return {
            "position": self.record.position.decode(),
            "state": "let_out" if self.is_let_out else "waiting",
            "verdict": assessment.verdict if assessment is not None else None,
            "refusal": assessment.refusal if assessment is not None else None,
        }

    def in_words(self) -> str:
        """What letting it out would come to."""
        if self.is_let_out and self.assessment is not None and not self.assessment.is_open:
            return f"it was let out and does not count: {self.assessment.refusal or 'another one was let out since'}"
        if self.is_let_out:
            return "it was let out and is not counted yet; if that lasts, let it out again"
        if self.record.reason not in MENDABLE:
            return "nothing could make it count"
        if self.assessment is None:
            return "not known: no aggregator has looked at it yet"
        return self.assessment.refusal or f"it counts ({self.assessment.verdict})"


def listed_of(queue: Quarantine) -> list[Listed]:
    """What waits and what was let out and is not counted yet, each the newest first."""
    return [
        Listed(record, queue.assessment(record.position.decode()), is_let_out)
        for records, is_let_out in ((queue.waiting, False), (queue.uncounted, True))
        for record in records
    ]


async def let_out(log: EventLog, run: Run, order: Order, keys: tuple[OperatorKey, ...]) -> list[Entry]:
    """What an order about a quarantined record publishes again: nothing, for most. Raises `UsageError`.

    What these keys do not verify has settled nothing: a forged word does not keep a record from being let out.
    """
    if not isinstance(order, QuarantineReleased | QuarantineRejected):
        return []  # without reading two topics to find that out
    event = (await quarantine_of(log, run, keys)).released_by(order)
    return [Entry(event.district.encode(), encode(event))] if event is not None else []
