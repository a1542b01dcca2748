"""`kill -9` of `sandik archive`, at random moments of a night: the archive is always whole, and in the end complete."""

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

from consumers.verify import verify
from eventlog.archive import open_archive
from eventlog.archive_files import MANIFEST
from eventlog.clock import Wall
from tests.simulation.forked import forked, run
from tests.simulation.processes import Process, until

KILLS = 4
SEED = 2024
NIGHT = ("--seed", "7", "--boxes-per-district", "300", "--district", "tr/34/kadikoy", "--district", "tr/34/uskudar")
SPEED = "100"
"""At which the night takes six minutes and some ten tallies come in a second: it outlasts the kills."""

LONGEST_LIFE_S = 0.7
"""Beyond its start: long enough for some files at ten a second, and for a merge or two."""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_killed_archiver_leaves_a_whole_archive_and_goes_on(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    where = ("--log", f"sqlite:{tmp_path / 'log.db'}", "--run", "night")
    folder = tmp_path / "archive"
    held: list[int] = []
    launch = partial(forked, output=tmp_path / "said")
    with (
        Process(["simulate", *where, *NIGHT, "--speed", SPEED], launch) as producer,
        Process(["archive", *where, "--out", str(folder), "--roll-s", "0.1"], launch) as archiver,
    ):
        producer.start()
        for _ in range(KILLS):
            archiver.start()
            await until(partial(holds_more, folder, held[-1] if held else 0, producer))
            await Wall().sleep(chance.uniform(0, LONGEST_LIFE_S))  # the moment is what is being varied
            archiver.kill()
            verified = await asyncio.to_thread(verify, folder, processes=1)
            held.append(verified.manifest.count("tallies"))
        producer.kill()
    await asyncio.to_thread(run, "simulate", *where, *NIGHT, "--speed", "0")
    await asyncio.to_thread(run, "archive", *where, "--out", str(folder), "--no-follow")
    await asyncio.to_thread(run, "archive", *where, "--out", str(tmp_path / "undisturbed"), "--no-follow")
    killed, undisturbed = open_archive(folder), open_archive(tmp_path / "undisturbed")

    assert sorted(held) == held
    assert held[0] < held[-1] < killed.manifest.count("tallies")
    assert undisturbed.manifest.content_hash == killed.manifest.content_hash
    assert list(undisturbed.tallies()) == list(killed.tallies())
    assert killed.manifest.complete


def holds_more(folder: Path, records: int, producer: Process) -> bool:
    """Whether the archive holds more tallies than so many, or the night is over."""
    written = (folder / MANIFEST).exists() and open_archive(folder).manifest.count("tallies") > records
    return written or producer.has_ended
