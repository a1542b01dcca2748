"""`compose.yaml` and the `Containerfile`, as far as they can be checked without a container engine."""

import re
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
    assert SERVICES[service]["restart"] == "on-failure"


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


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_gateways_health_is_whether_it_is_ready(status: int, healthy: bool) -> None:
    kind, program, *arguments = SERVICES["gateway"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    with answering(status) as (port, asked):
        here = [argument.replace(":8765/", f":{port}/").replace("=3)", f"={LIMIT_S})") for argument in arguments]
        done = subprocess.run([sys.executable, *here], check=False, capture_output=True, timeout=LIMIT_S)
    assert asked == ["/readyz"]
    assert (done.returncode == 0) == healthy


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
