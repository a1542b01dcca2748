import zlib
from collections import defaultdict
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gateway.clients.framing import Framing
from gateway.clients.hub import AHEAD_PATIENCE_S, MAX_BODIES_KEPT, Hub, Sending
from gateway.clients.session import Catalogue, Subscription
from schemas.wire import SERVER_MESSAGE, Cursor
from tabulation.view import View
from tests.gateway.gateways import Message, merge
from tests.gateway.nights import DISTRICTS, election, totals

ELECTION = election()
CATALOGUE = Catalogue(ELECTION)


def wanted(subscription_id: str = "s1", *units: str, source: str = "aa", rate: float | None = None) -> Subscription:
    return Subscription(subscription_id, "mayor", source, CATALOGUE.units(units or ("tr",)), rate)


def messages_in(data: bytes) -> list[Message]:
    """The messages in a server's text frames, one after the other."""
    messages = []
    while data:
        header = {126: 4, 127: 10}.get(data[1], 2)
        size = data[1] if header == 2 else int.from_bytes(data[2:header], "big")
        payload, compressed, data = data[header : header + size], data[0] & 0x40, data[header + size :]
        text = zlib.decompressobj(wbits=-12).decompress(payload + b"\x00\x00\xff\xff") if compressed else payload
        SERVER_MESSAGE.validate_json(text)
        messages.append(orjson.loads(text))
    return messages


class Night:
    """A view and a hub, and what was published to the one and sent by the other."""

    def __init__(self) -> None:
        self.view = View(ELECTION)
        self.hub: Hub[str] = Hub(self.view, "9f2c")
        self.now = 0.0
        self.versions = 0
        self.events: list[tuple[Message, list[str]]] = []

    def publish(self, votes: int, district: str = "tr/34/uskudar", source: str = "aa", boxes: int = 1) -> None:
        self.versions += 1
        said = totals(district, {"imamoglu": votes}, version=self.versions, source=source, boxes=boxes)
        self.view.apply(self.view.seq, said)

    def turn(self) -> list[tuple[Message, list[str]]]:
        """What is sent to whom; nobody may be written to twice. Events, which go with deltas, are kept apart."""
        sendings = self.hub.turn(self.now)
        written = [connection for sending in sendings for connection in sending.connections]
        assert len(written) == len(set(written))
        assert [sending.frames for sending in sendings] == [len(messages_in(sending.data)) for sending in sendings]
        sent = [(message, sorted(sending.connections)) for sending in sendings for message in messages_in(sending.data)]
        self.events = [(message, who) for message, who in sent if message["type"] == "event"]
        return [(message, who) for message, who in sent if message["type"] != "event"]


def test_a_new_follower_gets_a_snapshot_also_of_nothing() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted(), None)
    ((snapshot, who),) = night.turn()
    assert (snapshot["type"], snapshot["seq"], snapshot["totals"], who) == ("snapshot", 0, [], ["ann"])
    assert night.turn() == []


def test_what_came_while_nobody_followed_anything_is_in_the_first_snapshot_alone() -> None:
    night = Night()
    night.publish(5)
    before = night.turn()
    night.hub.subscribe("ann", wanted(), None)
    assert ([], ["snapshot"]) == (before, [message["type"] for message, _ in night.turn()])
    assert night.turn() == []


def test_fan_out_followers_of_the_same_at_the_same_cursor_share_one_frame() -> None:
    night = Night()
    for name in ("ann", "bob"):
        night.hub.subscribe(name, wanted(), None)
    night.turn()
    night.publish(5)
    ((delta, who),) = night.turn()
    assert (delta["from"], delta["seq"], who) == (0, 1, ["ann", "bob"])


def test_late_comers_join_the_others_with_the_next_delta() -> None:
    """The larger group may be on either side."""
    for early, late in ((["ann"], ["bob", "cem"]), (["ann", "bob"], ["cem"])):
        night = Night()
        for name in early:
            night.hub.subscribe(name, wanted(), None)
        night.turn()
        night.publish(5)
        for name in late:
            night.hub.subscribe(name, wanted(), None)
        assert sorted((str(message["type"]), who) for message, who in night.turn()) == [
            ("delta", early),
            ("snapshot", late),
        ]
        night.publish(6)
        ((delta, who),) = night.turn()
        assert (delta["from"], who) == (1, ["ann", "bob", "cem"])


def test_nothing_is_sent_about_units_that_did_not_change() -> None:
    """And when they do, the delta begins where the client is, not where the hub last looked."""
    night = Night()
    night.hub.subscribe("ann", wanted("s1", "tr/06/cankaya"), None)
    night.turn()
    night.publish(5)
    assert night.turn() == []
    night.publish(7, "tr/06/cankaya")
    ((delta, _),) = night.turn()
    assert (delta["from"], delta["seq"]) == (0, 2)


