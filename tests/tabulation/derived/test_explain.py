from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.comparison import Comparison, Explanation, Part
from schemas.definition import Source
from schemas.quarantine import quarantined
from schemas.tally import encode
from schemas.totals import Told, Totals
from tabulation.counting.comparisons import Comparisons, Rolled
from tabulation.counting.quarantine import Quarantine
from tabulation.derived.explain import (
    GapQuestion,
    Points,
    explain,
    margin_of,
    set_aside,
    share,
    split_points,
    split_votes,
    votes_of,
    written_points,
)
from tabulation.view import View
from tests.builders import reported
from tests.gateway.apart import comparison, part, run_of, written
from tests.gateway.nights import START, Written, election, totals

BOTH = part(4, imamoglu=400, kurum=300)
BOTH_ALIKE = part(1, kurum=3)


def asked(
    said: list[Totals], compared: list[Comparison], unit: str = "tr/34", *, b: str = "anka", districts: bool = False
) -> Explanation:
    """What is explained to whoever asks for aa and anka in the mayor's race."""
    definition = election()
    if districts:
        sources = (definition.sources[0], Source(id="anka", name="ANKA", reports="districts"))
        definition = definition.model_copy(update={"sources": sources})
    view, comparisons = View(definition), Comparisons(definition)
    for offset, one in enumerate(said):
        view.fold(Written(offset, one.encode()))
    for record in written(compared):
        comparisons.fold(record)
    a = "aa" if b == "anka" else "anka"
    question = GapQuestion("mayor", unit, a, b)
    return explain(run_of(definition), "9f2c", view, comparisons.roll_up(*question, view.version), question)


def test_a_gap_is_explained_in_votes_points_and_boxes() -> None:
    found = asked(
        [totals(version=5, minute=7), totals(source="anka", version=4)],
        [
            comparison(
                version=5, only_a=part(1, imamoglu=20, kurum=80), both_a=BOTH, both_b=part(4, imamoglu=390, kurum=310)
            )
        ],
    )

    assert (("imamoglu", "kurum"), 5, 4) == (found.leaders, found.a.boxes_opened, found.b.boxes_opened)
    assert (START + timedelta(minutes=7), START) == (found.a.as_of, found.b.as_of)
    assert found.lead is not None
    assert (-40, -60, 20) == (found.lead.votes.gap, found.lead.votes.coverage, found.lead.votes.disagreement)
    assert found.lead.points is not None
    assert (-6.4286, -9.2857, 2.8571) == (
        found.lead.points.gap,
        found.lead.points.coverage,
        found.lead.points.disagreement,
    )
    assert [("imamoglu", 30), ("kurum", 70)] == [(one.candidate, one.votes.gap) for one in found.candidates]
    why = found.why
    assert why is not None
    assert why.like_for_like is not None
    assert (1, 0, 4, 1, 0, None) == (why.only_a, why.only_b, why.both, why.differing, why.behind, found.reason)
    assert (400, 390) == (why.like_for_like.a.votes["imamoglu"], why.like_for_like.b.votes["imamoglu"])
    assert [(1001, 100, -60), (1002, 20, 20)] == [(box.box, box.votes_apart, box.lead) for box in why.explaining]


def test_the_other_way_round_everything_changes_its_sign() -> None:
    said = [totals(version=5), totals(source="anka", version=4)]
    compared = [comparison(version=5, only_a=part(1, kurum=80), both_a=BOTH, both_b=part(4, imamoglu=390))]
    one, other = asked(said, compared), asked(said, compared, b="aa")

    assert (one.a, one.b) == (other.b, other.a)
    assert [-gap.votes.gap for gap in one.candidates] == [gap.votes.gap for gap in other.candidates]
    assert one.why is not None
    assert other.why is not None
    assert [-box.lead for box in one.why.explaining if box.lead] == [
        box.lead for box in other.why.explaining if box.lead
    ]


def test_totals_that_are_newer_than_the_comparison_are_counted() -> None:
    found = asked(
        [totals(version=6), totals("tr/34/adalar", version=2), totals(source="anka", version=5)],
        [comparison(version=5, only_a=part(1, kurum=80), only_b=part(1, kurum=9))],
    )

    assert found.why is not None
    assert (2, None) == (found.why.behind, found.why.like_for_like)


