"""`sandik totals`: the figures as the log has them."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table

from eventlog.clock import Wall
from eventlog.reading import read_to_end
from eventlog.run import find_run
from gateway.folds.view import View
from sandik.formats import Format, FormatOption, for_people, write_bytes
from sandik.numbers import grouped, percent
from sandik.options import EMBEDDED_LOG, LogUrl, RunName
from sandik.process import run_to_completion
from sandik.statehash import state_hash
from sandik.wiring import open_log
from schemas.totals import Row, encode_rows

EXAMPLE = "Example: sandik totals --run 2024-yerel --format json > totals.json"


def totals(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    form: FormatOption = Format.TABLE,
    only_hash: Annotated[
        bool, typer.Option("--hash", help="Print the state hash alone: equal totals have equal ones.")
    ] = False,
) -> None:
    """Print the run's totals from the log alone: every contest, source and unit, sorted."""
    if only_hash:
        sys.stdout.write(run_to_completion(_hash(log, run)) + "\n")
        return
    rows = run_to_completion(_rows(log, run))
    if form is Format.JSON:
        write_bytes(encode_rows(rows) + b"\n")
    else:
        for_people().print(totals_table(rows))


async def _hash(url: str, name: str) -> str:
    async with open_log(url, Wall()) as log:
        return await state_hash(log, await find_run(log, name))


async def _rows(url: str, name: str) -> list[Row]:
    async with open_log(url, Wall()) as log:
        run = await find_run(log, name)
        view = View(run.definition)
        async for record in read_to_end(log, run.topics.totals.name):
            view.fold(record)
        return view.rows()


def totals_table(rows: Iterable[Row]) -> Table:
    """The rows for people."""
    table = Table(box=None, header_style="bold")
    for name in ("contest", "source", "unit"):
        table.add_column(name, no_wrap=True)
    for name in ("boxes opened", "turnout (of opened boxes)", "valid", "leader", "share", "flagged"):
        table.add_column(name, no_wrap=True, justify="right")
    for row in rows:
        leader = min(row.votes, key=lambda candidate: (-row.votes[candidate], candidate), default="—")
        table.add_row(
            row.contest,
            row.source,
            row.unit,
            f"{grouped(row.boxes_opened)} / {grouped(row.boxes_total)}",
            percent(row.cast, row.registered),
            grouped(row.valid),
            leader,
            percent(row.votes.get(leader, 0), row.valid),
            grouped(row.flagged),
        )
    return table
