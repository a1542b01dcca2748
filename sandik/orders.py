"""Giving orders to a run: what every command that gives one asks for, and how it gets into the control topic."""

import inspect
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from eventlog.clock import Clock, Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, find_run
from sandik import screen
from sandik.operators import operator_seal
from sandik.options import EMBEDDED_LOG, LogUrl, RunName
from sandik.process import run_to_completion
from sandik.set_aside import let_out
from sandik.wiring import open_log
from schemas.control import DELIVERY, ORDER, Order, unknown_in
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.trust import OperatorSeal, encode_order

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

_ENVELOPE: Final = {"run": RunName, "by": By, "reason": Reason, "log": LogUrl, "key": KeyFile}
_DEFAULTS: Final = {"log": EMBEDDED_LOG, "key": None}


@dataclass(frozen=True, slots=True)
class Said:
    """What an order says of its own. `fields` may depend on the election; `sure`: it was asked twice, if it had to be.

    A time of day, for example, is one of the night's.
    """

    type: str
    fields: Mapping[str, Any] | Callable[[Election], Mapping[str, Any]]
    sure: bool = True

    def of(self, election: Election) -> dict[str, Any]:
        """All of it, in this election."""
        fields = self.fields(election) if callable(self.fields) else self.fields
        return {"type": self.type, **fields}


def ordering(
    app: typer.Typer, name: str, epilog: str, reason: str | None = None
) -> Callable[[Callable[..., Said]], Callable[..., Said]]:
    """Make a command of a function that says what is ordered; it also asks for the run, the log, who, why and a key.

    With a `reason` nobody has to give one.
    """

    def register(function: Callable[..., Said]) -> Callable[..., Said]:
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


def _give(said: Said, *, run: str, by: str, reason: str, log: str, key: Path | None) -> None:
    seal = operator_seal(key) if key is not None else None
    order = run_to_completion(_append(said, log, run, seal, by, reason))
    signed = f"signed with {seal.public.fingerprint}" if seal is not None else "not signed"
    screen.say(f"Ordered in run {run!r}: {order.type}, by {order.by}, {signed}.")


async def _append(said: Said, url: str, name: str, seal: OperatorSeal | None, by: str, reason: str) -> Order:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        if run.mode == "live" and seal is None:
            raise UsageError(f"Run {name!r} is live: its orders are signed. Give your private key with --key.")
        if run.mode == "live" and not said.sure:
            raise UsageError(
                f"Run {name!r} is live: this shows everyone the numbers. Say it again with --yes to do it."
            )
        return await give(log, run, said.of(run.definition) | {"by": by, "reason": reason}, seal, clock)


async def give(log: EventLog, run: Run, said: Mapping[str, Any], seal: OperatorSeal | None, clock: Clock) -> Order:
    """Append an order that says so; the order. Raises `UsageError` for one that the run could not obey."""
    now = clock.now()
    envelope = {
        "run": run.name,
        "epoch": run.epoch,
        "id": secrets.token_hex(8),
        "at": now,
        "deliver_by": now + DELIVERY,
    }
    try:
        order = ORDER.validate_python({**envelope, **said})
    except ValueError as error:
        raise UsageError(f"That is no order: {error}") from error
    unknown = unknown_in(order, run.definition)
    if unknown is not None:
        raise UsageError(unknown)
    if order.type.startswith("replay_") and run.mode != "replay":
        raise UsageError(f"Run {run.name!r} is no replay: it is {run.mode}, and goes on by itself.")
    again = await let_out(log, run, order)
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(order, seal))])
    await log.append(run.topics.tallies.name, again)
    return order
