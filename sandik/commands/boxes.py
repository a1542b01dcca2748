"""`sandik boxes`: publish an official box table."""

from pathlib import Path
from typing import Annotated

import typer

from eventlog.clock import Wall
from eventlog.run import create_run
from eventlog.topics import DEFAULT_PARTITIONS
from producers.boxes import Table, election, read_table, tallies
from producers.mapping import Mapping, read_mapping
from producers.publish import Publisher, entry, publish
from sandik import screen
from sandik.numbers import grouped
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode
from sandik.process import run_to_completion
from sandik.runs import new_epoch, parse_mode
from sandik.wiring import open_log
from schemas.errors import UsageError

EXAMPLE = "Example: sandik boxes boxes.csv.gz --mapping examples/turkiye-2014.toml --run tr2014"


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
        typer.Option(min=1, help="Publish as this revision: a higher one replaces what was published before."),
    ] = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition", metavar="FILE", help="Write the election definition here. Without --run: only that."
        ),
    ] = None,
) -> None:
    """Publish an official ballot-box table, a tally event for each line; create the run if it is not there.

    The election definition (units, boxes, registered voters, candidates) comes from the same table. The whole table is
    checked before anything is published.
    """
    if run is None and definition is None:
        raise UsageError("Say with --run where to publish, or with --definition where to write the definition.")
    plan = read_mapping(mapping)
    table = read_table(file, plan)
    if definition is not None:
        definition.write_text(election(table, plan).model_dump_json(indent=2) + "\n", encoding="utf-8")
        screen.say(f"Wrote the election definition to {definition}.")
    if run is not None:
        published = run_to_completion(_publish(table, plan, log, run, mode, revision, partitions))
        screen.say(f"Published {grouped(published)} boxes to run {run!r}.")


async def _publish(
    table: Table, plan: Mapping, url: str, name: str, mode: str, revision: int | None, partitions: int
) -> int:
    clock = Wall()
    chosen = parse_mode(mode)
    async with open_log(url, clock) as log:
        run = await create_run(
            log, name, election(table, plan), mode=chosen, epoch=new_epoch(), clock=clock, partitions=partitions
        )
        with screen.bar("publishing boxes") as bar:
            bar.expect(len(table.rows))
            publisher = Publisher(
                log,
                run.topics.tallies.name,
                clock,
                on_progress=lambda published: bar.reached(published.records),
                on_waiting=screen.say_waiting,
            )
            return (await publish(publisher, map(entry, tallies(table, plan, revision=revision)))).records
