"""`sandik totals`: a run's figures, from its log alone."""

import sys
from typing import Annotated

import typer

from eventlog.clock import Wall
from eventlog.run import Run, find_run
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_bytes
from sandik.operators import OperatorKeys, operator_keys
from sandik.options import EMBEDDED_LOG, LogUrl, RunName, command_app
from sandik.process import run_to_completion
from sandik.read_run import TellOption, read_totals, state_hash
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
        sys.stdout.write(run_to_completion(_hash(log, run)) + "\n")
        return
    found, told = run_to_completion(_told(log, run, tell, operator_keys(operator_key)))
    screen.complain(told.complaint)
    if form is Format.JSON:
        write_bytes(told.encode() + b"\n")
        return
    console = for_people()
    print_sentences(console, told.sentences())
    for table in TotalsTables(found.definition, told.is_held, told.set_aside_of).of(told.rows):
        console.print(table)


async def _hash(url: str, name: str) -> str:
    async with open_log(url, Wall()) as log:
        return await state_hash(log, await find_run(log, name))


async def _told(url: str, name: str, tell: Told, operators: tuple[OperatorKey, ...]) -> tuple[Run, ToldTotals]:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        return run, await read_totals(log, run, tell, clock.now(), operators)
