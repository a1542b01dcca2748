from gateway.clients.stalls import Stalls

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
