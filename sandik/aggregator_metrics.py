"""What Prometheus reads of an aggregator."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from consumers.aggregate import Progress
from eventlog.clock import Clock
from sandik.metrics import counter, gauge, log_errors
from schemas.quarantine import REASONS

_WATCHED: Final = ("overturned", *REASONS)
"""Outcomes that alerts watch: served from 0 on, since Prometheus sees no increase in a series that begins at 1."""


class AggregatorMetrics(Collector):
    """Reads an aggregator's progress when it is scraped."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress = progress
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Every metric, as prometheus-client asks a collector for them."""
        yield from self._outcomes()
        yield from self._partitions()
        yield from self._log()

    def _outcomes(self) -> Iterator[Metric]:
        progress, run = self._progress, self._progress.run
        tallies = CounterMetricFamily(
            "sandik_aggregator_tallies", "Tallies folded, by outcome.", labels=["run", "outcome"]
        )
        quarantined = CounterMetricFamily(
            "sandik_aggregator_quarantined", "Records set aside.", labels=["run", "reason"]
        )
        for outcome, count in sorted((dict.fromkeys(_WATCHED, 0) | progress.outcomes).items()):
            family = quarantined if outcome in REASONS else tallies
            family.add_metric([run, outcome], count)
        yield tallies
        yield quarantined
        yield counter("aggregator_published", "Totals records published.", run, progress.published)
        yield counter("aggregator_compared", "Comparisons published.", run, progress.compared)

    def _partitions(self) -> Iterator[Metric]:
        progress = self._progress
        yield gauge("aggregator_partitions", "Partitions owned.", progress.run, len(progress.partitions))
        owned = GaugeMetricFamily(
            "sandik_aggregator_owned", "1 for each partition that is owned.", labels=["run", "partition"]
        )
        lag = GaugeMetricFamily(
            "sandik_aggregator_lag_tallies",
            "Tallies not folded when the last checkpoint round began.",
            labels=["run", "partition"],
        )
        for partition in sorted(progress.partitions):
            owned.add_metric([progress.run, str(partition)], 1)
            if partition in progress.behind:
                lag.add_metric([progress.run, str(partition)], progress.behind[partition])
        yield owned
        yield lag

    def _log(self) -> Iterator[Metric]:
        progress, run, now = self._progress, self._progress.run, self._clock.monotonic()
        if progress.partitions:  # who owns nothing has nothing to ask, and nothing to keep
            for name, what, moment_s in (
                ("log_age_seconds", "Since the log last answered.", progress.answered_s),
                ("checkpoint_age_seconds", "Since the last checkpoint round was done.", progress.kept_s),
            ):
                if moment_s is not None:
                    yield gauge(f"aggregator_{name}", what, run, now - moment_s)
        what = "Restrictions that are kept though they cannot be verified."
        yield gauge("aggregator_unverified_orders", what, run, progress.unverified)
        yield log_errors("aggregator", run, progress.errors)