def test_of_a_source_that_reports_districts_there_is_the_gap_alone() -> None:
    found = asked(
        [totals(votes={"imamoglu": 60, "kurum": 40}), totals(source="anka", votes={"imamoglu": 9}, boxes=3)],
        [comparison(only_a=part(1, kurum=80))],
        districts=True,
    )

    assert found.why is None
    assert "ANKA reports totals of districts" in str(found.reason)
    assert (1, 3) == (found.a.boxes_opened, found.b.boxes_opened)
    assert found.lead is not None
    assert (11, None, None) == (found.lead.votes.gap, found.lead.votes.coverage, found.lead.votes.disagreement)
    assert found.lead.points is not None
    assert (-80.0, None) == (found.lead.points.gap, found.lead.points.coverage)


def test_before_anything_is_compared_there_is_the_gap_alone() -> None:
    said = [totals(votes={"kurum": 4}), totals(source="anka", votes={"kurum": 1})]
    for compared in ([], [comparison(only_a=part(1, kurum=4))]):
        found = asked(said, compared)

        assert (None, ("kurum",), None) == (found.why, found.leaders, found.lead)
        assert "Nothing has been compared" in str(found.reason)
        assert 3 == found.candidates[0].votes.gap


@pytest.mark.parametrize("reports", ["boxes", "districts"])
def test_of_a_source_that_reported_nothing_no_gap_is_told(reports: str) -> None:
    said = [totals(votes={"imamoglu": 900_000, "kurum": 100_000})]
    compared = [comparison(only_a=part(1, imamoglu=900_000, kurum=100_000))]
    districts = reports == "districts"
    one = asked(said, compared, districts=districts)
    other = asked(said, compared, b="aa", districts=districts)

    for found, silent, speaking in ((one, one.b, one.a), (other, other.a, other.b)):
        assert (None, (), None) == (found.lead, found.candidates, found.why)
        assert "ANKA has reported nothing in İstanbul, so there is nothing to compare." == found.reason
        assert ("nothing", 0, None, {}) == (silent.standing, silent.districts, silent.as_of, silent.votes)
        assert ("reporting", 1, 900_000) == (speaking.standing, speaking.districts, speaking.votes["imamoglu"])


def test_of_two_sources_that_reported_nothing_that_is_said() -> None:
    found = asked([], [])

    assert "Neither AA nor ANKA has reported anything in İstanbul." == found.reason
    assert (("nothing", "nothing"), (), ()) == (
        (found.a.standing, found.b.standing),
        found.leaders,
        found.candidates,
    )


def test_of_a_source_whose_boxes_were_all_withdrawn_no_gap_is_told() -> None:
    gone = totals(source="anka", votes={"imamoglu": 0, "kurum": 0}, boxes=0, version=3)
    found = asked([totals(version=2), gone], [comparison(version=3, only_a=part(1, imamoglu=1))])

    assert (None, ()) == (found.lead, found.candidates)
    assert "ANKA has no box open in İstanbul, so there is nothing to compare." == found.reason
    assert ("no_box", 1) == (found.b.standing, found.b.districts)
    both = asked([gone], [])
    assert "AA has reported nothing in İstanbul and ANKA has no box open in İstanbul" in str(both.reason)


def test_how_many_districts_each_has_reported_is_said() -> None:
    said = [totals(votes={"kurum": 4}), totals("tr/34/adalar", version=1), totals(source="anka", version=2)]
    found = asked(said, [], districts=True)

    assert (2, 1, 2, 1) == (found.a.districts, found.b.districts, found.districts_total, found.districts_shared)
    assert found.shared is not None
    assert ({"imamoglu": 0, "kurum": 4}, {"imamoglu": 1, "kurum": 0}) == (found.shared.a.votes, found.shared.b.votes)
    assert asked([said[0], said[2]], [], districts=True).shared is None
    assert (("boxes", "districts"), False) == ((found.a.reports, found.b.reports), found.held)


def test_of_sources_that_have_no_district_in_common_no_gap_is_told() -> None:
    said = [totals(votes={"kurum": 400}), totals("tr/34/adalar", source="anka", votes={"kurum": 3})]
    found = asked(said, [], districts=True)

    assert (None, (), 0, None) == (found.lead, found.candidates, found.districts_shared, found.shared)
    assert (
        "AA and ANKA have reported no district of İstanbul in common, so there is nothing to compare." == found.reason
    )


def test_figures_that_are_by_hand_alone_are_compared_and_not_split() -> None:
    by_hand = totals(source="anka", version=-1, votes={"kurum": 7}).model_copy(update={"overridden": ("votes.kurum",)})
    definition = election()
    view, comparisons = View(definition), Comparisons(definition)
    view.fold(Written(0, totals(votes={"kurum": 9}).encode()))
    view.show(1, by_hand.cell, by_hand)
    question = GapQuestion("mayor", "tr/34", "aa", "anka")
    rolled = comparisons.roll_up(*question, view.version)
    found = explain(run_of(definition), "9f2c", view, rolled, question, told=Told.CONTROL_ROOM, held=True)

    assert Told.CONTROL_ROOM is found.told
    assert ("by_hand", 0, True) == (found.b.standing, found.b.districts, found.held)
    assert "ANKA has reported nothing in İstanbul itself: its figures were set by hand" in str(found.reason)
    assert [2] == [one.votes.gap for one in found.candidates]


