from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contests import Majority
from schemas.definition import Unit
from schemas.figures import COUNTS
from tabulation.derived.facts import majority_facts
from tabulation.view.claims import Claims


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
