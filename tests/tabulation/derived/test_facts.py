from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.run import Run, RunTopics
from schemas.contests import Majority, SeatPlan, Threshold
from schemas.control import Called, EmbargoLifted, EmbargoSet
from schemas.definition import Candidate, Contest, Election, Party, Unit
from schemas.figures import COUNTS
from tabulation.derived.facts import (
    Facts,
    Lead,
    SeatFacts,
    Turnout,
    beyond,
    beyond_in,
    facts,
    facts_in,
    in_force_for,
    lead,
    majority_facts,
    progress_bp,
    ranking,
    seat_facts,
    share_bp,
    shares_bp,
    units_with_seats,
)
from tabulation.figures import Claims, Shift, claim_of, unheard
from tabulation.orders.control import Control
from tabulation.orders.effects import Embargo
from tabulation.program import Program
from tabulation.seats import Undecided
from tabulation.view import View
from tests.builders import NIGHT, small_election
from tests.gateway.nights import Written, election, totals
from tests.schemas.orders import EPOCH, RUN, order, written
from tests.tabulation.nights import CELL, said

BALLOT = ("a", "b", "c", "d")
VOTES = st.dictionaries(st.sampled_from((*BALLOT, "x", "y")), st.integers(0, 4) | st.integers(0, 10**8))


@dataclass
class Box:
    """Figures of a unit, made up."""

    votes: dict[str, int]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    boxes_total: int = 10
    unit: Unit = field(default_factory=lambda: Unit(id="tr/34/uskudar", level="district", name="Üsküdar"))
    claims: Claims = field(default_factory=Claims)


def counted(
    votes: dict[str, int],
    *,
    opened: int = 5,
    total: int = 10,
    registered: int = 1_000,
    left: int = 0,
    roll: int | None = None,
    **changes: int,
) -> Box:
    """A district that adds up, with any of its counts changed."""
    valid = sum(votes.values()) + left
    counts = dict.fromkeys(COUNTS, 0) | {
        "boxes_opened": opened,
        "registered": registered,
        "cast": valid,
        "valid": valid,
        "unattributed": left,
    }
    box = Box(votes, counts | changes, total)
    before = unheard(box.unit.registered)
    box.claims = Claims(1, _possible=before.possible)
    box.claims.shift(Shift.between(before, claim_of(total, roll, box.counts, votes)), votes)
    return box


@given(VOTES)
def test_a_rank_is_one_more_than_how_many_have_more_votes(votes: dict[str, int]) -> None:
    """So equal votes share a rank, and the rank after a tie of two is two further."""
    everybody = {candidate: votes.get(candidate, 0) for candidate in {*BALLOT, *votes}}
    for place in facts(counted(votes), BALLOT).ranking:
        assert place.votes == everybody[place.candidate]
        assert place.rank == 1 + sum(other > place.votes for other in everybody.values())
        assert place.tied == (list(everybody.values()).count(place.votes) > 1)


@given(VOTES)
def test_a_ranking_has_everybody_once_ties_in_ballot_order(votes: dict[str, int]) -> None:
    order = [*BALLOT, *sorted(set(votes) - set(BALLOT))]
    expected = sorted(order, key=lambda candidate: (-votes.get(candidate, 0), order.index(candidate)))
    assert [candidate for candidate, _ in ranking(votes, BALLOT)] == expected


@given(VOTES)
def test_the_lead_is_read_off_the_ranking(votes: dict[str, int]) -> None:
    places = ranking(votes, [candidate for candidate in BALLOT if candidate in votes])
    found = lead(votes, BALLOT)
    if not places or places[0][1] == 0:
        assert found is None
        return
    leaders = tuple(candidate for candidate, count in places if count == places[0][1])
    if len(leaders) > 1:
        assert found == Lead(leaders, None, 0)
    elif len(places) == 1:
        assert found == Lead(leaders, None, places[0][1])
    else:
        assert found == Lead(leaders, places[1][0], places[0][1] - places[1][1])


