from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import (
    Called,
    CallWithdrawn,
    EmbargoLifted,
    EmbargoSet,
    Held,
    OverrideWithdrawn,
    QuarantineRejected,
    QuarantineReleased,
    Released,
    Taken,
)
from tabulation.orders.confirmations import InForce, Question, lift, questions, unanswered
from tabulation.orders.restrictions import NO_EMBARGO, Embargo
from tests.builders import NIGHT
from tests.schemas.orders import Kind, order
from tests.tabulation.nights import WHERE, on_air, setting

CALLED_IN: dict[str, Any] = {"contest": "mayor", "unit": "tr/34"}


def standing(**fields: Any) -> InForce:
    return replace(InForce(NIGHT, NO_EMBARGO, on_air(boxes_opened=1)), **fields)


def codes(given_order: Any, mode: Any = "live", **fields: Any) -> list[str]:
    return [question.code for question in questions(given_order, standing(**fields), mode)]


def call(candidate: str, **fields: Any) -> Any:
    return order(Called, **(CALLED_IN | {"candidate": candidate} | fields))


def test_a_live_run_asks_before_more_is_shown_and_a_rehearsal_does_not() -> None:
    assert ["lift"] == codes(order(EmbargoLifted))
    assert [] == codes(order(EmbargoSet))
    for mode in ("test", "replay"):
        assert [] == codes(order(EmbargoLifted), mode)


@pytest.mark.parametrize("mode", ["live", "test", "replay"])
def test_every_run_asks_about_figures_that_cannot_be_true(mode: Any) -> None:
    assert ["limits"] == codes(setting(valid=1), mode)
    assert [] == codes(setting(valid=0), mode)


def test_an_order_may_be_asked_about_for_more_than_one_reason() -> None:
    assert ["lift", "limits"] == codes(setting(valid=1), on_air=on_air({"valid": 0}, boxes_opened=1))


def test_a_call_that_replaces_another_candidates_is_asked_about() -> None:
    assert ["call"] == codes(call("kurum"), calls=[call("imamoglu")])
    for other in (call("kurum"), call("imamoglu", unit="tr"), call("imamoglu", contest="council")):
        assert [] == codes(call("kurum"), calls=[other])


def test_a_call_against_a_lead_that_cannot_be_overtaken_is_asked_about() -> None:
    (found,) = questions(call("kurum"), standing(beyond={"aa": "imamoglu", "anka": "kurum"}), "live")
    assert "By aa imamoglu leads there and cannot be overtaken." == found.sentence
    assert [] == codes(call("kurum"), mode="test", beyond={"aa": "imamoglu"})


def test_what_is_confirmed_is_a_sentence_or_whatever_its_code_says() -> None:
    first, second = Question("lift", "It lifts the embargo."), Question("limits", "valid is 2, and cast 1")
    assert () == unanswered([first, second], ["lift", "limits"])
    assert () == unanswered([first, second], [first.token, second.token])
    assert (second,) == unanswered([first, second], ["lift", "limits.000000000000"])
    assert (first, second) == unanswered([first, second], ["", "call"])


def test_what_was_confirmed_of_another_state_confirms_nothing() -> None:
    """The embargo that stood when somebody looked is another one by the time that they say yes."""
    shorter = order(EmbargoSet, until=NIGHT.replace(hour=20))
    (seen,) = questions(shorter, standing(embargo=Embargo(NIGHT.replace(hour=21))), "live")
    found = questions(shorter, standing(embargo=Embargo()), "live")
    assert found == unanswered(found, [seen.token])


HOUR = timedelta(hours=1)
USKUDAR = {"contest": "mayor", "unit": "tr/34/uskudar"}
POSITION = {"position": "sandik.n.tallies/3/1812"}


