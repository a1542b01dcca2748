"""`sandik control`: give orders to a run, list its quarantine, and read who gave which order."""

from typing import Annotated, Final

import typer

from eventlog.clock import Wall
from sandik import screen
from sandik.console import Format, FormatOption, for_people, write_json
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, command_app, name_and_value, operator_keys
from sandik.orders import (
    By,
    KeyFile,
    OrderOptions,
    QuarantineEntry,
    Reason,
    Yes,
    give_order,
    quarantine_table,
    read_quarantine,
    read_verdicts,
    verdict_fields,
    verdict_table,
)
from sandik.process import run_to_completion
from sandik.quantities import parse_night_moment, parse_zoned_moment
from sandik.wiring import known_run, open_log
from schemas.control import MAX_STEP
from schemas.errors import UsageError
from schemas.trust import OperatorKey, Verdict

EXAMPLE = "Example: sandik control hold --run 2024-yerel --contest mayor --key me.key --by 'A. Kaya' --reason 'a doubt'"

_UNTIL_LIFTED: Final = "lifted"
_REHEARSAL: Final = "rehearsal"

app = command_app(
    "Give orders to a run: embargo, hold, call, figures by hand; direct a replay; and read who gave which.", EXAMPLE
)

Contest = Annotated[str, typer.Option("--contest", metavar="ID", help="Which contest.")]
AnyUnit = Annotated[
    str | None, typer.Option("--unit", metavar="ID", help="Only this unit and what is below it; else everywhere.")
]
Source = Annotated[str, typer.Option("--source", metavar="ID", help="Whose figures.")]
District = Annotated[str, typer.Option("--unit", metavar="ID", help="In which district.")]
Position = Annotated[str, typer.Argument(metavar="POSITION", help="Where it lies: see sandik control quarantine.")]
OneUnit = Annotated[str, typer.Option("--unit", metavar="ID", help="In which unit.")]


