from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.limits import ConnectionCounts, Limits, Meter, counted_address

LIMITS = Limits(messages_per_s=10, message_burst=20, bytes_per_s=1_000, byte_burst=5_000)


def test_a_burst_is_taken_and_no_more() -> None:
    meter = Meter(LIMITS)
    assert [meter.takes_message(now=7.0) for _ in range(21)] == [True] * 20 + [False]
    assert [meter.takes_bytes(1_000, now=7.0) for _ in range(6)] == [True] * 5 + [False]


def test_whoever_keeps_to_the_rate_is_never_refused() -> None:
    meter = Meter(LIMITS)
    assert all(meter.takes_message(now=number / 10) for number in range(1_000))


def test_whoever_waits_may_burst_again() -> None:
    meter = Meter(LIMITS)
    for start in (0.0, 2.0, 1_000.0):
        assert all(meter.takes_message(now=start) for _ in range(20))


@given(st.lists(st.floats(min_value=0, max_value=0.3), max_size=200))
def test_in_any_stretch_no_more_passes_than_burst_and_rate(pauses: list[float]) -> None:
    meter, now, passed = Meter(LIMITS), 0.0, 0
    for pause in pauses:
        now += pause
        if not meter.takes_message(now):
            break
        passed += 1
    assert passed <= LIMITS.message_burst + LIMITS.messages_per_s * now + 1


def test_connections_are_counted_by_address_and_together() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=3, connections_per_address=2))
    assert [counts.enter("a"), counts.enter("a"), counts.enter("a")] == [None, None, "too_many"]
    assert [counts.enter(None), counts.enter("b")] == [None, "full"]
    counts.leave("a")
    assert [counts.enter("a"), counts.total] == [None, 3]


def test_whoever_is_not_limited_is_counted_in_the_total_only() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=100, connections_per_address=1))
    assert [counts.enter(None) for _ in range(101)] == [None] * 100 + ["full"]


def test_addresses_of_those_who_left_are_forgotten() -> None:
    counts = ConnectionCounts(LIMITS)
    for number in range(1_000):
        assert counts.enter(str(number)) is None
        counts.leave(str(number))
    assert (counts.total, len(counts._by_address)) == (0, 0)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.9.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        (None, None),
        ("unix:", None),
    ],
)
def test_what_an_address_is_counted_as(address: str | None, counted: str | None) -> None:
    assert counted_address(address) == counted


def test_whoever_is_not_limited_leaves_the_total_only() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=2, connections_per_address=1))
    counts.enter("a")
    counts.enter(None)
    counts.leave(None)

    assert ["too_many", None, "full"] == [counts.enter("a"), counts.enter(None), counts.enter("b")]
