"""`sandik boxes` and `reports`: publish tables of ballot boxes, and agencies' totals of whole districts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from producers.input_files import all_faults, indented
from producers.publish import Publisher, boxes_of, entry, publish
from producers.stages import Delivery, Stage, disturb, parse_fault
from producers.tables.boxes import Table, election, read_table, statements, tallies
from producers.tables.fitting import check_mapping, check_table, fitting
from producers.tables.lines import bounded
from producers.tables.mapping import BoxMapping, ReportMapping, read_boxes_mapping, read_report_mapping
from producers.tables.statements import BoxHistory
from sandik import screen
from sandik.commands.publish import Faults
from sandik.feed import ReportsPublished, TableFeed, exports_of, is_address, no_history, read_feed, say_asides
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, Partitions, RunMode, RunName, command_app, operator_keys
from sandik.process import in_thread, run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import TargetRun, known_run, new_epoch, open_log, parse_mode
from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import MappingError, RunConflict, TableError, UnknownRun, UsageError
from schemas.fields import MAX_REVISION
from schemas.tally import Counted, encode

if TYPE_CHECKING:
    from schemas.trust import OperatorKey

FAULT_SEED = 1
"""Faults strike a table in the same places each time."""

BOXES_EXAMPLE = "Example: sandik boxes boxes.csv.gz --mapping examples/turkiye-2014.toml --run tr2014"
REPORTS_EXAMPLE = "Example: sandik reports ilceler.csv --mapping examples/agency-reports.toml --run 2024-yerel --watch"

SOME_REFUSED: Final = 3
"""The exit code where something was published and lines were refused."""

MappingFile = Annotated[
    Path, typer.Option("--mapping", metavar="FILE", help="A TOML file that says what each column is.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Publish nothing if any line cannot be used. Without it, all that can be is.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the first ten events and what was not understood; publish nothing.")
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Go on: publish what is new whenever the file, folder or address has changed.")
]
Every = Annotated[
    float | None,
    typer.Option(min=0.1, max=3600, metavar="SECONDS", help="How often --watch looks: 1 for a file, else 10."),
]

app = command_app()


@app.command(epilog=BOXES_EXAMPLE)
def boxes(
    file: Annotated[
        str,
        typer.Argument(help="The table: a file of any kind that docs/mapping.md lists, a folder or ZIP, an address."),
    ],
    mapping: MappingFile,
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
    strict: Strict = False,
    dry_run: DryRun = False,
    watch: Watch = False,
    every: Every = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Publish an official ballot-box table, a tally event for each box; create the run if it is not there.

    Where the mapping has [election], the definition (units, boxes, registered voters, candidates) comes from the same
    table, or from --from-definition: a table that has only the boxes opened so far says nothing of the others. Without
    [election], boxes and candidates are found in the definition of the run, or in that of --from-definition.

    Lines that cannot be used are named and left out, and the exit code is 3. With --strict, nothing is published then.
    """
    plan, operators = read_boxes_mapping(mapping), operator_keys(operator_key)
    given = read_definition(from_definition) if from_definition is not None else None
    if isinstance(plan, ReportMapping) and not plan.is_of_boxes:
        raise MappingError(
            f"{mapping} names no columns.box: is it of districts (sandik reports)? A table that the definition is to "
            "be made of has [election]."
        )
    if isinstance(plan, ReportMapping) and (definition or revision or fault):
        raise UsageError("--definition, --revision and --fault are for mappings with [election].")
    if run is None and definition is None and not (dry_run and given):
        raise UsageError("Say with --run where to publish, or with --definition where to write the definition.")
    if isinstance(plan, BoxMapping) and plan.election.assumed:
        screen.say(f"{mapping}: {plan.election.assumed}")
    if isinstance(plan, ReportMapping) or (run is not None and (watch or dry_run or _is_by_content(plan))):
        into = TargetRun(log, run or "", given, parse_mode(mode), partitions, operators)
        _feed(into, TableFeed(file, plan, strict=strict, every=every), dry_run=dry_run, watch=watch)
        return
    if is_address(file) or watch:
        raise UsageError("A watched table, or one at an address, goes into a run that is there, or --from-definition.")
    _publish_table(Path(file), plan, run, log, mode, revision, partitions, fault, definition, given, strict, operators)


