"""Show what operators have ordered in a run and what is in its quarantine, to people or to programs."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from rich.table import Table

from eventlog.port import EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from sandik.read_run import quarantine_of
from schemas.control import DefinitionAmended, QuarantineRejected, QuarantineReleased, parse_control, parse_epoch
from schemas.quarantine import REPAIRABLE, Assessment, Quarantined
from schemas.trust import OperatorKey, OrderVerifier, Verdict

_ABOUT: Final = (
    *("contest", "source", "unit", "candidate", "figures", "position", "until", "to", "records", "speed"),
    *("channel", "item", "overlay", "parameters", "step"),
)
"""The fields that say what an order is about, as far as it has them."""


async def read_verdicts(log: EventLog, run: Run, keys: Sequence[OperatorKey]) -> list[Verdict]:
    """Return every order of the control topic in its order, with whether it was verified by these keys and counts."""
    verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, keys)
    verdicts = []
    async for record in read_to_end(log, run.topics.control.name):
        verdict = verifier.verify(record.offset, record.value, record.timestamp)
        if verdict is not None:
            verdicts.append(verdict)
        elif run.mode == "replay":  # each replay epoch has its own beginning, and its orders name that epoch
            with suppress(ValueError):  # a record that would create the run again, and is broken, changes nothing
                begun = parse_epoch(record.value) or parse_control(record.value or b"{}")
                if begun is not None:
                    verifier.move_to(begun.epoch)
    return verdicts


def verdict_fields(verdict: Verdict) -> dict[str, object]:
    """Return an order's own fields and the verdict on it, for programs."""
    order = verdict.order.model_dump(mode="json") if verdict.order is not None else {"type": None}
    return order | {
        "offset": verdict.offset,
        "verified": verdict.key is not None,
        "key": verdict.key,
        "counts": verdict.counts,
        "kept": verdict.kept,
        "refusal": verdict.refusal,
    }


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """Return a table with a row for each order, for people."""
    table = Table(box=None, header_style="bold")
    for name in ("offset", "at", "order", "about", "by", "reason", "verified", "effect"):
        table.add_column(name, no_wrap=name != "reason")
    for verdict in verdicts:
        fields = verdict_fields(verdict)
        about = " ".join(str(fields[name]) for name in _ABOUT if fields.get(name))
        if isinstance(verdict.order, DefinitionAmended):
            kinds = dict.fromkeys(change.kind for change in verdict.order.changes)
            about = f"version {verdict.order.version}: {', '.join(kinds)}"
        row = [verdict.offset, fields.get("at", ""), fields["type"] or "?", about]
        row += [fields.get("by", ""), fields.get("reason", ""), verdict.key or "no", verdict.effect]
        table.add_row(*map(str, row))
    return table


class QuarantineEntry(NamedTuple):
    """A quarantined record as readers are shown it, with the aggregator's assessment of it, if there is one."""

    record: Quarantined
    assessment: Assessment | None
    is_let_out: bool

    def fields(self) -> dict[str, object]:
        """Return the record's fields and what is known of it beside itself, for programs."""
        assessment = self.assessment
        return self.record.model_dump() | {
            "position": self.record.position.decode(),
            "state": "let_out" if self.is_let_out else "waiting",
            "verdict": assessment.verdict if assessment is not None else None,
            "refusal": assessment.refusal if assessment is not None else None,
        }

    def in_words(self) -> str:
        """Say what letting the record out would come to."""
        if self.is_let_out and self.assessment is not None and not self.assessment.is_open:
            return f"it was let out and does not count: {self.assessment.refusal or 'another one was let out since'}"
        if self.is_let_out:
            return "it was let out and is not counted yet; if that lasts, let it out again"
        if self.record.reason not in REPAIRABLE:
            return "nothing could make it count"
        if self.assessment is None:
            return "not known: no aggregator has looked at it yet"
        return self.assessment.refusal or f"it counts ({self.assessment.verdict})"


async def read_quarantine(log: EventLog, run: Run, keys: tuple[OperatorKey, ...]) -> tuple[list[QuarantineEntry], int]:
    """Return what waits, then what was let out and is not counted yet, each the newest first.

    The number is that of the orders about quarantined records that these keys cannot verify, and which so settle
    nothing here.
    """
    verdicts = await read_verdicts(log, run, keys)
    about = [one for one in verdicts if isinstance(one.order, QuarantineReleased | QuarantineRejected)]
    unverified = sum(not one.counts and one.key is None for one in about)
    queue = await quarantine_of(log, run, keys)
    entries = [
        QuarantineEntry(record, queue.assessment(record.position.decode()), is_let_out)
        for records, is_let_out in ((queue.waiting, False), (queue.uncounted, True))
        for record in records
    ]
    return entries, unverified


def quarantine_table(entries: Iterable[QuarantineEntry]) -> Table:
    """Return a table with a row for each record, for people."""
    table = Table(box=None, header_style="bold")
    for name in ("position", "reason", "detail", "if let out"):
        table.add_column(name, no_wrap=name in {"position", "reason"})
    for one in entries:
        table.add_row(one.record.position.decode(), one.record.reason, one.record.detail, one.in_words())
    return table
