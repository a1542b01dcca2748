"""What our processes tell of themselves: metrics for Prometheus and, where it is asked for, OpenTelemetry's spans.

The aggregator and the archiver serve their metrics on a port of their own. Every metric has the run.

A span is made for each append and each read that brought something, around the log's port, so neither the folds nor the
gateway know of it. Spans are exported where `OTEL_EXPORTER_OTLP_ENDPOINT` says, if the extra is installed:
`pip install "sandik[otel]"`. Attributes are named by OpenTelemetry's semantic conventions for messaging.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from eventlog.clock import Clock
from eventlog.port import Batch, Entry, EventLog, Membership, Reader, Topic, TopicFinding
from schemas.errors import UsageError
from schemas.quarantine import REASONS

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from consumers import aggregate, archive


_LOG_ERRORS: Final = ("LogUnavailable", "LogFull", "LogSilent")
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


def traced(log: EventLog, environment: Mapping[str, str]) -> EventLog:
    """The log with spans, exported as OpenTelemetry's own environment says. Raises `UsageError` without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  optional
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            'OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install "sandik[otel]".'
        ) from error
    provider = TracerProvider(
        resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", "sandik")})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return TracedLog(log, provider.get_tracer("sandik"))


class TracedLog:
    """An event log whose appends and reads are spans."""

    def __init__(self, log: EventLog, tracer: "Tracer") -> None:
        self._log = log
        self._tracer = tracer

    async def __aenter__(self) -> Self:
        await self._log.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._log.__aexit__(*error)

    async def create(self, topics: Sequence[Topic]) -> None:
        await self._log.create(topics)

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        return await self._log.check(topics)

    async def exists(self, topic: str) -> bool:
        return await self._log.exists(topic)

    async def partitions(self, topic: str) -> int:
        return await self._log.partitions(topic)

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        attributes: dict[str, str | int] = {
            "messaging.operation.name": "append",
            "messaging.destination.name": topic,
            "messaging.batch.message_count": len(entries),
            "messaging.message.body.size": sum(len(entry.value) for entry in entries),
        }
        with self._tracer.start_as_current_span(f"append {topic}", attributes=attributes):
            await self._log.append(topic, entries)

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        return _TracedReader(self._log.reader(topic, positions), topic, self._tracer)

    def member(self, topic: str, group: str, name: str | None = None) -> Membership:
        return self._log.member(topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._log.end_offsets(topic)

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await self._log.offsets_at(topic, timestamp)

    def partition_of(self, key: bytes, partitions: int) -> int:
        return self._log.partition_of(key, partitions)


class _TracedReader:
    """A reader that marks each read that brought something with a span; how long it waited is the feed's matter."""

    def __init__(self, reader: Reader, topic: str, tracer: "Tracer") -> None:
        self._reader = reader
        self._topic = topic
        self._tracer = tracer

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._reader.__aexit__(*error)

    @property
    def positions(self) -> Mapping[int, int]:
        return self._reader.positions

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        batches = await self._reader.read(max_records=max_records, wait_ms=wait_ms)
        if batches:
            attributes: dict[str, str | int] = {
                "messaging.operation.name": "read",
                "messaging.destination.name": self._topic,
                "messaging.batch.message_count": sum(len(batch.records) for batch in batches),
            }
            self._tracer.start_span(f"read {self._topic}", attributes=attributes).end()
        return batches
