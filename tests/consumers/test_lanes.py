from hypothesis import given
from hypothesis import strategies as st

from consumers.lanes import lanes_of
from schemas.fields import MAX_BOX_COUNT, MAX_DISTRICT_BOXES, MAX_REVISION
from schemas.tally import Counted, Withdrawn
from tests.builders import counted, withdrawn

BALLOT = ("bagimsiz_1", "imamoglu", "kurum")
LARGEST = st.one_of(st.integers(0, MAX_BOX_COUNT), st.just(MAX_BOX_COUNT))


@given(st.lists(st.tuples(LARGEST, LARGEST, LARGEST), max_size=20), st.sampled_from([20, MAX_DISTRICT_BOXES]))
def test_added_up_they_hold_every_numbers_sum(boxes: list[tuple[int, int, int]], boxes_total: int) -> None:
    lanes = lanes_of(BALLOT, boxes_total)
    said = [
        counted(dict(zip(BALLOT, (a, b, c), strict=True)), registered=a, valid=b, cast=c, revision=MAX_REVISION)
        for a, b, c in boxes
    ]
    sums = lanes.sums(sum(map(lanes.of, said)))

    assert {name: sum(one.votes[name] for one in said) for name in BALLOT} == sums.votes
    assert (len(said), 0, sum(one.registered for one in said), sum(one.valid for one in said)) == (
        sums.boxes_opened,
        sums.annulled,
        sums.registered,
        sums.valid,
    )


def test_no_lane_runs_over_in_the_largest_district() -> None:
    """Every box of it at the most that any count of a box can be."""
    most = dict.fromkeys(BALLOT, MAX_BOX_COUNT)
    for boxes_total in (
        42_949,
        42_950,
        MAX_DISTRICT_BOXES,
    ):  # the last that 32 bits hold, and the first that they do not
        lanes = lanes_of(BALLOT, boxes_total)
        box = lanes.of(counted(most, valid=MAX_BOX_COUNT, cast=MAX_BOX_COUNT, registered=MAX_BOX_COUNT))
        sums = lanes.sums(box * boxes_total)

        assert (boxes_total, boxes_total * MAX_BOX_COUNT) == (sums.boxes_opened, sums.registered)
        assert dict.fromkeys(BALLOT, boxes_total * MAX_BOX_COUNT) == sums.votes


def test_what_is_taken_away_again_leaves_nothing() -> None:
    lanes = lanes_of(BALLOT, 20)
    box = lanes.of(counted(registered=1, unattributed=3))

    assert lanes.sums(0) == lanes.sums(box - box)
    assert (1, 1) == (lanes.sums(box).flagged, lanes.sums(box).flags["cast_over_registered"])


def test_the_same_said_otherwise_is_the_same_and_anything_else_is_not() -> None:
    lanes = lanes_of(BALLOT, 20)

    assert lanes.of(counted({"imamoglu": 1, "kurum": 2})) == lanes.of(
        counted({"kurum": 2, "imamoglu": 1, "bagimsiz_1": 0})
    )
    assert lanes.of(counted()) == lanes.of(counted(type="corrected"))
    kinds: list[Counted | Withdrawn] = [
        counted({}, cast=0, invalid=0, registered=0),
        withdrawn(revision=1),
        withdrawn(revision=1, type="annulled"),
    ]
    assert len({lanes.of(kind) for kind in kinds}) == 3
    assert [True, False, False] == [lanes.is_open(lanes.of(kind)) for kind in kinds]


def test_the_revision_lies_above_all_that_is_said() -> None:
    lanes = lanes_of(BALLOT, MAX_DISTRICT_BOXES)
    low, high = counted(revision=1), counted(revision=MAX_REVISION)

    assert (1, MAX_REVISION) == (lanes.of(low) >> lanes.top, lanes.of(high) >> lanes.top)
    assert lanes.of(low) & lanes.counts_mask == lanes.of(high) & lanes.counts_mask


@given(*[st.tuples(LARGEST, LARGEST, LARGEST, LARGEST)] * 2, st.sampled_from([20, MAX_DISTRICT_BOXES]))
def test_two_boxes_are_as_far_apart_as_each_candidates_votes(
    a: tuple[int, ...], b: tuple[int, ...], boxes_total: int
) -> None:
    """And as those that are unattributed; whatever else is said of them, and as the other does not have the box."""
    lanes = lanes_of(BALLOT, boxes_total)
    box_a, box_b = (
        lanes.of(counted(dict(zip(BALLOT, votes, strict=True)), unattributed=last, registered=last, revision=revision))
        for revision, (*votes, last) in enumerate((a, b), start=1)
    )
    apart = sum(abs(one - other) for one, other in zip(a, b, strict=True))

    assert apart == lanes.votes_apart(box_a, box_b) == lanes.votes_apart(box_b, box_a)
    assert (0, sum(a)) == (lanes.votes_apart(box_a, box_a), lanes.votes_apart(box_a, 0))
