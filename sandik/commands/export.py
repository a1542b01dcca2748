"""`sandik export`: one source's totals as a file for others."""

import csv
import io
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from eventlog.clock import Wall
from eventlog.run import Run, find_run
from sandik import screen
from sandik.nist import Origin, election_report
from sandik.operators import OperatorKeys, operator_keys
from sandik.options import EMBEDDED_LOG, LogUrl, OutFile, RunName, command_app
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.read_run import TellOption, read_totals
from sandik.told import ToldTotals
from sandik.wiring import open_log
from schemas.definition import Source
from schemas.errors import UsageError
from schemas.totals import Row, Told
from schemas.trust import OperatorKey

EXAMPLE = "Example: sandik export --run 2024-yerel --source aa --format nist-json --out results.json"

app = command_app()

CSV_COLUMNS: Final = (
    *(name for name in Row._fields if name != "votes"),
    "candidate",
    "votes",
    "told",
    "held",
    "set_aside",
)
"""`overridden` names what was set by hand, `contradictions` what the figures contradict, with a space between; `held`
and `complete` are true or false."""


class ExportFormat(StrEnum):
    """How a file is written."""

    NIST_JSON = "nist-json"
    JSON = "json"
    CSV = "csv"


@app.command(epilog=EXAMPLE)
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
    _write(out, content)
    screen.warn(told.complaint)
    screen.say(f"Wrote {grouped(len(told.rows))} rows to {out} ({tell}).")


async def _export(
    url: str,
    name: str,
    form: ExportFormat,
    tell: Told,
    operators: tuple[OperatorKey, ...],
    source: str | None,
    contest: str | None,
) -> tuple[ToldTotals, bytes]:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
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


def as_csv(told: ToldTotals) -> bytes:
    """A line for each unit and candidate, in UTF-8 with a header; what is told of the unit is in each."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(CSV_COLUMNS)
    for row in told.rows:
        unit = row._asdict() | told.marks(row)
        unit |= {name: " ".join(getattr(row, name)) for name in ("overridden", "contradictions")}
        unit |= {"held": str(told.is_held(row)).lower(), "complete": str(row.complete).lower()}
        for candidate, votes in row.votes.items():
            line = unit | {"candidate": candidate, "votes": votes}
            lines.writerow(line[name] for name in CSV_COLUMNS)
    return text.getvalue().encode()


def _source(run: Run, wanted: str | None) -> Source:
    sources = {source.id: source for source in run.definition.sources}
    if wanted is None and len(sources) == 1:
        return next(iter(sources.values()))
    if wanted is None or wanted not in sources:
        problem = f"Run {run.name!r} has no source {wanted!r}." if wanted else "Say with --source whose figures."
        raise UsageError(f"{problem} It has: {', '.join(sources)}.")
    return sources[wanted]


def _write(out: Path, content: bytes) -> None:
    """Write the file beside its place and put it there, so that nobody ever reads half of it."""
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_bytes(content)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{out} cannot be written ({error.strerror}). Choose another --out.") from error
