"""Records what this release writes, for later ones to read: `python -m tests.compatibility.record FOLDER`.

Run it for a release, into a new folder beside the others. Until the release is out it may be run again, where a change
is meant; then nobody writes into that folder any more. In it are

- `night.db.gz`: an embedded log with one run, its orders and checkpoints in it, gzipped;
- `archive/`: that run as an archive;
- `totals.json`: what `sandik totals --format json` said of it, and `hash.txt` what `--hash` did;
- `records.json`: one record of each shape in the log, by the shape's name;
- `contract.json`: the contract as JSON Schema, by the schema's name, without what only people read.
"""

import asyncio
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import orjson

from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from sandik.commands.reference import SCHEMAS
from sandik.wiring import open_log
from tests.builders import counted, reported, small_election, value_of, with_agency, withdrawn
from tests.schemas.test_versions import SHAPES

RUN: Final = "night"
ELECTION: Final = with_agency(small_election())
TALLIES: Final = (
    counted(),
    counted({"imamoglu": 90, "kurum": 120}, box=1002),
    counted({"imamoglu": 91, "kurum": 119}, box=1002, type="corrected", revision=2),
    counted(box=1003),
    withdrawn(box=1003),
    counted(box=1004),
    withdrawn(type="annulled", box=1004),
    counted({"imamoglu": 80}, district="tr/41/gebze", source="anka", unattributed=40, cast=125, valid=120),
    counted(district="tr/34/adalar", box=9999),  # quarantined: there is no such box
    counted({"imamoglu": 7}),  # quarantined: a conflict with the first
    reported(),
)
WHO: Final = ("--run", RUN, "--by", "A. Kaya", "--reason", "a recording")
ORDERS: Final = (
    (
        "override",
        "--contest",
        "mayor",
        "--source",
        "aa",
        "--unit",
        "tr/34/uskudar",
        "votes.imamoglu=242",
        "votes.kurum=218",
    ),
    ("hold", "--contest", "mayor", "--unit", "tr/34/adalar"),
    ("call", "--contest", "mayor", "--unit", "tr/34", "--candidate", "imamoglu"),
)


def record(folder: Path) -> None:
    """Write all of it into a folder that is not there yet."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        log = f"sqlite:{scratch}/night.db"
        asyncio.run(_publish(log))
        _sandik("aggregate", "--run", RUN, "--log", log, "--until-end")
        for order in ORDERS:
            _sandik("control", *order, *WHO, "--log", log)
        _sandik("aggregate", "--run", RUN, "--log", log, "--until-end")
        (folder / "totals.json").write_bytes(_sandik("totals", "--run", RUN, "--log", log, "--format", "json"))
        (folder / "hash.txt").write_bytes(_sandik("totals", "--run", RUN, "--log", log, "--hash"))
        _sandik("archive", "--run", RUN, "--log", log, "--out", str(folder / "archive"), "--no-follow")
        with Path(scratch, "night.db").open("rb") as plain, gzip.open(folder / "night.db.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
        (folder / "archive" / ".lock").unlink()
    _write(folder / "records.json", {name: value.decode() for name, (value, _) in SHAPES.items()})
    _write(folder / "contract.json", {name: _bare(shape.json_schema()) for name, shape in SCHEMAS.items()})


async def _publish(url: str) -> None:
    async with open_log(url, Wall()) as log:
        run = await create_run(log, RUN, ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=2)
        entries = [Entry(tally.district.encode(), value_of(tally)) for tally in TALLIES]
        await log.append(run.topics.tallies.name, entries)


def _bare(schema: Any) -> Any:
    """A schema without titles and descriptions; a property may be called so, and its value is no text."""
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _bare(value)
        for name, value in schema.items()
        if name not in {"title", "description"} or not isinstance(value, str)
    }


def _write(path: Path, content: object) -> None:
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _sandik(*arguments: str) -> bytes:
    return subprocess.run([sys.executable, "-m", "sandik", *arguments], check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    record(Path(sys.argv[1]))
