"""How a gateway is doing: what Prometheus reads at `/metrics`, and whether clients should be sent here. Pure.

Labels of metrics name runs, workers, sources and states; never a figure of the night. How a gateway is doing is told to
everybody who may scrape it. What would let one count what has come in is told only to who may see numbers: under an
embargo that is the control room, and everybody else reads the rest.

Moments are monotonic seconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from schemas.wire import Feed, FeedState

DELAYS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets from a tenth of a tick to a log that was away: fine around the tick (0.05 s), where a night lives."""

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

LAG_STEP: Final = 1_000
"""Without numbers the lag is rounded down to so many records: what an alert asks for, and no count."""

AGE_STEP_S: Final = 10
"""Without numbers the age of the log's last answer is rounded down to the time between two looks at the log's end.

Every record that comes makes the log's answer young: the exact age would tell when something came in.
"""

LOG_ERRORS: Final = ("LogRefused", "LogUnavailable", "LoopEnded", "PositionLost")
"""What keeps a gateway from the log, served from 0 on: Prometheus sees no increase in a series that begins at 1."""

_LABELS: Final = ("run", "worker")


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
    partitions: int = 0
    """Into how many partitions the run's tallies are divided, each of which an aggregator should own; 0: no run yet."""


def shown_age_s(age_s: float, *, numbers: bool) -> float:
    """The age of the log's last answer, as exactly as may be told."""
    return age_s if numbers else age_s // AGE_STEP_S * AGE_STEP_S


class Metrics:
    """Counts what moves; asks `read` for the rest when it is scraped.

    Every sample has the `run` that is followed and the `worker`, by which the processes behind one port are told apart.
    """

    def __init__(self, run: str, worker: int, read: Callable[[], Reading]) -> None:
        self._own = (run, str(worker))
        self._read = read
        self._counts = CollectorRegistry()
        self._errors = dict.fromkeys(LOG_ERRORS, 0)
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
            _LABELS,
            buckets=DELAYS_S,
            registry=self._counts,
        ).labels(*self._own)
        self._waiting: list[int] = []
        self._cells: set[bytes | None] = set()

    def folded(self, appended_ms: int, key: bytes | None) -> None:
        """Count a folded record, appended at `appended_ms` of the log's time; the next turn sends what it changed."""
        self._waiting.append(appended_ms)
        self._cells.add(key)

    def turned(self, now_ms: int, frames: int, size_bytes: int) -> None:
        """Count what a turn has sent. `now_ms` is in the log's own time."""
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

    def log_failed(self, error: Exception) -> None:
        """Count an error that has kept the gateway from the log."""
        name = type(error).__name__
        self._errors[name] = self._errors.get(name, 0) + 1

    def expose(self, *, numbers: bool) -> bytes:
        """The text that Prometheus scrapes; without `numbers` nothing by which one could count what has come in."""
        registry = CollectorRegistry()
        registry.register(_Readings(self._own, self._read(), dict(self._errors), numbers=numbers))
        return generate_latest(registry) + (generate_latest(self._counts) if numbers else b"")

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"sandik_gateway_{name}", documentation, _LABELS, registry=self._counts).labels(*self._own)


def workers_up(run: str, answered: Mapping[int, bool]) -> bytes:
    """Which of a port's workers has answered a scrape, as text to be added to what they answered."""
    up = GaugeMetricFamily("sandik_gateway_worker_up", "1 where the worker has answered this scrape.", labels=_LABELS)
    for worker, has_answered in sorted(answered.items()):
        up.add_metric([run, str(worker)], float(has_answered))
    registry = CollectorRegistry()
    registry.register(_Made(up))
    return generate_latest(registry)


