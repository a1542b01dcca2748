"""`sandik definition`: make an election definition from tables or results, check and compare them, amend a run's."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from pydantic import ValidationError

from eventlog.clock import Wall
from eventlog.run import Run
from producers.definition_files import Change, Finding, definition_of, differences, read_definition, review
from producers.tables.boxes import election, read_table
from producers.tables.defining import Known, results_definition
from producers.tables.lines import LineFaults
from producers.tables.mapping import BoxMapping, read_boxes_mapping
from producers.tables.outline import LevelColumn
from producers.tables.reports import ReportTable
from producers.tables.statements import Statement
from sandik import screen
from sandik.commands.tables import MappingFile
from sandik.feed import exports_of, say_asides
from sandik.options import (
    EMBEDDED_LOG,
    LogUrl,
    OperatorKeys,
    OutFile,
    RunName,
    command_app,
    name_and_value,
    operator_keys,
    order_signer,
    write_out,
)
from sandik.orders import By, KeyFile, OrderOptions, Reason, Yes, give_order
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.read_run import counted_in_closed
from sandik.wiring import known_run, open_log
from schemas.amendments import FIRST_VERSION, amended, deserts, read_changes
from schemas.amendments import Change as Amending
from schemas.definition import Election, check_times
from schemas.errors import DefinitionError, UsageError
from schemas.fields import first_fault
from schemas.spelling import TURKISH, slug
from schemas.trust import OperatorKey
from tabulation.counting.trace import CountedBox

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""A definition of all Türkiye's 206,845 boxes by range is 0.3 MB, with the last results some 10 MB."""

MAKE_EXAMPLE: Final = (
    "Example: sandik definition make head.json --units units.csv --candidates candidates.csv --out night.json"
)

FROM_EXAMPLE: Final = (
    "Example: sandik definition from examples/villages/tps.csv --mapping examples/villages/mapping.toml "
    "--country 'zz=Kabupaten Damai' --out night.json"
)

MAX_WARNINGS: Final = 10
"""Closed boxes that are told one by one: a screenful with what else is different."""

AMEND_EXAMPLE: Final = (
    "Example: sandik definition amend changes.json --run 2024-yerel --key me.key --by 'A. Kaya' --reason 'YSK 31/3-7'"
)

app = command_app(
    "Make an election definition from tables or results, check one, compare two, and amend that of a run.",
    MAKE_EXAMPLE,
)


@app.command(
    "make",
    epilog=MAKE_EXAMPLE,
)
def make(
    head: Annotated[
        Path, typer.Argument(metavar="HEAD", help="JSON with what no table says: id, name, date, sources, contests, …")
    ],
    out: OutFile,
    units: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="id,level,name and perhaps parent,registered,boxes,also_in: a line a unit."),
    ] = None,
    parties: Annotated[
        Path | None, typer.Option(metavar="CSV", help="id,name,short_name,color: a line a party.")
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="contest,id,name and perhaps party,ballot_no,color,unit: a line a candidate, in ballot order.",
        ),
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="previous,unit,candidate,votes and perhaps registered,cast,valid,invalid: the last results.",
        ),
    ] = None,
) -> None:
    """Make a definition from a head and tables, and write it once it is right.

    docs/definition.md has every key. A table takes the place of what the head has of the same.
    """
    given = {"units": units, "parties": parties, "candidates": candidates, "previous": previous}
    tables = {kind: (str(path), _text(path)) for kind, path in given.items() if path is not None}
    try:
        tree = orjson.loads(_text(head))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{head} is no JSON: {error}. Mend it there.") from error
    if not isinstance(tree, dict):
        raise UsageError(f"{head} is no JSON object. Write it as docs/definition.md has it.")
    try:
        made = Election.model_validate_json(orjson.dumps(definition_of(tree, tables)))
        check_times(made)
    except ValidationError as error:
        raise UsageError(f"What the tables make is no definition: {first_fault(error, quoted_chars=40)}.") from error
    except DefinitionError as error:
        raise UsageError(str(error)) from error
    _write(out, made)


def _write(out: Path, made: Election) -> None:
    write_out(out, orjson.dumps(orjson.loads(made.model_dump_json()), option=orjson.OPT_INDENT_2) + b"\n")
    boxes = made.boxes_total[made.country]
    screen.say(
        f"Wrote {out}: {grouped(len(made.units))} units with {grouped(boxes)} boxes, {len(made.contests)} contests. "
        f"Next: sandik definition check {out}"
    )


