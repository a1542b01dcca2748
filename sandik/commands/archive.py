"""`sandik archive`: write a run down as Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.archive import Archiver, ArchiveSettings, Progress
from eventlog.clock import Wall
from eventlog.run import find_run
from sandik import screen
from sandik.metrics import ArchiverMetrics, metrics_served
from sandik.options import EMBEDDED_LOG, LogUrl, MetricsHost, MetricsPort, RunName, command_app
from sandik.process import run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import open_log, wait_for_run

EXAMPLE = "Example: sandik archive --run 2024-yerel --out archives/2024-yerel"

app = command_app()


@app.command(epilog=EXAMPLE)
def archive(
    run: RunName,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The archive's folder: a new one, or this run's.")],
    log: LogUrl = EMBEDDED_LOG,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on as the night does, or archive what there is and exit.")
    ] = True,
    roll_s: Annotated[
        float,
        typer.Option(min=0.1, envvar="SANDIK_ARCHIVE_ROLL_S", help="Write a file at least every so many seconds."),
    ] = 10.0,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Archive a run's tallies and control records. Start it again with the same --out, and it goes on."""
    settings = ArchiveSettings(roll_ms=round(roll_s * 1000))
    if follow:
        run_until_stopped(_follow(log, run, out, settings, metrics_host, metrics_port))
    else:
        progress = run_to_completion(_until_end(log, run, out, settings))
        screen.say(f"Archived {grouped(progress.archived)} records of run {run!r} in {out}.")


async def _until_end(url: str, name: str, out: Path, settings: ArchiveSettings) -> Progress:
    clock = Wall()
    async with open_log(url, clock) as log:
        with screen.bar("archiving") as bar:
            run = await find_run(log, name)
            archiver = Archiver(log, run, out, clock, settings, lambda progress: bar.reached(progress.archived))
            return await archiver.run_until_end(bar.expect)


async def _follow(
    url: str, name: str, out: Path, settings: ArchiveSettings, host: str, metrics_port: int | None
) -> None:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await wait_for_run(log, name, clock)
        screen.say(f"Archiving run {name!r} ({run.mode}) in {out}.")
        progress = Progress()
        served = metrics_served(host, metrics_port, ArchiverMetrics(progress, clock))
        with screen.bar("archiving") as bar, served:
            archiver = Archiver(
                log, run, out, clock, settings, lambda done: bar.reached(done.archived), progress=progress
            )
            await archiver.follow()