def test_another_sources_changes_are_nobody_elses() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted(), None)
    night.turn()
    night.publish(5, source="anka")
    assert night.turn() == []


def test_back_pressure_a_connection_that_does_not_drain_is_sent_nothing_and_then_the_newest_once() -> None:
    night = Night()
    for name in ("ann", "slow"):
        night.hub.subscribe(name, wanted(), None)
    night.turn()
    night.hub.set_draining("slow", draining=False)
    night.hub.set_draining("slow", draining=False)
    assert not night.hub.is_draining("slow")
    for votes in range(1, 9):
        night.publish(votes)
        assert [who for _, who in night.turn()] == [["ann"]]
    night.hub.set_draining("slow", draining=True)
    ((delta, who),) = night.turn()
    assert (delta["from"], delta["seq"], who) == (0, 8, ["slow"])
    night.publish(9)
    assert [who for _, who in night.turn()] == [["ann", "slow"]]


def test_who_subscribes_while_not_draining_gets_the_snapshot_later() -> None:
    night = Night()
    night.hub.set_draining("ann", draining=False)
    night.hub.subscribe("ann", wanted(), None)
    assert night.turn() == []
    night.hub.set_draining("ann", draining=True)
    assert [message["type"] for message, _ in night.turn()] == ["snapshot"]


def test_a_resumed_follower_gets_what_changed_since_its_cursor() -> None:
    night = Night()
    night.publish(5)
    night.publish(7)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=1))
    ((delta, _),) = night.turn()
    assert (delta["type"], delta["from"], delta["seq"]) == ("delta", 1, 2)
    assert delta["totals"] == [{"unit": "tr", "cast": 7, "valid": 7, "votes": {"imamoglu": 7}}]


def test_a_resumed_follower_is_answered_also_when_nothing_changed() -> None:
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=1))
    ((delta, _),) = night.turn()
    assert (delta["from"], delta["seq"], delta["totals"]) == (1, 1, [])
    assert night.turn() == []


def test_a_cursor_of_another_epoch_or_of_nothing_gets_a_snapshot() -> None:
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted("s1"), Cursor(epoch="0000", seq=1))
    night.hub.subscribe("ann", wanted("s2"), Cursor(epoch="9f2c", seq=0))
    assert [message["type"] for message, _ in night.turn()] == ["snapshot", "snapshot"]


def test_a_cursor_ahead_of_the_view_waits_for_it() -> None:
    """Another gateway may have read further; seq never steps back."""
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=2))
    assert night.turn() == []
    assert night.hub.pending
    night.publish(6)
    ((delta, _),) = night.turn()
    assert (delta["type"], delta["from"], delta["seq"]) == ("delta", 2, 2)


def test_a_cursor_too_long_ahead_of_the_view_gets_a_snapshot() -> None:
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=2**53 - 1))
    night.hub.subscribe("bob", wanted(), Cursor(epoch="9f2c", seq=2**52))
    assert night.turn() == []
    night.now += AHEAD_PATIENCE_S / 2
    assert night.turn() == []
    night.now += AHEAD_PATIENCE_S / 2
    sent = night.turn() + night.turn()
    assert {str(message["type"]) for message, _ in sent} == {"snapshot"}
    assert sorted(name for _, who in sent for name in who) == ["ann", "bob"]
    assert not night.hub.pending


def test_who_comes_later_with_the_same_cursor_ahead_of_the_view_waits_as_long() -> None:
    """Two clients of one that has read further: the second must not step back because the first has waited."""
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=2))
    assert night.turn() == []
    night.now += AHEAD_PATIENCE_S - 0.1
    night.hub.subscribe("bob", wanted(), Cursor(epoch="9f2c", seq=2))
    assert night.turn() == []
    night.now += 0.1
    sent = night.turn() + night.turn()
    assert [(message["type"], who) for message, who in sent] == [("snapshot", ["ann"])]
    night.publish(6)
    sent = night.turn()
    assert {(message["type"], message["seq"], *who) for message, who in sent} == {
        ("delta", 2, "ann"),
        ("delta", 2, "bob"),
    }


def test_waiting_for_the_view_goes_on_while_a_connection_does_not_drain() -> None:
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted(), Cursor(epoch="9f2c", seq=2))
    night.turn()
    night.hub.set_draining("ann", False)
    night.now += AHEAD_PATIENCE_S
    assert night.turn() == []
    night.hub.set_draining("ann", True)
    sent = night.turn() + night.turn()
    assert [message["type"] for message, _ in sent] == ["snapshot"]


