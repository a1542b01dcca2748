from dataclasses import replace
from itertools import pairwise

import pytest

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.clients.framing import Framing
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.moments import epoch_ms
from schemas.wire import CloseCode
from tabulation.orders.effects import Embargo
from tests.gateway.clients.test_hub import messages_in
from tests.gateway.gateways import Message
from tests.gateway.nights import START, Written, election, totals

SUBSCRIBE = '{"type":"subscribe","id":"s1","contest":"mayor","units":["tr"],"source":"aa"}'


class Listener:
    """A client that keeps what it is sent, and leaves when it is told to."""

    def __init__(self, gateway: Gateway) -> None:
        self.messages: list[Message] = []
        self.closed: list[int] = []
        self.checks = 0
        self.framing = Framing.PLAIN
        self.unsent = 0
        self._gateway = gateway

    def unsent_bytes(self) -> int:
        return self.unsent

    def send(self, data: bytes, /) -> None:
        self.messages += messages_in(data)

    def close(self, code: int, reason: str) -> None:
        assert reason
        self.closed.append(code)
        self._gateway.broadcaster.leave(self)

    def check(self, news: bytes) -> None:
        self.checks += 1
        self.send(news)

    def types(self) -> list[object]:
        return [message["type"] for message in self.messages]


def run(epoch: str = "9f2c") -> Run:
    return Run(RunTopics("night"), "live", epoch, election())


@pytest.fixture
def clock() -> Manual:
    return Manual(START)


@pytest.fixture
def gateway(clock: Manual) -> Gateway:
    return Gateway("night", clock=clock, settings=GatewaySettings())


def opened(gateway: Gateway) -> Listener:
    gateway.begin(run())
    gateway.caught_up()
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener)
    return listener


def states(listener: Listener) -> list[object]:
    return [message["feeds"]["aa"]["state"] for message in listener.messages if message["type"] == "state"]  # type: ignore[index]  # JSON knows no types


def test_the_states_of_the_feeds_are_told_as_they_change(gateway: Gateway, clock: Manual) -> None:
    listener = opened(gateway)
    gateway.fold([Written(0, totals().encode(), timestamp=epoch_ms(START))])
    gateway.watch()
    for seconds in (59, 1, 240, 600):
        clock.advance(seconds)
        gateway.watch()
    told = states(listener)
    assert told[:2] == ["quiet", "live"]
    assert [state for before, state in pairwise(told) if state != before] == [
        "live",
        "quiet",
        "stale",
        "down",
    ]


def test_that_the_log_is_out_of_reach_is_told_though_every_feed_is_down_already(
    gateway: Gateway, clock: Manual
) -> None:
    listener = opened(gateway)
    gateway.fold([Written(0, totals().encode(), timestamp=epoch_ms(START))])
    clock.advance(10_000)
    gateway.watch()
    listener.messages.clear()
    gateway.log_lost("away")
    gateway.watch()
    gateway.log_reached()
    gateway.watch()
    assert [message["reachable"] for message in listener.messages] == [False, True]
    assert states(listener) == ["down", "down"]


def test_a_heartbeat_comes_though_nothing_changes(gateway: Gateway, clock: Manual) -> None:
    """One in each heartbeat; the first slot's turn comes after a tenth of it."""
    listener = opened(gateway)
    gateway.watch()
    listener.messages.clear()
    for _ in range(25):
        clock.advance(1)
        gateway.watch()
    assert listener.types() == ["state", "state", "state"]
    assert listener.checks == 3


def test_a_connection_that_does_not_drain_is_told_nothing(gateway: Gateway, clock: Manual) -> None:
    listener = opened(gateway)
    gateway.broadcaster.set_draining(listener, draining=False)
    listener.messages.clear()
    clock.advance(10)
    gateway.watch()
    assert listener.messages == []


def test_connections_are_checked_before_the_run_is_there(gateway: Gateway, clock: Manual) -> None:
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener)
    gateway.broadcaster.set_draining(listener, draining=False)
    gateway.turn()
    clock.advance(10)
    gateway.watch()
    assert (listener.messages, listener.checks) == ([], 1)
    gateway.broadcaster.disconnect(listener)
    gateway.broadcaster.disconnect(listener)


def test_nobody_is_greeted_before_the_view_is_current(gateway: Gateway) -> None:
    """A half-read log must never be shown: a client that resumes would see seq step back."""
    listener = Listener(gateway)
    gateway.caught_up()
    gateway.broadcaster.connect(listener)
    gateway.broadcaster.receive(listener, SUBSCRIBE)
    gateway.begin(run())
    gateway.fold([Written(0, totals().encode())])
    gateway.turn()
    assert (listener.messages, gateway.ready) == ([], False)
    gateway.caught_up()
    gateway.turn()
    assert listener.types() == ["hello", "state", "snapshot"]
    gateway.caught_up()
    assert len(listener.messages) == 3


def test_those_who_come_at_once_share_a_greeting_and_those_who_come_later_are_told_how_it_is_then(
    gateway: Gateway, clock: Manual
) -> None:
    """Whatever `state` tells: positions, embargo, how the log is, how old the feeds are."""

    def told() -> tuple[Message, Message]:
        listener = Listener(gateway)
        gateway.broadcaster.connect(listener)
        hello, state = listener.messages
        return hello, state

    opened(gateway)
    first = told()
    assert told() == first
    gateway.fold([Written(0, totals().encode(), timestamp=epoch_ms(START))])
    assert [message["seq"] for message in told()] == [1, 1]
    clock.advance(0.5)
    assert told()[1]["feeds"]["aa"]["age_s"] == 0.5  # type: ignore[index]  # JSON knows no types
    gateway.log_lost("away")
    assert told()[1]["reachable"] is False
    gateway.set_embargo(Embargo())
    assert [(message["seq"], message.get("embargoed")) for message in told()] == [(0, None), (0, True)]


