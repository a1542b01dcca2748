"""`sandik verify`: whether an archive or an embedded log is what was written, and a run came to the same totals."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from consumers.verify import Verified
from consumers.verify import verify as verify_archive
from eventlog.archive.manifest import read_manifest
from eventlog.archive.writer import unlisted
from eventlog.clock import Wall
from eventlog.run import find_run
from eventlog.sqlite.file import check_file
from sandik import screen
from sandik.console import write_json
from sandik.options import EMBEDDED_LOG, LogUrl, command_app
from sandik.process import calm_garbage_collector, run_to_completion
from sandik.quantities import grouped
from sandik.read_run import state_hash
from sandik.wiring import open_log
from schemas.errors import ArchiveError
from schemas.totals import Told

EXAMPLE = "Example: sandik verify archives/2024-yerel"

app = command_app()

_DIFFERS = 1
_EARLIER_RULES = (
    "An earlier version of sandik wrote it, by whose rules its records were read and its states worked out: these were "
    "not compared. Its links were, so every byte is what was archived; the state hash is by the rules of today."
)
_TOLD = "States are of what the sources say; holds, embargoes and figures set by hand change none of them."


@app.command(epilog=EXAMPLE)
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
        write_json({"verdict": "whole", "file": str(path), "records": checked.records, "without": checked.without})
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
        write_json(verdict | {"folder": str(folder)})
    elif verdict["verdict"] == "whole":
        _say_whole(folder, verdict)
    else:
        screen.say(f"sandik verify: {verdict['fault']}")


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
