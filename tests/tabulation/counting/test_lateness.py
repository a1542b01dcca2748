from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from schemas.progress import Late
from tabulation.counting.lateness import Lateness, Now
from tests.gateway.nights import Written


def tallies(*times_ms: int, first: int = 0) -> Sequence[Written]:
    return [Written(offset, b"", at_ms) for offset, at_ms in enumerate(times_ms, first)]


def at(now_ms: int) -> Now:
    return Now(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=now_ms), now_ms / 1_000)


def test_what_is_published_within_a_tick_is_not_late() -> None:
    lateness = Lateness(1_000)
    lateness.begin(0, 0)
    lateness.folded(0, tallies(10, 1_010), at(1_010))

    assert [] == lateness.owed([0], at(1_010))


def test_tallies_of_a_longer_time_that_are_published_at_once_are_late_from_the_first_on() -> None:
    lateness = Lateness(1_000)
    lateness.begin(1, 3)
    lateness.caught_up([1])
    lateness.folded(1, tallies(0, 1, 2, 500, first=0), at(0))
    lateness.folded(1, tallies(1_501, first=4), at(0))
    lateness.folded(0, tallies(0, 9_000), at(0))

    assert [Late(partition=0, offset=0), Late(partition=1, offset=3)] == lateness.owed([1, 0, 1], at(0))


def test_a_tally_that_waited_here_is_late() -> None:
    lateness = Lateness(1_000)
    lateness.folded(0, tallies(0), at(5_000))

    assert [] == lateness.owed([0], at(6_000))
    assert [Late(partition=0, offset=0)] == lateness.owed([0], at(6_001))


def test_a_tally_that_waited_for_anybody_is_late_until_the_partition_is_caught_up() -> None:
    lateness = Lateness(1_000)
    lateness.begin(0, 0)
    lateness.folded(0, tallies(0), at(5_000))
    assert [Late(partition=0, offset=0)] == lateness.owed([0], at(5_000))

    lateness.publish({0: 1})
    lateness.folded(0, tallies(1, first=1), at(5_000))
    assert [Late(partition=0, offset=1)] == lateness.owed([0], at(5_000))

    lateness.publish({0: 2})
    lateness.caught_up([0])
    lateness.folded(0, tallies(2, first=2), at(5_000))
    assert [] == lateness.owed([0], at(5_000))


def test_what_comes_late_after_a_partition_was_found_empty_is_late_too() -> None:
    """Nobody knows yet how fast its tallies come: the reader may have been brought nothing since it was taken up."""
    lateness = Lateness(1_000)
    lateness.begin(0, 0)
    lateness.publish({0: 0})
    lateness.caught_up([0])
    lateness.folded(0, tallies(3_000), at(5_000))

    assert [Late(partition=0, offset=0)] == lateness.owed([0], at(5_000))


def test_a_tally_that_was_read_later_than_others_is_late_whatever_the_clocks_say() -> None:
    """A reader that stood still, or was brought nothing for a time; the log's clock is 50 seconds behind ours."""
    lateness = Lateness(1_000)
    lateness.folded(0, tallies(0), at(50_010))
    lateness.publish({0: 1})
    lateness.folded(0, tallies(1_000, first=1), at(52_000))
    assert [] == lateness.owed([0], at(52_010))

    lateness.publish({0: 2})
    lateness.folded(0, tallies(3_000, first=2), at(54_000))
    assert [Late(partition=0, offset=2)] == lateness.owed([0], at(54_011))


def test_where_the_clock_of_the_log_is_set_back_no_tally_is_late_for_that() -> None:
    lateness = Lateness(1_000)
    lateness.folded(0, tallies(8_000, 9_000), at(9_000))
    lateness.publish({0: 2})
    lateness.folded(0, tallies(2_000, first=2), at(9_100))
    assert [] == lateness.owed([0], at(9_100))

    lateness.publish({0: 3})
    lateness.folded(0, tallies(2_200, first=3), at(10_300))
    assert [Late(partition=0, offset=3)] == lateness.owed([0], at(10_301))


def test_what_was_published_before_is_not_late() -> None:
    lateness = Lateness(1_000)
    lateness.begin(0, 2)
    lateness.folded(0, tallies(0, 9_000), at(9_000))
    lateness.folded(0, [], at(9_000))

    assert [] == lateness.owed([0], at(9_000))


def test_a_partition_that_is_taken_up_anew_is_as_others_left_it() -> None:
    lateness = Lateness(1_000)
    lateness.folded(0, tallies(0, 9_000), at(0))
    lateness.begin(0, 2)

    assert [] == lateness.owed([0], at(0))
