"""What one box leaves in doubt, against whatever the box may hold in truth."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulation.counting.cells import MAX_BOX_EXCESS, MOST_BOX_VOTERS, Doubt, doubt_in


@dataclass
class Box:
    """The counts of a box; one that is not given is as it adds up."""

    votes: dict[str, int]
    registered: int = 400
    valid: int = -1
    cast: int = -1
    invalid: int = 0
    unattributed: int = field(default=0)
    blank: int = 0

    def __post_init__(self) -> None:
        named = sum(self.votes.values()) + self.unattributed
        self.valid = named if self.valid < 0 else self.valid
        self.cast = self.valid + self.invalid if self.cast < 0 else self.cast


@pytest.mark.parametrize(
    "box",
    [
        Box({"a": 250, "b": 100}),
        Box({"a": 250, "b": 100}, unattributed=30),
        Box({"a": 400, "b": 100}),
        Box({}, registered=0),
        Box({"a": 250}, valid=300),
        Box({"a": 4_000, "b": 399}, registered=4_000),
        Box({"a": 401}, registered=0),
    ],
    ids=[
        "adds up",
        "not attributed yet",
        "100 officials",
        "empty",
        "votes to nobody",
        "a tenth more abroad",
        "no list of voters",
    ],
)
def test_a_box_that_can_be_leaves_no_more_in_doubt_than_its_sums_tell(box: Box) -> None:
    assert Doubt(0, is_impossible=False) == doubt_in(box)


@pytest.mark.parametrize(
    ("box", "excess"),
    [
        (Box({"a": 203}, valid=200), 6),
        (Box({"a": 200}, cast=195), 10),
        (Box({"a": 200}, cast=250), 0),
    ],
    ids=["votes over valid", "valid over cast", "cast over valid, which the sums tell"],
)
def test_a_slip_leaves_in_doubt_what_is_too_many_and_what_that_hides_in_the_sums(box: Box, excess: int) -> None:
    """Three votes too many hide three of another box that went to nobody, and may be the leader's."""
    assert Doubt(excess, is_impossible=False) == doubt_in(box)


@pytest.mark.parametrize(
    ("box", "excess"),
    [
        (Box({"a": 80_000, "b": 90}), 80_500),
        (Box({"a": 501}), 1_001),
        (Box({"a": 301}, valid=200, cast=200), 902),
        (Box({"a": 301}, cast=200), 902),
        (Box({"a": 10_001}, registered=10_001), 20_101),
        (Box({"a": 300, "b": 9_800}, registered=0), 10_300),
        (Box(dict.fromkeys("abcdefghijkl", 500_000), valid=0), MAX_BOX_EXCESS),
    ],
    ids=[
        "80,000 votes of 400 voters",
        "more than a hundred and a tenth beyond the voters",
        "votes over valid",
        "valid over cast",
        "a box larger than any",
        "votes of a box larger than any",
        "more than means anything",
    ],
)
def test_in_an_impossible_box_every_vote_may_be_anothers(box: Box, excess: int) -> None:
    assert Doubt(excess, is_impossible=True) == doubt_in(box)


COUNTS = st.integers(0, 400) | st.integers(0, 100_000)


@given(st.builds(Box, st.dictionaries(st.sampled_from("abc"), COUNTS), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_no_lead_in_a_box_that_contradicts_itself_is_safe_from_what_it_may_hold_in_truth(box: Box) -> None:
    """In truth it has at most its voters, or 400, and a hundred officials; and nothing of what it says may be so."""
    doubt = doubt_in(box)
    assert 0 <= doubt.excess <= MAX_BOX_EXCESS
    told = box.cast - box.invalid - sum(box.votes.values())
    lead = max(box.votes.values(), default=0)
    if doubt.is_impossible and doubt.excess < MAX_BOX_EXCESS:
        assert told + doubt.excess >= lead + min(max(box.registered, 400), MOST_BOX_VOTERS) + 100
    assert told + doubt.excess >= max(box.unattributed, 0) or doubt.excess == MAX_BOX_EXCESS
