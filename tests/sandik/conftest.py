"""The command line, as a test uses it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandik.cli import main

Sandik = Callable[..., tuple[int, str, str]]
"""Runs the command line; returns exit code, standard output and standard error."""


@pytest.fixture
def sandik(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Sandik:
    """Runs it in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sandik", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        out, err = capfd.readouterr()
        return code, out, err

    return run