def test_conflation_a_rate_is_kept_to_and_the_rest_comes_together() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted(rate=2), None)
    night.turn()
    night.publish(5)
    assert night.turn() == []
    assert night.hub.pending
    night.publish(6)
    night.now = 0.5
    ((delta, _),) = night.turn()
    assert (delta["from"], delta["seq"]) == (0, 2)
    assert not night.hub.pending


def test_a_new_follower_need_not_wait_for_the_rate() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted(rate=2), None)
    night.turn()
    night.hub.subscribe("bob", wanted(rate=2), None)
    assert [(message["type"], who) for message, who in night.turn()] == [("snapshot", ["bob"])]


def test_nothing_more_comes_after_unsubscribing_or_leaving() -> None:
    night = Night()
    for name in ("ann", "bob"):
        night.hub.subscribe(name, wanted(), None)
    night.hub.unsubscribe("ann", "s1")
    night.hub.unsubscribe("ann", "s1")
    night.hub.unsubscribe("nobody", "s1")
    assert [who for _, who in night.turn()] == [["bob"]]
    night.hub.set_draining("bob", draining=False)
    night.hub.disconnect("bob")
    night.hub.disconnect("bob")
    night.publish(5)
    assert night.turn() == []
    assert not night.hub.pending
    assert (night.hub._topics, night.hub._connections["ann"].followers) == ({}, {})
    assert (night.hub._selections, night.hub._following) == ({}, {})


def test_a_second_subscription_with_the_same_id_replaces_the_first() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted("s1", "tr"), None)
    night.turn()
    night.hub.subscribe("ann", wanted("s1", "tr/34"), None)
    night.publish(5)
    ((snapshot, _),) = night.turn()
    assert snapshot["type"] == "snapshot"
    entries: Sequence[Message] = snapshot["totals"]  # type: ignore[assignment]  # JSON knows no types
    assert [entry["unit"] for entry in entries] == ["tr/34"]


def test_what_one_connection_is_owed_in_a_turn_is_one_piece() -> None:
    """And it is the same bytes for all who are owed the same frames."""
    night = Night()
    for name in ("ann", "bob", "cem"):
        night.hub.subscribe(name, wanted("s1", "tr"), None)
    for name in ("ann", "bob"):
        night.hub.subscribe(name, wanted("s2", "tr/34"), None)
    sent = night.hub.turn(0)
    assert sorted((sending.frames, sorted(sending.connections)) for sending in sent) == [
        (1, ["cem"]),
        (2, ["ann", "bob"]),
    ]
    assert [message["id"] for message in messages_in(max(sent, key=lambda one: one.frames).data)] == ["s1", "s2"]


def test_who_negotiated_compression_shares_a_compressed_frame() -> None:
    night = Night()
    night.publish(5)
    night.publish(6, "tr/06/cankaya")
    for name in ("ann", "bob", "cem", "dora"):
        framing = Framing.COMPRESSED if name in {"cem", "dora"} else Framing.PLAIN
        night.hub.subscribe(name, wanted("s1", "tr", "tr/*"), None, framing)
    plain, squeezed = night.hub.turn(0)
    assert (plain.connections, squeezed.connections) == (["ann", "bob"], ["cem", "dora"])
    assert len(squeezed.data) < len(plain.data)
    assert messages_in(squeezed.data) == messages_in(plain.data)
    night.hub.subscribe("eda", wanted("s1", "tr"), None)
    for name in ("ann", "bob", "cem", "dora", "eda"):
        night.hub.disconnect(name)
    assert (night.hub._topics, night.hub._following) == ({}, {})


