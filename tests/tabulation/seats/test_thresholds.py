from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.contests import Alliance, SeatPlan, Threshold
from tabulation.seats import Poll, barred, counting_votes


def plan(**fields: Any) -> SeatPlan:
    return SeatPlan(method="dhondt", seats={"tr/11": 2}, **fields)


def out(threshold: Threshold, votes: dict[str, int], valid: int, *alliances: Alliance) -> set[str]:
    """Who is kept out of a constituency that is the whole contest."""
    poll = Poll(votes, valid)
    return set(barred(plan(threshold=threshold, alliances=alliances), poll, poll, ()))


def test_without_a_threshold_nobody_is_kept_out() -> None:
    assert frozenset() == barred(plan(), Poll({"a": 0}, 9), Poll({"a": 0}, 9), ())


def test_exactly_the_share_is_enough_or_not_as_the_law_says() -> None:
    """Germany: at least 5 % (BWahlG § 4). Türkiye: who does not exceed 7 % has none (Law 2839, article 33)."""
    votes = {"a": 70, "b": 69, "c": 861}
    assert {"b"} == out(Threshold(share=(7, 100)), votes, 1_000)
    assert {"a", "b"} == out(Threshold(share=(7, 100), passed_by="exceeding"), votes, 1_000)


def test_a_threshold_is_compared_exactly() -> None:
    """One vote of ten million: no floating point could be trusted with a seventh."""
    assert set() == out(Threshold(share=(1, 7)), {"a": 10_000_000}, 70_000_000)
    assert {"a"} == out(Threshold(share=(1, 7)), {"a": 9_999_999}, 70_000_000)


def test_a_share_is_of_all_votes_where_the_sums_have_more_of_them_than_valid_ones() -> None:
    assert {"b"} == out(Threshold(share=(1, 10)), {"a": 91, "b": 9}, 50)


def test_an_alliance_passes_with_what_its_members_have_together() -> None:
    threshold = Threshold(share=(7, 100), passed_by="exceeding")
    votes = {"a": 40, "b": 31, "c": 60, "d": 869}
    assert {"a", "b", "c"} == out(threshold, votes, 1_000)
    assert {"c"} == out(threshold, votes, 1_000, Alliance(id="ab", name="A B", members=("a", "b")))


def test_a_threshold_is_of_the_contest_or_of_the_constituency() -> None:
    country, here = Poll({"a": 1, "b": 99}, 100), Poll({"a": 9, "b": 1}, 10)
    assert {"a"} == barred(plan(threshold=Threshold(share=(1, 10), passed_by="exceeding")), country, here, ())
    local = Threshold(share=(1, 10), passed_by="exceeding", of="constituency")
    assert {"b"} == barred(plan(threshold=local), country, here, ())


def test_an_independent_is_held_to_no_threshold_of_the_contest() -> None:
    poll = Poll({"a": 1, "b": 99}, 100)
    assert frozenset() == barred(plan(threshold=Threshold(share=(1, 10))), poll, poll, {"a"})
    assert {"a"} == barred(plan(threshold=Threshold(share=(1, 10), of="constituency")), poll, poll, {"a"})


def test_who_is_exempt_is_held_to_none() -> None:
    assert set() == out(Threshold(share=(1, 10), exempt=("a",)), {"a": 1, "b": 99}, 100)


def test_who_is_not_on_the_ballot_here_is_not_kept_out_here() -> None:
    poll = Poll({"b": 99}, 99)
    assert frozenset() == barred(plan(threshold=Threshold(share=(1, 10))), Poll({"a": 1, "b": 99}, 100), poll, ())


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 50)), st.integers(0, 300), st.integers(0, 20))
def test_who_passes_a_threshold_passes_every_lower_one(votes: dict[str, int], valid: int, percent: int) -> None:
    higher, lower = (out(Threshold(share=(one, 100)), votes, valid) for one in (percent + 1, percent))
    assert lower <= higher


def test_a_tenth_of_the_valid_votes_is_taken_off_everybodys() -> None:
    """Law 2972, article 23."""
    found = counting_votes(plan(deducted=(1, 10)), Poll({"b": 55, "a": 500, "c": 5, "d": 600}, 555), {"d"})
    assert [("a", Fraction(384)), ("b", Fraction(0)), ("c", Fraction(0))] == list(
        found.items()
    )  # a tenth of 1,160: the sum, where it is more
