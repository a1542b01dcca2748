"""`sandik control`: give orders to a run, list its quarantine, and read who gave which order."""

from contextlib import suppress
from typing import Annotated, Final, NamedTuple

import typer
from rich.table import Table

from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run, find_run
from sandik import screen
from sandik.console import Format, FormatOption, for_people, write_json
from sandik.operators import OperatorKeys, operator_keys
from sandik.options import EMBEDDED_LOG, LogUrl, RunName, command_app
from sandik.orders import Instruction, ordering
from sandik.process import run_to_completion
from sandik.quantities import parse_night_moment, parse_zoned_moment
from sandik.read_run import quarantine_of
from sandik.wiring import open_log
from schemas.control import MAX_STEP, QuarantineRejected, QuarantineReleased, parse_control, parse_epoch
from schemas.errors import UsageError
from schemas.mending import MENDABLE
from schemas.quarantine import Assessment, Quarantined
from schemas.trust import Judge, OperatorKey, Verdict
from tabulation.view.quarantine import Quarantine

EXAMPLE = "Example: sandik control hold --run 2024-yerel --contest mayor --key me.key --by 'A. Kaya' --reason 'a doubt'"

_UNTIL_LIFTED: Final = "lifted"
_REHEARSAL: Final = "rehearsal"
_ABOUT: Final = ("contest", "source", "unit", "candidate", "figures", "position", "until", "to", "records", "speed")

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


@ordering(app, "embargo", "Example: sandik control embargo --until 2024-03-31T19:20+03:00 --run 2024-yerel …")
def embargo(
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: a time with its zone, or 'lifted': until --lift.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let everyone see the numbers.")] = False,
) -> Instruction:
    """Keep numbers from everyone but the control room, or lift that."""
    if (until is None) != lift:
        raise UsageError("Say either --until TIME (or --until lifted), or --lift.")
    if lift:
        return Instruction("embargo_lifted", {})
    ends = None if until is None or until == _UNTIL_LIFTED else parse_zoned_moment(until)
    return Instruction("embargo_set", {"until": ends})


@ordering(app, "hold", EXAMPLE)
def hold(contest: Contest, unit: AnyUnit = None) -> Instruction:
    """Freeze a contest, or a part of it, for everyone but the control room."""
    return Instruction("held", {"contest": contest, "unit": unit})


@ordering(app, "release", "Example: sandik control release --run 2024-yerel --contest mayor --reason 'it is right' …")
def release(contest: Contest, unit: AnyUnit = None) -> Instruction:
    """Let go of what is held: everyone catches up in one step."""
    return Instruction("released", {"contest": contest, "unit": unit})


@ordering(app, "take", "Example: sandik control take --run 2024-yerel --contest mayor --reason 'the jump is real' …")
def take(contest: Contest, unit: AnyUnit = None) -> Instruction:
    """Show everyone the newest of what is held, in one step, and go on holding it."""
    return Instruction("taken", {"contest": contest, "unit": unit})


@ordering(
    app, "override", "Example: sandik control override --contest mayor --source aa --unit tr/34/adalar valid=4812 …"
)
def override(
    contest: Contest,
    source: Source,
    unit: District,
    figures: Annotated[
        list[str], typer.Argument(metavar="FIGURE=N…", help="Such as votes.imamoglu=11360 or valid=4812.")
    ],
    beyond_limits: Annotated[
        bool, typer.Option("--beyond-limits", help="Do it though the figures contradict each other or the definition.")
    ] = False,
) -> Instruction:
    """Set figures of a district by hand; they are marked so wherever they show."""
    fields = {"contest": contest, "source": source, "unit": unit, "figures": _figures(figures)}
    return Instruction("figure_overridden", fields, frozenset({"limits"} if beyond_limits else ()))


@ordering(
    app,
    "withdraw-override",
    "Example: sandik control withdraw-override --contest mayor --source aa --unit tr/34/adalar …",
)
def withdraw_override(contest: Contest, source: Source, unit: District) -> Instruction:
    """Take back every figure of a district that was set by hand."""
    return Instruction("override_withdrawn", {"contest": contest, "source": source, "unit": unit})


@ordering(
    app, "let-out", "Example: sandik control let-out sandik.n.tallies/3/1812 --run n --reason 'ANKA confirms it' …"
)
def let_out(position: Position) -> Instruction:
    """Let a quarantined record count: of two statements this one, or boxes that do go backwards."""
    return Instruction("quarantine_released", {"position": position})


@ordering(app, "reject", "Example: sandik control reject sandik.n.tallies/3/1812 --run n --reason 'a broken line' …")
def reject(position: Position) -> Instruction:
    """Say of a quarantined record that it was looked at; it stays where it is."""
    return Instruction("quarantine_rejected", {"position": position})


@ordering(app, "call", "Example: sandik control call --contest mayor --unit tr/34 --candidate imamoglu --run n …")
def call(
    contest: Contest,
    unit: OneUnit,
    candidate: Annotated[str, typer.Option("--candidate", metavar="ID", help="Who has won.")],
) -> Instruction:
    """Say who has won, as an editor. Nothing is ever called by a program."""
    return Instruction("called", {"contest": contest, "unit": unit, "candidate": candidate})


@ordering(app, "withdraw-call", "Example: sandik control withdraw-call --run 2024-yerel --contest mayor --unit tr/34 …")
def withdraw_call(contest: Contest, unit: OneUnit) -> Instruction:
    """Take a call back."""
    return Instruction("call_withdrawn", {"contest": contest, "unit": unit})