@app.command("from", epilog=FROM_EXAMPLE)
def from_results(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The results: a file of any kind that docs/mapping.md lists.")
    ],
    mapping: MappingFile,
    out: OutFile,
    election_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The election's id; else the file's name.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Its name; else the id.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Its day; else that on which the file was written."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="TAG", help="Of its names, as BCP 47 has it: tr, pt-BR.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Such as Asia/Jakarta; else the mapping's.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="ID=NAME", help="The whole, in which every unit lies, such as 'tr=Türkiye'.")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=COLUMN",
            help="A level below the country and its column, highest first, once for each; else province and district.",
        ),
    ] = None,
    ballots: Annotated[
        list[str] | None,
        typer.Option(metavar="CONTEST=LEVEL", help="A contest in which each unit of a level has a ballot of its own."),
    ] = None,
    parties: Annotated[bool, typer.Option("--parties", help="Every choice is a party.")] = False,
) -> None:
    """Make a definition out of a file of results and its mapping, and say which questions the file leaves open.

    It has the units, boxes, contests and ballots that the file names; of a night that goes on those are not all. A
    mapping with [election] says all of it itself, and needs no option.
    """
    plan = read_boxes_mapping(mapping)
    fetched = Wall().now()
    if isinstance(plan, BoxMapping):
        _write(out, election(read_table(file, plan, fetched=fetched), plan))
        return
    files = exports_of(file, plan)
    known_id = election_id or slug(file.name.partition(".")[0]) or "election"
    zone = timezone or plan.report.timezone
    known = Known(
        known_id,
        name or known_id,
        day.date() if day else _written(files[-1]),
        zone or "UTC",
        language or TURKISH,
        _pair(country, "--country", "ID=NAME") if country else (plan.units.within or "zz", name or known_id),
        tuple(LevelColumn(*_pair(one, "--level", "ID=COLUMN")) for one in level or ()),
        dict(_pair(one, "--ballots", "CONTEST=LEVEL") for one in ballots or ()),
        parties,
    )
    made = results_definition(files, plan, known, fetched)
    for each, table, faults in zip(files, made.tables, made.faults, strict=True):
        _say_unread(each, table, faults)
    _ask("--date", day, f"the day on which the file was written, {known.date}")
    _ask("--language", language, "Turkish (tr): it decides case and order of names")
    _ask("--timezone", zone, known.timezone)
    _ask("--country", country, "=".join(known.country))
    for question in made.questions:
        screen.say(f"? {question}.")
    _write(out, made.election)


def _written(file: Path) -> date:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC).date()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}. Give the path of the results.") from error


def _ask(option: str, given: object, taken: str) -> None:
    if given is None:
        screen.say(f"? {option} was not given: taken is {taken}.")


def _say_unread(file: Path, table: ReportTable[Statement], faults: LineFaults) -> None:
    """Say what the definition makes of the file that it is of, and what is not understood."""
    if faults.count:
        screen.say(faults.message("what they name is not in the definition."))
    elif table.faults.count:
        screen.say(table.faults.message("what they are of would be left out."))
    say_asides(str(file), table)
    screen.say(f"{file}: {grouped(len(table.reports))} events with this definition.")


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    refusal = f"{option} is {text!r}. Write it as {form}."
    left, right = (part.strip() for part in name_and_value(text, refusal))
    if not (left and right):
        raise UsageError(refusal)
    return left, right


@app.command("check", epilog="Example: sandik definition check night.json")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The definition.")],
) -> None:
    """Say what is wrong with a definition, each with its line and what to do. Exit code 1 where a run could not begin.

    What may not be meant is told, too, and is no fault.
    """
    findings = review(_text(file))
    for found in findings:
        typer.echo(_line(file, found))
    if any(found.is_fault for found in findings):
        raise typer.Exit(1)
    screen.say(f"{file}: a run can begin with it" + (", and see above." if findings else "."))


@app.command("diff", epilog="Example: sandik definition diff before.json night.json")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A definition.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
) -> None:
    """Say what another definition has different: units, boxes, voters, parties, contests, candidates.

    What a run has to go on with is amended there: sandik definition amend.
    """
    try:
        changes = differences(*(read_definition(_text(path), str(path)) for path in (old, new)))
    except DefinitionError as error:
        raise UsageError(str(error)) from error
    if as_json:
        typer.echo(orjson.dumps([change._asdict() for change in changes], option=orjson.OPT_INDENT_2).decode())
        return
    _say(changes)