class _Made(Collector):
    """A metric that is made already."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


class _Readings(Collector):
    """Gauges and counters as they are at one moment."""

    def __init__(self, own: tuple[str, str], reading: Reading, errors: dict[str, int], *, numbers: bool) -> None:
        self._own = own
        self._reading = reading
        self._errors = errors
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        reading, numbers = self._reading, self._numbers
        behind = reading.behind if numbers else reading.behind // LAG_STEP * LAG_STEP
        for name, what, value in (
            ("ready", "1 where clients should be sent here: GET /readyz says why not.", reading.ready),
            ("log_age_seconds", "Since the log last answered.", shown_age_s(reading.log_age_s, numbers=numbers)),
            ("connections", "Clients connected.", reading.connections),
            ("stalled_connections", "Clients whose socket takes nothing at the moment.", reading.stalled),
            ("groups", "Groups of clients that share every frame.", reading.groups),
            ("lag_seq", "Positions of the totals topic that are known and not in the view yet.", behind),
            ("unverified_orders", "Restrictions that are kept though they cannot be verified.", reading.unverified),
            ("withheld", "1 where what counts the night is kept from this scrape by an embargo.", not numbers),
        ):
            yield self._gauge(name, what, value)
        if reading.partitions:
            yield self._gauge("run_partitions", "Partitions of the run that is followed.", reading.partitions)
        errors = CounterMetricFamily(
            "sandik_gateway_log_errors", "What kept the gateway from the log.", labels=[*_LABELS, "error"]
        )
        for error, count in sorted(self._errors.items()):
            errors.add_metric([*self._own, error], count)
        yield errors
        yield from self._states()
        if numbers:
            yield from self._counted()

    def _counted(self) -> Iterator[Metric]:
        reading = self._reading
        yield self._gauge("seq", "Positions of the totals topic that are in the view.", reading.seq)
        yield self._gauge("skipped_records", "Records that could not be used.", reading.skipped)
        yield self._gauge("stale_records", "Records that were not newer than what was held.", reading.stale)
        labels = [*_LABELS, "source"]
        age = GaugeMetricFamily("sandik_feed_age_seconds", "Since a source's last change came in.", labels=labels)
        aside = GaugeMetricFamily(
            "sandik_feed_set_aside", "Statements of a source that its figures do not show.", labels=labels
        )
        for source, feed in sorted(reading.feeds.items()):
            aside.add_metric([*self._own, source], feed.set_aside)
            if feed.age_s is not None:
                age.add_metric([*self._own, source], feed.age_s)
        yield age
        yield aside

    def _states(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "sandik_feed_state", "1 for the state that a source is in.", labels=[*_LABELS, "source", "state"]
        )
        for source, feed in sorted(self._reading.feeds.items()):
            for name in get_args(FeedState):
                state.add_metric([*self._own, source, name], float(feed.state == name))
        yield state

    def _gauge(self, name: str, documentation: str, value: float) -> Metric:
        gauge = GaugeMetricFamily(f"sandik_gateway_{name}", documentation, labels=_LABELS)
        gauge.add_metric(self._own, float(value))
        return gauge


Code = Literal["starting", "ending", "unverified", "log_refused", "log_silent"]


class Reason(NamedTuple):
    """One reason against sending clients here: a code with its parameters, by which a page says it in its own language.

    `sentence` says the same in English.
    """

    code: Code
    sentence: str
    values: Mapping[str, int | str] = {}


@dataclass(slots=True)
class LogContact:
    """What is known of the log's answers. A read that brings nothing is none: the connection may be gone."""

    answered_at: float
    """When the log last answered; before it ever did, when it was first asked."""
    reachable: bool = True
    refused: str | None = None
    """Why the log does not let us, where that is so."""
    end: int = 0
    """How far the totals topic went when the log last said so."""

    def answered(self, now: float, end: int = 0) -> None:
        """The log has answered at this moment; the totals topic went up to `end`, where that was asked."""
        self.answered_at = now
        self.reachable = True
        self.refused = None
        self.end = max(self.end, end)

    def refuses(self, reason: str) -> bool:
        """The log refuses us; whether that is news."""
        is_news, self.refused, self.reachable = self.refused != reason, reason, False
        return is_news

    def age_s(self, now: float) -> float:
        """How long ago the log last answered."""
        return max(0.0, now - self.answered_at)


def unready(
    *,
    waits_for: str | None,
    is_ending: bool = False,
    unverified: str | None = None,
    orders: Sequence[str] = (),
    refused: str | None = None,
    log_age_s: float,
    log_limit_s: float,
) -> tuple[Reason, ...]:
    """The reasons against sending clients here; none where it is ready.

    `waits_for` says what the gateway itself still waits for, or, if `is_ending`, that it is about to end; `None` where
    all is well.
    `unverified` says, and `orders` names, the operators' restrictions that it keeps though it cannot verify them: it
    serves its clients, so that they can be lifted, but is not what its operators meant it to be. `refused` says why
    the log lets us read nothing.
    """
    reasons = []
    if waits_for is not None:
        reasons.append(Reason("ending" if is_ending else "starting", waits_for))
    if unverified is not None:
        reasons.append(Reason("unverified", unverified, {"orders": ", ".join(orders)}))
    if refused is not None:
        reasons.append(Reason("log_refused", refused))
    if log_age_s > log_limit_s:
        sentence = (
            f"The log last answered {log_age_s:.0f} s ago, and {log_limit_s:.0f} s is the limit: what is shown here may"
            " be old. Look at the log and at the network to it."
        )
        reasons.append(Reason("log_silent", sentence, {"age_s": round(log_age_s), "limit_s": round(log_limit_s)}))
    return tuple(reasons)
