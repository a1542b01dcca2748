import urllib.request
from collections import Counter

import pytest

from consumers.aggregate import Progress
from eventlog.clock import Manual, Wall
from sandik.metrics import metrics_served
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
        behind=12,
        compared=9,
        partitions=frozenset({0, 5}),
        outcomes=outcomes,
    )
    port = free_port()
    clock.advance(7)
    with metrics_served("127.0.0.1", port, progress, clock):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT_S).read().decode()

    for line in (
        'sandik_aggregator_tallies_total{outcome="counted"} 7.0',
        'sandik_aggregator_quarantined_total{reason="conflict"} 2.0',
        'sandik_aggregator_quarantined_total{reason="backwards"} 0.0',
        'sandik_aggregator_tallies_total{outcome="overturned"} 0.0',
        "sandik_aggregator_published_total 3.0",
        "sandik_aggregator_compared_total 9.0",
        'sandik_aggregator_partitions{run="night"} 2.0',
        "sandik_aggregator_log_age_seconds 7.0",
        "sandik_aggregator_lag_tallies 12.0",
    ):
        assert line in text


def test_a_port_that_is_taken_says_what_to_do() -> None:
    port = free_port()
    with (
        metrics_served("127.0.0.1", port, Progress(), Wall()),
        pytest.raises(UsageError, match="Choose another"),
        metrics_served("127.0.0.1", port, Progress(), Wall()),
    ):
        pass


def test_without_a_port_nothing_is_served() -> None:
    with metrics_served("127.0.0.1", None, Progress(), Wall()):
        pass
