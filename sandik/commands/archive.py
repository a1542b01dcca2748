"""`sandik archive`, `verify` and `restore`: write a run down as Parquet, check that, and write it back into a log."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from consumers.archive import Archiver, ArchiveSettings, Progress
from consumers.restore import Restorer, check_restorable
from consumers.verify import Verified
from consumers.verify import verify as verify_archive
from eventlog.archive import Archive, open_archive, unlisted
from eventlog.archive_files import read_manifest
from eventlog.clock import Wall
from eventlog.run import find_run
from eventlog.sqlite.file import check_file
from sandik import screen
from sandik.options import (
    EMBEDDED_LOG,
    LogUrl,
    MetricsHost,
    MetricsPort,
    OperatorKeys,
    RunName,
    command_app,
    operator_keys,
)
from sandik.process import calm_garbage_collector, run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.telemetry import ArchiverMetrics, metrics_served
from sandik.wiring import known_run, new_epoch, open_log, open_restorable_log, wait_for_run, warn_of_missed
from schemas.errors import ArchiveError
from schemas.totals import Told

ARCHIVE_EXAMPLE = "Example: sandik archive --run 2024-yerel --out archives/2024-yerel"

app = command_app()


@app.command(epilog=ARCHIVE_EXAMPLE)
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
    operator_key: OperatorKeys = None,
) -> None:
    """Archive a run's tallies and control records. Start it again with the same --out, and it goes on."""
    settings = ArchiveSettings(roll_ms=round(roll_s * 1000), operators=operator_keys(operator_key))
    if follow:
        run_until_stopped(_follow(log, run, out, settings, metrics_host, metrics_port))
    else:
        progress = run_to_completion(_until_end(log, run, out, settings))
        screen.say(f"Archived {grouped(progress.archived)} records of run {run!r} in {out}.")


async def _until_end(url: str, name: str, out: Path, settings: ArchiveSettings) -> Progress:
    clock = Wall()
    async with open_log(url, clock) as log:
        with screen.bar("archiving") as bar:
            run = await known_run(log, name, settings.operators)
            archiver = Archiver(log, run, out, clock, settings, lambda progress: bar.reached(progress.archived))
            return await archiver.run_until_end(bar.expect)


async def _follow(
    url: str, name: str, out: Path, settings: ArchiveSettings, host: str, metrics_port: int | None
) -> None:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await wait_for_run(log, name, clock, settings.operators)
        warn_of_missed(run)
        screen.say(f"Archiving run {name!r} ({run.mode}) in {out}.")
        progress = Progress()
        served = metrics_served(host, metrics_port, ArchiverMetrics(progress, clock))
        with screen.bar("archiving") as bar, served:
            archiver = Archiver(
                log, run, out, clock, settings, lambda done: bar.reached(done.archived), progress=progress
            )
            await archiver.follow()


VERIFY_EXAMPLE = "Example: sandik verify archives/2024-yerel"

_DIFFERS = 1
_EARLIER_RULES = (
    "An earlier version of sandik wrote it, by whose rules its records were read and its states worked out: these were "
    "not compared. Its links were, so every byte is what was archived; the state hash is by the rules of today."
)
_TOLD = "States are of what the sources say; holds, embargoes and figures set by hand change none of them."


@app.command(epilog=VERIFY_EXAMPLE)
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The archive's folder; or the file of an embedded log.")
    ],
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare the final totals with those of this run too.")
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
    content_hash: Annotated[
        str | None, typer.Option(metavar="HASH", help="The content hash that you noted when the archive was made.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many partitions to verify at a time.")] = 2,
) -> None:
    """Work out again every link, file and state of an archive. Exit code 1 where anything is not as it was written.

    States and totals are of what the sources say. What was on air besides (holds, embargoes, figures set by hand) are
    orders: the links prove that none is missing, and no state depends on them.

    Of an embedded log's file, which may be in use, each record is compared with its checksum.
    """
    if folder.is_file():
        _check_log(folder, as_json=as_json)
        return
    calm_garbage_collector()
    try:
        verdict = _verdict(_verified(folder, content_hash, processes))
    except ArchiveError as error:
        verdict = _fault(error)
    if run is not None and verdict["verdict"] == "whole":
        verdict |= _compared(run_to_completion(_state_of_run(log, run)), run, str(verdict["state"]))
    _say(folder, verdict, as_json=as_json)
    if verdict["verdict"] != "whole":
        raise typer.Exit(_DIFFERS)