def _is_by_content(plan: BoxMapping) -> bool:
    return plan.report.revision == "content" or plan.report.gone is not None


def _publish_table(
    file: Path,
    plan: BoxMapping,
    run: str | None,
    log: str,
    mode: str,
    revision: int | None,
    partitions: int | None,
    fault: list[str] | None,
    definition: Path | None,
    given: Election | None,
    strict: bool,
    operators: "tuple[OperatorKey, ...]",
) -> None:
    """Publish a table whose definition comes from itself, or write that definition."""
    table = read_table(file, plan, strict=strict or definition is not None, fetched=Wall().now())
    for wrong in table.wrong_totals:
        screen.say(f"{file}: {wrong}.")
    if table.duplicates:
        screen.say(f"{file}: {grouped(table.duplicates)} lines say again what another line of the same box does.")
    if definition is not None:
        definition.write_text(election(table, plan).model_dump_json(indent=2) + "\n", encoding="utf-8")
        screen.say(f"Wrote the election definition to {definition}.")
    if run is None:
        return
    faults = tuple(parse_fault(text) for text in fault or ())
    publication = _Publication(file, table, plan, revision, faults, given, strict, operators)
    published = run_to_completion(_publish(publication, log, run, parse_mode(mode), partitions))
    older = len(publication.table.rows) - len(statements(publication.table, plan, revision))
    left_out = f" {grouped(older)} older lines of boxes with a newer one were left out." if older else ""
    screen.say(f"Published {grouped(published)} boxes to run {run!r}.{left_out}")
    for aside in bounded(table.faults.aside):
        screen.say(f"{file}: {aside}.")
    if table.faults.count:
        screen.say(table.faults.message("the boxes that they are of are left out."))
        raise typer.Exit(SOME_REFUSED)


@dataclass(slots=True)
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
    strict: bool = False
    operators: "tuple[OperatorKey, ...]" = ()

    def fit(self, definition: Election) -> None:
        """Check the table against a run's definition; where it is not `strict`, leave out what the run does not have.

        Raises `MappingError`.
        """
        if self.strict:
            check_table(self.table, self.plan, definition)
            return
        self.table, left_out = fitting(self.table, self.plan, definition)
        for what in left_out:
            self.table.faults.add_table(what)
        if not self.table.rows:
            self.table.faults.raise_any()

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
    try:
        run = await known_run(log, name, publication.operators)
    except UnknownRun:
        definition = publication.definition
        if definition is None:  # a box that is missing in a definition would be missing for good
            publication.table.faults.raise_any()
            definition = election(publication.table, publication.plan)
        else:
            publication.fit(definition)
        return await create_run(log, name, definition, mode=mode, epoch=new_epoch(), clock=clock, partitions=partitions)
    if run.mode != mode:
        raise RunConflict(name, "mode")
    publication.fit(run.definition)
    return run


async def _publish(publication: _Publication, url: str, name: str, mode: Mode, partitions: int | None) -> int:
    clock, plan = Wall(), publication.plan
    async with open_log(url, clock) as log:
        run = await _run_for(publication, log, name, mode, partitions, clock)
        if not publication.faults:
            history = BoxHistory()
            async for tally in boxes_of(log, run.topics.tallies.name, plan.source.id, plan.contest.id):
                history.add(tally)
            publication.check(history)
        with screen.bar("publishing boxes") as bar:
            bar.expect(len(statements(publication.table, plan, publication.revision)))
            publisher = Publisher(
                log,
                run.topics.tallies.name,
                clock,
                on_progress=lambda published: bar.reached(published.records),
                on_waiting=screen.say_waiting,
            )
            return (await publish(publisher, publication.entries())).records


