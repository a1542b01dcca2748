"""`sandik restore`, as it is typed: orders go on counting, and the feed goes on."""

from pathlib import Path

import pytest

from eventlog.archive import open_archive
from eventlog.archive_files import MANIFEST
from tests.sandik.conftest import Sandik

NIGHT = ("--mode", "live", "--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")
RUN = ("--run", "night")
CELL = ("--contest", "metropolitan_mayor", "--source", "aa", "--unit", "tr/34/adalar")
OTHER = ("--log", "sqlite:other.db")


@pytest.fixture
def keys(sandik: Sandik) -> tuple[str, str]:
    """An operator's private key and the public one, as files."""
    assert 0 == sandik("token", "--new-key", "operator.pem")[0]
    public = next(str(path) for path in Path().glob("operator*") if path.name != "operator.pem")
    return "operator.pem", public


@pytest.fixture
def archive(sandik: Sandik, keys: tuple[str, str]) -> Path:
    """A live night with signed orders in the log, and its archive."""
    who = (*RUN, "--by", "A. Kaya", "--reason", "a test", "--key", keys[0], "--yes")
    assert 0 == sandik("simulate", *RUN, *NIGHT)[0]
    assert 0 == sandik("aggregate", *RUN, "--until-end", "--operator-key", keys[1])[0]
    for order in (("override", *CELL, "votes.imamoglu=7"), ("embargo", "--until", "lifted")):
        code, _, err = sandik("control", *order, *who)
        assert 0 == code, err
    assert 0 == sandik("archive", *RUN, "--out", "archive", "--no-follow")[0]
    return Path("archive").resolve()


def told(sandik: Sandik, public: str, *log: str) -> tuple[str, str, str]:
    """What whoever asks is told of the run: the audit, the control room's totals and the state."""
    assert 0 == sandik("aggregate", *RUN, *log, "--until-end", "--operator-key", public)[0]
    audit = sandik("control", "log", *RUN, *log, "--operator-key", public)[1]
    totals = sandik("totals", *RUN, *log, "--tell", "control_room", "--operator-key", public)[1]
    return audit, totals, sandik("totals", *RUN, *log, "--hash")[1]


def test_a_restored_live_run_tells_what_it_told(sandik: Sandik, archive: Path, keys: tuple[str, str]) -> None:
    code, _, err = sandik("restore", "archive", *RUN, *OTHER)
    assert (0, True) == (code, "Restored run 'night' (live, epoch " in err), err

    before, after = told(sandik, keys[1]), told(sandik, keys[1], *OTHER)
    assert before == after
    assert "A. Kaya" in after[0]
    assert "no effect" not in after[0]
    assert 0 == sandik("simulate", *RUN, *NIGHT, *OTHER)[0]
    assert 0 == sandik("archive", *RUN, *OTHER, "--out", "archive", "--no-follow")[0]
    assert 0 == sandik("verify", "archive")[0]


def test_a_run_is_not_restored_over_itself_once_it_is_used(sandik: Sandik, archive: Path) -> None:
    code, _, err = sandik("restore", "archive", *RUN)

    assert (2, True) == (code, "somebody works with it already" in err)


def test_an_archive_that_is_not_whole_is_not_restored(sandik: Sandik, archive: Path) -> None:
    segment = archive / open_archive(archive).segments("tallies")[0].file
    segment.write_bytes(segment.read_bytes()[:-1])

    assert 2 == sandik("restore", "archive", *RUN, *OTHER)[0]
    assert not Path("other.db").exists()


def test_what_an_archiver_that_was_killed_may_have_missed_is_said(sandik: Sandik, archive: Path) -> None:
    manifest = open_archive(archive).manifest.model_copy(update={"complete": False})
    (archive / MANIFEST).write_bytes(manifest.encode())
    code, _, err = sandik("restore", "archive", *RUN, *OTHER)

    assert (0, True) == (code, "what came after 20" in err)