def _check_log(path: Path, *, as_json: bool) -> None:
    """Check the file of an embedded log. Raises `LogError` for the first record that is not what was appended."""
    with screen.bar("checking") as bar:
        checked = check_file(path, bar.reached)
    if as_json:
        _print_json({"verdict": "whole", "file": str(path), "records": checked.records, "without": checked.without})
        return
    sys.stdout.write(f"{path} is whole: {grouped(checked.records)} records are what was appended.\n")
    if checked.without:
        sys.stdout.write(f"{grouped(checked.without)} were written by an earlier release and have no checksum.\n")


def _verified(folder: Path, noted: str | None, processes: int) -> Verified:
    with screen.bar("verifying") as bar:
        manifest = read_manifest(folder)
        if noted is not None and noted != manifest.content_hash:
            what = (
                f"has the content hash {manifest.content_hash}, not {noted}: it was made anew, or is another archive."
            )
            raise ArchiveError(str(folder), what)
        bar.expect(manifest.count("tallies") + manifest.count("control"))
        verified = verify_archive(folder, processes=processes, on_progress=bar.reached)
    for name in unlisted(folder):
        what = "is no part of the archive, and who reads the folder with other tools would count it. Take it out: "
        raise ArchiveError(name, f"{what}sandik archive clears away what a kill left; anything else was put there.")
    return verified


async def _state_of_run(url: str, name: str) -> str:
    from sandik.read_run import state_hash  # noqa: PLC0415  it brings keys, which an archive alone needs none of

    async with open_log(url, Wall()) as log:
        return await state_hash(log, await find_run(log, name))


def _verdict(verified: Verified) -> dict[str, object]:
    manifest = verified.manifest
    return {
        "verdict": "whole",
        "run": manifest.run,
        "mode": manifest.mode,
        "epoch": manifest.epoch,
        "complete": manifest.complete,
        "records": manifest.records,
        "content_hash": manifest.content_hash,
        "told": Told.LOG.value,
        "state": verified.state,
        "states_compared": manifest.has_todays_states,
    }


def _fault(error: ArchiveError) -> dict[str, object]:
    return {
        "verdict": "broken",
        "fault": str(error),
        "file": error.file,
        "partition": error.partition,
        "offset": error.offset,
    }


def _compared(found: str, run: str, state: str) -> dict[str, object]:
    same: dict[str, object] = {"compared_run": run, "compared_state": found}
    if found == state:
        return same
    fault = f"Run {run!r} came to other totals: its state is {found}, the archive's {state}."
    return same | {"verdict": "differs", "fault": fault}


def _say(folder: Path, verdict: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        _print_json(verdict | {"folder": str(folder)})
    elif verdict["verdict"] == "whole":
        _say_whole(folder, verdict)
    else:
        screen.say(f"sandik verify: {verdict['fault']}")


def _print_json(found: object) -> None:
    from sandik.console import write_json  # noqa: PLC0415  it brings rich, which archivers have no terminal for

    write_json(found)


def _say_whole(folder: Path, verdict: dict[str, object]) -> None:
    records = verdict["records"]
    if isinstance(records, dict):
        for topic, types in records.items():
            counts = ", ".join(f"{grouped(count)} {kind}" for kind, count in types.items())
            sys.stdout.write(f"{topic}: {counts or 'none'}\n")
    until = "" if verdict["complete"] else ", as far as it goes: its archiver is at work, or did not end by itself"
    sys.stdout.write(f"content hash: {verdict['content_hash']}\nstate hash:   {verdict['state']}\n")
    sys.stdout.write(f"{folder} is whole{until}.\n")
    if not verdict["states_compared"]:
        sys.stdout.write(f"{_EARLIER_RULES}\n")
    if "compared_run" in verdict:
        sys.stdout.write(f"Run {verdict['compared_run']!r} has the same totals.\n")
    sys.stdout.write(f"{_TOLD}\n")


RESTORE_EXAMPLE = "Example: sandik restore archives/2024-yerel --run 2024-yerel --log kafka://localhost:9092"


@app.command(epilog=RESTORE_EXAMPLE)
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
