"""Give an order to a run: its options, the checks before it is written, and the records that are appended.

Call order: `order_of()` validates the fields, `considered()` reads what the order comes upon, `refuse()` checks that it
would have an effect, and `give()` appends it.
"""

import inspect
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.port import Entry, EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run, find_run
from sandik import screen
from sandik.operators import OperatorKeys, operator_keys, operator_seal
from sandik.options import EMBEDDED_LOG, LogUrl, RunName
from sandik.process import run_to_completion
from sandik.read_run import quarantine_of
from sandik.wiring import open_log
from schemas.control import (
    DELIVERY,
    ORDER,
    Called,
    FigureOverridden,
    Mode,
    Order,
    OverrideWithdrawn,
    QuarantineRejected,
    QuarantineReleased,
    unknown_in,
)
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.model_faults import first_fault
from schemas.moments import epoch_ms
from schemas.tally import encode
from schemas.trust import OperatorKey, OperatorSeal, encode_order
from tabulation.derived.in_force import in_force_for
from tabulation.orders.by_hand import FigureChange, changes, impossible, instead_of
from tabulation.orders.confirmations import InForce, Question, questions, unanswered
from tabulation.orders.control import Control
from tabulation.view.program import Program

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
    bool, typer.Option("--yes", help="Do it on a live run too where it shows more than before, or replaces a call.")
]

_ENVELOPE: Final = {
    "run": RunName,
    "by": By,
    "reason": Reason,
    "log": LogUrl,
    "key": KeyFile,
    "operator_key": OperatorKeys,
    "yes": Yes,
}
_DEFAULTS: Final = {"log": EMBEDDED_LOG, "key": None, "operator_key": None, "yes": False}
_BY_YES: Final = frozenset({"lift", "call"})
"""What `--yes` confirms; figures beyond their limits have an option of their own."""

