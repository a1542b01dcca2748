import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.session import (
    MAX_ERRORS,
    TRANSITIONS,
    Catalogue,
    Close,
    Event,
    Follow,
    Output,
    Reply,
    Session,
    State,
    Unfollow,
    Unknown,
)
from gateway.clients.session import __doc__ as documented
from schemas.wire import (
    CLIENT_MESSAGE,
    MAX_MESSAGE_BYTES,
    MAX_SUBSCRIPTIONS,
    SERVER_MESSAGE,
    CloseCode,
    Cursor,
    Error,
    Subscribe,
)
from tests.gateway.nights import election
from tests.shapes import deep

CATALOGUE = Catalogue(election())


def subscribe(subscription_id: str = "s1", **fields: object) -> str:
    ask = {"type": "subscribe", "id": subscription_id, "contest": "mayor", "units": ["tr/34/*"], "source": "aa"}
    return orjson.dumps(ask | fields).decode()


def unsubscribe(subscription_id: str = "s1") -> str:
    return orjson.dumps({"type": "unsubscribe", "id": subscription_id}).decode()


def ready() -> Session:
    session = Session()
    session.ready(CATALOGUE)
    return session


def error_in(outputs: list[Output]) -> Error:
    reply = outputs[0]
    assert isinstance(reply, Reply)
    message = SERVER_MESSAGE.validate_json(reply.payload)
    assert isinstance(message, Error)
    return message


def test_the_table_of_states_is_the_documented_one() -> None:
    rows = {
        tuple(cell.strip() for cell in line.strip("| ").split("|"))
        for line in str(documented).splitlines()
        if line.startswith("|")
    }
    table = {
        (state.name, event.name, then.name) for state, moves in TRANSITIONS.items() for event, then in moves.items()
    }
    assert {row for row in rows if row[0] in State.__members__} == table


def test_a_subscription_is_followed_from_its_cursor() -> None:
    since = {"epoch": "9f2c", "seq": 7}
    (follow,) = ready().receive(subscribe(since=since, max_rate_hz=2))
    assert isinstance(follow, Follow)
    assert follow.subscription == ("s1", "mayor", "aa", frozenset({"tr/34/adalar", "tr/34/uskudar"}), 2)
    assert follow.since == Cursor(epoch="9f2c", seq=7)


def test_what_is_asked_for_early_is_acted_on_after_hello() -> None:
    """The last of each id counts; what was taken back is not done."""
    session = Session()
    assert session.receive(subscribe("a")) == []
    assert session.receive(subscribe("a", source="anka")) == []
    assert session.receive(subscribe("b")) == []
    assert [type(output) for output in session.receive(unsubscribe("b"))] == [Unfollow, Reply]
    (follow,) = session.ready(CATALOGUE)
    assert isinstance(follow, Follow)
    assert (follow.subscription.id, follow.subscription.source) == ("a", "anka")


def test_what_is_wrong_about_an_early_message_is_said_after_hello() -> None:
    session = Session()
    assert session.receive(subscribe(contest="president")) == []
    (refused,) = session.ready(CATALOGUE)
    assert error_in([refused]).code == "unknown_contest"
    assert error_in(session.receive(unsubscribe())).code == "unknown_subscription"


def test_unsubscribing_is_confirmed_once() -> None:
    session = ready()
    session.receive(subscribe())
    assert session.receive(unsubscribe()) == [Unfollow("s1"), Reply(b'{"type":"unsubscribed","id":"s1"}')]
    error = error_in(session.receive(unsubscribe()))
    assert (error.code, error.id) == ("unknown_subscription", "s1")


