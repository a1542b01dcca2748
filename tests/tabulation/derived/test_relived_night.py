"""A night lived through again shows what was on air in the course of it."""

from datetime import timedelta

from schemas.control import Held, Released
from schemas.moments import epoch_ms
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import Given, History, as_given
from tabulation.derived.relived_night import RelivedNight
from tests.builders import NIGHT, counted, small_election, value_of
from tests.gateway.nights import Written
from tests.tabulation.derived.test_history import order, partition_of

ELECTION = small_election()
KEY = b"tr/34/uskudar"
EVER = 2**62


def at(minute: int) -> int:
    return epoch_ms(NIGHT + timedelta(minutes=minute))


def came_in(minute: int, kurum: int) -> Written:
    """A box of so many votes, told at this minute."""
    tally = counted({"kurum": kurum}, box=1001 + minute, at=NIGHT + timedelta(minutes=minute))
    return Written(minute, value_of(tally), at(minute), KEY)


def relived(*given: Given, until: int = 6) -> list[tuple[float, int]]:
    """By minute what everyone was shown of the city."""
    history = History(ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, given), EVER)
    night = RelivedNight(ELECTION, history)
    for minute in range(until):
        night.step(at(minute), {partition_of(KEY): [came_in(minute, 10)]})
    points = night.courses.get(("mayor", "aa", "tr/34"), ())
    return [((point.as_of - NIGHT).total_seconds() / 60, point.of) for point in points]


def test_every_step_has_what_was_there_by_then() -> None:
    assert [(minute, 10 * (minute + 1)) for minute in range(6)] == relived()


def test_what_is_held_is_not_in_it_before_its_release() -> None:
    held, released = Given(0, at(2) + 1, order(Held, 1)), Given(1, at(4) + 1, order(Released, 2))
    assert [(0, 10), (1, 20), (2, 30)] == relived(held)
    assert [(0, 10), (1, 20), (2, 30), (5, 60)] == relived(held, released)


def test_what_is_held_from_the_beginning_is_never_in_it() -> None:
    assert [] == relived(Given(0, at(0) - 1, order(Held, 1)))
