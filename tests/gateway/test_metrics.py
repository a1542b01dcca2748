from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics, Reading
from schemas.wire import Feed
from tests.builders import NIGHT

READING = Reading(
    ready=True,
    connections=7,
    stalled=1,
    groups=2,
    seq=18,
    behind=3,
    log_age_s=12.5,
    skipped=0,
    stale=4,
    unverified=2,
    feeds={
        "aa": Feed(state="quiet", last_event=NIGHT, age_s=74.0),
        "anka": Feed(state="live", last_event=None, age_s=None),
    },
)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.expose().decode())
        for sample in family.samples
    }


def test_gauges_are_read_when_they_are_scraped() -> None:
    found = samples(Metrics(lambda: READING))

    names = ("ready", "connections", "groups", "seq", "lag_seq", "log_age_seconds", "unverified_orders")
    assert (1, 7, 2, 18, 3, 12.5, 2) == tuple(found[f"sandik_gateway_{name}", ()] for name in names)


def test_a_run_says_into_how_many_partitions_it_is_divided_once_there_is_one() -> None:
    found = samples(Metrics(lambda: replace(READING, run="night", partitions=8)))
    assert 8 == found["sandik_gateway_run_partitions", ("night",)]
    assert "run_partitions" not in Metrics(lambda: READING).expose().decode()


def test_a_feed_has_its_age_and_one_state() -> None:
    found = samples(Metrics(lambda: READING))

    assert 74 == found["sandik_feed_age_seconds", ("aa",)]
    assert ("sandik_feed_age_seconds", ("anka",)) not in found
    assert 0 == found["sandik_feed_set_aside", ("aa",)]
    assert [("quiet", 1), ("stale", 0)] == [(s, found["sandik_feed_state", ("aa", s)]) for s in ("quiet", "stale")]


def test_a_turn_counts_what_it_sent_and_how_long_that_had_waited() -> None:
    metrics = Metrics(lambda: READING)
    for appended_ms, key in ((1_000, b"a"), (1_010, b"a"), (1_020, b"b")):
        metrics.folded(appended_ms, key)
    metrics.turned(1_050, frames=10, size_bytes=3_000)

    found = samples(metrics)
    assert (10, 3000, 3, 1) == tuple(
        found[f"sandik_gateway_{name}_total", ()]
        for name in ("frames", "sent_bytes", "folded_records", "conflated_updates")
    )
    assert 3 == found["sandik_gateway_send_delay_seconds_count", ()]
    assert 0.12 == found["sandik_gateway_send_delay_seconds_sum", ()]


def test_a_turn_with_nothing_to_send_changes_nothing() -> None:
    metrics = Metrics(lambda: READING)
    before = samples(metrics)
    metrics.turned(1_050, frames=0, size_bytes=0)

    def but_times(found: dict[tuple[str, tuple[str, ...]], float]) -> dict[tuple[str, tuple[str, ...]], float]:
        return {key: value for key, value in found.items() if not key[0].endswith("_created")}

    assert but_times(before) == but_times(samples(metrics))