@given(st.lists(st.integers(0, 3) | st.integers(0, 10**9), min_size=1, max_size=60))
def test_shares_add_up_to_exactly_a_hundred_per_cent(parts: list[int]) -> None:
    """Each within a hundredth of a per cent of the truth, none out of order, and nothing where nobody voted."""
    shares = shares_bp(parts)
    whole = sum(parts)
    if not whole:
        assert shares == [None] * len(parts)
        return
    known = [share for share in shares if share is not None]
    assert sum(known) == 10_000
    for part, share in zip(parts, known, strict=True):
        assert abs(Fraction(part * 10_000, whole) - share) < 1
    for part, share in zip(parts, known, strict=True):
        assert all(share >= other for less, other in zip(parts, known, strict=True) if less < part)


def test_what_is_left_over_goes_to_the_first_of_equal_remainders() -> None:
    assert shares_bp([1, 1, 1]) == [3_334, 3_333, 3_333]
    assert shares_bp([2, 0, 4]) == [3_333, 0, 6_667]


@given(st.integers(0, 10**8), st.integers(1, 10**8))
def test_a_single_share_is_rounded_half_up(part: int, whole: int) -> None:
    exact = Fraction(part * 10_000, whole)
    share = share_bp(part, whole)
    assert share is not None
    assert exact - Fraction(1, 2) < share <= exact + Fraction(1, 2)
    assert share_bp(part, 0) is None


def test_progress_is_whole_only_where_every_district_is_complete() -> None:
    districts = ((0, 0), (0, 5), (1, 10**6), (999_999, 10**6), (5, 5), (6, 5), (3, 0))
    assert [progress_bp(counted({}, opened=opened, total=total)) for opened, total in districts] == [
        None,
        0,
        1,
        9_999,
        10_000,
        9_999,
        None,
    ]


def test_shares_of_the_valid_votes_add_up_and_none_is_over_a_hundred_per_cent() -> None:
    thirds = facts(counted({"a": 1, "b": 1, "c": 1}), BALLOT)
    assert [place.valid_share_bp for place in thirds.ranking] == [3_334, 3_333, 3_333, 0]
    left_out = facts(counted({"a": 50, "b": 30}, valid=100), BALLOT)
    assert [(place.share_bp, place.valid_share_bp) for place in left_out.ranking[:2]] == [
        (6_250, 5_000),
        (3_750, 3_000),
    ]
    too_many = facts(counted({"a": 160, "b": 20}, valid=100), BALLOT)
    assert [place.valid_share_bp for place in too_many.ranking] == [8_889, 1_111, 0, 0]
    assert (too_many.margin_bp, too_many.contradictions) == (7_778, ("votes_over_valid",))


@given(VOTES, st.integers(0, 10**8), st.integers(0, 10**8))
def test_no_share_of_any_figures_is_over_a_hundred_per_cent(votes: dict[str, int], valid: int, left: int) -> None:
    found = facts(counted(votes, valid=valid, unattributed=left), BALLOT)
    shares = [share or 0 for place in found.ranking for share in (place.share_bp, place.valid_share_bp)]
    assert max([*shares, found.margin_bp or 0]) <= 10_000
    assert sum(place.valid_share_bp or 0 for place in found.ranking) <= 10_000


def test_the_points_of_a_margin_are_of_the_valid_votes() -> None:
    found = facts(counted({"a": 60, "b": 30}, left=10), BALLOT)
    assert found.lead == Lead(("a",), "b", 30)
    assert (found.margin_bp, found.unattributed_share_bp) == (3_000, 1_000)
    assert [place.share_bp for place in found.ranking] == [6_000, 3_000, 0, 0]


def test_turnout_names_its_denominator_and_is_over_a_hundred_per_cent_where_a_box_is_flagged_for_it() -> None:
    odd = counted({"a": 30}, registered=20, flagged=1)
    assert facts(odd, BALLOT).turnout == Turnout(30, 20, 15_000)
    assert facts(counted({"a": 30}, registered=20), BALLOT).turnout == Turnout(30, 20, None)


