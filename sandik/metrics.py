"""Prometheus metrics of the aggregator and the archiver, served on a port of their own. Every metric has the run."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from eventlog.clock import Clock
from schemas.errors import UsageError
from schemas.quarantine import REASONS

if TYPE_CHECKING:  # at run time each process needs one of the two, and the archiver's brings pyarrow along
    from consumers import aggregate, archive

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
    """Return a gauge with one sample, labelled with the run."""
    return _sampled(GaugeMetricFamily(f"sandik_{name}", documentation, labels=["run"]), {(run,): value}.items())


def counter(name: str, documentation: str, run: str, value: float) -> Metric:
    """Return a counter with one sample, labelled with the run."""
    return _sampled(CounterMetricFamily(f"sandik_{name}", documentation, labels=["run"]), {(run,): value}.items())


def log_errors(role: str, run: str, errors: Mapping[str, int]) -> Metric:
    """Return the counter of errors that kept a process from the log, by the error's name."""
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


_WATCHED: Final = ("overturned", *REASONS)
"""Outcomes that alerts watch: served from 0 on, since Prometheus sees no increase in a series that begins at 1."""


class AggregatorMetrics(Collector):
    """Reads an aggregator's progress when it is scraped."""

    def __init__(self, progress: "aggregate.Progress", clock: Clock) -> None:
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


class ArchiverMetrics(Collector):
    """Reads an archiver's progress when it is scraped."""

    def __init__(self, progress: "archive.Progress", clock: Clock) -> None:
        self._progress = progress
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Every metric, as prometheus-client asks a collector for them."""
        progress, run, now = self._progress, self._progress.run, self._clock.monotonic()
        yield gauge("archiver_records", "Records archived, with those that are in no file yet.", run, progress.archived)
        yield gauge("archiver_lag_records", "Records that the archive lacked at the last look.", run, progress.behind)
        since = progress.unwritten_s
        what = "Since when something is in no file; 0 where all is written."
        yield gauge("archiver_unwritten_age_seconds", what, run, now - since if since is not None else 0)
        if progress.answered_s is not None:
            what = "Since the log last answered."
            yield gauge("archiver_log_age_seconds", what, run, now - progress.answered_s)
        yield log_errors("archiver", run, progress.errors)
