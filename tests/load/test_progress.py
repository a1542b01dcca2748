import io

import pytest
from rich.console import Console

from sandik.load.outcome import Outcome
from sandik.load.progress import line, phase, progress
from tests.load.plans import outcome, plan


def test_a_line_says_how_far_it_is_and_how_it_goes() -> None:
    assert (
        "measuring 12 s of 30 s · 4 of 4 connected · 100 frames/s · 48 KiB/s · p50 34,9 ms, p99 59,4 ms · 0 faults"
        == (line(outcome(), 12.3))
    )


def test_before_anything_was_timed_there_is_a_dash() -> None:
    assert "p50 —, p99 —" in line(Outcome(plan()), 0.0)


@pytest.mark.parametrize(
    ("elapsed_s", "interrupted", "said"),
    [(1, False, "connecting"), (11, False, "measuring"), (31, False, "catching up"), (11, True, "catching up")],
)
def test_what_is_going_on_is_said(elapsed_s: float, interrupted: bool, said: str) -> None:
    assert said == phase(Outcome(plan(), interrupted=interrupted), elapsed_s)


@pytest.mark.parametrize(("terminal", "lines"), [(False, 2), (True, 0)])
def test_without_a_terminal_there_is_a_line_now_and_then(
    terminal: bool, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal one line is written over, and nothing is left of it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=200)
    monkeypatch.setattr("sandik.load.progress.terminal", lambda: console)
    with progress() as show:
        for second in range(20):
            show(outcome(), float(second))

    shown = written.getvalue() + capsys.readouterr().err
    assert lines == sum("connected" in each for each in shown.split("\n")[:-1] if "\x1b" not in each)