def test_whose_figures_were_set_by_hand_is_said_and_not_compared() -> None:
    by_hand = totals(version=5).model_copy(update={"overridden": ("valid", "votes.kurum")})
    compared = [comparison(version=5, only_a=part(1, kurum=80), only_b=part(1, kurum=1))]
    for unit in ("tr/34", "tr/34/uskudar"):
        found = asked([by_hand, totals(source="anka", version=4)], compared, unit)
        assert (("valid", "votes.kurum"), ()) == (found.a.overridden, found.b.overridden)
        assert (80, Told.LOG) == (found.a.votes["kurum"], found.told)


def test_with_one_candidate_there_is_no_lead_to_explain() -> None:
    found = asked(
        [totals(), totals(source="anka")], [comparison(only_a=part(1, kurum=80), both_a=BOTH_ALIKE, both_b=BOTH_ALIKE)]
    )

    assert found.why is not None
    assert (None, [None]) == (found.lead, [box.lead for box in found.why.explaining])


def test_what_a_source_has_said_that_is_not_in_its_figures_is_told_beside_them() -> None:
    """As many boxes on both sides, and a lead apart: the newer word of one of them is set aside."""
    said = reported({"kurum": 900}, boxes_opened=560, revision=8, district="tr/34/uskudar", source="aa")
    queue = Quarantine(election())
    record = quarantined("backwards", "a test", topic="t", partition=0, offset=7, key=b"k", value=encode(said))
    queue.fold(Written(0, record.encode(), key=record.position))
    question = GapQuestion("mayor", "tr/34", "anka", "aa")
    inside, public = (set_aside(queue.open, question, is_public=is_public) for is_public in (False, True))

    assert (["aa"], ["aa"], None) == (list(inside), list(public), public["aa"].newest)
    rolled = Comparisons(election()).roll_up(*question, lambda _: -1)
    found = explain(run_of(), "9f2c", View(election()), rolled, question, set_aside=inside)
    assert found.a.set_aside is None
    assert found.b.set_aside == inside["aa"]
    assert found.b.set_aside.newest is not None
    assert found.b.set_aside.newest.figures is not None
    assert (560, {"kurum": 900}) == (
        found.b.set_aside.newest.figures.boxes_opened,
        found.b.set_aside.newest.figures.votes,
    )


@pytest.mark.parametrize("districts", [True, False])
def test_of_more_votes_than_valid_ones_the_gap_is_in_votes_alone(districts: bool) -> None:
    """160 of 100 valid votes are no share of anything."""
    odd = totals(votes={"imamoglu": 160, "kurum": 20}, version=5).model_copy(update={"valid": 100})
    other = totals(votes={"imamoglu": 90, "kurum": 10}, version=4, source="anka")
    ours = Part(boxes=1, valid=100, votes={"imamoglu": 160, "kurum": 20})

    found = asked(
        [odd, other],
        [comparison(version=5, both_a=ours, both_b=part(1, imamoglu=90, kurum=10))],
        districts=districts,
    )

    assert found.lead is not None
    assert (60, None) == (found.lead.votes.gap, found.lead.points)
    assert [None, None] == [one.points for one in found.candidates]


def test_of_more_votes_than_valid_ones_in_the_boxes_that_both_have_there_are_no_points() -> None:
    """Valid votes that another box leaves to nobody make up for them in the sum, and not in the part of it."""
    ours = Part(boxes=1, valid=100, votes={"imamoglu": 160, "kurum": 20})
    alone = Part(boxes=1, valid=400, votes={"imamoglu": 60, "kurum": 40})
    said = totals(votes={"imamoglu": 220, "kurum": 60}, version=5).model_copy(update={"valid": 500})
    other = totals(votes={"imamoglu": 90, "kurum": 10}, version=4, source="anka")

    found = asked(
        [said, other], [comparison(version=5, only_a=alone, both_a=ours, both_b=part(1, imamoglu=90, kurum=10))]
    )

    assert found.lead is not None
    assert (80, None) == (found.lead.votes.gap, found.lead.points)
    assert [None, None] == [one.points for one in found.candidates]


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
