"""The machine beside a naive oracle that knows every state the night ever had, where it is had, when to come back."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandik.client.night import MAX_RETAINED, Retry, field_in, may_reconnect, reason_in, stream_url, token_in
from sandik.client.subscription import Subscription, Wanted
from schemas.errors import UsageError
from tests.client.player import Player, plain
from tests.client.server import PLACES, UNITS, WANTED, Server

SLOW = [HealthCheck.too_slow]  # every draw is a step of a night, on a machine that others use, too


def shown(player: Player) -> dict[str, Any]:
    """What screens see, by unit."""
    return {unit: player.night.entry("mayor", "aa", unit) for unit in UNITS}


def table(subscription: Subscription) -> dict[str, Any]:
    """What a subscription holds, as the oracle would write it."""
    view = Player([], [f"mayor aa {unit}" for unit in subscription.table or ()])
    view.night._subscriptions[subscription.id] = subscription
    return {place.split(" ")[2]: entry for place, entry in view.look()["newest"].items()}


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=False))
def test_whatever_comes_the_view_is_the_state_at_its_cursor(chance: Random) -> None:
    server = Server(chance)
    player = Player(WANTED, PLACES)
    for step in server.steps(40):
        cursors = {one.id: (one.epoch, one.seq) for one in player.night._subscriptions.values()}
        player.play(step)
        for place, one in enumerate(player.wanted):
            subscription = player.night._subscriptions.get(one.id)
            if subscription is None or subscription.table is None or subscription.epoch is None:
                continue
            truth = server.states[subscription.epoch][subscription.seq]
            assert plain(server._among(place, truth)) == table(subscription)
            if step["do"] == "receive" and step["message"]["type"] == "delta":
                assert (subscription.epoch, subscription.seq) >= cursors[subscription.id]


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=False))
def test_a_held_view_moves_only_when_it_is_taken_and_then_to_the_newest(chance: Random) -> None:
    player = Player(WANTED, PLACES)
    for step in Server(chance).steps(40):
        held, before = player.night.holding, shown(player)
        player.play(step)
        if held and step["do"] not in {"take", "release"}:
            assert before == shown(player)
        elif step["do"] in {"take", "release"}:
            newest = {unit: player.night.newest("mayor", "aa", unit) for unit in UNITS}
            assert newest == shown(player)
            assert 0 == player.night.pending


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=False))
def test_what_is_pending_is_what_a_take_would_change(chance: Random) -> None:
    player = Player(WANTED, PLACES)
    for step in Server(chance).steps(40):
        player.play(step)
        if player.night.holding:
            seen = shown(player)
            newest = {unit: player.night.newest("mayor", "aa", unit) for unit in UNITS}
            assert player.night.pending == sum(seen[unit] != newest[unit] for unit in UNITS)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.randoms(use_true_random=False))
def test_nothing_is_blanked_but_by_a_snapshot(chance: Random) -> None:
    player = Player(WANTED, PLACES)
    for step in Server(chance).steps(40):
        before = shown(player)
        player.play(step)
        snapshot = step["do"] == "receive" and step["message"]["type"] == "snapshot"
        if not snapshot and step["do"] not in {"subscribe", "unsubscribe", "take", "release"}:
            assert [] == [unit for unit in UNITS if before[unit] and not shown(player)[unit]], step


def test_what_nobody_follows_any_more_is_kept_within_limits() -> None:
    player = Player([], [])
    for number in range(2 * MAX_RETAINED):
        player.night.subscribe(Wanted("mayor", "aa", (f"tr/{number}",))).close()
    kept = player.night._subscriptions.values()
    assert MAX_RETAINED == len(kept)
    assert f"tr/{2 * MAX_RETAINED - 1}" in {one.wanted.units[0] for one in kept}


def test_a_handle_closed_twice_is_closed_once() -> None:
    player = Player([], [])
    wanted = Wanted("mayor", "aa", ("tr",))
    first, second = player.night.subscribe(wanted), player.night.subscribe(wanted)
    first.close()
    first.close()
    player.night.opened()

    assert ["subscribe"] == [message["type"] for message in player.look()["sent"]]
    second.close()
    assert ["unsubscribe"] == [message["type"] for message in player.look()["sent"]]


def test_who_is_not_let_in_or_has_ended_it_sends_nothing_more() -> None:
    refused, closed = Player([], []), Player([], [])
    for player in (refused, closed):
        player.night.opened()
    refused.night.refuse(401)
    closed.night.closed()
    for player, status, code in ((refused, "refused", 401), (closed, "closed", None)):
        player.night.subscribe(Wanted("mayor", "aa", ("tr",)))
        seen = player.look()

        assert (status, code, []) == (seen["status"], seen["code"], seen["sent"])
        assert [["connection", {"status": status, "code": code}]] == seen["told"]


def test_before_the_first_state_nothing_is_said_to_be_held() -> None:
    night = Player(WANTED, PLACES).night

    assert ((), (), {}) == (night.held, night.held_in_part, night.graphics)


def test_taking_and_releasing_what_is_not_held_does_nothing() -> None:
    player = Player([], [])
    player.night.take()
    player.night.release()
    player.night.hold()
    player.night.hold()
    assert [["pending", {"pending": 0.0}]] == player.look()["told"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host:8765", "ws://host:8765/v1/stream"),
        ("https://host/?contest=x&token=t", "wss://host/v1/stream"),
        ("ws://host:1/v1/stream?token=t", "ws://host:1/v1/stream"),
        ("wss://host", "wss://host/v1/stream"),
    ],
)
def test_every_address_leads_to_the_stream(url: str, expected: str) -> None:
    assert expected == stream_url(url)


@pytest.mark.parametrize("url", ["host:8765", "ftp://host", "", "/v1/stream"])
def test_what_is_no_address_is_refused_with_a_good_one(url: str) -> None:
    with pytest.raises(UsageError, match="ws://localhost:8765/v1/stream"):
        stream_url(url)


def test_an_address_may_bring_a_token() -> None:
    assert "t" == token_in("http://host/?token=t")
    assert token_in("http://host/") is None


def test_pauses_double_to_a_limit_and_are_jittered_from_nothing() -> None:
    retry = Retry(first_s=2, longest_s=8)
    assert [2, 4, 8, 8, 8] == [retry.delay_s(failures, lambda: 1) for failures in (0, 1, 2, 3, 10_000)]
    assert 0 == retry.delay_s(5, lambda: 0)


@pytest.mark.parametrize(("code", "expected"), [(1000, True), (1006, True), (4499, True), (4500, False), (4999, False)])
def test_close_codes_say_whether_to_come_back(code: int, expected: bool) -> None:
    assert expected == may_reconnect(code)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": "There is no such unit."}', "There is no such unit."),
        (b'{"detail": 1}', '{"detail": 1}'),
        (b"[1]", "[1]"),
        (b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
    ],
)
def test_a_refusal_is_said_in_the_gateways_words_or_in_a_proxys(body: bytes, reason: str) -> None:
    assert reason == reason_in(body)


def test_a_field_of_an_answer_is_there_or_nothing() -> None:
    assert [2, None, None] == [field_in("version", body) for body in (b'{"version": 2}', b"{}", b"not json")]
