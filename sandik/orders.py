"""Give an order to a run, and read those that were given, beside what is in its quarantine.

Call order of giving one: `order_of()` validates the fields, `read_order_context()` reads what is in force,
`check_order_has_effect()` checks that it would have an effect, and `give()` appends it.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, find_run
from sandik import screen
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, operator_keys, order_signer
from sandik.process import run_to_completion
from sandik.read_run import quarantine_of
from sandik.wiring import open_log
from schemas.amendments import AMENDED_KEY
from schemas.control import (
    DELIVERY,
    ORDER,
    Called,
    DefinitionAmended,
    FigureOverridden,
    Mode,
    Order,
    OverrideWithdrawn,
    QuarantineRejected,
    QuarantineReleased,
    Takes,
    unknown_in,
)
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.fields import first_fault
from schemas.graphics import RundownOrder
from schemas.moments import epoch_ms
from schemas.quarantine import REPAIRABLE, Assessment, Quarantined
from schemas.tally import encode
from schemas.trust import OperatorKey, OrderSigner, OrderVerifier, Verdict, encode_order
from tabulation.derived.facts import in_force_for
from tabulation.orders.confirmations import (
    FigureChange,
    InForce,
    Question,
    changes,
    impossible,
    instead_of,
    questions,
    unanswered,
)
from tabulation.orders.control import Control
from tabulation.program import Program

if TYPE_CHECKING:
    from rich.table import Table

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="SANDIK_OPERATOR_KEY_FILE",
        metavar="FILE",
        help="Sign with this private key; live runs need it.",
    ),
]
By = Annotated[str, typer.Option("--by", envvar="SANDIK_OPERATOR", metavar="NAME", help="Who gives the order.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the record.")]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="Do it on a live run too where it shows more than before, replaces a call or amends the definition.",
    ),
]

_BY_YES: Final = frozenset({"lift", "call", "amendment"})
"""What `--yes` confirms; figures beyond their limits have an option of their own."""

_OPTIONS: Final = dict.fromkeys(_BY_YES, "--yes") | {"limits": "--beyond-limits, and a --reason that says why"}


FieldOfOrder = object | Callable[[Election], object]
"""The value of an order's field, or how to get it from the election's definition."""


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """The options that every command with an order has: where it goes, who gives it and why, and with which keys."""

    run: RunName
    by: By
    reason: Reason
    log: LogUrl = EMBEDDED_LOG
    key: KeyFile = None
    operator_key: OperatorKeys = None
    yes: Yes = False


def give_order(
    options: OrderOptions, order_type: str, *, confirmed: frozenset[str] = frozenset(), **fields: FieldOfOrder
) -> None:
    """Append an order of this type to the run's control topic, and say what was ordered.

    Args:
        options: where the order goes, and who gives it.
        order_type: its `type` in `schemas.control`.
        confirmed: the codes of the questions that the command line has answered already, beside those of `--yes`.
        fields: what the order says of its own. A field that depends on the election, as a time of its night does, is
            a function of the definition.

    Raises:
        UsageError: the order is not valid, would have no effect, or has to be confirmed first.
    """
    signer = order_signer(options.key) if options.key is not None else None
    giver = _Giver(signer, operator_keys(options.operator_key), confirmed | (_BY_YES if options.yes else frozenset()))
    fields |= {"type": order_type, "by": options.by, "reason": options.reason}
    order, changed = run_to_completion(_append(options, giver, fields))
    for change in changed:
        screen.say(str(change))
    signed = f"signed with {signer.public.fingerprint}" if signer is not None else "not signed"
    screen.say(f"Ordered in run {options.run!r}: {order.type}, by {order.by}, {signed}.")


@dataclass(frozen=True, slots=True)
class _Giver:
    """Who gives an order: the key that signs it, the operators' keys that are trusted, and what is confirmed."""

    signer: OrderSigner | None
    operators: Sequence[OperatorKey]
    confirmed: Collection[str]

    @property
    def trusted(self) -> tuple[OperatorKey, ...]:
        """Whose amendments of the definition the giver takes for valid."""
        return (*self.operators, self.signer.public) if self.signer is not None else tuple(self.operators)

    def keys(self, order: Order, mode: Mode) -> tuple[OperatorKey, ...]:
        """The keys whose orders count: on a live run whoever gives this order is trusted as well.

        Not so for an order that lets a quarantined record out: its tally is counted by every aggregator, also by those
        that do not trust the giver's key. Raises `UsageError` where no trusted keys were given to check that with.
        """
        if self.signer is None or mode != "live":
            return tuple(self.operators)
        if not isinstance(order, QuarantineReleased):
            return (*self.operators, self.signer.public)
        if not self.operators:
            raise UsageError(
                "What is let out counts, whoever's word it is. Give the keys that the run's processes trust with "
                "--operator-key FILE, or in SANDIK_OPERATOR_KEYS: yours must be one of them."
            )
        return tuple(self.operators)


