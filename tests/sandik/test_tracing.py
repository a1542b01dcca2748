import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from eventlog.sqlite.log import SqliteLog
from sandik.tracing import ENDPOINT, TracedLog, traced_where_asked
from schemas.errors import UsageError
from tests.builders import counted, small_election, value_of
from tests.simulation.processes import run


async def test_a_night_on_a_traced_log_is_a_night_with_spans(tmp_path: Path) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with TracedLog(SqliteLog(tmp_path / "n.db", Wall()), provider.get_tracer("test")) as log:
        night = await create_run(log, "night", small_election(), mode="test", epoch="e1e1", clock=Wall())
        await log.append(night.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted()))])
        progress = await Aggregator(log, night, Wall()).run_until_end()

    spans = {span.name: dict(span.attributes or {}) for span in exporter.get_finished_spans()}
    assert 1 == progress.published
    assert 2 == spans["append sandik.night.totals"]["messaging.batch.message_count"]  # the totals and their watermark
    assert 1 == spans["read sandik.night.tallies"]["messaging.batch.message_count"]


def test_without_an_endpoint_the_log_stays_as_it_is(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "n.db", Wall())

    assert log is traced_where_asked(log, {})


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(UsageError, match=r"sandik\[otel\]"):
        traced_where_asked(SqliteLog(tmp_path / "n.db", Wall()), {ENDPOINT: "http://127.0.0.1:1"})


def test_a_command_exports_its_spans_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector of our own takes what a real command sends over OTLP."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.server_port}")
        run(
            "simulate",
            "--log",
            f"sqlite:{tmp_path / 'n.db'}",
            "--run",
            "n",
            "--speed",
            "0",
            "--boxes-per-district",
            "1",
        )
        server.shutdown()
        thread.join()

    assert any(b"append sandik.n.tallies" in body for body in bodies)
