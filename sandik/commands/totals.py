"""`sandik totals`: a run's figures, from its log alone."""

import sys
from typing import Annotated

import typer

from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import Run, find_run
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_bytes
from sandik.operators import OperatorKeys, operator_keys
from sandik.options import EMBEDDED_LOG, LogUrl, RunName, command_app
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.read_run import NO_TOTALS_HASH, TellOption, read_totals, state_hash
from sandik.told import ToldTotals
from sandik.totals_table import TotalsTables
from sandik.wiring import open_log
from schemas.totals import Told
from schemas.trust import OperatorKey

EXAMPLE = "Example: sandik totals --run 2024-yerel --format json > totals.json"

app = command_app()


@app.command(epilog=EXAMPLE)
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
    found, told, nothing = run_to_completion(_told(log, run, tell, operator_keys(operator_key)))
    screen.warn(told.complaint)
    screen.warn(nothing)
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


async def _told(
    url: str, name: str, tell: Told, operators: tuple[OperatorKey, ...]
) -> tuple[Run, ToldTotals, str | None]:
    """Return the run, its totals and, where there are none, why there are none."""
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        told = await read_totals(log, run, tell, clock.now(), operators)
        return run, told, None if told.rows else await _why_no_totals(log, run, tell)


async def _why_no_totals(log: EventLog, run: Run, tell: Told) -> str:
    """Say why there is nothing to print, and what to do about it."""
    tallies = sum((await log.end_offsets(run.topics.tallies.name)).values())
    published = sum((await log.end_offsets(run.topics.totals.name)).values())
    if tallies == 0:
        return f"Run {run.name!r} has no totals: no tally has been published to it yet."
    if published == 0:
        return (
            f"Run {run.name!r} has no totals: its log holds {grouped(tallies)} tallies, and no aggregator has counted "
            f"them yet. Start one: sandik aggregate --run {run.name}."
        )
    if tell is Told.ON_AIR:
        return f"Nothing of run {run.name!r} is on air yet. What the control room has: --tell control_room."
    return f"None of the {grouped(tallies)} tallies of run {run.name!r} counts: see sandik control quarantine."
