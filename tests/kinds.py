"""How long the tests take, by kind: what every run of pytest prints at its end, and docs/testing.md has in a table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import pytest

MARKED: Final = {"kafka": "Apache Kafka", "browser": "Chromium", "data": "real ballot-box tables"}
"""Kinds that a marker says, and what they need; the first that applies."""

SIMULATION: Final = "simulation"
REST: Final = "everything else"


def kind_of(path: str, marks: Iterable[str]) -> str:
    """The kind of a test in this file with these markers."""
    found = set(marks)
    named = next((kind for kind in MARKED if kind in found), None)
    return named or (SIMULATION if path.startswith("tests/simulation/") else REST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of each kind, summed over its tests, setting up and tearing down included."""
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, set[str]] = defaultdict(set)
    stats: Mapping[str, list[object]] = terminalreporter.stats
    for report in (one for reports in stats.values() for one in reports if isinstance(one, pytest.TestReport)):
        kind = kind_of(report.location[0], report.keywords)
        seconds[kind] += report.duration
        if report.when == "call":
            tests[kind].add(report.nodeid)
    if len(seconds) > 1:
        terminalreporter.section("time by kind, summed over workers")
        for kind in sorted(seconds, key=seconds.__getitem__, reverse=True):
            terminalreporter.write_line(f"{seconds[kind]:8.1f} s  {len(tests[kind]):5} {kind}")
