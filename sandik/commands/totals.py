"""`sandik totals`, `at` and `export`: print a run's totals, those of a past moment, or write them to a file."""

import csv
import io
import os
import sys
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import orjson
import typer

from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import Run, find_run
from gateway.recall import Past
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_bytes
from sandik.nist import Origin, election_report
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, OutFile, RunName, command_app, operator_keys, write_out
from sandik.past import courses_so_far, encode_past, past_of
from sandik.process import end_with_parent, run_to_completion
from sandik.quantities import grouped
from sandik.read_run import NO_TOTALS_HASH, TellOption, read_totals, state_hash
from sandik.run_totals import RunTotals, TotalsTables
from sandik.wiring import known_run, open_log
from schemas.definition import Source
from schemas.errors import UsageError
from schemas.moments import parse_moment
from schemas.totals import Row, Told
from schemas.trust import OperatorKey
from tabulation.derived.history import encode_courses

TOTALS_EXAMPLE = "Example: sandik totals --run 2024-yerel --format json > totals.json"

app = command_app()


@app.command(epilog=TOTALS_EXAMPLE)
def totals(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    tell: TellOption = Told.ON_AIR,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
    only_hash: Annotated[
        bool,
        typer.Option(
            "--hash",
            help="Print the state hash alone, of what the sources say (--tell log): equal totals have equal ones.",
        ),
    ] = False,
) -> None:
    """Print the run's totals, of every contest, source and unit: what is on air, or what --tell says.

    Marked is what is held, was set by hand, contradicts itself, or has statements that are set aside. During an embargo
    nothing is on air. Give the operators' keys that the gateway has, since only their orders about an embargo count.
    """
    if only_hash:
        found_hash, nothing = run_to_completion(_hash(log, run))
        screen.warn(nothing)
        sys.stdout.write(found_hash + "\n")
        return
    found, told, nothing = run_to_completion(_read(log, run, tell, operator_keys(operator_key)))
    screen.warn(told.unverified_warning)
    screen.warn(nothing or told.uncounted_warning)
    if form is Format.JSON:
        write_bytes(told.encode() + b"\n")
        return
    console = for_people()
    print_sentences(console, told.sentences())
    for table in TotalsTables(found.definition, told.is_held, told.set_aside_of).of(told.rows):
        console.print(table)


async def _hash(url: str, name: str) -> tuple[str, str | None]:
    """Return the state hash and, where it is that of no totals at all, why there are none."""
    async with open_log(url, Wall()) as log:
        run = await find_run(log, name)
        found = await state_hash(log, run)
        return found, await _why_no_totals(log, run, Told.LOG) if found == NO_TOTALS_HASH else None


async def _read(
    url: str, name: str, tell: Told, operators: tuple[OperatorKey, ...]
) -> tuple[Run, RunTotals, str | None]:
    """Return the run, its totals and, where there are none, why there are none."""
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        told = await read_totals(log, run, tell, clock.now(), operators)
        return run, told, None if told.rows else await _why_no_totals(log, run, tell)


async def _why_no_totals(log: EventLog, run: Run, tell: Told) -> str:
    """Say why there is nothing to print, and what to do about it."""
    tallies = sum((await log.end_offsets(run.topics.tallies.name)).values())
    published = sum((await log.end_offsets(run.topics.totals.name)).values())
    if tallies == 0:
        return (
            f"Run {run.name!r} has no totals: no tally has been published to it yet. An aggregator counts them when "
            f"they come: sandik aggregate --run {run.name}."
        )
    if published == 0:
        return (
            f"Run {run.name!r} has no totals: its log holds {grouped(tallies)} tallies, and no aggregator has counted "
            f"them yet. Start one: sandik aggregate --run {run.name}."
        )
    if tell is Told.ON_AIR:
        return f"Nothing of run {run.name!r} is on air yet. What the control room has: --tell control_room."
    return f"None of the {grouped(tallies)} tallies of run {run.name!r} counts: see sandik control quarantine."


