from typing import Any

import pytest

from schemas.contests import SeatPlan, Threshold
from schemas.definition import Candidate, Contest, Election, Party
from tabulation.derived.seat_facts import SeatFacts, seat_facts, units_with_seats
from tabulation.seats.methods import Undecided
from tabulation.view.view import View
from tests.gateway.nights import election, totals

PARTIES = tuple(Party(id=name, name=name, short_name=name, color="#123456") for name in ("a", "b", "c"))


def definition(**fields: Any) -> Election:
    """The small election, whose council has seats in three districts; d is independent."""
    seats = {"tr/34/uskudar": 3, "tr/34/adalar": 1, "tr/06/cankaya": 2}
    plan = SeatPlan(**({"method": "dhondt", "seats": seats} | fields))
    candidates = (*(Candidate(id=name, name=name, party=name) for name in ("a", "b", "c")), Candidate(id="d", name="D"))
    contest = Contest(id="council", name="Council", candidates=candidates, seats=plan)
    return election().model_copy(update={"parties": PARTIES, "contests": (contest,)})


def told(definition: Election, *districts: tuple[str, dict[str, int], int]) -> dict[str, SeatFacts]:
    """The facts of every unit after these districts were told, with so many boxes."""
    view = View(definition)
    for offset, (district, votes, boxes) in enumerate(districts):
        view.apply(offset, totals(district, votes, contest="council", boxes=boxes))
    plan = definition.contests[0].seats
    assert plan is not None
    units = units_with_seats(definition, plan)
    found = seat_facts(definition, "council", plan, lambda unit: view.figures("council", "aa", unit), units)
    return {facts.unit: facts for facts in found}


def test_a_unit_has_the_seats_of_the_constituencies_in_it() -> None:
    plan = definition().contests[0].seats
    assert plan is not None
    assert {
        "tr/34/uskudar": ("tr/34/uskudar",),
        "tr/34": ("tr/34/uskudar", "tr/34/adalar"),
        "tr": ("tr/34/uskudar", "tr/34/adalar", "tr/06/cankaya"),
        "tr/34/adalar": ("tr/34/adalar",),
        "tr/06/cankaya": ("tr/06/cankaya",),
        "tr/06": ("tr/06/cankaya",),
    } == units_with_seats(definition(), plan)


def test_seats_are_summed_up_and_what_is_open_says_where() -> None:
    found = told(definition(), ("tr/34/uskudar", {"a": 60, "b": 30}, 10), ("tr/34/adalar", {"b": 5, "c": 5}, 2))
    country = found["tr"]
    assert (6, {"a": 2, "b": 1}, 3) == (
        country.total.house,
        {name: many for name, many in country.total.seats.items() if many},
        country.total.open,
    )
    assert [
        ("tr/34/adalar", Undecided(1, ("b", "c"), "tie")),
        ("tr/06/cankaya", Undecided(2, (), "no_votes")),
    ] == [tuple(one) for one in country.undecided]


def test_seats_are_complete_where_their_constituencies_are() -> None:
    found = told(definition(), ("tr/34/uskudar", {"a": 60}, 10), ("tr/34/adalar", {"b": 5}, 1))
    assert {"tr/34/uskudar"} == {unit for unit, facts in found.items() if facts.complete}
    assert ({"a": 3}, ()) == (found["tr/34/uskudar"].decided, found["tr/34/uskudar"].counting)
    assert ({"a": 3}, ("tr/34/adalar", "tr/06/cankaya")) == (found["tr"].decided, found["tr"].counting)


def test_with_a_threshold_of_the_contest_no_seat_is_complete_before_the_country_is() -> None:
    some = ("tr/34/uskudar", {"a": 60, "b": 3}, 10), ("tr/34/adalar", {"b": 5}, 2)
    threshold = Threshold(share=(1, 10))
    found = told(definition(threshold=threshold), *some)
    assert not any(facts.complete or facts.decided for facts in found.values())
    assert ("tr/06/cankaya",) == found["tr"].counting
    assert {"a": 0, "b": 1} == {name: found["tr/34/adalar"].total.seats[name] for name in "ab"}
    whole = told(definition(threshold=threshold), *some, ("tr/06/cankaya", {"a": 60}, 5))
    assert all(facts.complete for facts in whole.values())
    assert frozenset({"b"}) == whole["tr/34/adalar"].total.barred
    local = told(definition(threshold=Threshold(share=(1, 10), of="constituency")), *some)
    assert local["tr/34/uskudar"].complete


def test_an_independent_of_the_ballot_takes_one_seat() -> None:
    found = told(definition(), ("tr/34/uskudar", {"d": 90, "a": 5}, 10))
    assert {"a": 2, "d": 1} == {one: many for one, many in found["tr/34/uskudar"].total.seats.items() if many}


def test_votes_that_are_not_attributed_are_in_the_whole_that_a_threshold_is_of() -> None:
    view = View(definition(threshold=Threshold(share=(1, 2))))
    record = totals("tr/34/uskudar", {"a": 60}, contest="council")
    view.apply(0, record.model_copy(update={"unattributed": 61, "valid": 60}))
    plan = view.definition.contests[0].seats
    assert plan is not None
    (facts,) = seat_facts(
        view.definition,
        "council",
        plan,
        lambda unit: view.figures("council", "aa", unit),
        {"tr/34/uskudar": ("tr/34/uskudar",)},
    )
    assert frozenset({"a"}) == facts.total.barred


@pytest.mark.parametrize(("blank", "lists"), [(False, {"a", "b"}), (True, {"a"})])
def test_blank_votes_are_in_the_threshold_where_the_law_has_them_valid(blank: bool, lists: set[str]) -> None:
    """Of 100 valid votes 3 are 3 %; of 100 and 10 blank ones they are not."""
    threshold = Threshold(share=(3, 100), blank=blank)
    plan = SeatPlan(method="dhondt", seats={"tr/34/uskudar": 40}, threshold=threshold)
    contest = definition().contests[0].model_copy(update={"blank": True, "seats": plan})
    night = definition().model_copy(update={"contests": (contest,)})
    view, counted = View(night), totals("tr/34/uskudar", {"a": 97, "b": 3}, contest="council")
    view.apply(0, counted.model_copy(update={"cast": 110, "blank": 10}))
    units = {"tr/34/uskudar": ("tr/34/uskudar",)}
    (found,) = seat_facts(night, "council", plan, lambda unit: view.figures("council", "aa", unit), units)

    assert lists == {name for name, many in found.total.seats.items() if many}
