from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.asides import unreported
from schemas.moments import epoch_ms
from schemas.totals import Cell, Totals
from tabulation.counting.event_time import AHEAD_S, effective, is_ahead, surely_not_ahead, timely
from tests.builders import NIGHT, TURKEY, small_election

ELECTION = small_election()


def totals(as_of: datetime) -> Totals:
    return unreported(Cell("mayor", "aa", "tr/34/uskudar"), as_of)


@pytest.mark.parametrize(
    ("at", "counts_as", "is_told"),
    [
        (NIGHT - timedelta(hours=9), NIGHT - timedelta(hours=9), False),
        (NIGHT, NIGHT, False),
        (NIGHT + timedelta(microseconds=999), NIGHT + timedelta(microseconds=999), False),
        (NIGHT + timedelta(seconds=AHEAD_S), NIGHT, False),
        (NIGHT + timedelta(seconds=AHEAD_S, microseconds=1), NIGHT, True),
        (NIGHT.replace(tzinfo=UTC), NIGHT, True),
        (datetime(2199, 12, 31, tzinfo=TURKEY), NIGHT, True),
        (datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC), False),
    ],
)
def test_an_event_time_counts_as_no_later_than_its_append(at: datetime, counts_as: datetime, is_told: bool) -> None:
    found = effective(at, epoch_ms(NIGHT), ELECTION)

    assert (counts_as, at.tzinfo) == (found, found.tzinfo)
    assert is_told == is_ahead(at, epoch_ms(NIGHT), ELECTION)
    assert totals(counts_as) == timely(totals(at), epoch_ms(NIGHT), ELECTION)


@pytest.mark.parametrize(
    ("appended", "is_judged"),
    [
        (datetime(2024, 3, 30, 23, 59, 59, tzinfo=TURKEY), False),
        (datetime(2024, 3, 31, tzinfo=TURKEY), True),
        (datetime(2024, 4, 1, 2, tzinfo=TURKEY), True),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_in_a_rehearsal_before_the_day_of_the_election_no_time_is_ahead(appended: datetime, is_judged: bool) -> None:
    at = NIGHT + timedelta(days=2)

    assert is_judged == is_ahead(at, epoch_ms(appended), ELECTION)
    assert (appended if is_judged else at) == effective(at, epoch_ms(appended), ELECTION)


@given(st.integers(-2_200_000_000, 7_200_000_000), st.integers(0, 2**42))
def test_what_an_event_time_counts_as_is_never_later_and_stays_what_it_is(at_s: int, appended_ms: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s)
    counts_as = effective(at, appended_ms, ELECTION)

    assert counts_as <= at
    assert counts_as == effective(counts_as, appended_ms, ELECTION)


@given(st.lists(st.tuples(st.integers(-86_400, 86_400), st.integers(-300, 300)), min_size=1, max_size=6))
def test_what_is_surely_not_ahead_is_not_ahead(pairs: list[tuple[int, int]]) -> None:
    """Told by one comparison for all that was appended between two moments, in whatever zone."""
    appended = [epoch_ms(NIGHT + timedelta(seconds=seconds)) for seconds, _ in pairs]
    bound = surely_not_ahead(min(appended), max(appended), TURKEY, ELECTION)
    for appended_ms, (seconds, ahead_s) in zip(appended, pairs, strict=True):
        at = NIGHT + timedelta(seconds=seconds + ahead_s)
        assert not (at <= bound and is_ahead(at, appended_ms, ELECTION))


def test_before_the_day_of_the_election_nothing_has_to_be_looked_at() -> None:
    assert surely_not_ahead(0, epoch_ms(NIGHT - timedelta(days=1)), UTC, ELECTION) > NIGHT + timedelta(days=9)
