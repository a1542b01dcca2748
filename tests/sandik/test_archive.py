"""`sandik archive`, `sandik verify` and `sandik totals --hash`, as they are typed."""

import asyncio
import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import orjson
import pytest

from eventlog.archive import claimed, open_archive
from eventlog.archive_files import MANIFEST
from tests.sandik.conftest import Sandik
from tests.simulation.processes import Process, until

NIGHT = ("--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")


@pytest.fixture
def night(sandik: Sandik) -> Path:
    """A simulated night in the log, and its archive."""
    assert 0 == sandik("simulate", "--run", "night", *NIGHT)[0]
    assert 0 == sandik("archive", "--run", "night", "--out", "archive", "--no-follow")[0]
    return Path("archive").resolve()


def test_an_archive_verifies_and_says_what_is_in_it(sandik: Sandik, night: Path) -> None:
    code, out, _ = sandik("verify", "archive")
    manifest = open_archive(night).manifest

    assert 0 == code
    assert f"content hash: {manifest.content_hash}\nstate hash:   {manifest.state}\narchive is whole.\n" in out
    assert "control: 1 run_created" in out
    assert "States are of what the sources say; holds, embargoes and figures set by hand change none" in out


def test_a_run_with_the_same_totals_has_the_archive_s_state(sandik: Sandik, night: Path) -> None:
    assert 0 == sandik("aggregate", "--run", "night", "--until-end")[0]
    code, out, _ = sandik("verify", "archive", "--run", "night")
    _, printed, _ = sandik("totals", "--run", "night", "--hash")

    assert (0, True) == (code, "Run 'night' has the same totals." in out)
    assert open_archive(night).manifest.state == printed.strip()


def test_what_is_held_or_set_by_hand_changes_no_state(sandik: Sandik, night: Path) -> None:
    contest = ("--contest", "metropolitan_mayor")
    who = ("--run", "night", "--by", "A. Kaya", "--reason", "a rehearsal")
    cell = (*contest, "--source", "aa", "--unit", "tr/34/adalar")
    assert 0 == sandik("aggregate", "--run", "night", "--until-end")[0]
    for order in (("hold", *contest), ("override", *cell, "votes.imamoglu=7"), ("embargo", "--until", "lifted")):
        assert 0 == sandik("control", *order, *who)[0]
    assert 0 == sandik("aggregate", "--run", "night", "--until-end")[0]
    code, out, _ = sandik("verify", "archive", "--run", "night", "--json")

    verdict = orjson.loads(out)
    assert (0, "whole", "log") == (code, verdict["verdict"], verdict["told"])
    assert verdict["state"] == verdict["compared_state"]


def test_a_run_with_other_totals_is_told_apart(sandik: Sandik, night: Path) -> None:
    sandik("simulate", "--run", "other", "--speed", "0", "--seed", "8", "--boxes-per-district", "5")
    sandik("aggregate", "--run", "other", "--until-end")
    code, out, _ = sandik("verify", "archive", "--run", "other", "--json")
    verdict = orjson.loads(out)

    assert (1, "differs") == (code, verdict["verdict"])
    assert verdict["state"] != verdict["compared_state"]


def test_a_tampered_archive_ends_with_1_and_names_the_record(sandik: Sandik, night: Path) -> None:
    segment = night / open_archive(night).segments("tallies")[0].file
    segment.write_bytes(segment.read_bytes()[:-1])
    code, _, err = sandik("verify", "archive")
    json_code, out, _ = sandik("verify", "archive", "--json")

    assert 1 == code == json_code
    assert f"sandik verify: {segment.name}, partition " in err
    assert (segment.name, 0) == (orjson.loads(out)["file"], orjson.loads(out)["offset"])


def test_a_content_hash_that_was_noted_must_be_the_archive_s(sandik: Sandik, night: Path) -> None:
    noted = open_archive(night).manifest.content_hash

    assert 0 == sandik("verify", "archive", "--content-hash", noted)[0]
    code, _, err = sandik("verify", "archive", "--content-hash", "0" * 32)
    assert (1, True) == (code, "it was made anew, or is another archive" in err)


def test_what_is_no_archive_is_said_so(sandik: Sandik, tmp_path: Path) -> None:
    code, _, err = sandik("verify", tmp_path)

    assert 1 == code
    assert "this is no archive" in err


def test_another_run_s_folder_is_refused(sandik: Sandik, night: Path) -> None:
    sandik("simulate", "--run", "other", *NIGHT)
    code, _, err = sandik("archive", "--run", "other", "--out", "archive", "--no-follow")

    assert 2 == code
    assert "archive of another run (run 'night', not 'other'" in err


def second_holds(records: object) -> bool:
    return Path("second/manifest.json").exists() and open_archive(Path("second")).manifest.records == records


async def test_an_archiver_that_is_asked_to_stop_finishes_its_archive(sandik: Sandik, night: Path) -> None:
    """SIGTERM, as a service manager sends it: what was read is written, and the archive is complete."""
    held = open_archive(night).manifest.records
    with Process(["archive", "--run", "night", "--out", "second", "--roll-s", "0.1"]) as archiver:
        archiver.start()
        await until(lambda: second_holds(held))
        os.kill(archiver.pid, signal.SIGTERM)
        assert 0 == await asyncio.to_thread(archiver.wait)

    assert open_archive(Path("second")).manifest.complete
    assert 0 == sandik("verify", "second")[0]


def test_of_an_archive_of_earlier_rules_it_is_said_that_states_were_not_compared(sandik: Sandik, night: Path) -> None:
    manifest = night / MANIFEST
    fields = orjson.loads(manifest.read_bytes()) | {"format": "sandik.archive.v1"}
    manifest.write_bytes(orjson.dumps({name: value for name, value in fields.items() if name != "digest"}))
    code, out, _ = sandik("verify", "archive")
    _, verdict, _ = sandik("verify", "archive", "--json")

    assert (0, True) == (code, "An earlier version of sandik wrote it" in out)
    assert not orjson.loads(verdict)["states_compared"]


@pytest.mark.parametrize("name", ["tallies-00000099.parquet", "more.parquet"])
def test_a_file_that_is_no_part_of_the_archive_is_named(sandik: Sandik, night: Path, name: str) -> None:
    segment = night / open_archive(night).segments("tallies")[0].file
    (night / name).write_bytes(segment.read_bytes())
    code, out, _ = sandik("verify", "archive", "--json")

    assert (1, "broken", name) == (code, orjson.loads(out)["verdict"], orjson.loads(out)["file"])


def test_what_an_archiver_at_work_has_not_named_yet_is_no_fault(sandik: Sandik, night: Path) -> None:
    segment = night / open_archive(night).segments("tallies")[0].file
    with claimed(night):
        (night / "tallies-00000099.parquet").write_bytes(segment.read_bytes())

        assert 0 == sandik("verify", "archive")[0]


def test_an_embedded_log_s_file_is_verified_too(sandik: Sandik, night: Path) -> None:
    code, out, _ = sandik("verify", "var/sandik.db")
    json_code, verdict, _ = sandik("verify", "var/sandik.db", "--json")
    with contextlib.closing(sqlite3.connect("var/sandik.db", isolation_level=None)) as connection:
        connection.execute("UPDATE record SET value = x'00' WHERE id = (SELECT max(id) FROM record)")
    damaged_code, _, err = sandik("verify", "var/sandik.db")

    assert (0, True) == (code, "records are what was appended." in out)
    assert (0, "whole", 0) == (json_code, orjson.loads(verdict)["verdict"], orjson.loads(verdict)["without"])
    assert (1, True) == (damaged_code, "is damaged: it does not give its checksum" in err)
