"""What Prometheus reads of a process that serves nothing else, on a port of its own. Every metric has the run."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from schemas.errors import UsageError

_LOG_ERRORS: Final = ("LogUnavailable", "LogFull")
"""Errors of the log after which a process goes on, served from 0 on for the same reason."""


@contextmanager
def metrics_served(host: str, port: int | None, collector: Collector) -> Iterator[None]:
    """Serve `/metrics` at this address while the block runs; nowhere without a port."""
    if port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UsageError(f"Cannot serve metrics at {host}:{port}: {error.strerror}. Choose another port.") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gauge(name: str, documentation: str, run: str, value: float) -> Metric:
    """What is as high as it is now."""
    return _sampled(GaugeMetricFamily(f"sandik_{name}", documentation, labels=["run"]), {(run,): value}.items())


def counter(name: str, documentation: str, run: str, value: float) -> Metric:
    """What only grows."""
    return _sampled(CounterMetricFamily(f"sandik_{name}", documentation, labels=["run"]), {(run,): value}.items())


def log_errors(role: str, run: str, errors: Mapping[str, int]) -> Metric:
    """What kept a process from the log, by the error's name."""
    family = CounterMetricFamily(
        f"sandik_{role}_log_errors", f"What kept the {role} from the log.", labels=["run", "error"]
    )
    counts = dict.fromkeys(_LOG_ERRORS, 0) | dict(errors)
    return _sampled(family, (((run, error), count) for error, count in sorted(counts.items())))


def _sampled(
    family: GaugeMetricFamily | CounterMetricFamily, samples: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