def test_a_unit_is_encoded_once_for_all_selections_that_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when their followers last got something at different times."""
    night = Night()
    asked = [("tr",), ("tr", "tr/34"), ("tr", "tr/34", "tr/34/uskudar"), ("tr/34/adalar", "tr")]
    for number, units in enumerate(asked):
        night.hub.subscribe(f"client {number}", wanted(f"s{number}", *units), None)
    night.publish(1)
    night.publish(1, "tr/34/adalar")
    night.turn()
    night.publish(2, "tr/34/adalar")
    night.turn()
    encoded: list[str] = []
    dumps = orjson.dumps

    def counted(value: dict[str, object]) -> bytes:
        encoded.extend(str(value["unit"]) for _ in range("unit" in value))
        return dumps(value)

    monkeypatch.setattr(orjson, "dumps", counted)
    night.publish(3)
    assert len(night.hub.turn(0)) == len(asked)
    assert sorted(encoded) == ["tr", "tr/34", "tr/34/uskudar"]


def test_bodies_kept_for_sharing_are_bounded() -> None:
    night = Night()
    for number in range(MAX_BODIES_KEPT + 5):
        night.publish(number)
    for number in range(1, MAX_BODIES_KEPT + 5):
        night.hub.subscribe(f"client {number}", wanted(), Cursor(epoch="9f2c", seq=number))
    night.turn()
    assert len(night.hub._bodies) <= MAX_BODIES_KEPT


NAMES = st.sampled_from(["ann", "bob", "cem", "dora"])
ASKED = st.builds(
    wanted,
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["tr", "tr/34", "tr/34/*", "tr/06/*"]),
    source=st.sampled_from(["aa", "anka"]),
    rate=st.sampled_from([None, 4.0]),
)


def test_who_stands_at_one_place_with_the_same_wish_is_one_group() -> None:
    night = Night()
    night.publish(1)
    found = [night.hub.groups]
    for name, asked in (("ann", wanted()), ("bob", wanted()), ("eve", wanted("s1", "tr/34"))):
        night.hub.subscribe(name, asked, None, Framing.PLAIN)
        night.turn()
        found.append(night.hub.groups)

    assert [0, 1, 1, 2] == found


class Hubs(RuleBasedStateMachine):
    """Any sequence of what can happen to a hub; naive clients merge what they get and are compared with the view."""

    @initialize()
    def begin(self) -> None:
        self.night = Night()
        self.asked: dict[tuple[str, str], Subscription] = {}
        self.seqs: dict[tuple[str, str], int] = {}
        self.shown: dict[tuple[str, str], dict[str, Message]] = defaultdict(dict)
        self.stuck: set[str] = set()

    @rule(votes=st.integers(0, 3), district=st.sampled_from(DISTRICTS), source=st.sampled_from(["aa", "anka"]))
    def publish(self, votes: int, district: str, source: str) -> None:
        self.night.publish(votes, district, source)

    def follow(self, name: str, asked: Subscription, since: Cursor | None) -> None:
        """Two of the four negotiated compression."""
        framing = Framing.COMPRESSED if name in {"ann", "bob"} else Framing.PLAIN
        self.night.hub.subscribe(name, asked, since, framing)

    @rule(name=NAMES, asked=ASKED)
    def subscribe(self, name: str, asked: Subscription) -> None:
        self.asked[name, asked.id] = asked
        self.seqs[name, asked.id] = 0
        self.shown[name, asked.id] = {}
        self.follow(name, asked, None)

    @rule(name=NAMES, subscription_id=st.sampled_from(["s1", "s2"]))
    def resume(self, name: str, subscription_id: str) -> None:
        """Drop everything, come back with the cursor."""
        asked = self.asked.get((name, subscription_id))
        if asked is not None:
            self.night.hub.unsubscribe(name, subscription_id)
            self.follow(name, asked, Cursor(epoch="9f2c", seq=self.seqs[name, subscription_id]))

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        self.night.hub.disconnect(name)
        self.stuck.discard(name)
        for key in [key for key in self.asked if key[0] == name]:
            del self.asked[key]

    @rule(name=NAMES, draining=st.booleans())
    def drain(self, name: str, draining: bool) -> None:
        self.night.hub.set_draining(name, draining)
        (self.stuck.discard if draining else self.stuck.add)(name)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.3]))
    def turn(self, seconds: float) -> None:
        self.night.now += seconds
        for message, names in self.night.turn():
            for name in names:
                self.receive(name, message)

    def receive(self, name: str, message: Message) -> None:
        key = (name, str(message["id"]))
        assert name not in self.stuck
        assert key in self.asked
        if message["type"] == "snapshot":
            self.shown[key] = {}
        else:
            assert int(str(message["from"])) <= self.seqs[key]
        assert int(str(message["seq"])) >= self.seqs[key]
        self.seqs[key] = int(str(message["seq"]))
        entries: Sequence[Message] = message["totals"]  # type: ignore[assignment]  # JSON knows no types
        for entry in entries:
            merge(self.shown[key].setdefault(str(entry["unit"]), {}), entry)

    @rule()
    def settle(self) -> None:
        """After a turn that no rate holds back, everybody who drains shows what the view holds."""
        self.turn(1.0)
        for (name, subscription_id), asked in self.asked.items():
            if name not in self.stuck:
                body = self.night.view.changed_since(asked.contest, asked.source, asked.units, 0)
                expected = {str(entry["unit"]): entry for entry in orjson.loads(orjson.dumps(body))}
                assert self.shown[name, subscription_id] == expected
        assert not self.night.hub.pending

    def teardown(self) -> None:
        self.settle()


TestHubs = Hubs.TestCase


@given(st.integers(1, 40))
def test_a_frame_is_one_object_for_the_whole_group(size: int) -> None:
    night = Night()
    for number in range(size):
        night.hub.subscribe(f"client {number}", wanted(), None)
    (sending,) = night.hub.turn(0)
    assert isinstance(sending, Sending)
    assert len(sending.connections) == size
