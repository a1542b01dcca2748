from dataclasses import replace
from typing import Any

import pytest

from schemas.control import Called, EmbargoLifted, EmbargoSet
from tabulation.orders.confirmations import InForce, Question, questions, unanswered
from tabulation.orders.embargo import NO_EMBARGO, Embargo
from tests.builders import NIGHT
from tests.schemas.orders import order
from tests.tabulation.nights import on_air, setting

WHERE: dict[str, Any] = {"contest": "mayor", "unit": "tr/34"}


def standing(**fields: Any) -> InForce:
    return replace(InForce(NIGHT, NO_EMBARGO, on_air(boxes_opened=1)), **fields)


def codes(given_order: Any, mode: Any = "live", **fields: Any) -> list[str]:
    return [question.code for question in questions(given_order, standing(**fields), mode)]


def call(candidate: str, **fields: Any) -> Any:
    return order(Called, **(WHERE | {"candidate": candidate} | fields))


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
