from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import EVENTS_END, FIRST_EVENT, MAX_BOX_COUNT, MAX_DISTRICT_BOXES, MAX_RELEASED, MAX_REVISION
from schemas.tally import Counted, Withdrawn, order_of
from tabulation.counting.packed_counts import event_time, packing_of
from tests.builders import NIGHT, counted, withdrawn

BALLOT = ("bagimsiz_1", "imamoglu", "kurum")
LAST_EVENT = EVENTS_END - timedelta(microseconds=1)
LARGEST = st.one_of(st.integers(0, MAX_BOX_COUNT), st.just(MAX_BOX_COUNT))


@given(st.lists(st.tuples(LARGEST, LARGEST, LARGEST), max_size=20), st.sampled_from([20, MAX_DISTRICT_BOXES]))
def test_added_up_they_hold_every_numbers_sum(boxes: list[tuple[int, int, int]], boxes_total: int) -> None:
    packing = packing_of(BALLOT, boxes_total)
    said = [
        counted(dict(zip(BALLOT, (a, b, c), strict=True)), registered=a, valid=b, cast=c, revision=MAX_REVISION)
        for a, b, c in boxes
    ]
    sums = packing.sums(sum(map(packing.of, said)))

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
        4_294,
        4_295,
        MAX_DISTRICT_BOXES,
    ):  # the last that 32 bits hold, and the first that they do not
        packing = packing_of(BALLOT, boxes_total)
        box = packing.of(counted(most, valid=MAX_BOX_COUNT, cast=MAX_BOX_COUNT, registered=MAX_BOX_COUNT))
        sums = packing.sums(box * boxes_total)

        assert (boxes_total, boxes_total * MAX_BOX_COUNT) == (sums.boxes_opened, sums.registered)
        worst = packing.of(counted(most, valid=0, cast=0, invalid=MAX_BOX_COUNT, unattributed=MAX_BOX_COUNT))
        sums = packing.sums(worst * boxes_total)
        assert (boxes_total, boxes_total) == (packing.impossible(worst * boxes_total), sums.flags["impossible"])
        assert boxes_total * packing.sums(worst).excess == sums.excess
        assert dict.fromkeys(BALLOT, boxes_total * MAX_BOX_COUNT) == sums.votes


def test_a_box_larger_than_any_is_impossible_and_not_odd_where_it_adds_up() -> None:
    """How many boxes are odd is hashed, and is what it was when archives were sealed."""
    packing = packing_of(BALLOT, 20)
    sums = packing.sums(packing.of(counted({"kurum": 10_500}, registered=11_000)))

    assert (0, {"impossible": 1}) == (sums.flagged, {flag: n for flag, n in sums.flags.items() if n})
    assert 0 == packing.impossible(packing.of(counted({"kurum": 9_900}, registered=10_000)))


def test_what_is_taken_away_again_leaves_nothing() -> None:
    packing = packing_of(BALLOT, 20)
    box = packing.of(counted(registered=1, unattributed=3))

    assert packing.sums(0) == packing.sums(box - box)
    assert (1, 1) == (packing.sums(box).flagged, packing.sums(box).flags["cast_over_registered"])


def test_the_same_said_otherwise_is_the_same_and_anything_else_is_not() -> None:
    packing = packing_of(BALLOT, 20)

    assert packing.of(counted({"imamoglu": 1, "kurum": 2})) == packing.of(
        counted({"kurum": 2, "imamoglu": 1, "bagimsiz_1": 0})
    )
    assert packing.of(counted()) == packing.of(counted(type="corrected"))
    kinds: list[Counted | Withdrawn] = [
        counted({}, cast=0, invalid=0, registered=0),
        withdrawn(revision=1),
        withdrawn(revision=1, type="annulled"),
    ]
    assert len({packing.of(kind) for kind in kinds}) == 3
    assert [True, False, False] == [packing.is_open(packing.of(kind)) for kind in kinds]


def test_order_and_moment_lie_above_all_that_is_said() -> None:
    packing = packing_of(BALLOT, MAX_DISTRICT_BOXES)
    low, high = counted(), counted(revision=MAX_REVISION, released=MAX_RELEASED, at=LAST_EVENT)

    assert (order_of(1, 0), order_of(MAX_REVISION, MAX_RELEASED)) == (
        packing.order(packing.of(low)),
        packing.order(packing.of(high)),
    )
    assert (NIGHT, LAST_EVENT) == tuple(event_time(packing.moment(packing.of(one))) for one in (low, high))
    assert packing.of(low) & packing.counts_mask == packing.of(high) & packing.counts_mask


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    st.lists(
        st.tuples(
            st.datetimes(FIRST_EVENT.replace(tzinfo=None), LAST_EVENT.replace(tzinfo=None)),
            st.one_of(OFFSETS, st.sampled_from([UTC, ZoneInfo("Europe/Istanbul"), ZoneInfo("Europe/Berlin")])),
        ),
        max_size=8,
    )
)
def test_a_moment_is_the_same_in_whatever_zone_it_is_told_and_exact(moments: list[tuple[datetime, tzinfo]]) -> None:
    packing = packing_of(BALLOT, 20)
    for moment, zone in moments:
        at = moment.replace(tzinfo=UTC)
        said = packing.of(counted(at=at.astimezone(zone)))
        assert (at, said) == (event_time(packing.moment(said)), packing.of(counted(at=at)))


@given(st.data())
def test_of_two_statements_the_one_of_the_higher_order_is_the_greater_integer(data: st.DataObject) -> None:
    packing = packing_of(BALLOT, 20)
    orders = st.tuples(st.integers(1, MAX_REVISION), st.integers(0, MAX_RELEASED))
    said = [
        counted({"kurum": data.draw(LARGEST)}, revision=revision, released=released, at=at)
        for (revision, released), at in data.draw(
            st.tuples(*[st.tuples(orders, st.sampled_from([NIGHT, LAST_EVENT]))] * 2)
        )
    ]
    one, other = sorted(said, key=lambda each: (each.revision, each.released))

    if (one.revision, one.released) != (other.revision, other.released):
        assert packing.of(one) < packing.of(other)


@given(*[st.tuples(LARGEST, LARGEST, LARGEST, LARGEST)] * 2, st.sampled_from([20, MAX_DISTRICT_BOXES]))
def test_two_boxes_are_as_far_apart_as_each_candidates_votes(
    a: tuple[int, ...], b: tuple[int, ...], boxes_total: int
) -> None:
    """And as those that are unattributed; whatever else is said of them, and as the other does not have the box."""
    packing = packing_of(BALLOT, boxes_total)
    box_a, box_b = (
        packing.of(
            counted(dict(zip(BALLOT, votes, strict=True)), unattributed=last, registered=last, revision=revision)
        )
        for revision, (*votes, last) in enumerate((a, b), start=1)
    )
    apart = sum(abs(one - other) for one, other in zip(a, b, strict=True))

    assert apart == packing.votes_apart(box_a, box_b) == packing.votes_apart(box_b, box_a)
    assert (0, sum(a)) == (packing.votes_apart(box_a, box_a), packing.votes_apart(box_a, 0))
