"""What Prometheus reads of an aggregator, on a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from consumers.aggregate import Progress
from eventlog.clock import Clock
from schemas.errors import UsageError
from schemas.quarantine import REASONS

_WATCHED: Final = ("overturned", *REASONS)
"""Outcomes that alerts watch: served from 0 on, since Prometheus sees no increase in a series that begins at 1."""


class AggregatorMetrics:
    """Reads an aggregator's progress when it is scraped."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress = progress
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Every metric, as prometheus-client asks a collector for them."""
        progress = self._progress
        tallies = CounterMetricFamily("sandik_aggregator_tallies", "Tallies folded, by outcome.", labels=["outcome"])
        quarantined = CounterMetricFamily("sandik_aggregator_quarantined", "Records set aside.", labels=["reason"])
        for outcome, count in sorted((dict.fromkeys(_WATCHED, 0) | progress.outcomes).items()):
            family = quarantined if outcome in REASONS else tallies
            family.add_metric([outcome], count)
        yield tallies
        yield quarantined
        yield CounterMetricFamily("sandik_aggregator_published", "Totals records published.", value=progress.published)
        yield CounterMetricFamily("sandik_aggregator_compared", "Comparisons published.", value=progress.compared)
        owned = GaugeMetricFamily("sandik_aggregator_partitions", "Partitions owned.", labels=["run"])
        owned.add_metric([progress.run], len(progress.partitions))
        yield owned
        if progress.answered_s is not None and progress.partitions:  # who owns nothing has nothing to ask
            yield GaugeMetricFamily(
                "sandik_aggregator_log_age_seconds",
                "Since the log last answered how far it goes.",
                value=self._clock.monotonic() - progress.answered_s,
            )
        yield GaugeMetricFamily(
            "sandik_aggregator_lag_tallies", "Tallies not folded at the last checkpoint round.", value=progress.behind
        )
        yield GaugeMetricFamily(
            "sandik_aggregator_unverified_orders",
            "Restrictions that are kept though they cannot be verified.",
            value=progress.unverified,
        )


@contextmanager
def metrics_served(host: str, port: int | None, progress: Progress, clock: Clock) -> Iterator[None]:
    """Serve `/metrics` at this address while the block runs; nowhere without a port."""
    if port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(AggregatorMetrics(progress, clock))
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
