from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.liveness import SLOTS, HeartbeatSchedule, Stalls


@given(st.integers(1, 60), st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_everybody_has_one_beat_in_each_heartbeat(clients: int, steps: list[int]) -> None:
    """However the moments at which it is asked fall, as long as they come within a heartbeat of each other."""
    beats: HeartbeatSchedule[int] = HeartbeatSchedule(heartbeat_s=SLOTS, now=0)
    for client in range(clients):
        beats.enter(client)
    heard: Counter[int] = Counter()
    now = 0
    for step in steps:
        now += step
        heard.update(beats.due(now))

    whole, rest = divmod(now, SLOTS)
    assert all(whole <= heard[client] <= whole + (rest > 0) for client in range(clients))


def test_not_everybody_at_once() -> None:
    beats: HeartbeatSchedule[int] = HeartbeatSchedule(heartbeat_s=10, now=100)
    for client in range(1000):
        beats.enter(client)

    assert 1000 // SLOTS == len(beats.due(101))


def test_a_long_silence_is_one_beat_each() -> None:
    beats: HeartbeatSchedule[str] = HeartbeatSchedule(heartbeat_s=10, now=0)
    beats.enter("a")

    assert ["a"] == beats.due(500)


def test_who_left_has_none() -> None:
    beats: HeartbeatSchedule[str] = HeartbeatSchedule(heartbeat_s=10, now=0)
    beats.enter("a")
    beats.leave("a")
    beats.leave("a")

    assert [] == beats.due(10)


UNSENT = {"ann": 5, "bob": 5}


def overdue(stalls: Stalls[str], now: float, **unsent: int) -> list[str]:
    return stalls.overdue((UNSENT | unsent).__getitem__, now)


def test_who_takes_nothing_for_longer_than_there_is_patience_is_overdue_once() -> None:
    stalls = Stalls[str](30)
    stalls.stopped("ann", 5, now=0)
    assert overdue(stalls, 29.9) == []
    assert overdue(stalls, 30) == ["ann"]
    assert overdue(stalls, 99) == []


def test_who_takes_a_little_is_slow_and_stays() -> None:
    stalls = Stalls[str](30)
    stalls.stopped("ann", 5, now=0)
    stalls.stopped("bob", 5, now=0)
    assert overdue(stalls, 20, bob=4) == []
    assert overdue(stalls, 40, bob=4) == ["ann"]
    assert overdue(stalls, 50, bob=4) == ["bob"]


def test_who_takes_all_of_it_is_not_stalled() -> None:
    stalls = Stalls[str](30)
    stalls.stopped("ann", 5, now=0)
    stalls.resumed("ann")
    stalls.resumed("ann")
    assert overdue(stalls, 99) == []


def test_as_many_are_stopped_as_take_no_more() -> None:
    stalls = Stalls[str](30)
    stalls.stopped("ann", 5, now=0)
    stalls.stopped("ann", 7, now=1)
    stalls.stopped("bob", 5, now=0)
    assert 2 == len(stalls)
    stalls.resumed("ann")
    stalls.resumed("ann")
    assert 1 == len(stalls)