async def _append(
    options: OrderOptions, giver: _Giver, fields: Mapping[str, FieldOfOrder]
) -> tuple[Order, Sequence[FigureChange]]:
    """Append the order, unless it has no effect or has to be confirmed. Returns it and the figures that it changes."""
    clock = Wall()
    async with open_log(options.log, clock) as log:
        run = await find_run(log, options.run, giver.trusted)
        if run.mode == "live" and giver.signer is None:
            raise UsageError(f"Run {run.name!r} is live: its orders are signed. Give your private key with --key.")
        known = {name: value(run.definition) if callable(value) else value for name, value in fields.items()}
        order = order_of(run, known, clock)
        keys = giver.keys(order, run.mode)
        control, in_force = await read_order_context(log, run, order, keys, clock.now())
        if isinstance(order, FigureOverridden):
            order = order.model_copy(update={"instead_of": instead_of(order, in_force.on_air)})
        check_order_has_effect(control, encode_order(order, giver.signer), order, clock.now())
        _ask(run, unanswered(questions(order, in_force, run.mode), giver.confirmed))
        changed = changes(order, in_force.on_air) if isinstance(order, FigureOverridden | OverrideWithdrawn) else ()
        await give(log, run, order, giver.signer, keys)
        return order, changed


def _ask(run: Run, asked: Sequence[Question]) -> None:
    """Raise `UsageError` where something is not confirmed yet; it says what, and by which option."""
    if asked:
        sentences = " ".join(question.sentence for question in asked)
        options = " and ".join(dict.fromkeys(_OPTIONS[question.code] for question in asked))
        live = f"Run {run.name!r} is live. " if run.mode == "live" else ""
        raise UsageError(f"{live}{sentences} Say it again with {options} to do it.")


def order_of(run: Run, fields: Mapping[str, Any], clock: Clock) -> Order:
    """Return a valid order to this run with these fields. Raises `UsageError` where a field is wrong."""
    now = clock.now()
    envelope = {
        "run": run.name,
        "epoch": run.epoch,
        "id": secrets.token_hex(8),
        "at": now,
        "deliver_by": now + DELIVERY,
    }
    try:
        order = ORDER.validate_python({**envelope, **fields})
    except ValidationError as error:
        raise UsageError(f"That is no order: {first_fault(error)}.") from error
    if order.type.startswith("replay_") and run.mode != "replay":
        raise UsageError(f"Run {run.name!r} is no replay: it is {run.mode}, and goes on by itself.")
    return order


async def give(
    log: EventLog, run: Run, order: Order, signer: OrderSigner | None, keys: tuple[OperatorKey, ...] = ()
) -> None:
    """Append the order, and what it publishes again or relays, by the orders that these keys verify.

    Raises `UsageError` where there is nothing that it could publish.
    """
    again = await let_out(log, run, order, keys)
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(order, signer))])
    await log.append(run.topics.tallies.name, again)
    if isinstance(order, DefinitionAmended):
        await relay_amendments(log, await find_run(log, run.name, keys))


