"""What Prometheus reads of an archiver."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from consumers.archive import Progress
from eventlog.clock import Clock
from sandik.metrics import gauge, log_errors


class ArchiverMetrics(Collector):
    """Reads an archiver's progress when it is scraped."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
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
