"""`sandik restore`: an archived run, written back into a log, so that its night goes on."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.restore import Restorer, check_restorable
from consumers.verify import verify as verify_archive
from eventlog.archive.reader import Archive, open_archive
from eventlog.clock import Wall
from eventlog.run import find_run
from sandik import screen
from sandik.options import EMBEDDED_LOG, LogUrl, RunName, command_app
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.wiring import new_epoch, open_restorable_log

EXAMPLE = "Example: sandik restore archives/2024-yerel --run 2024-yerel --log kafka://localhost:9092"

app = command_app()


@app.command(epilog=EXAMPLE)
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive's folder.")],
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many partitions to verify at a time.")] = 2,
) -> None:
    """Write an archived run back into a log that does not have it: the same name, mode, epoch, offsets and times.

    The archive is verified first, and the log compared with it at the end. Start it again if it was broken off: it goes
    on. Nothing else may use the run until it has ended.
    """
    archive = open_archive(folder)
    check_restorable(archive.manifest, run)
    with screen.bar("verifying") as bar:
        verify_archive(folder, processes=processes, on_progress=bar.reached)
    written = run_to_completion(_restore(archive, log, run))
    manifest = archive.manifest
    screen.say(f"Restored run {run!r} ({manifest.mode}, epoch {manifest.epoch}): {grouped(written)} records written.")
    if not manifest.complete:
        last = manifest.last_append.isoformat(timespec="seconds") if manifest.last_append else "its beginning"
        screen.say(
            f"Its archiver had not ended by itself: what came after {last} may be missing. Have the feeds send it "
            "again, and look at the audit for orders to give again."
        )


async def _restore(archive: Archive, url: str, name: str) -> int:
    clock = Wall()
    async with open_restorable_log(url, clock) as log:
        with screen.bar("restoring") as bar:
            bar.expect(archive.manifest.count("tallies") + archive.manifest.count("control"))
            written = await Restorer(log, archive, clock, new_epoch(), bar.reached).restore()
        await find_run(log, name)
    return written
