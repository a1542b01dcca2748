"""What Prometheus and Grafana are given: readable, and about metrics that there are."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from consumers import archive
from consumers.aggregate import Progress
from eventlog.clock import Manual
from gateway.health import Metrics, Reading, workers_up
from sandik.telemetry import AggregatorMetrics, ArchiverMetrics
from schemas.wire import Feed
from tests.builders import NIGHT

DEPLOY = Path(__file__).parents[2] / "deploy"
GROUPS = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
ALERTS: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
PANELS: list[dict[str, Any]] = json.loads((DEPLOY / "grafana/dashboards/sandik.json").read_text())["panels"]
QUERIES = [rule["expr"] for rule in ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]]


def exposed() -> set[str]:
    """The names of everything that a gateway and an aggregator expose."""
    feed = Feed(state="live", last_event=NIGHT, age_s=1.0)
    reading = Reading(True, 1, 0, 1, 1, 0, 0.0, 0, 0, 0, {"aa": feed}, 8)
    clock = Manual(NIGHT)
    progress = Progress(
        partitions=frozenset({0}), behind={0: 1}, answered_s=0.0, kept_s=0.0, outcomes=Counter({"counted": 1})
    )
    registry = CollectorRegistry()
    registry.register(AggregatorMetrics(progress, clock))
    registry.register(ArchiverMetrics(archive.Progress(answered_s=0.0), clock))
    text = Metrics("night", 1, lambda: reading).expose(numbers=True).decode() + generate_latest(registry).decode()
    text += workers_up("night", {1: True}).decode()
    return set(re.findall(r"^(\w+?)(?:\{.*\})? ", text, re.MULTILINE))


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_is_about_metrics_that_there_are(query: str) -> None:
    asked = set(re.findall(r"\bsandik_\w+", query))

    assert asked <= exposed()
    assert asked or "up{" in query


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert {"summary", "description", "runbook"} == rule["annotations"].keys()


def test_what_is_mounted_is_there() -> None:
    compose = yaml.safe_load((DEPLOY.parent / "compose.yaml").read_text())
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", ())]

    assert all((DEPLOY.parent / mount).exists() for mount in mounts if mount.startswith("./"))


def test_every_panel_has_a_title_and_its_own_place() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]

    assert len(set(places)) == len(PANELS)
    assert all(panel["title"] for panel in PANELS)
