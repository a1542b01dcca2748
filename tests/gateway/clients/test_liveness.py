from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.liveness import (
    MAX_BATCHES,
    MIN_BATCH_CLIENTS,
    MIN_SPREAD_S,
    RECONNECTS_PER_S,
    SLOTS,
    HeartbeatSchedule,
    Stalls,
    batches,
    goodbye_message,
    retry_after_s,
)
from schemas.wire import SERVER_MESSAGE, Goodbye


@given(st.integers(1, 60), st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_every_client_has_one_slot_in_each_heartbeat(clients: int, steps: list[int]) -> None:
    """However the moments at which it is asked fall, as long as they come within a heartbeat of each other."""
    heartbeats: HeartbeatSchedule[int] = HeartbeatSchedule(heartbeat_s=SLOTS, now=0)
    for client in range(clients):
        heartbeats.enter(client)
    heard: Counter[int] = Counter()
    now = 0
    for step in steps:
        now += step
        heard.update(heartbeats.due(now))

    whole, rest = divmod(now, SLOTS)
    assert all(whole <= heard[client] <= whole + (rest > 0) for client in range(clients))


def test_heartbeats_are_spread_over_the_slots() -> None:
    heartbeats: HeartbeatSchedule[int] = HeartbeatSchedule(heartbeat_s=10, now=100)
    for client in range(1000):
        heartbeats.enter(client)

    assert 1000 // SLOTS == len(heartbeats.due(101))


def test_after_a_long_pause_each_client_is_due_once() -> None:
    heartbeats: HeartbeatSchedule[str] = HeartbeatSchedule(heartbeat_s=10, now=0)
    heartbeats.enter("a")

    assert ["a"] == heartbeats.due(500)


def test_a_client_that_left_has_no_heartbeat() -> None:
    heartbeats: HeartbeatSchedule[str] = HeartbeatSchedule(heartbeat_s=10, now=0)
    heartbeats.enter("a")
    heartbeats.leave("a")
    heartbeats.leave("a")

    assert [] == heartbeats.due(10)


UNSENT = {"ann": 5, "bob": 5}


def overdue(stalls: Stalls[str], now: float, **unsent: int) -> list[str]:
    return stalls.overdue((UNSENT | unsent).__getitem__, now)


def test_a_client_that_takes_nothing_for_too_long_has_stalled_and_is_named_once() -> None:
    stalls = Stalls[str](30)
    stalls.stopped("ann", 5, now=0)
    assert overdue(stalls, 29.9) == []
    assert overdue(stalls, 30) == ["ann"]
    assert overdue(stalls, 99) == []


def test_a_client_that_takes_a_little_is_slow_and_stays() -> None:
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


@pytest.mark.parametrize(("clients", "most_s"), [(0, MIN_SPREAD_S), (10, MIN_SPREAD_S), (10_000, 10.0)])
def test_clients_come_back_over_as_long_as_taking_them_in_lasts(clients: int, most_s: float) -> None:
    assert retry_after_s(clients, 0.0) == 0
    assert retry_after_s(clients, 0.5) == most_s / 2
    assert clients / most_s <= RECONNECTS_PER_S


@given(st.integers(0, 5_000))
def test_a_drains_batches_hold_every_client_once_and_are_of_about_one_size(count: int) -> None:
    clients = list(range(count))
    found = batches(clients)
    assert [client for batch in found for client in batch] == clients
    sizes = [len(batch) for batch in found]
    assert len(sizes) <= MAX_BATCHES
    assert not sizes or max(sizes) - min(sizes) <= 1
    if count <= MIN_BATCH_CLIENTS:
        assert len(sizes) == min(count, 1)


def test_a_goodbye_keeps_to_the_contract() -> None:
    message = goodbye_message(1012, 0.25)
    assert SERVER_MESSAGE.validate_json(message) == Goodbye(type="goodbye", code=1012, retry_after_s=0.25)
    assert orjson.loads(message)["retry_after_s"] == 0.25