async def relay_amendments(log: EventLog, run: Run) -> None:
    """Append the run's amendments to each partition of its tallies, as its aggregators will. Twice is once.

    So what is published after the order was acknowledged is judged by it, also where no aggregator has read it yet.
    """
    partitions = range(run.topics.partitions)
    entries = [Entry(AMENDED_KEY, one.encode(), partition) for one in run.amendments for partition in partitions]
    await log.append(run.topics.tallies.name, entries)


async def read_order_context(
    log: EventLog, run: Run, order: Order, keys: Sequence[OperatorKey], now: datetime
) -> tuple[Control, InForce]:
    """Read the run's orders so far and what is in force of them now, for an order that is about to be given.

    Verified are the orders of those who have these keys. A restriction of somebody else stands all the same
    (`tabulation.orders.effects`), so what is asked here is never less than what has to be. The figures are read
    for an order about figures or a winner alone: their topic takes seconds.
    """
    control, program = Control(run, keys), Program(run.definition)
    async for record in read_to_end(log, run.topics.control.name):
        control.fold(record)
    if isinstance(order, FigureOverridden | OverrideWithdrawn | Called):
        async for record in read_to_end(log, run.topics.totals.name):
            program.fold(record)
    return control, in_force_for(order, program, control, now)


def check_order_has_effect(control: Control, value: bytes, order: Order, now: datetime) -> None:
    """Raise `UsageError` for an order that could not be obeyed, as the bytes that would be written."""
    sentence = unknown_in(order, control.definition)
    if sentence is None and isinstance(order, FigureOverridden):
        sentence = impossible(order)
    if sentence is None and isinstance(order, RundownOrder):
        sentence = control.rundown.why_not(order)
    if sentence is not None:
        raise UsageError(sentence)
    verdict = control.consider(value, epoch_ms(now))
    if verdict is not None and verdict.refusal is not None:
        raise UsageError(f"The order would have no effect: {verdict.refusal}.")


async def let_out(log: EventLog, run: Run, order: Order, keys: tuple[OperatorKey, ...]) -> list[Entry]:
    """Return the tallies that an order about a quarantined record publishes again; most orders have none.

    What these keys do not verify has settled nothing: a forged word does not keep a record from being let out.
    """
    if not isinstance(order, QuarantineReleased | QuarantineRejected):
        return []  # without reading two topics to find that out
    event = (await quarantine_of(log, run, keys)).released_by(order)
    return [Entry(event.district.encode(), encode(event))] if event is not None else []


_ABOUT: Final = (
    *("contest", "source", "unit", "candidate", "figures", "position", "until", "to", "records", "speed"),
    *("channel", "item", "overlay", "parameters", "step"),
)
"""The fields that say what an order is about, as far as it has them."""


async def read_verdicts(log: EventLog, run: Run, keys: Sequence[OperatorKey]) -> list[Verdict]:
    """Return every order of the control topic in its order, with whether it was verified by these keys and counts."""
    verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, keys)
    verdicts = []
    takes = Takes(run.name)
    async for record in read_to_end(log, run.topics.control.name):
        verdict = verifier.verify(record.offset, record.value, record.timestamp)
        if verdict is not None:
            verdicts.append(verdict)
        elif run.mode == "replay":  # each replay epoch has its own beginning, and its orders name that epoch
            begun = takes.fold(record.value)
            if begun is not None:
                verifier.move_to(begun)
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


def verdict_table(verdicts: Iterable[Verdict]) -> "Table":
    """Return a table with a row for each order, for people."""
    table = _table("offset", "at", "order", "about", "by", "reason", "verified", "effect", wrapped={"reason"})
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


def quarantine_table(entries: Iterable[QuarantineEntry]) -> "Table":
    """Return a table with a row for each record, for people."""
    table = _table("position", "reason", "detail", "if let out", wrapped={"detail", "if let out"})
    for one in entries:
        table.add_row(one.record.position.decode(), one.record.reason, one.record.detail, one.in_words())
    return table


def _table(*columns: str, wrapped: Collection[str]) -> "Table":
    from rich.table import Table  # noqa: PLC0415  who gives an order needs none

    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name not in wrapped)
    return table