@app.command("embargo", epilog="Example: sandik control embargo --until 2024-03-31T19:20+03:00 --run 2024-yerel …")
def embargo(
    *,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: a time with its zone, or 'lifted': until --lift.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let everyone see the numbers.")] = False,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Keep numbers from everyone but the control room, or lift that."""
    if (until is None) != lift:
        raise UsageError("Say either --until TIME (or --until lifted), or --lift.")
    options = OrderOptions(run, by, reason, log, key, operator_key, yes)
    if until is None:
        give_order(options, "embargo_lifted")
    else:
        give_order(options, "embargo_set", until=None if until == _UNTIL_LIFTED else parse_zoned_moment(until))


@app.command("hold", epilog=EXAMPLE)
def hold(
    *,
    contest: Contest,
    unit: AnyUnit = None,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Freeze a contest, or a part of it, for everyone but the control room."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "held", contest=contest, unit=unit)


@app.command(
    "release", epilog="Example: sandik control release --run 2024-yerel --contest mayor --reason 'it is right' …"
)
def release(
    *,
    contest: Contest,
    unit: AnyUnit = None,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let go of what is held: everyone catches up in one step."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "released", contest=contest, unit=unit)


@app.command(
    "take", epilog="Example: sandik control take --run 2024-yerel --contest mayor --reason 'the jump is real' …"
)
def take(
    *,
    contest: Contest,
    unit: AnyUnit = None,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Show everyone the newest of what is held, in one step, and go on holding it."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "taken", contest=contest, unit=unit)


@app.command(
    "override", epilog="Example: sandik control override --contest mayor --source aa --unit tr/34/adalar valid=4812 …"
)
def override(
    *,
    contest: Contest,
    source: Source,
    unit: District,
    figures: Annotated[
        list[str], typer.Argument(metavar="FIGURE=N…", help="Such as votes.imamoglu=11360 or valid=4812.")
    ],
    beyond_limits: Annotated[
        bool, typer.Option("--beyond-limits", help="Do it though the figures contradict each other or the definition.")
    ] = False,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Set figures of a district by hand; they are marked so wherever they show."""
    give_order(
        OrderOptions(run, by, reason, log, key, operator_key, yes),
        "figure_overridden",
        confirmed=frozenset({"limits"} if beyond_limits else ()),
        contest=contest,
        source=source,
        unit=unit,
        figures=_figures(figures),
    )


@app.command(
    "withdraw-override",
    epilog="Example: sandik control withdraw-override --contest mayor --source aa --unit tr/34/adalar …",
)
def withdraw_override(
    *,
    contest: Contest,
    source: Source,
    unit: District,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Take back every figure of a district that was set by hand."""
    give_order(
        OrderOptions(run, by, reason, log, key, operator_key, yes),
        "override_withdrawn",
        contest=contest,
        source=source,
        unit=unit,
    )


@app.command(
    "let-out", epilog="Example: sandik control let-out sandik.n.tallies/3/1812 --run n --reason 'ANKA confirms it' …"
)
def let_out(
    *,
    position: Position,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let a quarantined record count: of two statements this one, or boxes that do go backwards."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "quarantine_released", position=position)


@app.command(
    "reject", epilog="Example: sandik control reject sandik.n.tallies/3/1812 --run n --reason 'a broken line' …"
)
def reject(
    *,
    position: Position,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Say of a quarantined record that it was looked at; it stays where it is."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "quarantine_rejected", position=position)


@app.command("call", epilog="Example: sandik control call --contest mayor --unit tr/34 --candidate imamoglu --run n …")
def call(
    *,
    contest: Contest,
    unit: OneUnit,
    candidate: Annotated[str, typer.Option("--candidate", metavar="ID", help="Who has won.")],
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Say who has won, as an editor. Nothing is ever called by a program."""
    give_order(
        OrderOptions(run, by, reason, log, key, operator_key, yes),
        "called",
        contest=contest,
        unit=unit,
        candidate=candidate,
    )


@app.command(
    "withdraw-call", epilog="Example: sandik control withdraw-call --run 2024-yerel --contest mayor --unit tr/34 …"
)
def withdraw_call(
    *,
    contest: Contest,
    unit: OneUnit,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Take a call back."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "call_withdrawn", contest=contest, unit=unit)


Channel = Annotated[str, typer.Option(metavar="ID", help="The channel of the program page.")]


@app.command("take-graphic", epilog="Example: sandik control take-graphic duel unit=tr/34 size=full --run 2024-yerel …")
def take_graphic(
    overlay: Annotated[str, typer.Argument(help="The overlay, such as duel.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="What its address would say: unit=tr/34.")
    ] = None,
    *,
    channel: Channel = "a",
    run: RunName,
    by: By,
    reason: Reason = "rundown",
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Put a graphic on air on a channel, in the place of the one that is there."""
    from gateway.pages import graphic_fault  # noqa: PLC0415  it reads the pages' list of overlays

    told = dict(
        name_and_value(one, f"{one!r} is no parameter. Give one such as unit=tr/34.") for one in parameters or ()
    )
    fault = graphic_fault(overlay, told)
    if fault is not None:
        raise UsageError(fault)
    options = OrderOptions(run, by, reason, log, key, operator_key, yes=False)
    give_order(options, "graphic_taken", channel=channel, overlay=overlay, parameters=told)


@app.command("clear-graphic", epilog="Example: sandik control clear-graphic --channel a --run 2024-yerel …")
def clear_graphic(
    *,
    channel: Channel = "a",
    run: RunName,
    by: By,
    reason: Reason = "rundown",
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Show no graphic on a channel."""
    options = OrderOptions(run, by, reason, log, key, operator_key, yes=False)
    give_order(options, "graphic_cleared", channel=channel)


@app.command("pause", epilog="Example: sandik control pause --run rehearsal --by 'A. Kaya'")
def pause(
    *,
    run: RunName,
    by: By,
    reason: Reason = _REHEARSAL,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let a replay stand still."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "replay_paused")


@app.command("resume", epilog="Example: sandik control resume --run rehearsal --by 'A. Kaya'")
def resume(
    *,
    run: RunName,
    by: By,
    reason: Reason = _REHEARSAL,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let a replay go on."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "replay_resumed")


@app.command("seek", epilog="Example: sandik control seek --to 22:15 --run rehearsal --by 'A. Kaya'")
def seek(
    *,
    to: Annotated[str, typer.Option(metavar="TIME", help="To when: a time of that night, or one with date and zone.")],
    run: RunName,
    by: By,
    reason: Reason = _REHEARSAL,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let a replay go on from another moment; going back begins a new epoch, and every client starts over by itself."""
    options = OrderOptions(run, by, reason, log, key, operator_key, yes)
    give_order(options, "replay_sought", to=lambda election: parse_night_moment(to, election))


@app.command("step", epilog="Example: sandik control step --records 10 --run rehearsal --by 'A. Kaya'")
def step(
    *,
    records: Annotated[int, typer.Option(min=1, max=MAX_STEP, help="How many records to publish.")] = 1,
    run: RunName,
    by: By,
    reason: Reason = _REHEARSAL,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Publish a replay's next records, and stand still after them."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "replay_stepped", records=records)


@app.command("speed", epilog="Example: sandik control speed --times 120 --run rehearsal --by 'A. Kaya'")
def speed(
    *,
    times: Annotated[
        float,
        typer.Option(metavar="N", help="How many times as fast as the night was; 0: as fast as it goes."),
    ],
    run: RunName,
    by: By,
    reason: Reason = _REHEARSAL,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
) -> None:
    """Let a replay go on at another speed."""
    give_order(OrderOptions(run, by, reason, log, key, operator_key, yes), "replay_speed_set", speed=times)


@app.command("quarantine", epilog="Example: sandik control quarantine --run 2024-yerel --operator-key desk.key.pub")
def quarantine(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List what was set aside and waits for somebody to let it out or reject it, the newest first.

    What was let out and is not counted yet is listed too: where it stays so, let it out again.
    """
    entries, unverified = run_to_completion(_read_quarantine(log, run, operator_keys(operator_key)))
    if unverified:
        screen.say(
            f"{unverified} orders about quarantined records cannot be verified, and settle nothing here: see sandik "
            "control log. Give all operators' keys with --operator-key FILE, or FILE@UNTIL of those who have left."
        )
    if form is Format.JSON:
        write_json([entry.fields() for entry in entries])
    else:
        for_people().print(quarantine_table(entries))


@app.command("log", epilog="Example: sandik control log --run 2024-yerel --operator-key desk.key.pub --format json")
def audit(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print every order, who gave it, whether it was verified, and why it did not count if it did not."""
    verdicts = run_to_completion(_read_verdicts(log, run, operator_keys(operator_key)))
    if form is Format.JSON:
        write_json([verdict_fields(verdict) for verdict in verdicts])
    else:
        for_people().print(verdict_table(verdicts))


def _figures(given: list[str]) -> dict[str, int]:
    """Figures as they are given on the command line. Raises `UsageError`."""
    figures = {}
    for one in given:
        refusal = f"{one!r} is no figure. Give a name and a whole number, such as votes.imamoglu=11360."
        name, value = name_and_value(one, refusal)
        if not value.isascii() or not value.isdecimal():
            raise UsageError(refusal)
        figures[name] = int(value)
    return figures


async def _read_quarantine(url: str, name: str, keys: tuple[OperatorKey, ...]) -> tuple[list[QuarantineEntry], int]:
    async with open_log(url, Wall()) as log:
        return await read_quarantine(log, await known_run(log, name, keys), keys)


async def _read_verdicts(url: str, name: str, keys: tuple[OperatorKey, ...]) -> list[Verdict]:
    async with open_log(url, Wall()) as log:
        return await read_verdicts(log, await known_run(log, name, keys), keys)
