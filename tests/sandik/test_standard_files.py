"""Commands whose standard files are closed, full, gone, or of few characters."""

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from sandik import screen
from sandik.screen import MAX_UNWRITTEN_CHARS, WrittenBehind
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


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that nobody reads, and that is full."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"." * 4_096)
    os.set_blocking(write, True)
    yield read, write
    os.close(read)
    os.close(write)


def test_a_reader_of_standard_error_that_stands_still_holds_nothing_up(tmp_path: Path, pipe: tuple[int, int]) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "sandik", "totals", "--run", "nobody"],
        cwd=tmp_path,
        stderr=pipe[1],
        timeout=LIMIT_S,
        check=False,
    )
    assert 2 == ended.returncode


def test_what_a_reader_does_not_take_in_time_is_left_out_and_counted(pipe: tuple[int, int]) -> None:
    read, write = pipe
    behind = WrittenBehind(write, "ascii")
    line = "x" * 1_023 + "\n"
    for _ in range(MAX_UNWRITTEN_CHARS // len(line)):
        behind.write(line)
    behind.write("left out\n")
    behind.write("left out\n")
    taken = b""
    while taken.count(b"\n") < MAX_UNWRITTEN_CHARS // len(line):
        taken += os.read(read, 65_536)
    behind.drain(LIMIT_S)
    behind.write("Şişli\n")
    while not taken.endswith(b"li\n"):
        taken += os.read(read, 65_536)

    assert b"left out\n" not in taken
    assert b"sandik: 2 lines are missing here" in taken
    assert b"\\u015ei\\u015fli\n" in taken


def test_what_an_encoding_does_not_have_is_written_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    screen.repair()
    sys.stdout.write("Şişli")
    sys.stdout.flush()

    assert b"\\u015ei\\u015fli" == written.getvalue()
