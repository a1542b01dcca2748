from datetime import timedelta

from gateway.admission.access import PUBLIC, Grant
from gateway.clients.audience import Audience
from gateway.clients.session import Follow, Subscription
from tabulation.orders.restrictions import NO_EMBARGO, Embargo
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
