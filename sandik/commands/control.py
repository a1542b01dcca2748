"""`sandik control`: give orders to a run, and read who gave which."""

import secrets
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, find_run
from sandik import screen
from sandik.operators import OperatorKeys, operator_keys, operator_seal
from sandik.options import EMBEDDED_LOG, LogUrl, RunName
from sandik.process import run_to_completion
from sandik.reading import read_to_end
from sandik.wiring import open_log
from schemas.control import ORDER, Order, unknown_in
from schemas.errors import UsageError
from schemas.trust import Judge, OperatorKey, OperatorSeal, Verdict, encode_order

EXAMPLE = "Example: sandik control hold --run 2024-yerel --contest mayor --key me.key --by 'A. Kaya' --reason 'a doubt'"

_PIPED_COLUMNS: Final = 200
_UNTIL_LIFTED: Final = "lifted"

app = typer.Typer(
    help="Give orders to a run: embargo, hold, release, call; and read who gave which.", no_args_is_help=True
)

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
Contest = Annotated[str, typer.Option("--contest", metavar="ID", help="Which contest.")]
AnyUnit = Annotated[
    str | None, typer.Option("--unit", metavar="ID", help="Only this unit and what is below it; else everywhere.")
]
OneUnit = Annotated[str, typer.Option("--unit", metavar="ID", help="In which unit.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it, on a live run too.")]


class Format(StrEnum):
    """How the audit is written."""

    JSON = "json"
    TABLE = "table"


@app.command(epilog="Example: sandik control embargo --until 2024-03-31T19:20+03:00 --run 2024-yerel …")
def embargo(
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: a time with its zone, or 'lifted': until --lift.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let everyone see the numbers.")] = False,
    yes: Yes = False,
) -> None:
    """Keep numbers from everyone but the control room, or lift that."""
    if (until is None) != lift:
        raise UsageError("Say either --until TIME (or --until lifted), or --lift.")
    if lift:
        _give(log, run, key, {"type": "embargo_lifted", "by": by, "reason": reason}, sure=yes)
    else:
        _give(
            log, run, key, {"type": "embargo_set", "by": by, "reason": reason, "until": _time(until or "")}, sure=True
        )


@app.command(epilog=EXAMPLE)
def hold(
    run: RunName,
    contest: Contest,
    by: By,
    reason: Reason,
    unit: AnyUnit = None,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
) -> None:
    """Freeze a contest, or a part of it, for everyone but the control room."""
    _give(log, run, key, {"type": "held", "contest": contest, "unit": unit, "by": by, "reason": reason}, sure=True)


@app.command(epilog="Example: sandik control release --run 2024-yerel --contest mayor --reason 'it is right' …")
def release(
    run: RunName,
    contest: Contest,
    by: By,
    reason: Reason,
    unit: AnyUnit = None,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
) -> None:
    """Let go of what is held: everyone catches up in one step."""
    _give(log, run, key, {"type": "released", "contest": contest, "unit": unit, "by": by, "reason": reason}, sure=True)


@app.command(epilog="Example: sandik control call --run 2024-yerel --contest mayor --unit tr/34 --candidate imamoglu …")
def call(
    run: RunName,
    contest: Contest,
    unit: OneUnit,
    candidate: Annotated[str, typer.Option("--candidate", metavar="ID", help="Who has won.")],
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
) -> None:
    """Say who has won, as an editor. Nothing is ever called by a program."""
    said = {"type": "called", "contest": contest, "unit": unit, "candidate": candidate, "by": by, "reason": reason}
    _give(log, run, key, said, sure=True)


@app.command(
    "withdraw-call", epilog="Example: sandik control withdraw-call --run 2024-yerel --contest mayor --unit tr/34 …"
)
def withdraw_call(
    run: RunName,
    contest: Contest,
    unit: OneUnit,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
) -> None:
    """Take a call back."""
    _give(
        log,
        run,
        key,
        {"type": "call_withdrawn", "contest": contest, "unit": unit, "by": by, "reason": reason},
        sure=True,
    )


