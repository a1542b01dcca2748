import urllib.request
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from consumers import archive
from consumers.aggregate import Progress
from eventlog.clock import Manual
from sandik.metrics import AggregatorMetrics, ArchiverMetrics, metrics_served
from schemas.errors import UsageError
from tests.builders import NIGHT
from tests.patience import LIMIT_S
from tests.ports import free_port


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