AT_EXAMPLE = "Example: sandik at 22:14 --run 2024-yerel --date 2024-03-31"


@app.command(epilog=AT_EXAMPLE)
def at(
    moment: Annotated[
        str, typer.Argument(help="When: 22:14 in the election's zone, or a moment such as 2024-03-31T22:14+03:00.")
    ],
    run: RunName,
    day: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="The day of a time; else the last time it was so late.")
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
    tell: Annotated[
        Told,
        typer.Option("--tell", help="Of a table, which figures: on_air, or control_room. JSON has both."),
    ] = Told.ON_AIR,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
) -> None:
    """Print the totals as they stood on air at a moment that has been, with what was held and embargoed then.

    During an embargo nothing was on air; --tell control_room prints what the control room had.
    """
    if worker:
        end_with_parent()
    if tell is Told.LOG:
        raise UsageError("The past is told as it was on_air or in the control_room. What sources said: sandik trace.")
    found, past = run_to_completion(_past(log, run, moment, _day(day), operator_keys(operator_key)))
    screen.warn(past.unverified_warning)
    if form is Format.JSON:
        write_bytes(encode_past(past) + b"\n")
        return
    console = for_people()
    print_sentences(console, _sentences(past, tell))
    tables = TotalsTables(found.definition, lambda row: (row.contest, row.unit) in past.held)
    for table in tables.of(past.on_air if tell is Told.ON_AIR else past.control_room):
        console.print(table)


def _sentences(past: Past, tell: Told) -> Iterator[str]:
    """Which figures these are, and what of them was held."""
    yield f"As it stood at {past.at.isoformat(timespec='milliseconds')}, to the aggregator's tick:"
    if past.take:
        yield f"This is take {past.take} of a replay: what earlier takes showed at that moment is not told."
    if past.embargoed:
        yield "There was an embargo: nothing was on air."
    if tell is Told.CONTROL_ROOM:
        yield "Told is what the control room had: the newest of what was held, and figures that were set by hand."
    elif past.embargoed:
        yield "What the control room had is told with --tell control_room."
    else:
        yield "Told is what was on air: what was held as it stood, and figures that were set by hand."
    if past.hold:
        yield f"On hold then: {', '.join(past.hold)}."
    for channel, graphic in past.graphics.items():
        told = [f"{name}={text}" for name, text in graphic.parameters.items()]
        yield f"Graphic on channel {channel}: {' '.join([graphic.overlay, *told])}."


async def _past(
    url: str, name: str, text: str, day: date | None, operators: tuple[OperatorKey, ...]
) -> tuple[Run, Past]:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name, operators)
        moment = parse_moment(text, ZoneInfo(run.definition.timezone), clock.now(), day)
        with screen.bar("folding tallies") as bar:
            return run, await past_of(log, run, moment, operators, expect=bar.expect, reached=bar.reached)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day. Give one such as 2024-03-31.") from error


@app.command("night-so-far", hidden=True)
def night_so_far(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    worker: Annotated[bool, typer.Option("--worker")] = False,
) -> None:
    """Print how the units stood in the course of the night, for a gateway that begins in the middle of it."""
    if worker:
        end_with_parent()
        os.nice(_LOWEST_PRIORITY)  # a gateway goes on serving meanwhile
    write_bytes(run_to_completion(_courses(log, run, operator_keys(operator_key))) + b"\n")


async def _courses(url: str, name: str, operators: tuple[OperatorKey, ...]) -> bytes:
    async with open_log(url, Wall()) as log:
        return encode_courses(await courses_so_far(log, await find_run(log, name, operators), operators))


_LOWEST_PRIORITY: Final = 19

EXPORT_EXAMPLE = "Example: sandik export --run 2024-yerel --source aa --format nist-json --out results.json"

