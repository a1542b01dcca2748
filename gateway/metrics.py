"""What Prometheus reads at `/metrics`. Labels name sources, states and codes; never a figure of the night."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from schemas.wire import Feed, FeedState

DELAYS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets from a tenth of a tick to a log that was away: fine around the tick (0.05 s), where a night lives."""

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Reading:
    """How the gateway is at the moment."""

    ready: bool
    connections: int
    stalled: int
    groups: int
    seq: int
    behind: int
    """Positions of the totals topic that the view has not folded yet, as far as is known."""
    log_age_s: float
    """How long ago the log last answered."""
    skipped: int
    stale: int
    unverified: int
    feeds: dict[str, Feed]
    run: str = ""
    partitions: int = 0
    """Into how many partitions the run's tallies are divided, each of which an aggregator should own; 0: no run yet."""


class Metrics:
    """Counts what moves; asks `read` for the rest when it is scraped."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Readings(read))
        self._frames = self._counter("frames", "Frames written to clients.")
        self._bytes = self._counter("sent_bytes", "Bytes written to clients.")
        self._folded = self._counter("folded_records", "Records of the totals topic that were folded.")
        self._conflated = self._counter(
            "conflated_updates",
            "Updates that were not sent, because a newer one of the same cell went out with the turn.",
        )
        self._delay = Histogram(
            "sandik_gateway_send_delay_seconds",
            "From the append of a totals record to the turn that sent it.",
            buckets=DELAYS_S,
            registry=self._registry,
        )
        self._waiting: list[int] = []
        self._cells: set[bytes | None] = set()

    def folded(self, appended_ms: int, key: bytes | None) -> None:
        """A record was folded; the next turn sends what it changed."""
        self._waiting.append(appended_ms)
        self._cells.add(key)

    def turned(self, now_ms: int, frames: int, size_bytes: int) -> None:
        """A turn sent so much. `now_ms` is in the log's own time."""
        if frames:
            self._frames.inc(frames)
            self._bytes.inc(size_bytes)
        if self._waiting:
            self._folded.inc(len(self._waiting))
            self._conflated.inc(len(self._waiting) - len(self._cells))
            for appended_ms in self._waiting:
                self._delay.observe(max(0, now_ms - appended_ms) / 1000)
            self._waiting.clear()
            self._cells.clear()

    def expose(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"sandik_gateway_{name}", documentation, registry=self._registry)


class _Readings:
    """Gauges, read when they are scraped."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        reading = self._read()
        for name, what, value in (
            ("ready", "1 where clients should be sent here: GET /readyz says why not.", reading.ready),
            ("log_age_seconds", "Since the log last answered.", reading.log_age_s),
            ("connections", "Clients connected.", reading.connections),
            ("stalled_connections", "Clients whose socket takes nothing at the moment.", reading.stalled),
            ("groups", "Groups of clients that share every frame.", reading.groups),
            ("seq", "Positions of the totals topic that are in the view.", reading.seq),
            ("lag_seq", "Positions of the totals topic that are known and not in the view yet.", reading.behind),
            ("skipped_records", "Records that could not be used.", reading.skipped),
            ("unverified_orders", "Restrictions that are kept though they cannot be verified.", reading.unverified),
            ("stale_records", "Records that were not newer than what was held.", reading.stale),
        ):
            yield GaugeMetricFamily(f"sandik_gateway_{name}", what, value=float(value))
        if reading.partitions:
            divided = GaugeMetricFamily(
                "sandik_gateway_run_partitions", "Partitions of the run that is followed.", labels=["run"]
            )
            divided.add_metric([reading.run], reading.partitions)
            yield divided
        yield from _feeds(reading.feeds)


def _feeds(feeds: dict[str, Feed]) -> Iterator[Metric]:
    age = GaugeMetricFamily("sandik_feed_age_seconds", "Since a source's last change came in.", labels=["source"])
    state = GaugeMetricFamily("sandik_feed_state", "1 for the state that a source is in.", labels=["source", "state"])
    aside = GaugeMetricFamily(
        "sandik_feed_set_aside", "Statements of a source that its figures do not show.", labels=["source"]
    )
    for source, feed in sorted(feeds.items()):
        aside.add_metric([source], feed.set_aside)
        if feed.age_s is not None:
            age.add_metric([source], feed.age_s)
        for name in get_args(FeedState):
            state.add_metric([source, name], float(feed.state == name))
    yield age
    yield state
    yield aside
