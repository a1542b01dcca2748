"""`sandik boxes`: publish an official box table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from eventlog.clock import Clock, Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run, find_run
from producers.input_files import indented
from producers.publish import Publisher, boxes_of, entry, publish
from producers.stages import Delivery, Stage, disturb, parse_fault
from producers.tables.already_published import BoxHistory
from producers.tables.boxes import Table, election, read_table, statements, tallies
from producers.tables.fitting import check_table
from producers.tables.line_checks import bounded
from producers.tables.mapping import BoxMapping, read_mapping
from sandik import screen
from sandik.commands.simulate import Faults
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode, command_app
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.wiring import new_epoch, open_log, parse_mode
from schemas.control import Mode
from schemas.errors import RunConflict, TableError, UnknownRun, UsageError
from schemas.fields import MAX_REVISION
from schemas.tally import Counted

FAULT_SEED = 1
"""Faults strike a table in the same places each time."""

EXAMPLE = "Example: sandik boxes boxes.csv.gz --mapping examples/turkiye-2014.toml --run tr2014"

app = command_app()


@app.command(epilog=EXAMPLE)
def boxes(
    file: Annotated[Path, typer.Argument(help="The table: CSV, gzipped CSV or Parquet.")],
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
) -> None:
    """Publish an official ballot-box table, a tally event for each line; create the run if it is not there.

    The election definition (units, boxes, registered voters, candidates) then comes from the same table. The whole
    table is checked before anything is published, also against a run that is there and what it has of these boxes.
    """
    if run is None and definition is None:
        raise UsageError("Say with --run where to publish, or with --definition where to write the definition.")
    plan = read_mapping(mapping)
    table = read_table(file, plan)
    for wrong in table.wrong_totals:
        screen.say(f"{file}: {wrong}.")
    if definition is not None:
        definition.write_text(election(table, plan).model_dump_json(indent=2) + "\n", encoding="utf-8")
        screen.say(f"Wrote the election definition to {definition}.")
    if run is not None:
        publication = _Publication(file, table, plan, revision, tuple(parse_fault(text) for text in fault or ()))
        published = run_to_completion(_publish(publication, log, run, parse_mode(mode), partitions))
        older = len(table.rows) - len(statements(table, plan, revision))
        left_out = f" {grouped(older)} older lines of boxes with a newer one were left out." if older else ""
        screen.say(f"Published {grouped(published)} boxes to run {run!r}.{left_out}")


@dataclass(frozen=True, slots=True)
class _Publication:
    """A table on its way into a run; `faults` are the stages that disturb it on the way."""

    file: Path
    table: Table
    plan: BoxMapping
    revision: int | None
    faults: tuple[Stage, ...]

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
        epoch = new_epoch()
        return await create_run(
            log, name, election(table, plan), mode=mode, epoch=epoch, clock=clock, partitions=partitions
        )
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