def sentence(kind: Kind, embargo: Embargo = NO_EMBARGO, **fields: Any) -> str | None:
    return lift(order(kind, **fields), embargo, on_air(), NIGHT)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (EmbargoLifted, {}, "It lifts the embargo: everyone sees all figures"),
        (Released, USKUDAR, "It releases mayor in tr/34/uskudar"),
        (Released, {"contest": "mayor"}, "It releases mayor everywhere"),
        (Taken, USKUDAR, "It takes mayor in tr/34/uskudar"),
        (OverrideWithdrawn, WHERE, "It takes back what is set by hand in mayor in tr/34/uskudar by aa"),
        (QuarantineReleased, POSITION, "It lets out the record from sandik.n.tallies/3/1812"),
    ],
)
def test_an_order_that_is_for_showing_more_is_a_lift_whatever_stands(
    kind: Kind, fields: dict[str, Any], says: str
) -> None:
    assert says in str(sentence(kind, **fields))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (EmbargoSet, {}),
        (EmbargoSet, {"until": NIGHT + HOUR}),
        (Held, USKUDAR),
        (QuarantineRejected, POSITION),
        (Called, USKUDAR | {"candidate": "kurum"}),
        (CallWithdrawn, USKUDAR),
    ],
)
def test_what_shows_no_more_is_no_lift(kind: Kind, fields: dict[str, Any]) -> None:
    assert sentence(kind, **fields) is None


@pytest.mark.parametrize("until", [NIGHT, NIGHT - HOUR])
@pytest.mark.parametrize("embargo", [NO_EMBARGO, Embargo(), Embargo(NIGHT + HOUR), Embargo(NIGHT - HOUR)])
def test_an_embargo_that_is_over_when_it_is_set_is_a_lift(until: Any, embargo: Embargo) -> None:
    assert "which is over: no embargo is left" in str(sentence(EmbargoSet, embargo, until=until))


@pytest.mark.parametrize(
    ("stands", "says"),
    [(Embargo(), "until an operator lifts it"), (Embargo(NIGHT + 2 * HOUR), "until 2024-03-31 21:00:00+03:00")],
)
def test_an_embargo_that_ends_earlier_than_the_one_that_stands_is_a_lift(stands: Embargo, says: str) -> None:
    found = str(sentence(EmbargoSet, stands, until=NIGHT + HOUR))
    assert "earlier than the embargo that stands" in found
    assert says in found


@pytest.mark.parametrize("until", [None, NIGHT + HOUR, NIGHT + 2 * HOUR])
def test_an_embargo_that_ends_no_earlier_is_none(until: Any) -> None:
    assert sentence(EmbargoSet, Embargo(NIGHT + HOUR), until=until) is None
    assert sentence(EmbargoSet, Embargo(NIGHT - HOUR), until=until) is None
    assert sentence(EmbargoSet, Embargo(lifted=True), until=until) is None


UNTIL = st.none() | st.integers(-2, 4).map(lambda hours: NIGHT + hours * HOUR)


@given(st.builds(Embargo, UNTIL, st.booleans()), UNTIL)
def test_an_embargo_that_is_no_lift_lets_nobody_see_more_at_any_moment(stands: Embargo, until: Any) -> None:
    """The oracle looks at every hour from now on."""
    found = sentence(EmbargoSet, stands, until=until)
    hours = [NIGHT + hour * HOUR for hour in range(8)]
    shows_more = any(stands.is_in_force(hour) and not Embargo(until).is_in_force(hour) for hour in hours)
    assert found is not None or not shows_more


def test_figures_that_replace_others_set_by_hand_are_a_lift() -> None:
    stands = on_air({"votes.kurum": 5, "valid": 9}, boxes_opened=1)
    found = lift(setting(votes__kurum=7, cast=3), NO_EMBARGO, stands, NIGHT)
    assert "It replaces what was set by hand in mayor in tr/34/uskudar by aa: votes.kurum=5." == found
    assert lift(setting(cast=3), NO_EMBARGO, stands, NIGHT) is None


def test_figures_where_nothing_was_reported_are_a_lift() -> None:
    assert "Nothing was reported" in str(lift(setting(cast=3), NO_EMBARGO, on_air(), NIGHT))
    assert "Nothing was reported" in str(lift(setting(cast=3), NO_EMBARGO, on_air({}), NIGHT))
    assert lift(setting(cast=3), NO_EMBARGO, on_air({"valid": 9}), NIGHT) is None
    assert lift(setting(cast=3), NO_EMBARGO, on_air(boxes_opened=1), NIGHT) is None
