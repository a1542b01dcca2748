import sys
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from consumers import archive
from consumers.aggregate import Aggregator, Progress
from eventlog.clock import Manual, Wall
from eventlog.port import Entry
from eventlog.run import create_run
from eventlog.sqlite.log import SqliteLog
from sandik.telemetry import AggregatorMetrics, ArchiverMetrics, TracedLog, metrics_served, traced
from sandik.wiring import open_log
from schemas.errors import UsageError
from tests.builders import NIGHT, counted, small_election, value_of
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.simulation.processes import run


def test_an_aggregators_progress_is_served_while_it_runs() -> None:
    outcomes = Counter({"counted": 7, "stale": 1, "conflict": 2})
    clock = Manual(NIGHT)
    progress = Progress(
        run="night",
        answered_s=clock.monotonic(),
        published=3,
        behind={0: 12, 5: 0},
        kept_s=clock.monotonic() - 3,
        errors=Counter({"LogUnavailable": 2}),
        compared=9,
        partitions=frozenset({0, 5}),
        outcomes=outcomes,
    )
    port = free_port()
    clock.advance(7)
    with metrics_served("127.0.0.1", port, AggregatorMetrics(progress, clock)):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT_S).read().decode()

    for line in (
        'sandik_aggregator_tallies_total{outcome="counted",run="night"} 7.0',
        'sandik_aggregator_quarantined_total{reason="conflict",run="night"} 2.0',
        'sandik_aggregator_quarantined_total{reason="backwards",run="night"} 0.0',
        'sandik_aggregator_tallies_total{outcome="overturned",run="night"} 0.0',
        'sandik_aggregator_published_total{run="night"} 3.0',
        'sandik_aggregator_compared_total{run="night"} 9.0',
        'sandik_aggregator_partitions{run="night"} 2.0',
        'sandik_aggregator_log_age_seconds{run="night"} 7.0',
        'sandik_aggregator_owned{partition="5",run="night"} 1.0',
        'sandik_aggregator_lag_tallies{partition="0",run="night"} 12.0',
        'sandik_aggregator_lag_tallies{partition="5",run="night"} 0.0',
        'sandik_aggregator_checkpoint_age_seconds{run="night"} 10.0',
        'sandik_aggregator_log_errors_total{error="LogUnavailable",run="night"} 2.0',
        'sandik_aggregator_log_errors_total{error="LogFull",run="night"} 0.0',
    ):
        assert line in text


def test_a_port_that_is_taken_says_what_to_do() -> None:
    port = free_port()
    with (
        metrics_served("127.0.0.1", port, CollectorRegistry()),
        pytest.raises(UsageError, match="Choose another"),
        metrics_served("127.0.0.1", port, CollectorRegistry()),
    ):
        pass


def test_without_a_port_nothing_is_served() -> None:
    with metrics_served("127.0.0.1", None, CollectorRegistry()):
        pass


def test_an_archiver_tells_how_old_what_it_holds_back_is() -> None:
    clock = Manual(NIGHT)
    began = clock.monotonic()
    progress = archive.Progress(run="night", archived=30, behind=4, answered_s=began, unwritten_s=began + 2)
    clock.advance(7)
    registry = CollectorRegistry()
    registry.register(ArchiverMetrics(progress, clock))
    text = generate_latest(registry).decode()

    for line in (
        'sandik_archiver_records{run="night"} 30.0',
        'sandik_archiver_lag_records{run="night"} 4.0',
        'sandik_archiver_unwritten_age_seconds{run="night"} 5.0',
        'sandik_archiver_log_age_seconds{run="night"} 7.0',
        'sandik_archiver_log_errors_total{error="LogUnavailable",run="night"} 0.0',
    ):
        assert line in text
    progress.unwritten_s = None
    assert 'sandik_archiver_unwritten_age_seconds{run="night"} 0.0' in generate_latest(registry).decode()


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
    assert isinstance(open_log(f"sqlite:{tmp_path / 'n.db'}", Wall()), SqliteLog)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(UsageError, match=r"sandik\[otel\]"):
        traced(SqliteLog(tmp_path / "n.db", Wall()), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})


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
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
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
