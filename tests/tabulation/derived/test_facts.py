from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.run import Run, RunTopics
from schemas.control import Called, EmbargoLifted, EmbargoSet
from schemas.definition import Unit
from schemas.figures import COUNTS
from tabulation.derived.facts import (
    Facts,
    Lead,
    Turnout,
    beyond,
    beyond_in,
    facts,
    facts_in,
    in_force_for,
    lead,
    progress_bp,
    ranking,
    share_bp,
    shares_bp,
)
from tabulation.orders.control import Control
from tabulation.orders.restrictions import Embargo
from tabulation.view.claims import Claims, Shift, claim_of, unheard
from tabulation.view.program import Program
from tests.builders import NIGHT, small_election
from tests.gateway.nights import Written
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
