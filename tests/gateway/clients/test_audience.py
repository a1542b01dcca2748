from collections import Counter
from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.access import PUBLIC, Grant
from gateway.clients.audience import (
    MAX_BATCHES,
    MIN_BATCH_CLIENTS,
    MIN_SPREAD_S,
    RECONNECTS_PER_S,
    SLOTS,
    Audience,
    HeartbeatSchedule,
    Stalls,
    batches,
    goodbye_message,
    retry_after_s,
)
from gateway.clients.session import Follow, Subscription
from schemas.wire import SERVER_MESSAGE, Goodbye
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.gateway.nights import START

CONTROL_ROOM = Grant("control_room", "desk", START + timedelta(hours=1))


def follow(name: str) -> Follow:
    return Follow(Subscription(name, "mayor", "aa", frozenset({"tr"})), None)


def audience(embargo: Embargo = NO_EMBARGO) -> Audience[str]:
    made: Audience[str] = Audience()
    made.enter("viewer", PUBLIC)
    made.enter("desk", CONTROL_ROOM)
    made.embargo = embargo
    made.look(START)
    return made


def test_without_an_embargo_everybody_sees() -> None:
    assert [audience().sees(client) for client in ("viewer", "desk", "stranger")] == [True, True, True]


def test_in_an_embargo_only_the_control_room_sees() -> None:
    made = audience(Embargo())
    assert [made.sees(client) for client in ("viewer", "desk", "stranger")] == [False, True, False]
    assert made.unseeing(["viewer", "desk"]) == ["viewer"]


def test_the_look_that_lifts_the_curtain_says_so_once() -> None:
    made = audience(Embargo(until=START + timedelta(minutes=1)))
    assert [made.look(START + timedelta(seconds=second)) for second in (59, 60, 61)] == [False, True, False]


def test_what_was_kept_is_given_once_and_the_newest_of_each_id() -> None:
    made = audience(Embargo())
    old, new = follow("s1"), follow("s1")
    made.keep("viewer", old)
    made.keep("viewer", new)
    made.keep("viewer", follow("s2"))
    made.drop("viewer", "s2")
    made.drop("stranger", "s2")
    ((client, kept),) = made.release_kept()
    assert client == "viewer"
    assert kept is new
    assert made.release_kept() == []


def test_who_leaves_takes_everything_along() -> None:
    made = audience(Embargo())
    made.keep("viewer", follow("s1"))
    for client in ("viewer", "desk", "stranger"):
        made.leave(client)
    assert made.release_kept() == []
    assert made.grant("desk") == PUBLIC


def test_tokens_run_out() -> None:
    made = audience()
    assert made.expired(START) == []
    assert made.expired(START + timedelta(hours=1)) == ["desk"]


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
