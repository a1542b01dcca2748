"""The alert rules, tried by Prometheus' own tool on nights that go wrong; and what a person woken by one finds."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from tests.patience import LIMIT_S

PROMETHEUS = Path(__file__).parents[2] / "deploy/prometheus"
RUNBOOK = (PROMETHEUS.parents[1] / "docs/runbook.md").read_text()
GROUPS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
NIGHTS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus' own tool; in CI nothing is skipped for the want of it."""
    return shutil.which("promtool") or _go_without("no promtool: install Debian's package prometheus")


def _go_without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize(
    "arguments",
    [("test", "rules", "alerts_test.yml"), ("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")],
    ids=" ".join,
)
def test_prometheus_own_tool_finds_nothing_wrong(promtool: str, arguments: tuple[str, ...]) -> None:
    command = [promtool, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROMETHEUS, timeout=LIMIT_S)

    assert done.returncode == 0, done.stdout + done.stderr


def expected(name: str) -> list[bool]:
    """Whether the alert is expected to fire, each time that a night asks for it."""
    asked = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    return [
        bool(case["exp_samples"]) for night in NIGHTS for case in night["promql_expr_test"] if asked in case["expr"]
    ]


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_every_alert_is_seen_to_fire_and_seen_to_be_silent(name: str) -> None:
    assert {True, False} == set(expected(name))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_a_section_of_the_runbook(rule: dict[str, Any]) -> None:
    heading = re.search(rf"^## {rule['alert']}\n\n(.+?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)

    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert heading is not None
    for question in ("**What it means.**", "**What to look at.**", "**What to do.**"):
        assert question in heading[1]


def test_the_runbook_has_no_section_about_an_alert_that_is_gone() -> None:
    assert {rule["alert"] for rule in RULES} == set(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE))


def test_what_is_counted_for_a_run_is_never_added_to_another_runs() -> None:
    """A rehearsal beside the night would hide that nobody folds the night, or wake somebody for nothing."""
    for rule in RULES:
        for labels in re.findall(r"\b(?:sum|max|min|count) (?:by \(([\w, ]+)\) )?\((?!up\b)", rule["expr"]):
            assert "run" in labels, rule["alert"]
