"""`sandik control`: give orders to a run, list its quarantine, and read who gave which order."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import typer

from eventlog.clock import Wall
from sandik import screen
from sandik.console import Format, FormatOption, for_people, write_json
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, command_app, name_and_value, operator_keys
from sandik.orders import (
    OrderOptions,
    QuarantineEntry,
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

GiveT = TypeVar("GiveT", bound=Callable[..., None])


def _order(name: str, epilog: str, *, reason: str | None = None, yes: bool = True) -> Callable[[GiveT], GiveT]:
    """Register a command that gives an order; it is called with its `OrderOptions`, and then with what is its own.

    `reason` is the one of an order for which none is given, and without `yes` there is nothing to confirm.
    """
    shared = dict(inspect.signature(OrderOptions).parameters)
    if reason is not None:
        shared["reason"] = shared["reason"].replace(default=reason)
    if not yes:
        del shared["yes"]

    def register(give: GiveT) -> GiveT:
        def command(**given: Any) -> None:  # noqa: ANN401  what Typer has read
            options = OrderOptions(**{one: given.pop(one) for one in shared})
            give(options, **given)

        _, *own = inspect.signature(give).parameters.values()
        taken = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared.values())]
        command.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]  # this is what Typer goes by
        command.__annotations__ = {one.name: one.annotation for one in taken}
        command.__doc__ = give.__doc__
        app.command(name, epilog=epilog)(command)
        return give

    return register


@_order("embargo", "Example: sandik control embargo --until 2024-03-31T19:20+03:00 --run 2024-yerel …")
def embargo(
    options: OrderOptions,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: a time with its zone, or 'lifted': until --lift.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let everyone see the numbers.")] = False,
) -> None:
    """Keep numbers from everyone but the control room, or lift that."""
    if (until is None) != lift:
        raise UsageError("Say either --until TIME (or --until lifted), or --lift.")
    if until is None:
        give_order(options, "embargo_lifted")
    else:
        give_order(options, "embargo_set", until=None if until == _UNTIL_LIFTED else parse_zoned_moment(until))


@_order("hold", EXAMPLE)
def hold(options: OrderOptions, contest: Contest, unit: AnyUnit = None) -> None:
    """Freeze a contest, or a part of it, for everyone but the control room."""
    give_order(options, "held", contest=contest, unit=unit)


@_order("release", "Example: sandik control release --run 2024-yerel --contest mayor --reason 'it is right' …")
def release(options: OrderOptions, contest: Contest, unit: AnyUnit = None) -> None:
    """Let go of what is held: everyone catches up in one step."""
    give_order(options, "released", contest=contest, unit=unit)


@_order("take", "Example: sandik control take --run 2024-yerel --contest mayor --reason 'the jump is real' …")
def take(options: OrderOptions, contest: Contest, unit: AnyUnit = None) -> None:
    """Show everyone the newest of what is held, in one step, and go on holding it."""
    give_order(options, "taken", contest=contest, unit=unit)


@_order("override", "Example: sandik control override --contest mayor --source aa --unit tr/34/adalar valid=4812 …")
def override(
    options: OrderOptions,
    contest: Contest,
    source: Source,
    unit: District,
    figures: Annotated[
        list[str], typer.Argument(metavar="FIGURE=N…", help="Such as votes.imamoglu=11360 or valid=4812.")
    ],
    beyond_limits: Annotated[
        bool, typer.Option("--beyond-limits", help="Do it though the figures contradict each other or the definition.")
    ] = False,
) -> None:
    """Set figures of a district by hand; they are marked so wherever they show."""
    give_order(
        options,
        "figure_overridden",
        confirmed=frozenset({"limits"} if beyond_limits else ()),
        contest=contest,
        source=source,
        unit=unit,
        figures=_figures(figures),
    )


@_order(
    "withdraw-override", "Example: sandik control withdraw-override --contest mayor --source aa --unit tr/34/adalar …"
)
def withdraw_override(options: OrderOptions, contest: Contest, source: Source, unit: District) -> None:
    """Take back every figure of a district that was set by hand."""
    give_order(
        options,
        "override_withdrawn",
        contest=contest,
        source=source,
        unit=unit,
    )


@_order("let-out", "Example: sandik control let-out sandik.n.tallies/3/1812 --run n --reason 'ANKA confirms it' …")
def let_out(options: OrderOptions, position: Position) -> None:
    """Let a quarantined record count: of two statements this one, or boxes that do go backwards."""
    give_order(options, "quarantine_released", position=position)


@_order("reject", "Example: sandik control reject sandik.n.tallies/3/1812 --run n --reason 'a broken line' …")
def reject(options: OrderOptions, position: Position) -> None:
    """Say of a quarantined record that it was looked at; it stays where it is."""
    give_order(options, "quarantine_rejected", position=position)


@_order("call", "Example: sandik control call --contest mayor --unit tr/34 --candidate imamoglu --run n …")
def call(
    options: OrderOptions,
    contest: Contest,
    unit: OneUnit,
    candidate: Annotated[str, typer.Option("--candidate", metavar="ID", help="Who has won.")],
) -> None:
    """Say who has won, as an editor. Nothing is ever called by a program."""
    give_order(
        options,
        "called",
        contest=contest,
        unit=unit,
        candidate=candidate,
    )


@_order("withdraw-call", "Example: sandik control withdraw-call --run 2024-yerel --contest mayor --unit tr/34 …")
def withdraw_call(options: OrderOptions, contest: Contest, unit: OneUnit) -> None:
    """Take a call back."""
    give_order(options, "call_withdrawn", contest=contest, unit=unit)


Channel = Annotated[str, typer.Option(metavar="ID", help="The channel of the program page.")]


@_order(
    "take-graphic",
    "Example: sandik control take-graphic duel unit=tr/34 size=full --run 2024-yerel …",
    reason="rundown",
    yes=False,
)
def take_graphic(
    options: OrderOptions,
    overlay: Annotated[str, typer.Argument(help="The overlay, such as duel.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="What its address would say: unit=tr/34.")
    ] = None,
    channel: Channel = "a",
) -> None:
    """Put a graphic on air on a channel, in the place of the one that is there."""
    from gateway.pages import graphic_fault  # noqa: PLC0415  it reads the pages' list of overlays

    told = dict(
        name_and_value(one, f"{one!r} is no parameter. Give one such as unit=tr/34.") for one in parameters or ()
    )
    fault = graphic_fault(overlay, told)
    if fault is not None:
        raise UsageError(fault)
    give_order(options, "graphic_taken", channel=channel, overlay=overlay, parameters=told)


@_order(
    "clear-graphic", "Example: sandik control clear-graphic --channel a --run 2024-yerel …", reason="rundown", yes=False
)
def clear_graphic(options: OrderOptions, channel: Channel = "a") -> None:
    """Show no graphic on a channel."""
    give_order(options, "graphic_cleared", channel=channel)


@_order("pause", "Example: sandik control pause --run rehearsal --by 'A. Kaya'", reason=_REHEARSAL)
def pause(options: OrderOptions) -> None:
    """Let a replay stand still."""
    give_order(options, "replay_paused")


@_order("resume", "Example: sandik control resume --run rehearsal --by 'A. Kaya'", reason=_REHEARSAL)
def resume(options: OrderOptions) -> None:
    """Let a replay go on."""
    give_order(options, "replay_resumed")


@_order("seek", "Example: sandik control seek --to 22:15 --run rehearsal --by 'A. Kaya'", reason=_REHEARSAL)
def seek(
    options: OrderOptions,
    to: Annotated[str, typer.Option(metavar="TIME", help="To when: a time of that night, or one with date and zone.")],
) -> None:
    """Let a replay go on from another moment; going back begins a new epoch, and every client starts over by itself."""
    give_order(options, "replay_sought", to=lambda election: parse_night_moment(to, election))


@_order("step", "Example: sandik control step --records 10 --run rehearsal --by 'A. Kaya'", reason=_REHEARSAL)
def step(
    options: OrderOptions,
    records: Annotated[int, typer.Option(min=1, max=MAX_STEP, help="How many records to publish.")] = 1,
) -> None:
    """Publish a replay's next records, and stand still after them."""
    give_order(options, "replay_stepped", records=records)


@_order("speed", "Example: sandik control speed --times 120 --run rehearsal --by 'A. Kaya'", reason=_REHEARSAL)
def speed(
    options: OrderOptions,
    times: Annotated[
        float,
        typer.Option(metavar="N", help="How many times as fast as the night was; 0: as fast as it goes."),
    ],
) -> None:
    """Let a replay go on at another speed."""
    give_order(options, "replay_speed_set", speed=times)


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