def test_there_is_no_turnout_of_votes_that_no_voters_can_have_cast() -> None:
    assert facts(counted({"a": 80_090}, registered=400, flagged=1), BALLOT).turnout == Turnout(80_090, 400, None)
    assert facts(counted({"a": 130}, registered=40, flagged=1, roll=60), BALLOT).turnout == Turnout(130, 40, None)


def test_before_the_first_vote_there_are_facts_without_a_division() -> None:
    found = facts(counted({}, opened=0, registered=0, roll=3_000), BALLOT)
    assert (found.lead, found.margin_bp, found.unattributed_share_bp) == (None, None, None)
    assert [(place.rank, place.tied, place.share_bp) for place in found.ranking] == [(1, True, None)] * 4
    assert (found.turnout.share_bp, found.votes_possible, found.cannot_be_overtaken) == (None, 3_000, False)


@pytest.mark.parametrize(
    ("box", "possible", "safe"),
    [
        (counted({"a": 501, "b": 0}, roll=1_500), 500, True),
        (counted({"a": 500, "b": 0}, roll=1_500), 500, False),
        (counted({"a": 500, "b": 500}, roll=1_500), 500, False),
        (counted({"a": 900, "b": 0}), None, False),
        (counted({"a": 2, "b": 1}, opened=10), 0, True),
        (counted({"a": 2, "b": 2}, opened=10, roll=1_000), 0, False),
        (counted({"a": 12, "b": 1}, opened=10, left=11, roll=1_000), 0, False),
        (counted({"a": 13, "b": 1}, opened=10, left=11, roll=1_000), 0, True),
        (counted({"a": 900, "b": 1}, registered=1_600, roll=1_500), None, False),
        (counted({"a": 900, "b": 1}, roll=1_000), None, False),
        (counted({"a": 900, "b": 1}, opened=10, registered=1_001, roll=1_000), None, False),
        (counted({}, opened=10, roll=1_500), 0, False),
    ],
    ids=[
        "more than is possible",
        "as much as is possible",
        "a tie",
        "nobody knows how many",
        "every box opened, by one vote",
        "every box opened, tied",
        "every box opened, but votes that are nobody's yet",
        "more than those",
        "more voters opened than there are, with boxes to come",
        "all voters opened, with boxes to come",
        "every box opened, with more voters than there are",
        "nobody has a vote",
    ],
)
def test_a_lead_is_safe_when_it_is_strictly_more_than_may_still_come(
    box: Box, possible: int | None, safe: bool
) -> None:
    found = facts(box, BALLOT)
    assert (found.votes_possible, found.cannot_be_overtaken) == (possible, safe)


def test_nobody_is_beyond_reach_in_a_tie_or_before_the_first_vote() -> None:
    ahead = counted({"a": 2, "b": 1}, opened=10)
    assert beyond(ahead, lead(ahead.votes, BALLOT)) == "a"
    assert beyond(counted({"a": 2, "b": 2}, opened=10), Lead(("a", "b"), None, 0)) is None
    assert beyond(counted({}), None) is None


def test_a_definition_says_in_which_order_and_how_many() -> None:
    definition = small_election(10)
    box = counted({"imamoglu": 30, "kurum": 20}, opened=10)
    assert isinstance(facts_in(definition, "mayor", box), Facts)
    assert beyond_in(definition, "mayor", box) == "imamoglu"


ELECTION = small_election()
WHERE: dict[str, Any] = {"contest": "mayor", "unit": CELL.district}


def test_a_call_comes_upon_who_is_called_and_who_cannot_be_overtaken_by_each_source() -> None:
    program, control = Program(ELECTION), Control(Run(RunTopics(RUN), "test", EPOCH, ELECTION))
    everything = said(
        votes={"imamoglu": 4_000, "kurum": 1_000}, boxes_opened=20, registered=6_000, cast=5_000, valid=5_000
    )
    program.fold(Written(0, everything.encode(), key=CELL.key()))
    control.fold(Written(0, written(Called, candidate="kurum", **WHERE)))
    control.fold(Written(1, written(EmbargoSet)))

    found = in_force_for(order(Called, candidate="kurum", **WHERE), program, control, NIGHT)
    assert ({"aa": "imamoglu"}, Embargo(), NIGHT) == (found.beyond, found.embargo, found.now)
    assert ["kurum"] == [call.candidate for call in found.calls]
    assert everything == found.on_air.truth(CELL)
    assert {} == in_force_for(order(EmbargoLifted), program, control, NIGHT).beyond
    elsewhere = order(Called, contest="mayor", unit="tr/41/gebze", candidate="kurum")
    assert {} == in_force_for(elsewhere, program, control, NIGHT).beyond