def test_subscriptions_are_limited_but_replacing_one_is_not_another() -> None:
    session = ready()
    for number in range(MAX_SUBSCRIPTIONS):
        assert isinstance(session.receive(subscribe(f"s{number}"))[0], Follow)
    assert isinstance(session.receive(subscribe("s0"))[0], Follow)
    error = error_in(session.receive(subscribe("one-more")))
    assert (error.code, error.id) == ("too_many_subscriptions", "one-more")


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        (subscribe(contest="president"), "unknown_contest", "mayor, council"),
        (subscribe(source="reuters"), "unknown_source", "aa, anka"),
        (subscribe(units=["tr/34", "tr/35/*"]), "unknown_unit", "tr/35/*"),
        (subscribe(units=[]), "malformed", "units"),
        (subscribe(units=["TR"]), "malformed", "units.0"),
        (subscribe(since={"epoch": "x", "seq": -1}), "malformed", "since.seq"),
        (subscribe(since={"epoch": "x", "seq": 1.5}), "malformed", "since.seq"),
        (subscribe(max_rate_hz=0), "malformed", "max_rate_hz"),
        (subscribe(max_rate_hz=1e9), "malformed", "max_rate_hz"),
    ],
)
def test_a_wrong_subscription_is_told_what_is_wrong(text: str, code: str, hint: str) -> None:
    error = error_in(ready().receive(text))
    assert (error.code, error.id) == (code, "s1")
    assert hint in error.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"subscribe"',
        "{}",
        '{"type":"publish"}',
        '{"type":7}',
        subscribe(""),
        subscribe("x" * 33),
        "[" * 8_000,
        "9" * 10_000,
        '{"type":"unsubscribe","id":"\\ud800"}',
        '{"type":"unsubscribe","id":7}',
        subscribe().replace('"aa"', '"aa","since":{"epoch":"e","seq":' + "9" * 9_000 + "}"),
        subscribe().replace('"aa"', '"aa","max_rate_hz":NaN'),
    ],
)
def test_garbage_is_malformed_whatever_it_is(text: str) -> None:
    outputs = ready().receive(text)
    assert error_in(outputs).code == "malformed"
    assert "A good message is" in error_in(outputs).message
    assert len(outputs) == 1


def test_the_good_message_in_the_error_is_good() -> None:
    good = error_in(ready().receive("?")).message.split("A good message is: ")[1]
    assert isinstance(CLIENT_MESSAGE.validate_json(good), Subscribe)


