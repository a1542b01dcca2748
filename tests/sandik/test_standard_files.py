"""Commands whose standard files are closed, full, gone, or of few characters."""

import errno
import io
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sandik import screen, standard_files
from tests.patience import LIMIT_S

needs_full: Final = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file here is always full")


def run(folder: Path, redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in this folder, with redirections as a shell has them."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-P", "-m", "sandik", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_command_needs_no_standard_files(tmp_path: Path, closed: str) -> None:
    """It opens a log and has an event loop: neither may take the place of what is closed."""
    ended = run(tmp_path, closed, "totals", "--run", "nobody")

    assert 2 == ended.returncode
    assert "" == ended.stdout
    assert ("2>&-" in closed) != ("There is no run 'nobody'" in ended.stderr)


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [pytest.param(">/dev/full", "No space left on device", marks=needs_full), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_told_in_a_line(tmp_path: Path, redirection: str, reason: str) -> None:
    ended = run(tmp_path, redirection, "scenarios")

    assert 1 == ended.returncode
    assert [f"sandik: {reason}. Mend that and try again; --verbose says where it was."] == ended.stderr.splitlines()


def test_where_it_was_is_told_to_whoever_asks(tmp_path: Path) -> None:
    ended = run(tmp_path, ">&-", "--verbose", "scenarios")

    assert 1 == ended.returncode
    assert "Traceback" in ended.stderr


def test_who_has_seen_enough_is_told_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, "| true", "--version")

    assert "" == ended.stderr


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run(tmp_path, "", "schema", "--out", "file/schema.json")

    assert 1 == ended.returncode
    assert "sandik: file" in ended.stderr
    assert "Traceback" not in ended.stderr


class Full(io.StringIO):
    """As a file on a full disk."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", text)


def test_what_cannot_be_said_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the log is on the disk that is full: who waits for room says so, and waits."""
    monkeypatch.setattr(sys, "stderr", Full())
    screen.say("Trying again.")


def test_what_an_encoding_does_not_have_is_written_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    standard_files.repair()
    sys.stdout.write("Şişli")
    sys.stdout.flush()

    assert b"\\u015ei\\u015fli" == written.getvalue()
