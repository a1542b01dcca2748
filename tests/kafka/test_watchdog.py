"""The watchdog that ends a broker with whoever started it; here it watches something smaller."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import LIMIT_S

WATCHDOG = Path(__file__).parent / "watchdog.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log").touch()
    return folder


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that says it is there and then waits for ever, under a watchdog."""
    command = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(1000)"]
    with subprocess.Popen(
        [sys.executable, str(WATCHDOG), str(folder), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield process
        assert process.stdout.read() == "", "it ended when the command did"


@pytest.mark.parametrize("order", ["stop\n", "kill\n"])
def test_an_order_ends_the_command_and_keeps_the_folder(folder: Path, order: str) -> None:
    with watched(folder) as process:
        _tell(process, order)
    assert process.returncode == 0
    assert (folder / "log").exists()


@pytest.mark.parametrize("order", ["stop\n", "kill\n"])
def test_a_command_that_was_stopped_where_it_was_goes_on_and_ends(folder: Path, order: str) -> None:
    with watched(folder) as process:
        _tell(process, f"pause\nresume\n{order}")
    assert process.returncode == 0
    assert (folder / "log").exists()


def test_the_end_of_the_input_ends_the_command_and_removes_the_folder(folder: Path) -> None:
    """It comes when the starter closes it, and also when the starter is killed."""
    with watched(folder) as process:
        _tell(process, "")
    assert process.returncode == 0
    assert not folder.exists()


def _tell(process: subprocess.Popen[str], order: str) -> None:
    assert process.stdin is not None
    process.stdin.write(order)
    process.stdin.close()
    process.wait(LIMIT_S)