@given(st.lists(st.one_of(st.text(), st.binary().map(lambda data: data.decode(errors="replace"))), max_size=8))
def test_any_text_leads_to_documented_outputs_only(texts: list[str]) -> None:
    session = ready()
    for text in texts:
        for output in session.receive(text):
            assert isinstance(output, Reply)
            SERVER_MESSAGE.validate_json(output.payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEARLY = st.fixed_dictionaries(
    {"type": st.sampled_from(["subscribe", "unsubscribe"]) | JSON, "id": st.text(min_size=1, max_size=3) | JSON},
    optional={
        "contest": st.sampled_from(["mayor", "council"]) | JSON,
        "source": st.sampled_from(["aa", "anka"]) | JSON,
        "units": st.lists(st.sampled_from(["tr", "tr/*", "tr/34/*", "tr/07"]), max_size=3) | JSON,
        "since": st.fixed_dictionaries({"epoch": st.text(), "seq": st.integers()}) | JSON,
        "max_rate_hz": st.floats(allow_nan=False) | JSON,
    },
)


@given(st.lists(NEARLY.map(json.dumps), max_size=8), st.booleans())
def test_nearly_right_messages_lead_to_documented_outputs_only(messages: list[str], early: bool) -> None:
    session = Session() if early else ready()
    outputs = [output for message in messages for output in session.receive(message)]
    if early:
        outputs += session.ready(CATALOGUE)
    for output in outputs:
        assert isinstance(output, Reply | Follow | Unfollow)


def test_too_many_errors_close_the_session_for_good() -> None:
    session = ready()
    for _ in range(MAX_ERRORS - 1):
        assert len(session.receive("?")) == 1
    error, close = session.receive("?")
    assert error_in([error]).code == "malformed"
    assert isinstance(close, Close)
    assert close.code == CloseCode.TOO_MANY_ERRORS
    assert session.state is State.CLOSED
    assert session.receive(subscribe()) == []
    session.end()


def test_a_session_that_gives_up_on_early_messages_stops_there() -> None:
    session = Session()
    for _ in range(MAX_ERRORS - 1):
        session.receive("?")
    session.receive(subscribe("a", contest="president"))
    session.receive(subscribe("b", contest="president"))
    outputs = session.ready(CATALOGUE)
    assert [type(output) for output in outputs] == [Reply, Close]


def test_a_complaint_quotes_no_more_than_helps() -> None:
    text = subscribe("x", type="y" * (MAX_MESSAGE_BYTES - 200))
    assert len(error_in(ready().receive(text)).message) < 1_000


def test_our_own_misuse_is_an_exception() -> None:
    session = ready()
    with pytest.raises(RuntimeError, match="OPEN cannot be READY"):
        session.ready(CATALOGUE)
    session.end()
    with pytest.raises(RuntimeError, match="CLOSED cannot be GAVE_UP"):
        session._move(Event.GAVE_UP)


def test_patterns_stand_for_units_and_for_those_directly_below() -> None:
    assert CATALOGUE.units(["tr/34/*", "tr"]) == {"tr", "tr/34/adalar", "tr/34/uskudar"}
    assert CATALOGUE.units(["tr/*"]) == {"tr/06", "tr/34"}


def test_patterns_stand_for_the_units_of_a_level_or_of_another_tree() -> None:
    catalogue = Catalogue(deep())

    assert catalogue.units(["n/*"]) == {"n/p", "n/q", "n/abroad"}
    assert catalogue.units(["n/*:ward"]) == {"n/p/d/w1", "n/p/d/w2", "n/q/d/w", "n/q/prison"}
    assert catalogue.units(["n/p/*:ward"]) == {"n/p/d/w1", "n/p/d/w2"}
    assert catalogue.units(["n/*:parliament"]) == catalogue.units(["n/*:constituency"]) == {"n/c/1", "n/c/2"}
    assert catalogue.units(["n/c/1/*"]) == {"n/p/d/w1", "n/q/prison"}
    for pattern in ("n/p/*:parliament", "n/*:nothing", "n/p/d/w1/*:ward"):
        with pytest.raises(Unknown, match="No unit matches"):
            catalogue.units([pattern])


def test_equal_selections_are_one_object() -> None:
    """Whatever their order: hashing and comparing them costs nothing."""
    assert CATALOGUE.units(["tr", "tr/34"]) is CATALOGUE.units(["tr/34", "tr", "tr"])


def test_a_message_becomes_a_subscription() -> None:
    message = Subscribe(type="subscribe", id="s", contest="mayor", source="aa", units=("tr/06/*",), max_rate_hz=2)
    assert CATALOGUE.subscription(message) == ("s", "mayor", "aa", frozenset({"tr/06/cankaya"}), 2)


@pytest.mark.parametrize("pattern", ["tr/35", "tr/34/uskudar/*", "tr/35/*", "x"])
def test_a_pattern_that_matches_nothing_is_an_error(pattern: str) -> None:
    with pytest.raises(Unknown, match="No unit matches") as refused:
        CATALOGUE.units(["tr", pattern])
    assert refused.value.code == "unknown_unit"


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(Unknown, match="There are: mayor, council") as refused:
        CATALOGUE.contest("president")
    assert refused.value.code == "unknown_contest"
    with pytest.raises(Unknown, match="There are: aa, anka") as refused:
        CATALOGUE.source("reuters")
    assert refused.value.code == "unknown_source"
    with pytest.raises(Unknown, match=r"There is no unit 'tr/35'. Give an id such as 'tr/") as refused:
        CATALOGUE.unit("tr/35")
    assert refused.value.code == "unknown_unit"
    assert CATALOGUE.unit("tr/34") == "tr/34"