@app.command(epilog=REPORTS_EXAMPLE)
def reports(
    file: Annotated[
        str,
        typer.Argument(
            help="The agency's totals: a file of any kind that docs/mapping.md lists, a folder or ZIP, an address."
        ),
    ],
    mapping: MappingFile,
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition",
            "--from-definition",
            metavar="FILE",
            help="The election definition (JSON), where the run is not yet.",
        ),
    ] = None,
    mode: RunMode = "test",
    partitions: Partitions = None,
    correction: Annotated[
        bool, typer.Option("--correction", help="Mark every report as a correction: opened boxes may go backwards.")
    ] = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    watch: Watch = False,
    every: Every = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Publish an agency's totals of whole districts, a report for each contest and district, as a source of their own.

    Only what the log does not have yet is published.

    Lines that cannot be used are named, what they are of is left out, and the exit code is 3. With --strict, nothing is
    published then.
    """
    plan = read_report_mapping(mapping)
    given = read_definition(definition) if definition else None
    into = TargetRun(log, run, given, parse_mode(mode), partitions, operator_keys(operator_key))
    feed = TableFeed(file, plan, correction=correction, strict=strict, every=every)
    _feed(into, feed, dry_run=dry_run, watch=watch)


def _feed(into: TargetRun, feed: TableFeed, *, dry_run: bool, watch: bool) -> None:
    if dry_run:
        run_to_completion(show(into, feed))
        return
    if watch:
        run_until_stopped(_follow(into, feed))
        return
    published = run_to_completion(_once(into, feed))
    screen.say(
        f"Published {grouped(published.new)} {feed.kind} of {feed.source!r} to run {into.name!r}."
        + (f" {grouped(published.known)} more were in the log already." if published.known else "")
    )
    if published.refused:
        raise typer.Exit(SOME_REFUSED)


async def _once(into: TargetRun, feed: TableFeed) -> ReportsPublished:
    clock = Wall()
    async with into.opened(clock) as (log, run):
        with feed.into(log, run, clock) as publishing:
            return await publishing.once()


async def _follow(into: TargetRun, feed: TableFeed) -> None:
    clock = Wall()
    async with into.opened(clock) as (log, run):
        if isinstance(feed.plan, ReportMapping):
            check_mapping(feed.plan, run.definition)
        screen.say(f"Watching {feed.file} for {feed.source!r}.")
        with feed.into(log, run, clock) as publishing:
            await publishing.follow()


DRY_RUN_EVENTS: Final = 10
"""How many events a dry run shows."""


async def show(into: TargetRun, feed: TableFeed) -> None:
    """Print the first events of a table, and what of it was not understood. Nothing is published."""
    clock, plan = Wall(), feed.plan
    definition = await into.known_definition(clock)
    if definition is None and isinstance(plan, BoxMapping):
        definition = await in_thread(lambda: election(feed.own_table(plan), plan))
    if definition is None:
        raise UnknownRun(into.name)
    history = no_history(plan)
    with feed.here() as file:
        for each in exports_of(file, plan):
            table = read_feed(each, plan, definition, clock, correction=feed.correction)
            for event in islice(history.news(table.reports).publish, DRY_RUN_EVENTS):
                typer.echo(encode(event).decode())
            screen.say(f"{each}: {grouped(len(table.reports))} events, of which new ones would be published.")
            say_asides(str(each), table)
            if table.faults.count:
                screen.say(table.faults.message("what they are of would be left out."))


MAX_DEFINITION_BYTES: Final = 64 * 1024 * 1024
"""The largest definition: all of Türkiye with its boxes and ballots is 5 MB; ten times that."""


def read_definition(path: Path) -> Election:
    """Read a file that has an election definition. Raises `UsageError`."""
    try:
        if path.stat().st_size > MAX_DEFINITION_BYTES:
            raise UsageError(f"{path} is over {MAX_DEFINITION_BYTES} bytes: is it an election definition?")
        return Election.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The definition {path} cannot be read ({error}). Give the path of a JSON file.") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no election definition:\n{indented(all_faults(error, Election))}") from error
