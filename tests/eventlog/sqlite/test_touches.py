"""Touching a file tells whoever watches it, in any process; what cannot tell is not relied on."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from eventlog.sqlite.touches import Touches, touch
from tests.patience import LIMIT_S

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def touches(file: Path) -> Iterator[Touches]:
    watched = Touches.watch(file)
    assert watched is not None
    with closing(watched):
        yield watched


@needs_inotify
def test_touches_are_told_until_they_are_cleared(file: Path, touches: Touches) -> None:
    before = touches.clear()
    touch(file)
    touch(file)
    assert (False, True, False) == (before, touches.clear(), touches.clear())


@needs_inotify
def test_a_touch_of_another_process_is_told(file: Path, touches: Touches) -> None:
    program = "import sys, pathlib, eventlog.sqlite.touches as t; t.touch(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=LIMIT_S)
    assert touches.clear()


@needs_inotify
def test_what_is_written_to_the_file_is_no_touch(file: Path, touches: Touches) -> None:
    """Checkpoints write to it, and are nothing that readers wait for."""
    file.write_bytes(b"a checkpoint")
    assert not touches.clear()


def test_a_file_that_is_not_there_is_neither_touched_nor_watched(tmp_path: Path) -> None:
    touch(tmp_path / "none.db")
    assert Touches.watch(tmp_path / "none.db") is None


def library(**functions: object) -> SimpleNamespace:
    return SimpleNamespace(**functions)


@pytest.mark.parametrize(
    "functions",
    [
        pytest.param({}, id="another system"),
        pytest.param({"inotify_init1": lambda _: -1}, id="no more of them for this user"),
    ],
)
def test_a_system_that_does_not_let_us_watch_is_not_relied_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, functions: dict[str, object]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library(**functions))
    assert Touches.watch(file) is None


@pytest.mark.parametrize("watched", [-1, 1], ids=["it is refused", "nothing is told"])
def test_a_file_system_that_tells_nothing_is_not_relied_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, watched: int
) -> None:
    silent, end = os.pipe()
    os.set_blocking(silent, False)
    functions = library(inotify_init1=lambda _: silent, inotify_add_watch=lambda *_: watched)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: functions)
    try:
        assert Touches.watch(file) is None
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(silent)
    finally:
        os.close(end)
