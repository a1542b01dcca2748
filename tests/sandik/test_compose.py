"""`compose.yaml` and the `Containerfile`, as far as they can be checked without a container engine."""

import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer
import yaml

from sandik.cli import app
from tests.patience import LIMIT_S

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
CONTAINERFILE = (ROOT / "Containerfile").read_text()


def parsed(service: str) -> dict[str, Any]:
    """What our command line makes of the service's command; it refuses what it does not know."""
    name, *arguments = SERVICES[service]["command"]
    command = typer.main.get_command(app)
    with command.make_context("sandik", [name, *arguments]) as context:
        found = command.get_command(context, name)  # type: ignore[attr-defined]  # it is a group
        assert found is not None
        with found.make_context(name, arguments, parent=context) as inner:
            return dict(inner.params)


def test_there_is_a_service_of_each_kind() -> None:
    assert sorted(SERVICES) == [
        "aggregate",
        "alertmanager",
        "archive",
        "gateway",
        "grafana",
        "kafka",
        "prometheus",
        "proxy",
        "simulator",
    ]
    assert OURS == ["aggregate", "archive", "gateway", "simulator"]
    assert SERVICES["aggregate"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("service", OURS)
def test_a_services_command_is_one_of_ours(service: str) -> None:
    parameters = parsed(service)
    inside = re.search(r"INSIDE://([\w:]+)", SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    assert inside is not None
    assert parameters["log"] == f"kafka://{inside[1]}"
    assert parameters["run"] == "demo"


@pytest.mark.parametrize("service", OURS)
def test_our_services_come_from_the_containerfile_and_wait_for_kafka(service: str) -> None:
    build = SERVICES[service]["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).is_file()
    assert SERVICES[service]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert SERVICES[service]["restart"] == ("on-failure" if service == "simulator" else "unless-stopped")


def test_the_gateway_believes_the_proxy_and_nobody_else() -> None:
    """Else all viewers share the limit of one address; and the proxy names the client last, whatever it brought."""
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert [network["subnet"]] == list(parsed("gateway")["trusted_proxy"])
    nginx = (ROOT / "deploy" / "nginx.conf").read_text()
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in nginx


def test_kafka_is_the_version_that_is_tested() -> None:
    pom = ET.parse(ROOT / "tests/kafka/pom.xml").getroot()  # noqa: S314  our own file
    versions = {
        dependency.findtext("{*}artifactId"): dependency.findtext("{*}version")
        for dependency in pom.iter("{http://maven.apache.org/POM/4.0.0}dependency")
    }
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"


def test_kafkas_data_outlives_its_container() -> None:
    [mount] = SERVICES["kafka"]["volumes"]
    volume, _, target = mount.partition(":")
    assert volume in COMPOSE["volumes"]
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == target


def test_kafkas_health_is_asked_where_it_listens() -> None:
    port = SERVICES["kafka"]["healthcheck"]["test"][-1].rpartition(":")[2]
    assert f"INSIDE://:{port}" in SERVICES["kafka"]["environment"]["KAFKA_LISTENERS"]


def test_the_gateway_is_published_where_it_listens() -> None:
    parameters = parsed("gateway")
    assert (parameters["host"], parameters["port"]) == ("0.0.0.0", 8765)  # noqa: S104  inside its container
    proxy = (ROOT / "deploy/nginx.conf").read_text()
    assert f"server gateway:{parameters['port']} " in proxy
    assert SERVICES["proxy"]["ports"] == ["8765:8765"]
    assert "listen 8765;" in proxy
    assert f"EXPOSE {parameters['port']}" in CONTAINERFILE


@pytest.mark.parametrize(
    ("service", "path"), [("gateway", "/readyz"), ("aggregate", "/metrics"), ("archive", "/metrics")]
)
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_a_services_health_is_asked_where_it_answers(service: str, path: str, status: int, healthy: bool) -> None:
    kind, program, *arguments = SERVICES[service]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    where = f":{parsed(service)['port' if service == 'gateway' else 'metrics_port']}/"
    assert where in arguments[-1]
    with answering(status) as (port, asked):
        here = [argument.replace(where, f":{port}/").replace("=3)", f"={LIMIT_S})") for argument in arguments]
        done = subprocess.run([sys.executable, *here], check=False, capture_output=True, timeout=LIMIT_S)
    assert asked == [path]
    assert (done.returncode == 0) == healthy


def test_compose_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    """By Debian's docker-compose, which needs no engine for that; it is older than a project's name in the file."""
    program = shutil.which("docker-compose")
    if program is None:
        why = "no docker-compose: install Debian's package docker-compose"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    nameless = tmp_path / "compose.yaml"
    nameless.write_text(re.sub(r"^name: .+$", "", (ROOT / "compose.yaml").read_text(), flags=re.MULTILINE))
    command = [str(program), "--project-name", "sandik", "--file", str(nameless), "config", "--quiet"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_bounded_watched_and_started_again(service: str) -> None:
    found = SERVICES[service]
    limits = found["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory"}
    assert found["pids_limit"] > 0
    assert found["restart"] in {"unless-stopped", "on-failure"}
    assert found["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "no-new-privileges:true" in found["security_opt"]
    assert "healthcheck" in found or service == "simulator"  # which ends with its night


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"kafka"}))
def test_every_service_but_the_broker_writes_only_where_it_is_told(service: str) -> None:
    """The broker's own start writes its settings into its image."""
    found = SERVICES[service]
    assert found["read_only"] is True
    assert "/tmp" in found["tmpfs"]  # noqa: S108  in the container
    assert found["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_volume_is_declared(service: str) -> None:
    sources = {mount.split(":")[0] for mount in SERVICES[service].get("volumes", ())}
    assert {source for source in sources if not source.startswith("./")} <= COMPOSE["volumes"].keys()


def test_prometheus_scrapes_what_the_services_serve_and_tells_the_alert_manager() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    scraped = {
        name: discovered["port"]
        for job in config["scrape_configs"]
        for discovered in job["dns_sd_configs"]
        for name in discovered["names"]
    }
    assert scraped == {
        "gateway": parsed("gateway")["port"],
        "aggregate": parsed("aggregate")["metrics_port"],
        "archive": parsed("archive")["metrics_port"],
    }
    (alerting,) = config["alerting"]["alertmanagers"]
    assert alerting["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    assert {parsed(service)["metrics_host"] for service in ("aggregate", "archive")} == {"0.0.0.0"}  # noqa: S104


def test_metrics_are_not_for_who_comes_through_the_proxy() -> None:
    nginx = (ROOT / "deploy/nginx.conf").read_text()
    assert re.search(r"location = /metrics \{\s+return 404;\s+\}", nginx)


def test_every_alert_goes_to_somebody_and_what_follows_from_another_is_not_told() -> None:
    config = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    receivers = {receiver["name"] for receiver in config["receivers"]}
    routes = [config["route"], *config["route"]["routes"]]
    matchers = [m for rule in config["inhibit_rules"] for m in rule["source_matchers"] + rule["target_matchers"]]

    assert {route["receiver"] for route in routes} == receivers
    assert {name for matcher in matchers for name in re.findall(r"[A-Z]\w+", matcher)} <= alerts


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """A server on this machine that answers with one status, and notes what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def test_the_image_holds_every_package_at_pinned_versions_and_is_not_root() -> None:
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    copied = {source.rstrip("/") for line in sources for source in line.split()}
    missing = [source for source in copied if not (ROOT / source).exists()]
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert missing == []
    assert set(built["packages"]) <= copied
    assert "-c constraints/dev.txt" in CONTAINERFILE
    assert re.search(r"^USER (?!root)", CONTAINERFILE, re.MULTILINE)


def test_the_archive_outlives_its_container_and_can_be_written_to() -> None:
    [mount] = SERVICES["archive"]["volumes"]
    volume, _, target = mount.partition(":")
    workdir = re.findall(r"^WORKDIR (\S+)$", CONTAINERFILE, re.MULTILINE)[-1]
    assert volume in COMPOSE["volumes"]
    assert Path(target) == (Path(workdir) / parsed("archive")["out"]).parent
    assert f"install --directory --owner=sandik {target}" in CONTAINERFILE