@app.command("log", epilog="Example: sandik control log --run 2024-yerel --operator-key desk.key.pub --format json")
def audit(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: Annotated[Format, typer.Option("--format", help="json for programs, table for people.")] = Format.TABLE,
) -> None:
    """Print every order, who gave it, whether it was verified, and why it did not count if it did not."""
    verdicts = run_to_completion(_audit(log, run, operator_keys(operator_key)))
    if form is Format.JSON:
        sys.stdout.buffer.write(
            orjson.dumps([_described(verdict) for verdict in verdicts], option=orjson.OPT_INDENT_2) + b"\n"
        )
        sys.stdout.buffer.flush()
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS).print(_table(verdicts))


def _give(url: str, name: str, key: Path | None, said: dict[str, Any], *, sure: bool) -> None:
    seal = operator_seal(key) if key is not None else None
    order = run_to_completion(_append(url, name, seal, said, sure=sure))
    signed = f"signed with {seal.public.fingerprint}" if seal is not None else "not signed"
    screen.say(f"Ordered in run {name!r}: {order.type}, by {order.by}, {signed}.")


async def _append(url: str, name: str, seal: OperatorSeal | None, said: dict[str, Any], *, sure: bool) -> Order:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        if run.mode == "live" and seal is None:
            raise UsageError(f"Run {name!r} is live: its orders are signed. Give your private key with --key.")
        if run.mode == "live" and not sure:
            raise UsageError(
                f"Run {name!r} is live: this shows everyone the numbers. Say it again with --yes to do it."
            )
        envelope = {"run": run.name, "epoch": run.epoch, "id": secrets.token_hex(8), "at": clock.now()}
        try:
            order = ORDER.validate_python(envelope | said)
        except ValueError as error:
            raise UsageError(f"That is no order: {error}") from error
        unknown = unknown_in(order, run.definition)
        if unknown is not None:
            raise UsageError(unknown)
        await log.append(run.topics.control.name, [Entry(b"order", encode_order(order, seal))])
        return order


async def _audit(url: str, name: str, keys: tuple[OperatorKey, ...]) -> list[Verdict]:
    async with open_log(url, Wall()) as log:
        return await _verdicts(log, await find_run(log, name), keys)


async def _verdicts(log: EventLog, run: Run, keys: tuple[OperatorKey, ...]) -> list[Verdict]:
    judge = Judge(run.name, run.epoch, run.mode, run.definition, keys)
    found = [judge.judge(record.offset, record.value) async for record in read_to_end(log, run.topics.control.name)]
    return [verdict for verdict in found if verdict is not None]


def _described(verdict: Verdict) -> dict[str, object]:
    said = verdict.order.model_dump(mode="json") if verdict.order is not None else {"type": None}
    return said | {
        "offset": verdict.offset,
        "verified": verdict.key is not None,
        "key": verdict.key,
        "counts": verdict.counts,
        "refusal": verdict.refusal,
    }


def _table(verdicts: list[Verdict]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("offset", "at", "order", "about", "by", "reason", "verified", "effect"):
        table.add_column(name, no_wrap=name != "reason")
    for verdict in verdicts:
        said = _described(verdict)
        about = [str(said[name]) for name in ("contest", "unit", "candidate", "until") if said.get(name)]
        effect = "yes" if verdict.counts else f"none: {verdict.refusal}"
        row = [
            verdict.offset,
            said.get("at", ""),
            said["type"] or "?",
            " ".join(about),
            said.get("by", ""),
            said.get("reason", ""),
        ]
        table.add_row(*map(str, row), verdict.key or "no", effect)
    return table


def _time(text: str) -> datetime | None:
    if text == _UNTIL_LIFTED:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time. Give one with its zone, such as 2024-03-31T19:20+03:00.") from error
    if moment.tzinfo is None:
        raise UsageError(f"{text!r} does not say in which zone. Give it, such as {text}+03:00.")
    return moment
