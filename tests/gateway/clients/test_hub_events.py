"""What happens is told by the hub with the deltas; what it is that happens is in test_events."""

from gateway.clients.framing import Framing
from gateway.clients.hub import NEWS_KEPT_S
from schemas.wire import Cursor
from tests.gateway.clients.test_hub import Night, messages_in, wanted


def milestone(night: Night) -> list[tuple[object, object, list[str]]]:
    """The milestones that the last turn told: where, which, and to whom."""
    return [(event["unit"], event["percent"], who) for event, who in night.events]


def test_what_happens_is_told_after_the_delta_to_all_who_follow_the_unit() -> None:
    night = Night()
    night.hub.subscribe("ann", wanted("s1", "tr/34/uskudar"), None)
    night.hub.subscribe("bob", wanted("s1", "tr/06"), None, Framing.COMPRESSED)
    night.hub.subscribe("cem", wanted("s1", "tr/34/uskudar", source="anka"), None)
    night.turn()
    assert night.events == []
    night.publish(5)
    (sending,) = night.hub.turn(0)
    delta, event = messages_in(sending.data)
    assert (delta["type"], delta["seq"], sending.connections, sending.frames) == ("delta", 1, ["ann"], 2)
    assert event == {
        "type": "event",
        "event": "milestone",
        "contest": "mayor",
        "source": "aa",
        "unit": "tr/34/uskudar",
        "seq": 1,
        "as_of": "2024-03-31T17:00:00+00:00",
        "percent": 10,
    }
    night.publish(6)
    night.turn()
    assert night.events == []


def test_what_was_there_when_a_follower_came_is_no_news_to_it() -> None:
    """Neither with its snapshot nor with its resume; and when the last has left, it is forgotten."""
    night = Night()
    night.publish(5)
    for name, since in (("ann", None), ("bob", Cursor(epoch="9f2c", seq=1))):
        night.hub.subscribe(name, wanted("s1", "tr/34/uskudar"), since)
    night.publish(6, boxes=3)
    night.turn()
    assert night.events == []
    night.hub.subscribe("cem", wanted("s1", "tr/34/uskudar"), Cursor(epoch="9f2c", seq=1))
    night.publish(7, boxes=5)
    night.turn()
    assert milestone(night) == [("tr/34/uskudar", 50, ["ann", "bob"])]
    for name in ("ann", "bob", "cem"):
        night.hub.disconnect(name)
    assert night.hub._events._standings == {}
    night.hub.subscribe("dora", wanted("s1", "tr/34/uskudar"), None)
    night.hub.disconnect("dora")
    assert night.hub._begun == {}


def test_a_rate_holds_the_event_back_with_its_delta_but_not_for_long() -> None:
    for waited_s, told in ((5, [("tr/34/uskudar", 10, ["ann"])]), (NEWS_KEPT_S, [])):
        night = Night()
        night.hub.subscribe("ann", wanted("s1", "tr/34/uskudar", rate=0.2), None)
        night.turn()
        night.publish(0, boxes=0)
        night.turn()
        night.now = 5
        night.turn()
        night.publish(5)
        night.now = 6
        assert (night.turn(), night.events) == ([], [])
        night.now = 6 + waited_s
        ((delta, _),) = night.turn()
        assert (delta["seq"], milestone(night)) == (2, told)


def test_nothing_is_computed_where_nobody_follows() -> None:
    night = Night()
    night.publish(5)
    night.hub.subscribe("ann", wanted("s1", "tr/06/cankaya"), None)
    night.turn()
    night.publish(6, boxes=9)
    night.turn()
    assert list(night.hub._events._standings) == [("mayor", "aa", "tr/06/cankaya")]
