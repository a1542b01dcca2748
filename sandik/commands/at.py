"""`sandik at`: what was shown at a moment."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from eventlog.clock import Wall
from eventlog.run import Run, find_run
from gateway.routes.moments import Past
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_bytes
from sandik.operators import OperatorKeys, operator_keys
from sandik.options import EMBEDDED_LOG, LogUrl, RunName, command_app
from sandik.past import encode_past, past_of
from sandik.process import end_with_parent, run_to_completion
from sandik.totals_table import TotalsTables
from sandik.wiring import open_log
from schemas.errors import UsageError
from schemas.moments import parse_moment
from schemas.totals import Told
from schemas.trust import OperatorKey

EXAMPLE = "Example: sandik at 22:14 --run 2024-yerel --date 2024-03-31"

app = command_app()


@app.command(epilog=EXAMPLE)
def at(
    moment: Annotated[
        str, typer.Argument(help="When: 22:14 in the election's zone, or a moment such as 2024-03-31T22:14+03:00.")
    ],
    run: RunName,
    day: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="The day of a time; else the last time it was so late.")
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
    tell: Annotated[
        Told,
        typer.Option("--tell", help="Of a table, which figures: on_air, or control_room. JSON has both."),
    ] = Told.ON_AIR,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
) -> None:
    """Print the totals as they stood on air at a moment that has been, with what was held and embargoed then.

    During an embargo nothing was on air; --tell control_room prints what the control room had.
    """
    if worker:
        end_with_parent()
    if tell is Told.LOG:
        raise UsageError("The past is told as it was on_air or in the control_room. What sources said: sandik trace.")
    found, past = run_to_completion(_past(log, run, moment, _day(day), operator_keys(operator_key)))
    screen.warn(past.complaint)
    if form is Format.JSON:
        write_bytes(encode_past(past) + b"\n")
        return
    console = for_people()
    print_sentences(console, _sentences(past, tell))
    tables = TotalsTables(found.definition, lambda row: (row.contest, row.unit) in past.held)
    for table in tables.of(past.on_air if tell is Told.ON_AIR else past.control_room):
        console.print(table)


def _sentences(past: Past, tell: Told) -> Iterator[str]:
    """Which figures these are, and what of them was held."""
    yield f"As it stood at {past.at.isoformat(timespec='milliseconds')}, to the aggregator's tick:"
    if past.take:
        yield f"This is take {past.take} of a replay: what earlier takes showed at that moment is not told."
    if past.embargoed:
        yield "There was an embargo: nothing was on air."
    if tell is Told.CONTROL_ROOM:
        yield "Told is what the control room had: the newest of what was held, and figures that were set by hand."
    elif past.embargoed:
        yield "What the control room had is told with --tell control_room."
    else:
        yield "Told is what was on air: what was held as it stood, and figures that were set by hand."
    if past.hold:
        yield f"On hold then: {', '.join(past.hold)}."


async def _past(
    url: str, name: str, text: str, day: date | None, operators: tuple[OperatorKey, ...]
) -> tuple[Run, Past]:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        moment = parse_moment(text, ZoneInfo(run.definition.timezone), clock.now(), day)
        with screen.bar("folding tallies") as bar:
            return run, await past_of(log, run, moment, operators, expect=bar.expect, reached=bar.reached)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day. Give one such as 2024-03-31.") from error
