"""`sandik reports`: publish an agency's totals of whole districts."""

from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run, find_run
from eventlog.topics import DEFAULT_PARTITIONS
from producers.faults import listed
from producers.publish import Publisher, entry, publish
from producers.report_mapping import ReportMapping, read_report_mapping
from producers.reports import check_mapping, read_reports
from producers.sent import Sent
from sandik import screen
from sandik.numbers import grouped
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode, RunName
from sandik.process import run_to_completion, run_until_stopped
from sandik.runs import new_epoch, parse_mode
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.errors import TableError, UsageError

EXAMPLE = "Example: sandik reports ilceler.csv --mapping examples/agency-reports.toml --run 2024-yerel --watch"

POLL_S: Final = 1.0
"""How often a watched file is looked at; it is read once it has not changed from one look to the next."""

MAX_DEFINITION_BYTES: Final = 64 * 1024 * 1024
"""The largest definition: all of Türkiye with its boxes and ballots is 5 MB; ten times that."""


def reports(
    file: Annotated[Path, typer.Argument(help="The agency's totals: CSV, gzipped CSV, Parquet or JSON.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="FILE", help="A TOML file that says what each column is.")
    ],
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    definition: Annotated[
        Path | None,
        typer.Option("--definition", metavar="FILE", help="The election definition (JSON), where the run is not yet."),
    ] = None,
    mode: RunMode = "test",
    partitions: Partitions = DEFAULT_PARTITIONS,
    correction: Annotated[
        bool, typer.Option("--correction", help="Mark every report as a correction: opened boxes may go backwards.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: publish what is new whenever the file has changed.")
    ] = False,
) -> None:
    """Publish an agency's totals of whole districts, a report for each contest and district, as a source of their own.

    Without --watch the whole file is checked before anything is published. With it, the districts whose lines can be
    used are published and the others are told.
    """
    plan = read_report_mapping(mapping)
    election = _read_definition(definition) if definition else None
    work = _Publishing(file, plan, correction)
    if watch:
        run_until_stopped(work.follow(log, run, election, mode, partitions))
    else:
        published = run_to_completion(work.once(log, run, election, mode, partitions))
        screen.say(f"Published {grouped(published)} reports of {plan.report.source!r} to run {run!r}.")


class _Publishing:
    """One agency's file on its way into a run."""

    def __init__(self, file: Path, mapping: ReportMapping, correction: bool) -> None:
        self._file = file
        self._mapping = mapping
        self._correction = correction
        self._sent = Sent()

    async def once(self, url: str, name: str, election: Election | None, mode: str, partitions: int) -> int:
        """Publish the file as it is. Raises `TableError` where any line of it cannot be used."""
        clock = Wall()
        async with open_log(url, clock) as log:
            run = await _find_or_create(log, name, election, mode, partitions, clock)
            table = read_reports(self._file, self._mapping, run.definition, correction=self._correction)
            table.faults.raise_any()
            publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
            return (await publish(publisher, map(entry, table.reports))).records

    async def follow(self, url: str, name: str, election: Election | None, mode: str, partitions: int) -> None:
        """Publish what is new in the file, now and whenever it has changed, until cancelled."""
        clock = Wall()
        async with open_log(url, clock) as log:
            run = await _find_or_create(log, name, election, mode, partitions, clock)
            check_mapping(self._mapping, run.definition)
            publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
            screen.say(f"Watching {self._file} for {self._mapping.report.source!r}.")
            seen: tuple[int, int] | None = None
            read: tuple[int, int] | None = None
            while True:
                now = _state(self._file)
                if now is not None and now == seen != read:
                    await self._publish_new(publisher, run)
                    read = now
                seen = now
                await clock.sleep(POLL_S)

    async def _publish_new(self, publisher: Publisher, run: Run) -> None:
        """Publish what was not published before; say what cannot be."""
        try:
            table = read_reports(self._file, self._mapping, run.definition, correction=self._correction)
        except (TableError, UsageError) as error:
            screen.say(str(error))
            return
        if table.faults.count:
            screen.say(table.faults.told("their districts are left as they are."))
        fresh, faults = self._sent.fresh(table.reports)
        for fault in faults:
            screen.say(fault)
        await publish(publisher, map(entry, fresh))
        if fresh:
            screen.say(f"Published {grouped(len(fresh))} reports, as of {max(report.at for report in fresh)}.")


def _state(file: Path) -> tuple[int, int] | None:
    """When the file was written last and how long it is; `None` where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


async def _find_or_create(
    log: EventLog, name: str, election: Election | None, mode: str, partitions: int, clock: Clock
) -> Run:
    chosen = parse_mode(mode)
    if election is None:
        return await find_run(log, name)
    return await create_run(log, name, election, mode=chosen, epoch=new_epoch(), clock=clock, partitions=partitions)


def _read_definition(path: Path) -> Election:
    try:
        if path.stat().st_size > MAX_DEFINITION_BYTES:
            raise UsageError(f"{path} is over {MAX_DEFINITION_BYTES} bytes: is it an election definition?")
        return Election.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The definition {path} cannot be read ({error}). Give the path of a JSON file.") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no election definition:\n{listed(error)}") from error