_OPTIONS: Final = {"lift": "--yes", "call": "--yes", "limits": "--beyond-limits, and a --reason that says why"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an order says of its own. `fields` may depend on the election: a time of day is one of the night's.

    `confirmed` are the codes of the questions that the command line has answered already.
    """

    type: str
    fields: Mapping[str, Any] | Callable[[Election], Mapping[str, Any]]
    confirmed: frozenset[str] = frozenset()

    def of(self, election: Election) -> dict[str, Any]:
        """All of it, in this election."""
        fields = self.fields(election) if callable(self.fields) else self.fields
        return {"type": self.type, **fields}


def ordering(
    app: typer.Typer, name: str, epilog: str, reason: str | None = None
) -> Callable[[Callable[..., Instruction]], Callable[..., Instruction]]:
    """Make a command of a function that says what is ordered; it also asks for the run, the log, who, why and a key.

    With a `reason` nobody has to give one.
    """

    def register(function: Callable[..., Instruction]) -> Callable[..., Instruction]:
        own = inspect.signature(function).parameters.values()
        defaults = _DEFAULTS | ({"reason": reason} if reason is not None else {})
        asked = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults.get(name, inspect.Parameter.empty),
                annotation=kind,
            )
            for name, kind in _ENVELOPE.items()
        ]

        def command(**options: Any) -> None:  # noqa: ANN401  whatever the options of a command are
            envelope = {name: options.pop(name) for name in _ENVELOPE}
            _give(function(**options), **envelope)

        parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + asked
        command.__doc__ = function.__doc__
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
        app.command(name, epilog=epilog)(command)
        return function

    return register


def _give(
    instruction: Instruction,
    *,
    run: str,
    by: str,
    reason: str,
    log: str,
    key: Path | None,
    operator_key: list[Path] | None,
    yes: bool,
) -> None:
    seal = operator_seal(key) if key is not None else None
    giving = _Giving(seal, operator_keys(operator_key), instruction.confirmed | (_BY_YES if yes else frozenset()))
    order, changed = run_to_completion(_append(instruction, log, run, giving, {"by": by, "reason": reason}))
    for change in changed:
        screen.say(str(change))
    signed = f"signed with {seal.public.fingerprint}" if seal is not None else "not signed"
    screen.say(f"Ordered in run {run!r}: {order.type}, by {order.by}, {signed}.")


@dataclass(frozen=True, slots=True)
class _Giving:
    """Who gives an order: the key that signs it, those of the operators who are trusted, what is confirmed already."""

    seal: OperatorSeal | None
    operators: Sequence[OperatorKey]
    confirmed: Collection[str]

    def keys(self, order: Order, mode: Mode) -> tuple[OperatorKey, ...]:
        """The keys whose orders count: on a live run whoever gives this order is trusted as well.

        But not where it publishes something: that is counted by everyone, also by those who do not trust the order's
        key. Raises `UsageError` where nobody can tell whether they do.
        """
        if self.seal is None or mode != "live":
            return tuple(self.operators)
        if not isinstance(order, QuarantineReleased):
            return (*self.operators, self.seal.public)
        if not self.operators:
            raise UsageError(
                "What is let out counts, whoever's word it is. Give the keys that the run's processes trust with "
                "--operator-key FILE, or in SANDIK_OPERATOR_KEYS: yours must be one of them."
            )
        return tuple(self.operators)


async def _append(
    instruction: Instruction, url: str, name: str, giving: _Giving, who: Mapping[str, str]
) -> tuple[Order, Sequence[FigureChange]]:
    """Append the order, unless it would not count or is to be confirmed; it, and the figures that it changes."""
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        if run.mode == "live" and giving.seal is None:
            raise UsageError(f"Run {name!r} is live: its orders are signed. Give your private key with --key.")
        order = order_of(run, {**instruction.of(run.definition), **who}, clock)
        keys = giving.keys(order, run.mode)
        control, standing = await considered(log, run, order, keys, clock.now())
        if isinstance(order, FigureOverridden):
            order = order.model_copy(update={"instead_of": instead_of(order, standing.on_air)})
        refuse(control, encode_order(order, giving.seal), order, clock.now())
        _ask(run, unanswered(questions(order, standing, run.mode), giving.confirmed))
        changed = changes(order, standing.on_air) if isinstance(order, FigureOverridden | OverrideWithdrawn) else ()
        await give(log, run, order, giving.seal, keys)
        return order, changed


def _ask(run: Run, asked: Sequence[Question]) -> None:
    """Raise `UsageError` where something is still to be confirmed: what it is, and how."""
    if asked:
        sentences = " ".join(question.sentence for question in asked)
        options = " and ".join(dict.fromkeys(_OPTIONS[question.code] for question in asked))
        live = f"Run {run.name!r} is live. " if run.mode == "live" else ""
        raise UsageError(f"{live}{sentences} Say it again with {options} to do it.")


def order_of(run: Run, fields: Mapping[str, Any], clock: Clock) -> Order:
    """An order to this run that says so. Raises `UsageError` for one that it could not obey."""
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
    log: EventLog, run: Run, order: Order, seal: OperatorSeal | None, keys: tuple[OperatorKey, ...] = ()
) -> None:
    """Append the order, and what it publishes again, by the orders that these keys verify.

    Raises `UsageError` where there is nothing that it could publish.
    """
    again = await let_out(log, run, order, keys)
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(order, seal))])
    await log.append(run.topics.tallies.name, again)


async def considered(
    log: EventLog, run: Run, order: Order, keys: Sequence[OperatorKey], now: datetime
) -> tuple[Control, InForce]:
    """What the run's operators have ordered, and what an order comes upon at this moment.

    Verified are the orders of those who have these keys. A restriction of somebody else stands all the same
    (`tabulation.orders.restrictions`), so what is asked here is never less than what has to be. The figures are read
    for an order about figures or a winner alone: their topic takes seconds.
    """
    control, program = Control(run, keys), Program(run.definition)
    async for record in read_to_end(log, run.topics.control.name):
        control.fold(record)
    if isinstance(order, FigureOverridden | OverrideWithdrawn | Called):
        async for record in read_to_end(log, run.topics.totals.name):
            program.fold(record)
    return control, in_force_for(order, program, control, now)


def refuse(control: Control, value: bytes, order: Order, now: datetime) -> None:
    """Raise `UsageError` for an order that could not be obeyed, as the bytes that would be written."""
    sentence = unknown_in(order, control.definition)
    if sentence is None and isinstance(order, FigureOverridden):
        sentence = impossible(order)
    if sentence is not None:
        raise UsageError(sentence)
    verdict = control.consider(value, epoch_ms(now))
    if verdict is not None and verdict.refusal is not None:
        raise UsageError(f"The order would have no effect: {verdict.refusal}.")


async def let_out(log: EventLog, run: Run, order: Order, keys: tuple[OperatorKey, ...]) -> list[Entry]:
    """What an order about a quarantined record publishes again: nothing, for most. Raises `UsageError`.

    What these keys do not verify has settled nothing: a forged word does not keep a record from being let out.
    """
    if not isinstance(order, QuarantineReleased | QuarantineRejected):
        return []  # without reading two topics to find that out
    event = (await quarantine_of(log, run, keys)).released_by(order)
    return [Entry(event.district.encode(), encode(event))] if event is not None else []
