"""`sandik boxes` and `reports`: publish official box tables, and agencies' totals of whole districts."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.loops import Tries, retried
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run, find_run
from producers.input_files import all_faults, indented, some_of
from producers.publish import Publisher, boxes_of, entry, publish, reports_of
from producers.stages import Delivery, Stage, disturb, parse_fault
from producers.tables.already_published import BoxHistory, News, ReportHistory
from producers.tables.boxes import Table, election, read_table, statements, tallies
from producers.tables.fitting import check_mapping, check_table
from producers.tables.line_checks import bounded
from producers.tables.mapping import BoxMapping, ReportMapping, read_mapping, read_report_mapping
from producers.tables.parts import FileState, state_of
from producers.tables.reports import ReportTable, read_reports
from sandik import screen
from sandik.commands.simulate import Faults
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode, RunName, command_app
from sandik.process import run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import new_epoch, open_log, parse_mode
from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import RunConflict, TableError, UnknownRun, UsageError
from schemas.fields import MAX_REVISION
from schemas.tally import Counted, Reported

FAULT_SEED = 1
"""Faults strike a table in the same places each time."""

BOXES_EXAMPLE = "Example: sandik boxes boxes.csv.gz --mapping examples/turkiye-2014.toml --run tr2014"

app = command_app()


@app.command(epilog=BOXES_EXAMPLE)
def boxes(
    file: Annotated[
        Path, typer.Argument(help="The table, of any kind that docs/mapping.md lists; a folder or ZIP of them.")
    ],
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="FILE", help="A TOML file that says what each column is.")
    ],
    run: Annotated[str | None, typer.Option("--run", envvar="SANDIK_RUN", metavar="NAME", help="The run.")] = None,
    log: LogUrl = EMBEDDED_LOG,
    mode: RunMode = "test",
    revision: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_REVISION,
            help="Publish the newest line of each box as this revision: a higher one replaces what was published.",
        ),
    ] = None,
    partitions: Partitions = None,
    fault: Faults = None,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition", metavar="FILE", help="Write the election definition here. Without --run: only that."
        ),
    ] = None,
    from_definition: Annotated[
        Path | None,
        typer.Option(
            "--from-definition",
            metavar="FILE",
            help="Create the run with this election definition (JSON), not the table's: for a table that grows.",
        ),
    ] = None,
) -> None:
    """Publish an official ballot-box table, a tally event for each line; create the run if it is not there.

    The election definition (units, boxes, registered voters, candidates) then comes from the same table, or from
    --from-definition: a table that has only the boxes opened so far says nothing of the others. The whole table is
    checked before anything is published, also against a run that is there and what it has of these boxes.
    """
    if run is None and definition is None:
        raise UsageError("Say with --run where to publish, or with --definition where to write the definition.")
    plan = read_mapping(mapping)
    if plan.election.assumed:
        screen.say(f"{mapping}: {plan.election.assumed}")
    table = read_table(file, plan)
    for wrong in table.wrong_totals:
        screen.say(f"{file}: {wrong}.")
    if table.duplicates:
        screen.say(f"{file}: {grouped(table.duplicates)} lines say again what another line of the same box does.")
    if definition is not None:
        definition.write_text(election(table, plan).model_dump_json(indent=2) + "\n", encoding="utf-8")
        screen.say(f"Wrote the election definition to {definition}.")
    if run is not None:
        faults = tuple(parse_fault(text) for text in fault or ())
        given = _read_definition(from_definition) if from_definition is not None else None
        publication = _Publication(file, table, plan, revision, faults, given)
        published = run_to_completion(_publish(publication, log, run, parse_mode(mode), partitions))
        older = len(table.rows) - len(statements(table, plan, revision))
        left_out = f" {grouped(older)} older lines of boxes with a newer one were left out." if older else ""
        screen.say(f"Published {grouped(published)} boxes to run {run!r}.{left_out}")


@dataclass(frozen=True, slots=True)
class _Publication:
    """A table on its way into a run; `faults` are the stages that disturb it on the way.

    `definition` is that of a run which is not there yet; `None` for the table's own.
    """

    file: Path
    table: Table
    plan: BoxMapping
    revision: int | None
    faults: tuple[Stage, ...]
    definition: Election | None = None

    def events(self) -> Iterator[Counted]:
        """What the table says."""
        return tallies(self.table, self.plan, revision=self.revision)

    def entries(self) -> Iterator[Entry]:
        """The events as records, put through the stages."""
        deliveries = (Delivery(event.at, entry(event), event.source) for event in self.events())
        return (delivery.entry for delivery in disturb(deliveries, self.faults, FAULT_SEED))

    def check(self, history: BoxHistory) -> None:
        """Raise `TableError` where the run has what keeps boxes of the table from counting."""
        faults = history.cannot_count(self.events())
        if faults:
            raise TableError(
                f"{len(faults)} boxes of {self.file} could not count, and nothing was published:\n"
                f"{indented(bounded(faults))}\n"
                f"If the table is the newer one, publish it with --revision {history.highest + 1}."
            )


async def _run_for(
    publication: _Publication, log: EventLog, name: str, mode: Mode, partitions: int | None, clock: Clock
) -> Run:
    """The run to publish to: the one that is there, if the table fits it, or one with the table's own definition."""
    table, plan = publication.table, publication.plan
    try:
        run = await find_run(log, name)
    except UnknownRun:
        definition = publication.definition
        if definition is None:
            definition = election(table, plan)
        else:
            check_table(table, plan, definition)
        return await create_run(log, name, definition, mode=mode, epoch=new_epoch(), clock=clock, partitions=partitions)
    if run.mode != mode:
        raise RunConflict(name, "mode")
    check_table(table, plan, run.definition)
    return run


