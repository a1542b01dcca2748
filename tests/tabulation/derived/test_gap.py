from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from schemas.comparison import Part
from tabulation.derived.gap import Points, margin_of, share, split_points, split_votes, votes_of, written_points
from tabulation.view.comparisons import Rolled

COUNTS = st.integers(0, 60_000_000)
PARTS = st.builds(Part, valid=COUNTS, votes=st.fixed_dictionaries({"x": COUNTS, "y": COUNTS}))


def rolled(only_a: Part, only_b: Part, both_a: Part, both_b: Part) -> Rolled:
    return Rolled(1, 0, only_a, only_b, both_a, both_b, 0, ())


ROLLED = st.builds(rolled, PARTS, PARTS, PARTS, PARTS)


@given(ROLLED)
def test_coverage_and_disagreement_are_the_gap_exactly(found: Rolled) -> None:
    for votes in (votes_of("x"), margin_of("x", "y")):
        in_votes = split_votes(found, votes)
        assert in_votes.gap == votes(found.a) - votes(found.b)
        points = split_points(found, votes)
        if found.a.valid and found.b.valid:
            assert points is not None
            exact = Fraction(100 * votes(found.a), found.a.valid) - Fraction(100 * votes(found.b), found.b.valid)
            assert exact == points.coverage + points.disagreement == points.gap
        else:
            assert points is None


@given(st.fractions(-100, 100), st.fractions(-100, 100))
def test_the_parts_as_written_add_up_to_the_gap_as_written(coverage: Fraction, disagreement: Fraction) -> None:
    points = Points(coverage, disagreement)
    written = points.written()

    assert written.coverage is not None
    assert written.disagreement is not None
    units = [round(one * 10_000) for one in (written.gap, written.coverage, written.disagreement)]
    assert units[0] == units[1] + units[2]
    assert written_points(points.gap) == written.gap
    assert abs(points.disagreement - Fraction(units[2], 10_000)) <= Fraction(1, 10_000)


def test_a_source_that_only_lacks_boxes_differs_by_coverage_alone() -> None:
    both = Part(boxes=2, valid=100, votes={"x": 60, "y": 40})
    found = rolled(Part(boxes=1, valid=100, votes={"x": 20, "y": 80}), Part(), both, both)

    assert (-60 + 0, 0) == split_votes(found, margin_of("x", "y"))
    points = split_points(found, votes_of("x"))
    assert Points(Fraction(-20), Fraction(0)) == points


def test_sources_with_the_same_boxes_differ_by_disagreement_alone() -> None:
    found = rolled(Part(), Part(), Part(boxes=2, valid=100, votes={"x": 60}), Part(boxes=2, valid=80, votes={"x": 40}))

    assert (0, 20) == split_votes(found, votes_of("x"))
    assert Points(Fraction(0), Fraction(10)) == split_points(found, votes_of("x"))


def test_without_a_box_in_common_all_of_the_gap_is_coverage() -> None:
    found = rolled(Part(boxes=1, valid=10, votes={"x": 5}), Part(boxes=1, valid=10, votes={"x": 10}), Part(), Part())

    assert (-5, 0) == split_votes(found, votes_of("x"))
    assert Points(Fraction(-50), Fraction(0)) == split_points(found, votes_of("x"))


def test_without_a_valid_vote_there_is_no_share() -> None:
    assert share(Part(boxes=1), votes_of("x")) is None
    assert split_points(rolled(Part(boxes=1, valid=9), Part(), Part(), Part()), votes_of("x")) is None