@app.command("amend", epilog=AMEND_EXAMPLE)
def amend(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON with the changes: docs/amendments.md has each kind.")
    ],
    *,
    run: RunName,
    by: By,
    reason: Reason,
    log: LogUrl = EMBEDDED_LOG,
    key: KeyFile = None,
    operator_key: OperatorKeys = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be different, and order nothing.")] = False,
) -> None:
    """Amend the definition of a run while it goes on: candidates, boxes, voters, units.

    It is an order, which is signed and in the audit; on a live run it is confirmed with --yes. What was quarantined for
    it can be let out once it holds.
    """
    changes = read_changes(_text(file).encode(), str(file))
    trusted = operator_keys(operator_key)
    if key is not None:
        trusted = (*trusted, order_signer(key).public)
    found, after, counted = run_to_completion(_amended(log, run, trusted, changes))
    _say(differences(found.definition, after))
    for sentence in deserts(found.definition, changes):
        screen.warn(sentence)
    for one in counted[:MAX_WARNINGS]:
        screen.warn(str(one))
    if len(counted) > MAX_WARNINGS:
        screen.warn(f"So it is with {len(counted) - MAX_WARNINGS} more.")
    if dry_run:
        screen.say(f"Nothing was ordered. Run {run!r} would have version {found.version + 1} of its definition.")
        return
    give_order(
        OrderOptions(run, by, reason, log, key, operator_key, yes),
        "definition_amended",
        version=found.version + 1,
        amends=found.definition.digest,
        yields=after.digest,
        changes=changes,
    )
    where = "" if key is None else ", in every process that was given this key with --operator-key"
    screen.say(
        f"Version {found.version + 1} of the definition holds for what is reported from here on{where}. What was set "
        "aside for want of it can be let out: sandik control quarantine"
    )


@app.command("versions", epilog="Example: sandik definition versions --run 2024-yerel")
def versions(
    *,
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes of each as JSON.")] = False,
) -> None:
    """List the versions that a run's definition has had, and what each has different from the one before it."""
    found = run_to_completion(_run(log, run, operator_keys(operator_key)))
    if as_json:
        typer.echo(orjson.dumps([one.model_dump(mode="json") for one in found.amendments]).decode())
        return
    typer.echo(f"version {FIRST_VERSION}, {found.base.digest}: the run began with it")
    for amendment in found.amendments:
        before, after = (found.definition_of(version) for version in (amendment.version - 1, amendment.version))
        typer.echo(f"version {amendment.version}, {amendment.yields}: control record {amendment.order}")
        for change in differences(before, after):
            typer.echo(f"  {_change(change)}")


@app.command("show", epilog="Example: sandik definition show --run 2024-yerel --out night.json")
def show(
    *,
    run: RunName,
    out: OutFile,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    version: Annotated[
        int | None, typer.Option(min=FIRST_VERSION, help="Which version; else the one in force.")
    ] = None,
) -> None:
    """Write the definition of a run into a file: the one in force, or an earlier version."""
    found = run_to_completion(_run(log, run, operator_keys(operator_key)))
    if version is not None and version > found.version:
        raise UsageError(f"Run {run!r} has version {found.version} of its definition. See: sandik definition versions")
    shown = version or found.version
    definition = found.definition_of(shown)
    write_out(out, orjson.dumps(orjson.loads(definition.model_dump_json()), option=orjson.OPT_INDENT_2) + b"\n")
    screen.say(f"Wrote {out}: version {shown} of {found.version}.")


async def _amended(
    url: str, name: str, operators: Sequence[OperatorKey], changes: Sequence[Amending]
) -> tuple[Run, Election, Sequence[CountedBox]]:
    """The run, its definition with these changes, and what is counted in boxes that they close."""
    async with open_log(url, Wall()) as log:
        run = await known_run(log, name, operators)
        if run.mode == "replay":
            raise UsageError(f"Run {name!r} is a replay: it has the amendments of the night that it replays.")
        after = amended(run.definition, changes)
        return run, after, await counted_in_closed(log, run, after)


async def _run(url: str, name: str, operators: Sequence[OperatorKey]) -> Run:
    async with open_log(url, Wall()) as log:
        return await known_run(log, name, operators)


def _say(changes: Sequence[Change]) -> None:
    for change in changes:
        typer.echo(_change(change))
    screen.say(f"{len(changes)} differences." if changes else "They are the same.")


_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


def _change(change: Change) -> str:
    detail = f" ({change.detail})" if change.kind != "changed" else f": {change.detail}"
    return f"{_SIGNS[change.kind]} {change.what} {change.id}{detail}"


def _line(file: Path, found: Finding) -> str:
    return f"{file}:{found.line}: {'' if found.is_fault else 'note: '}{found.text}"


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_FILE_BYTES:
            raise UsageError(f"{path} has {len(content)} bytes, and a definition {MAX_FILE_BYTES} at most.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Give the path of a file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not in UTF-8 (byte {error.start}). Save it as UTF-8.") from error