@ordering(app, "pause", "Example: sandik control pause --run rehearsal --by 'A. Kaya'", _REHEARSAL)
def pause() -> Instruction:
    """Let a replay stand still."""
    return Instruction("replay_paused", {})


@ordering(app, "resume", "Example: sandik control resume --run rehearsal --by 'A. Kaya'", _REHEARSAL)
def resume() -> Instruction:
    """Let a replay go on."""
    return Instruction("replay_resumed", {})


@ordering(app, "seek", "Example: sandik control seek --to 22:15 --run rehearsal --by 'A. Kaya'", _REHEARSAL)
def seek(
    to: Annotated[str, typer.Option(metavar="TIME", help="To when: a time of that night, or one with date and zone.")],
) -> Instruction:
    """Let a replay go on from another moment; going back begins a new epoch, and every client starts over by itself."""
    return Instruction("replay_sought", lambda election: {"to": parse_night_moment(to, election)})


@ordering(app, "step", "Example: sandik control step --records 10 --run rehearsal --by 'A. Kaya'", _REHEARSAL)
def step(
    records: Annotated[int, typer.Option(min=1, max=MAX_STEP, help="How many records to publish.")] = 1,
) -> Instruction:
    """Publish a replay's next records, and stand still after them."""
    return Instruction("replay_stepped", {"records": records})


@ordering(app, "speed", "Example: sandik control speed --times 120 --run rehearsal --by 'A. Kaya'", _REHEARSAL)
def speed(
    times: Annotated[
        float,
        typer.Option(metavar="N", help="How many times as fast as the night was; 0: as fast as it goes."),
    ],
) -> Instruction:
    """Let a replay go on at another speed."""
    return Instruction("replay_speed_set", {"speed": times})


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
    listed, unverified = run_to_completion(_listed(log, run, operator_keys(operator_key)))
    if unverified:
        screen.say(
            f"{unverified} orders about quarantined records cannot be verified, and settle nothing here: see sandik "
            "control log. Give all operators' keys with --operator-key FILE, or FILE@UNTIL of those who have left."
        )
    if form is Format.JSON:
        write_json([one.record.model_dump() | one.described() for one in listed])
        return
    table = Table(box=None, header_style="bold")
    for name in ("position", "reason", "detail", "if let out"):
        table.add_column(name, no_wrap=name in {"position", "reason"})
    for one in listed:
        table.add_row(one.record.position.decode(), one.record.reason, one.record.detail, one.in_words())
    for_people().print(table)


@app.command("log", epilog="Example: sandik control log --run 2024-yerel --operator-key desk.key.pub --format json")
def audit(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print every order, who gave it, whether it was verified, and why it did not count if it did not."""
    verdicts = run_to_completion(_audit(log, run, operator_keys(operator_key)))
    if form is Format.JSON:
        write_json([_described(verdict) for verdict in verdicts])
    else:
        for_people().print(_table(verdicts))


def _figures(given: list[str]) -> dict[str, int]:
    """Figures as they are given on the command line. Raises `UsageError`."""
    figures = {}
    for one in given:
        name, _, value = one.partition("=")
        if not name or not value.isascii() or not value.isdecimal():
            raise UsageError(f"{one!r} is no figure. Give a name and a whole number, such as votes.imamoglu=11360.")
        figures[name] = int(value)
    return figures


async def _listed(url: str, name: str, keys: tuple[OperatorKey, ...]) -> tuple[list[Listed], int]:
    """What is listed, and how many orders about it cannot be verified with these keys."""
    async with open_log(url, Wall()) as log:
        run = await find_run(log, name)
        verdicts = await _verdicts(log, run, keys)
        about = [one for one in verdicts if isinstance(one.order, QuarantineReleased | QuarantineRejected)]
        unverified = sum(not one.counts and one.key is None for one in about)
        return listed_of(await quarantine_of(log, run, keys)), unverified


async def _audit(url: str, name: str, keys: tuple[OperatorKey, ...]) -> list[Verdict]:
    async with open_log(url, Wall()) as log:
        return await _verdicts(log, await find_run(log, name), keys)


async def _verdicts(log: EventLog, run: Run, keys: tuple[OperatorKey, ...]) -> list[Verdict]:
    judge = Judge(run.name, run.epoch, run.mode, run.definition, keys)
    verdicts = []
    async for record in read_to_end(log, run.topics.control.name):
        verdict = judge.judge(record.offset, record.value, record.timestamp)
        if run.mode == "replay" and verdict is None:
            with suppress(ValueError):  # one that would create the run again, and is broken, changes nothing
                begun = parse_epoch(record.value) or parse_control(record.value or b"{}")
                if begun is not None:
                    judge.move_to(begun.epoch)
        if verdict is not None:
            verdicts.append(verdict)
    return verdicts


def _described(verdict: Verdict) -> dict[str, object]:
    order = verdict.order.model_dump(mode="json") if verdict.order is not None else {"type": None}
    return order | {
        "offset": verdict.offset,
        "verified": verdict.key is not None,
        "key": verdict.key,
        "counts": verdict.counts,
        "kept": verdict.kept,
        "refusal": verdict.refusal,
    }


def _table(verdicts: list[Verdict]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("offset", "at", "order", "about", "by", "reason", "verified", "effect"):
        table.add_column(name, no_wrap=name != "reason")
    for verdict in verdicts:
        said = _described(verdict)
        about = [str(said[name]) for name in _ABOUT if said.get(name)]
        row = [
            verdict.offset,
            said.get("at", ""),
            said["type"] or "?",
            " ".join(about),
            said.get("by", ""),
            said.get("reason", ""),
        ]
        table.add_row(*map(str, row), verdict.key or "no", verdict.effect)
    return table