async def _publish(publication: _Publication, url: str, name: str, mode: Mode, partitions: int | None) -> int:
    clock, table, plan = Wall(), publication.table, publication.plan
    async with open_log(url, clock) as log:
        run = await _run_for(publication, log, name, mode, partitions, clock)
        if not publication.faults:
            history = BoxHistory()
            async for tally in boxes_of(log, run.topics.tallies.name, plan.source.id, plan.contest.id):
                history.add(tally)
            publication.check(history)
        with screen.bar("publishing boxes") as bar:
            bar.expect(len(statements(table, plan, publication.revision)))
            publisher = Publisher(
                log,
                run.topics.tallies.name,
                clock,
                on_progress=lambda published: bar.reached(published.records),
                on_waiting=screen.say_waiting,
            )
            return (await publish(publisher, publication.entries())).records


_log = logging.getLogger(__name__)

REPORTS_EXAMPLE = "Example: sandik reports ilceler.csv --mapping examples/agency-reports.toml --run 2024-yerel --watch"

POLL_S: Final = 1.0
"""How often a watched file is looked at; it is read once it has not changed from one look to the next."""

_GONE_SHOWN: Final = 5
"""How many districts that a file has no more are named."""

MAX_DEFINITION_BYTES: Final = 64 * 1024 * 1024
"""The largest definition: all of Türkiye with its boxes and ballots is 5 MB; ten times that."""


@app.command(epilog=REPORTS_EXAMPLE)
def reports(
    file: Annotated[
        Path,
        typer.Argument(help="The agency's totals, of any kind that docs/mapping.md lists; a folder or ZIP of them."),
    ],
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
    partitions: Partitions = None,
    correction: Annotated[
        bool, typer.Option("--correction", help="Mark every report as a correction: opened boxes may go backwards.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: publish what is new whenever the file has changed.")
    ] = False,
) -> None:
    """Publish an agency's totals of whole districts, a report for each contest and district, as a source of their own.

    Only what the log does not have yet is published.

    Without --watch the whole file is checked before anything is published. With it, the districts whose lines can be
    used are published and the others are told.
    """
    plan = read_report_mapping(mapping)
    election = _read_definition(definition) if definition else None
    into = _Into(log, run, election, parse_mode(mode), partitions)
    if watch:
        run_until_stopped(_follow(into, file, plan, correction))
    else:
        published = run_to_completion(_once(into, file, plan, correction))
        screen.say(
            f"Published {grouped(published.new)} reports of {plan.report.source!r} to run {run!r}."
            + (f" {grouped(published.known)} more were in the log already." if published.known else "")
        )


@dataclass(frozen=True, slots=True)
class _Into:
    """The run that reports go into; with a definition it is created where it is not there."""

    url: str
    name: str
    definition: Election | None
    mode: Mode
    partitions: int | None

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[tuple[EventLog, Run]]:
        """The log, open, and the run."""
        async with open_log(self.url, clock) as log:
            if self.definition is None:
                yield log, await find_run(log, self.name)
            else:
                epoch, partitions = new_epoch(), self.partitions
                yield (
                    log,
                    await create_run(
                        log, self.name, self.definition, mode=self.mode, epoch=epoch, clock=clock, partitions=partitions
                    ),
                )


class ReportsPublished(NamedTuple):
    """How many reports of a file were published, and how many not, as the log had them or later ones already."""

    new: int
    known: int


async def _once(into: _Into, file: Path, mapping: ReportMapping, correction: bool) -> ReportsPublished:
    clock = Wall()
    async with into.opened(clock) as (log, run):
        return await Publishing(log, run, clock, file, mapping, correction=correction).once()


