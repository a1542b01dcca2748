"""`sandik run`: a file of results, counted and on a board, in one process."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run
from gateway.brand import STANDARD_BRAND, open_brand
from gateway.recall import Moments
from gateway.settings import GatewaySettings
from producers.tables.boxes import Table, election
from producers.tables.fitting import check_mapping
from producers.tables.mapping import BoxMapping, ReportMapping, read_boxes_mapping
from sandik import screen
from sandik.commands.gateway import Host, Port
from sandik.commands.tables import DryRun, Every, MappingFile, Strict, Watch
from sandik.feed import Publishing, is_address
from sandik.feeding import TableFeed, TargetRun, read_definition, show
from sandik.one_process import count_and_serve
from sandik.options import EMBEDDED_LOG, BrandName, LogUrl, OperatorKeys, RunMode, command_app, operator_keys
from sandik.past import PastWorker
from sandik.process import in_thread, run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import open_log, parse_mode
from schemas.definition import Election
from schemas.errors import UnknownRun, UsageError

EXAMPLE = (
    "Example: sandik run examples/villages/tps.csv --mapping examples/villages/mapping.toml "
    "--definition examples/villages/definition.json"
)

app = command_app()


@app.command(epilog=EXAMPLE)
def run(
    file: Annotated[
        str,
        typer.Argument(help="The results: a file of any kind that docs/mapping.md lists, a folder or ZIP, an address."),
    ],
    mapping: MappingFile,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition",
            "--from-definition",
            metavar="FILE",
            help="The election definition (JSON). Without it the run's, or with [election] in the mapping the table's.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--run", envvar="SANDIK_RUN", metavar="NAME", help="The run. Without it the election's id."),
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
    mode: RunMode = "test",
    host: Host = "127.0.0.1",
    port: Port = 8765,
    brand: BrandName = STANDARD_BRAND,
    strict: Strict = False,
    dry_run: DryRun = False,
    watch: Watch = False,
    every: Every = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Publish a file of results, count it and serve the board, all in this one process. Ctrl-C ends it.

    Started again with the same --run, it goes on: only what the log does not have yet is published. Lines that cannot
    be used are named and left out.
    """
    plan = read_boxes_mapping(mapping)
    given = read_definition(definition) if definition is not None else None
    if isinstance(plan, BoxMapping) and plan.election.assumed:
        screen.say(f"{mapping}: {plan.election.assumed}")
    into = TargetRun(
        log, name or _election_id(plan, given), given, parse_mode(mode), operators=operator_keys(operator_key)
    )
    feed = TableFeed(file, plan, strict=strict, every=every)
    if not watch and not is_address(file) and not Path(file).exists():
        raise UsageError(f"There is no file {file}. Give the path of the results; with --watch it is waited for.")
    if isinstance(plan, ReportMapping) and given is not None:
        check_mapping(plan, given)
    if dry_run:
        run_to_completion(show(into, feed))
    else:
        settings = GatewaySettings(operators=into.operators, brand=open_brand(brand))
        run_until_stopped(_run(into, feed, host, port, settings, operator_key or (), watch=watch))


def _election_id(plan: BoxMapping | ReportMapping, given: Election | None) -> str:
    if given is not None:
        return given.id
    if isinstance(plan, BoxMapping):
        return plan.election.id
    raise UsageError(
        "What is the election? Give its definition with --definition FILE (docs/definition.md says how one is made), "
        "or with --run the name of a run that has one."
    )


async def _run(
    into: TargetRun,
    feed: TableFeed,
    host: str,
    port: int,
    settings: GatewaySettings,
    operator_key: Sequence[Path],
    *,
    watch: bool,
) -> None:
    clock = Wall()
    past = PastWorker(into.url, into.name, operator_key)
    async with open_log(into.url, clock) as log, Moments(past) as moments:
        found, table = await _found(into, feed, log, clock, watch=watch)
        screen.say(
            f"Run {found.name!r} ({found.mode}) of {found.definition.name}: {grouped(len(found.definition.districts))} "
            f"counting units. Its log is {into.url}. Ctrl-C ends it; the same command goes on."
        )
        with feed.into(log, found, clock, table) as publishing:
            work = publishing.follow() if watch else _once(publishing, feed)
            await count_and_serve(log, found, clock, host, port, work, moments, settings.brand, settings)


async def _found(
    into: TargetRun, feed: TableFeed, log: EventLog, clock: Clock, *, watch: bool
) -> tuple[Run, Table | None]:
    """Return the run: the one that is there, or one with the definition that is given or that the table makes.

    The table, too, where it was read for that: once is enough, and the board is there while it is published.
    """
    plan = feed.plan
    if isinstance(plan, ReportMapping) or into.definition is not None:
        return await into.found(log, clock), None
    try:
        return await into.found(log, clock), None
    except UnknownRun:
        screen.say(f"Making the election's definition of {feed.file}.")
        table = await in_thread(lambda: feed.own_table(plan))
        own = await in_thread(lambda: election(table, plan))
    found = await replace(into, definition=own).found(log, clock)
    if watch:
        screen.say(
            f"The election is made of what {feed.file} has now: boxes that come later are not in it. Give those of the "
            "whole night with --definition FILE."
        )
    return found, None if watch or plan.table.exports else table


async def _once(publishing: Publishing, feed: TableFeed) -> None:
    published = await publishing.once()
    known = f", and {grouped(published.known)} were in the log already" if published.known else ""
    refused = f" {grouped(published.refused)} lines could not be used: see above." if published.refused else ""
    screen.say(f"Published {grouped(published.new)} {feed.kind} of {feed.source!r}{known}.{refused}")
