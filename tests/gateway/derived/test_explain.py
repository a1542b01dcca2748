from datetime import timedelta

from gateway.derived.explain import explain
from gateway.folds.comparisons import Comparisons
from gateway.folds.view import View
from schemas.comparison import Comparison, Part
from schemas.definition import Source
from schemas.explanation import Explanation
from schemas.totals import Totals
from tests.gateway.apart import comparison, part, run_of, written
from tests.gateway.nights import START, Written, election, totals

BOTH = part(4, imamoglu=400, kurum=300)


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
    return explain(run_of(definition), "9f2c", view, comparisons, "mayor", unit, a, b)


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
        [totals(version=6), totals("tr/34/adalar", version=2)],
        [comparison(version=5, only_a=part(1, kurum=80))],
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
    found = asked([totals(votes={"kurum": 4})], [])

    assert (None, ("kurum",), None) == (found.why, found.leaders, found.lead)
    assert "Nothing has been compared" in str(found.reason)
    assert (None, 4) == (found.candidates[0].points, found.candidates[0].votes.gap)
    assert (None, Part().votes) == (found.b.as_of, found.b.votes)


def test_whose_figures_were_set_by_hand_is_said_and_not_compared() -> None:
    by_hand = totals(version=5).model_copy(update={"overridden": ("valid", "votes.kurum")})
    compared = [comparison(version=5, only_a=part(1, kurum=80))]
    for unit in ("tr/34", "tr/34/uskudar"):
        found = asked([by_hand, totals(source="anka", version=4)], compared, unit)
        assert (("valid", "votes.kurum"), ()) == (found.a.overridden, found.b.overridden)
    assert 80 == asked([by_hand], compared).a.votes["kurum"]


def test_with_one_candidate_there_is_no_lead_to_explain() -> None:
    found = asked([totals()], [comparison(only_a=part(1, kurum=80))])

    assert found.why is not None
    assert (None, [None]) == (found.lead, [box.lead for box in found.why.explaining])