def test_while_boxes_are_out_that_can_change_it_nobody_is_beyond_reach() -> None:
    program, control = Program(ELECTION), Control(Run(RunTopics(RUN), "test", EPOCH, ELECTION))
    half = said(votes={"imamoglu": 2_000, "kurum": 500}, boxes_opened=10, registered=3_000, cast=2_500, valid=2_500)
    program.fold(Written(0, half.encode(), key=CELL.key()))
    assert {} == in_force_for(order(Called, candidate="kurum", **WHERE), program, control, NIGHT).beyond


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


class Counted:
    """Figures of a unit, as far as majorities follow from them."""

    unit = Unit(id="x", level="country", name="X")
    boxes_total = 10
    claims = Claims()

    def __init__(self, votes: dict[str, int], **counts: int) -> None:
        self.votes = votes
        total = sum(votes.values())
        told = {"valid": total, "cast": total, "registered": 2 * total}
        self.counts = dict.fromkeys(COUNTS, 0) | told | counts


def test_more_than_half_is_more_than_half() -> None:
    tied = majority_facts(Counted({"yes": 50, "no": 50}), Majority())
    ahead = majority_facts(Counted({"yes": 51, "no": 49}), Majority())

    assert (100, 51, (), False) == (tied.of, tied.votes_needed, tied.reached_by, tied.met)
    assert (("yes",), True) == (ahead.reached_by, ahead.met)


def test_where_half_is_enough_both_may_have_it() -> None:
    found = majority_facts(Counted({"b": 50, "a": 50}), Majority(passed_by="reaching"))

    assert (50, ("a", "b")) == (found.votes_needed, found.reached_by)


@pytest.mark.parametrize(("of", "needed"), [("valid", 51), ("cast", 61), ("registered", 201)])
def test_the_share_is_of_what_the_law_says(of: str, needed: int) -> None:
    counted = Counted({"yes": 60, "no": 40}, cast=120, registered=400)

    assert needed == majority_facts(counted, Majority(of=of)).votes_needed  # type: ignore[arg-type]  # a parameter


@pytest.mark.parametrize(("cast", "met"), [(99, False), (100, True)])
def test_enough_must_have_voted_where_the_law_asks_for_it(cast: int, met: bool) -> None:
    rule = Majority(turnout=(1, 4))
    found = majority_facts(Counted({"yes": 80, "no": 10}, cast=cast, registered=400), rule)

    assert (100, met, met) == (found.voters_needed, found.turnout_reached, found.met)


def test_before_the_first_vote_nothing_is_needed_and_nothing_reached() -> None:
    found = majority_facts(Counted({"yes": 0, "no": 0}), Majority())

    assert (0, None, (), False) == (found.of, found.votes_needed, found.reached_by, found.met)


def test_votes_beyond_the_valid_ones_raise_what_is_needed() -> None:
    assert 51 == majority_facts(Counted({"yes": 60, "no": 40}, valid=90), Majority()).votes_needed


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 60), min_size=1),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.booleans(),
)
def test_who_has_reached_it_is_who_has_the_share(votes: dict[str, int], share: tuple[int, int], more: bool) -> None:
    found = majority_facts(Counted(votes), Majority(share=share, passed_by="exceeding" if more else "reaching"))
    whole, ratio = sum(votes.values()), Fraction(*share)
    expected = {
        name for name, count in votes.items() if whole and (count > whole * ratio if more else count >= whole * ratio)
    }

    assert expected == set(found.reached_by)