def test_the_same_run_found_again_goes_on(gateway: Gateway) -> None:
    listener = opened(gateway)
    run_state = gateway.run_state
    assert gateway.begin(run()) is run_state
    assert listener.closed == []


def test_a_cursor_of_before_a_restore_means_nothing_after_it(gateway: Gateway) -> None:
    before = gateway.begin(run())
    after = gateway.begin(replace(run(), incarnation="0badcafe"))

    assert ("9f2c", "9f2c~0badcafe") == (before.epoch, after.epoch)
    assert "9f2c" == after.run.epoch


def test_a_run_in_a_log_made_anew_ends_the_epoch_but_not_for_who_still_waits(gateway: Gateway) -> None:
    told = opened(gateway)
    gateway.begin(run("0000"))
    waiting = Listener(gateway)
    gateway.broadcaster.connect(waiting)
    gateway.begin(run("1111"))
    gateway.caught_up()
    assert (told.closed, waiting.closed) == ([4001], [])
    assert waiting.messages[0]["epoch"] == "1111"


def test_what_a_client_that_left_says_is_not_heard(gateway: Gateway) -> None:
    listener = opened(gateway)
    gateway.broadcaster.leave(listener)
    listener.messages.clear()
    gateway.broadcaster.receive(listener, SUBSCRIBE)
    gateway.broadcaster.set_draining(listener, draining=False)
    gateway.turn()
    assert listener.messages == []


def test_a_position_lost_before_the_run_was_found_is_nothing(gateway: Gateway) -> None:
    gateway.begin_again()
    assert gateway.run_state is None


def test_a_client_may_give_up_on_the_way_in(gateway: Gateway) -> None:
    """Its early messages were one mistake too many."""
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener)
    for _ in range(63):
        gateway.broadcaster.receive(listener, "garbage")
    gateway.broadcaster.receive(listener, SUBSCRIBE.replace("mayor", "president"))
    gateway.begin(run())
    gateway.caught_up()
    assert listener.closed == [4500]
    gateway.broadcaster.disconnect(listener)


def test_a_rate_brings_the_gateway_back_to_work(gateway: Gateway, clock: Manual) -> None:
    """What is held back now is not forgotten: there is work until it is sent."""
    listener = opened(gateway)
    gateway.broadcaster.receive(listener, SUBSCRIBE.replace('"s1"', '"s1","max_rate_hz":1'))
    gateway.turn()
    assert not gateway.broadcaster.work.is_set()
    gateway.fold([Written(0, totals().encode())])
    gateway.turn()
    assert gateway.broadcaster.work.is_set()
    clock.advance(1)
    gateway.turn()
    assert not gateway.broadcaster.work.is_set()
    assert listener.types()[-3:] == ["snapshot", "delta", "event"]


def test_a_client_that_takes_nothing_for_too_long_is_closed(gateway: Gateway, clock: Manual) -> None:
    stalled, resumed, gone = opened(gateway), opened(gateway), opened(gateway)
    for listener in (stalled, resumed, gone):
        listener.unsent = 70_000
        gateway.broadcaster.set_draining(listener, draining=False)
    clock.advance(29)
    gateway.watch()
    gateway.broadcaster.set_draining(resumed, draining=True)
    gateway.broadcaster.disconnect(gone)
    assert stalled.closed == []
    clock.advance(1)
    gateway.watch()
    gateway.watch()
    assert (stalled.closed, resumed.closed, gone.closed) == ([CloseCode.STALLED], [], [])


def test_a_gateway_that_retires_lets_its_clients_go_in_waves_and_tells_them_when_to_come_back(clock: Manual) -> None:
    chances = iter([0.0, 0.25, 0.5])
    gateway = Gateway("night", clock=clock, settings=GatewaySettings(), chance=lambda: next(chances))
    early = Listener(gateway)
    gateway.broadcaster.connect(early)
    gateway.begin(run())
    gateway.caught_up()
    others = [opened(gateway), opened(gateway)]
    (batch,) = gateway.retire()
    assert (gateway.retiring, gateway.ready) == (True, True)
    gateway.broadcaster.dismiss(batch, leaving=8_000)
    told = [listener.messages[-1] for listener in (early, *others)]
    assert told == [{"type": "goodbye", "code": 1012, "retry_after_s": wait_s} for wait_s in (0.0, 2.0, 4.0)]
    assert [listener.closed for listener in (early, *others)] == [[1012]] * 3


def test_who_was_never_greeted_is_sent_away_without_a_goodbye(gateway: Gateway) -> None:
    """`hello` is the first message of a connection, whatever follows."""
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener)
    (batch,) = gateway.retire()
    gateway.broadcaster.dismiss(batch, leaving=1)
    gateway.broadcaster.dismiss([listener], leaving=1)
    assert (listener.messages, listener.closed[0]) == ([], 1012)


def test_our_own_misuse_is_an_exception(gateway: Gateway) -> None:
    with pytest.raises(RuntimeError, match="no run yet"):
        gateway.fold([])
    with pytest.raises(RuntimeError, match="before there was a run"):
        gateway.broadcaster._hub_of(Listener(gateway))
