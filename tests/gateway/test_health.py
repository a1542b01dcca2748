"""What is scraped of a gateway, whether clients should be sent to it, and every reason why not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import AGE_STEP_S, LAG_STEP, LogContact, Metrics, Reading, unready, workers_up
from schemas.errors import LogUnavailable
from schemas.fields import MAX_TOTAL
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


def samples(metrics: Metrics, *, numbers: bool = True) -> dict[tuple[str, tuple[str, ...]], float]:
    """What is exposed, by name and the values of the labels that are not on every sample."""
    found = {}
    for family in text_string_to_metric_families(metrics.expose(numbers=numbers).decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert ("night", "2") == (labels.pop("run"), labels.pop("worker"))
            found[sample.name, tuple(labels.values())] = sample.value
    return found


def test_gauges_are_read_when_they_are_scraped() -> None:
    found = samples(Metrics("night", 2, lambda: READING))

    names = ("ready", "connections", "groups", "seq", "lag_seq", "log_age_seconds", "unverified_orders")
    assert (1, 7, 2, 18, 3, 12.5, 2) == tuple(found[f"sandik_gateway_{name}", ()] for name in names)


def test_a_run_says_into_how_many_partitions_it_is_divided_once_there_is_one() -> None:
    found = samples(Metrics("night", 2, lambda: replace(READING, partitions=8)))
    assert 8 == found["sandik_gateway_run_partitions", ()]
    assert "run_partitions" not in Metrics("night", 2, lambda: READING).expose(numbers=True).decode()


def test_a_feed_has_its_age_and_one_state() -> None:
    found = samples(Metrics("night", 2, lambda: READING))

    assert 74 == found["sandik_feed_age_seconds", ("aa",)]
    assert ("sandik_feed_age_seconds", ("anka",)) not in found
    assert 0 == found["sandik_feed_set_aside", ("aa",)]
    assert [("quiet", 1), ("stale", 0)] == [(s, found["sandik_feed_state", ("aa", s)]) for s in ("quiet", "stale")]


def test_a_turn_counts_what_it_sent_and_how_long_that_had_waited() -> None:
    metrics = Metrics("night", 2, lambda: READING)
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
    metrics = Metrics("night", 2, lambda: READING)
    before = samples(metrics)
    metrics.turned(1_050, frames=0, size_bytes=0)

    def but_times(found: dict[tuple[str, tuple[str, ...]], float]) -> dict[tuple[str, tuple[str, ...]], float]:
        return {key: value for key, value in found.items() if not key[0].endswith("_created")}

    assert but_times(before) == but_times(samples(metrics))


@given(
    seq=st.integers(0),
    behind=st.integers(0, LAG_STEP - 1),
    log_age_s=st.floats(0, AGE_STEP_S - 0.001),
    skipped=st.integers(0),
    feed_age_s=st.floats(0, 60) | st.none(),
    set_aside=st.integers(0, MAX_TOTAL),
    appended_ms=st.lists(st.integers(0, 2_000)),
)
def test_without_numbers_nothing_depends_on_how_much_has_come_in(
    seq: int,
    behind: int,
    log_age_s: float,
    skipped: int,
    feed_age_s: float | None,
    set_aside: int,
    appended_ms: list[int],
) -> None:
    feed = Feed(state="live", last_event=NIGHT, age_s=feed_age_s, set_aside=set_aside)
    quiet = replace(READING, behind=0, log_age_s=0.0, feeds={"aa": Feed(state="live", last_event=None, age_s=None)})
    reading = replace(
        quiet, seq=seq, behind=behind, log_age_s=log_age_s, skipped=skipped, stale=skipped, feeds={"aa": feed}
    )
    busy = Metrics("night", 2, lambda: reading)
    for appended in appended_ms:
        busy.folded(appended, b"a")
    busy.turned(2_000, len(appended_ms), 100)

    assert Metrics("night", 2, lambda: quiet).expose(numbers=False) == busy.expose(numbers=False)


def test_without_numbers_everything_that_wakes_somebody_is_still_told() -> None:
    metrics = Metrics("night", 2, lambda: replace(READING, behind=2_345, log_age_s=61.0, partitions=8))
    metrics.log_failed(LogUnavailable("The broker is away."))

    found = samples(metrics, numbers=False)
    names = ("ready", "connections", "lag_seq", "log_age_seconds", "unverified_orders", "run_partitions", "withheld")
    assert (1, 7, 2_000, 60, 2, 8, 1) == tuple(found[f"sandik_gateway_{name}", ()] for name in names)
    assert 1 == found["sandik_gateway_log_errors_total", ("LogUnavailable",)]
    assert 0 == found["sandik_gateway_log_errors_total", ("PositionLost",)]
    assert 1 == found["sandik_feed_state", ("aa", "quiet")]
    assert 0 == samples(metrics)["sandik_gateway_withheld", ()]


def test_which_workers_have_answered_is_told_of_each() -> None:
    text = workers_up("night", {2: False, 1: True}).decode()

    assert text.splitlines()[2:] == [
        'sandik_gateway_worker_up{run="night",worker="1"} 1.0',
        'sandik_gateway_worker_up{run="night",worker="2"} 0.0',
    ]


MOMENTS = st.floats(min_value=0, max_value=1e6)


def test_a_gateway_that_waits_for_nothing_and_whose_log_answers_is_ready() -> None:
    assert () == unready(waits_for=None, log_age_s=60, log_limit_s=60)


def test_every_reason_is_told() -> None:
    waits, silent = unready(waits_for="Looking for run 'x'.", log_age_s=61.2, log_limit_s=60)
    assert ("starting", "Looking for run 'x'.", {}) == waits
    assert "61 s ago" in silent.sentence
    assert ("log_silent", {"age_s": 61, "limit_s": 60}) == (silent.code, silent.values)
    (ends,) = unready(waits_for="Ask another one.", is_ending=True, log_age_s=0, log_limit_s=60)
    assert "ending" == ends.code
    assert 1 == len(unready(waits_for=None, log_age_s=61.2, log_limit_s=60))


@given(st.lists(MOMENTS, max_size=9).map(sorted), MOMENTS)
def test_the_log_is_as_old_as_its_last_answer_and_never_younger_than_nothing(answers: list[float], now: float) -> None:
    contact = LogContact(0.0)
    for moment in answers:
        contact.answered(moment)
    assert max(0.0, now - max(answers, default=0.0)) == contact.age_s(now)


def test_an_answer_makes_a_lost_log_reachable_and_its_end_never_steps_back() -> None:
    contact = LogContact(0.0, reachable=False)
    contact.answered(1.0, 7)
    contact.answered(2.0)
    assert (True, 7, 2.0) == (contact.reachable, contact.end, contact.answered_at)


def test_a_log_that_refuses_us_is_a_reason_until_it_answers() -> None:
    contact = LogContact(0.0)
    assert [True, False] == [contact.refuses("It does not know this password.") for _ in range(2)]
    refused = unready(waits_for=None, refused=contact.refused, log_age_s=0, log_limit_s=60)
    assert (refused, contact.reachable) == ((("log_refused", "It does not know this password.", {}),), False)
    contact.answered(1.0)
    assert (contact.refused, contact.reachable) == (None, True)


def test_restrictions_that_cannot_be_verified_are_a_reason_of_their_own() -> None:
    reasons = unready(
        waits_for=None,
        unverified="Orders that cannot be verified are kept.",
        orders=["held (3)", "embargo_set (7)"],
        log_age_s=0,
        log_limit_s=60,
    )
    kept = ("unverified", "Orders that cannot be verified are kept.", {"orders": "held (3), embargo_set (7)"})
    assert (kept,) == reasons
