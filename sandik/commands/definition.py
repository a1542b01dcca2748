"""`sandik definition`: make an election definition from tables, check one, compare two, and amend that of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from pydantic import ValidationError

from eventlog.clock import Wall
from eventlog.run import Run, find_run
from producers.definition_review import Change, Finding, differences, read_definition, review
from producers.definition_tables import definition_of
from sandik import screen
from sandik.operators import OperatorKeys, operator_keys, order_signer
from sandik.options import EMBEDDED_LOG, LogUrl, OutFile, RunName, command_app, write_out
from sandik.orders import By, KeyFile, OrderOptions, Reason, give_order
from sandik.process import run_to_completion
from sandik.wiring import open_log
from schemas.amendments import FIRST_VERSION, amended, read_changes
from schemas.definition import Election, check_times
from schemas.errors import DefinitionError, UsageError
from schemas.fields import first_fault
from schemas.trust import OperatorKey

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""A definition of all Türkiye's 206,845 boxes by range is 0.3 MB, with the last results some 10 MB."""

MAKE_EXAMPLE: Final = (
    "Example: sandik definition make head.json --units units.csv --candidates candidates.csv --out night.json"
)

AMEND_EXAMPLE: Final = (
    "Example: sandik definition amend changes.json --run 2024-yerel --key me.key --by 'A. Kaya' --reason 'YSK 31/3-7'"
)

app = command_app(
    "Make an election definition from tables, check one, say what two have different; amend that of a run.",
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
        election = Election.model_validate_json(orjson.dumps(definition_of(tree, tables)))
        check_times(election)
    except ValidationError as error:
        raise UsageError(f"What the tables make is no definition: {first_fault(error, quoted_chars=40)}.") from error
    except DefinitionError as error:
        raise UsageError(str(error)) from error
    write_out(out, orjson.dumps(orjson.loads(election.model_dump_json()), option=orjson.OPT_INDENT_2) + b"\n")
    boxes = election.boxes_total[election.country]
    screen.say(
        f"Wrote {out}: {len(election.units)} units with {boxes} boxes, {len(election.contests)} contests. "
        f"Next: sandik definition check {out}"
    )


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be different, and order nothing.")] = False,
) -> None:
    """Amend the definition of a run while it goes on: candidates, boxes, voters, units.

    It is an order, which is signed and in the audit. What was quarantined for it can be let out once it holds.
    """
    changes = read_changes(_text(file).encode(), str(file))
    trusted = operator_keys(operator_key)
    if key is not None and trusted:
        trusted = (*trusted, order_signer(key).public)
    found = run_to_completion(_run(log, run, trusted or None))
    if found.mode == "replay":
        raise UsageError(f"Run {run!r} is a replay: it has the amendments of the night that it replays.")
    after = amended(found.definition, changes)
    _say(differences(found.definition, after))
    if dry_run:
        screen.say(f"Nothing was ordered. Run {run!r} would have version {found.version + 1} of its definition.")
        return
    give_order(
        OrderOptions(run, by, reason, log, key, operator_key, yes=False),
        "definition_amended",
        version=found.version + 1,
        amends=found.definition.digest,
        yields=after.digest,
        changes=changes,
    )
    screen.say(
        f"Version {found.version + 1} of the definition holds for what is reported from here on. What was set aside "
        "for want of it can be let out: sandik control quarantine"
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
    found = run_to_completion(_run(log, run, operator_keys(operator_key) or None))
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
    found = run_to_completion(_run(log, run, operator_keys(operator_key) or None))
    if version is not None and version > found.version:
        raise UsageError(f"Run {run!r} has version {found.version} of its definition. See: sandik definition versions")
    shown = version or found.version
    definition = found.definition_of(shown)
    write_out(out, orjson.dumps(orjson.loads(definition.model_dump_json()), option=orjson.OPT_INDENT_2) + b"\n")
    screen.say(f"Wrote {out}: version {shown} of {found.version}.")


async def _run(url: str, name: str, operators: Sequence[OperatorKey] | None) -> Run:
    async with open_log(url, Wall()) as log:
        return await find_run(log, name, operators)


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