async def _follow(into: _Into, file: Path, mapping: ReportMapping, correction: bool) -> None:
    clock = Wall()
    async with into.opened(clock) as (log, run):
        check_mapping(mapping, run.definition)
        screen.say(f"Watching {file} for {mapping.report.source!r}.")
        await Publishing(log, run, clock, file, mapping, correction=correction).follow()


class Publishing:
    """One agency's file on its way into a run."""

    def __init__(
        self,
        log: EventLog,
        run: Run,
        clock: Clock,
        file: Path,
        mapping: ReportMapping,
        *,
        correction: bool = False,
        poll_s: float = POLL_S,
    ) -> None:
        self._log = log
        self._run = run
        self._clock = clock
        self._file = file
        self._mapping = mapping
        self._correction = correction
        self._poll_s = poll_s
        self._publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
        self._history = ReportHistory(by_time=mapping.report.revision is None)
        self._in_file: set[tuple[str, str]] = set()

    async def once(self) -> ReportsPublished:
        """Publish what the log does not have of the file.

        Raises `TableError` where any line of it cannot be used, before anything is published.
        """
        table = self._read()
        table.faults.raise_any()
        self._say_totals(table)
        await self._recall()
        news = self._history.news(table.reports)
        if news.refused:
            raise TableError("\n".join([*bounded(news.refused), "Nothing was published."]))
        await self._publish(news)
        return ReportsPublished(len(news.publish), len(table.reports) - len(news.publish))

    async def follow(self) -> None:
        """Publish what is new in the file, now and whenever it has changed, until cancelled.

        A file that is being written is left alone until it has not changed from one look to the next.
        """
        await self._recall_in_time()
        seen = read = None
        while True:
            now = _state(self._file)
            if now is not None and now == seen != read:
                await self._publish_new()
                read = now
            if now is None and seen is None is not read:
                screen.say(f"{self._file} is not there any more. What was published of it stands; waiting for it.")
                read = None
            seen = now
            await self._clock.sleep(self._poll_s)

    async def _recall(self) -> None:
        """Learn from the log what was published before, by whatever process."""
        async for report in reports_of(self._log, self._run.topics.tallies.name, self._mapping.report.source):
            self._history.add(report)

    async def _recall_in_time(self) -> None:
        """Learn it, however long the log is out of reach."""
        await retried(self._recall, Tries(self._clock), screen.say_waiting)

    def _read(self) -> ReportTable[Reported]:
        return read_reports(self._file, self._mapping, self._run.definition, correction=self._correction)

    def _say_totals(self, table: ReportTable[Reported]) -> None:
        for wrong in table.wrong_totals:
            screen.say(f"{self._file}: {wrong}.")

    async def _publish_new(self) -> None:
        """Publish what was not published before; say what cannot be."""
        try:
            table = self._read()
        except UsageError as error:
            screen.say(str(error))
            return
        if table.faults.count:
            screen.say(table.faults.message("the reports that they are of are left out."))
        self._say_totals(table)
        self._say_gone(table)
        news = self._history.news(table.reports)
        for fault in bounded(news.refused):
            screen.say(fault)
        await self._publish(news)
        if news.publish:
            newest = max(report.at for report in news.publish)
            screen.say(f"Published {grouped(len(news.publish))} reports, as of {newest}.")

    async def _publish(self, news: News) -> None:
        for odd in bounded(news.odd):
            _log.warning("%s: %s", self._file, odd)
        await publish(self._publisher, map(entry, news.publish))

    def _say_gone(self, table: ReportTable[Reported]) -> None:
        """Say where a file has fewer districts than it had; what it had of the others stands."""
        found = {(report.contest, report.district) for report in table.reports}
        gone = sorted(self._in_file - found)
        self._in_file |= found
        if gone and not table.faults.count:
            self._in_file = found
            _log.warning(
                "%s has no report any more of %s. What was published of them stands. Is the file whole?",
                self._file,
                some_of([f"{district} ({contest})" for contest, district in gone], _GONE_SHOWN),
            )


def _state(file: Path) -> FileState | None:
    """The file's state; `None` where it is not there."""
    try:
        return state_of(file)
    except OSError:
        return None


def _read_definition(path: Path) -> Election:
    try:
        if path.stat().st_size > MAX_DEFINITION_BYTES:
            raise UsageError(f"{path} is over {MAX_DEFINITION_BYTES} bytes: is it an election definition?")
        return Election.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The definition {path} cannot be read ({error}). Give the path of a JSON file.") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no election definition:\n{indented(all_faults(error, Election))}") from error