CSV_COLUMNS: Final = (
    *(name for name in Row._fields if name not in {"votes", "blank"}),
    "candidate",
    "votes",
    "told",
    "held",
    "set_aside",
)
"""`overridden` names what was set by hand, `contradictions` what the figures contradict, with a space between; `held`
and `complete` are true or false. `blank` comes last, where any contest counts blank votes. What is unknown is empty."""


class ExportFormat(StrEnum):
    """How a file is written."""

    NIST_JSON = "nist-json"
    JSON = "json"
    CSV = "csv"


@app.command(epilog=EXPORT_EXAMPLE)
def export(
    run: RunName,
    out: OutFile,
    log: LogUrl = EMBEDDED_LOG,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="nist-json: NIST SP 1500-100 v2; json: a row for each unit; csv: for each unit and candidate.",
        ),
    ] = ExportFormat.NIST_JSON,
    source: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose figures, where the run has several sources.")
    ] = None,
    contest: Annotated[str | None, typer.Option(metavar="ID", help="Only this contest.")] = None,
    tell: TellOption = Told.ON_AIR,
    operator_key: OperatorKeys = None,
) -> None:
    """Write one source's totals to a file: every contest and unit, as they are on air now, or as --tell says.

    The file is there whole or not at all, and says which figures it has, what of them is held and what was set by hand.
    During an embargo nothing is on air, and nothing is written. Give the operators' keys that the gateway has, since
    only their orders about an embargo count.
    """
    operators = operator_keys(operator_key)
    told, content = run_to_completion(_export(log, run, form, tell, operators, source, contest))
    write_out(out, content)
    screen.warn(told.unverified_warning)
    screen.warn(told.uncounted_warning)
    screen.say(f"Wrote {grouped(len(told.rows))} rows to {out} ({tell}).")


async def _export(
    url: str,
    name: str,
    form: ExportFormat,
    tell: Told,
    operators: tuple[OperatorKey, ...],
    source: str | None,
    contest: str | None,
) -> tuple[RunTotals, bytes]:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        chosen = _source(run, source)
        if contest is not None and contest not in run.definition.contest_by_id:
            known = ", ".join(run.definition.contest_by_id)
            raise UsageError(f"Run {name!r} has no contest {contest!r}. It has: {known}.")
        told = (await read_totals(log, run, tell, clock.now(), operators)).only(contest, chosen.id)
    match form:
        case ExportFormat.NIST_JSON:
            origin = Origin(run.name, run.mode, chosen, clock.now(), f"sandik {version('sandik')}")
            report = election_report(run.definition, told, origin)
            content = orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        case ExportFormat.JSON:
            content = told.encode() + b"\n"
        case ExportFormat.CSV:
            content = as_csv(told)
    return told, content


def as_csv(told: RunTotals) -> bytes:
    """A line for each unit and candidate, in UTF-8 with a header; what is told of the unit is in each."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    columns = (*CSV_COLUMNS, *(("blank",) if any(row.blank is not None for row in told.rows) else ()))
    lines.writerow(columns)
    for row in told.rows:
        unit = row._asdict() | told.marks(row)
        unit |= {name: " ".join(getattr(row, name)) for name in ("overridden", "contradictions")}
        unit |= {"held": str(told.is_held(row)).lower(), "complete": str(row.complete).lower()}
        for candidate, votes in row.votes.items():
            line = unit | {"candidate": candidate, "votes": votes}
            lines.writerow(line[name] for name in columns)
    return text.getvalue().encode()


def _source(run: Run, wanted: str | None) -> Source:
    sources = {source.id: source for source in run.definition.sources}
    if wanted is None and len(sources) == 1:
        return next(iter(sources.values()))
    if wanted is None or wanted not in sources:
        problem = f"Run {run.name!r} has no source {wanted!r}." if wanted else "Say with --source whose figures."
        raise UsageError(f"{problem} It has: {', '.join(sources)}.")
    return sources[wanted]
