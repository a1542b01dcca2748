"""Roll-ups over any tree are the sums of the counting units in it, at every moment."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.definition import Election
from schemas.totals import Cell, Totals
from tabulation.derived.facts import facts_in
from tabulation.view import View
from tests.builders import NIGHT
from tests.shapes import deep

LAND = deep()
COUNTING = [unit.id for unit in LAND.districts]


def record(unit: str, version: int, boxes: int, votes: dict[str, int]) -> Totals:
    valid = sum(votes.values())
    return Totals(
        contest="m",
        source="aa",
        district=unit,
        version=version,
        as_of=NIGHT,
        boxes_opened=boxes,
        annulled=0,
        registered=valid + 2,
        cast=valid + 1,
        valid=valid,
        invalid=1,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


@st.composite
def nights(draw: st.DrawFn) -> list[Totals]:
    count = draw(st.integers(0, 12))
    votes = st.fixed_dictionaries({name: st.integers(0, 9) for name in "abc"})
    return [
        record(draw(st.sampled_from(COUNTING)), draw(st.integers(0, 4)), draw(st.integers(0, 3)), draw(votes))
        for _ in range(count)
    ]


def fold(definition: Election, night: Sequence[Totals]) -> View:
    view = View(definition)
    for offset, totals in enumerate(night):
        view.apply(offset, totals)
    return view


@given(nights())
def test_every_unit_of_every_tree_has_the_sum_of_what_is_in_it(night: list[Totals]) -> None:
    standing: dict[str, Totals] = {}
    for totals in night:
        if totals.district not in standing or totals.version > standing[totals.district].version:
            standing[totals.district] = totals
    view = fold(LAND, night)
    for unit in LAND.units:
        inside = [one for one in standing.values() if one.district in LAND.districts_below[unit.id]]
        figures = view.figures("m", "aa", unit.id)
        assert bool(inside) == (figures is not None)
        if figures is not None:
            assert sum(one.valid for one in inside) == figures.counts["valid"]
            assert sum(one.boxes_opened for one in inside) == figures.counts["boxes_opened"]
            assert {name: sum(one.votes[name] for one in inside) for name in "abc"} == figures.votes
            assert (
                all(
                    one in standing and standing[one].boxes_opened == LAND.boxes_total[one]
                    for one in LAND.districts_below[unit.id]
                )
                == facts_in(LAND, "m", figures).complete
            )


@given(nights())
def test_what_is_hidden_leaves_every_tree(night: list[Totals]) -> None:
    view = fold(LAND, night)
    for unit in COUNTING:
        view.hide(view.seq, Cell("m", "aa", unit))

    assert [None] * len(LAND.units) == [view.figures("m", "aa", unit.id) for unit in LAND.units]


def test_a_unit_of_the_second_tree_is_sent_like_one_of_the_first() -> None:
    view = fold(LAND, [record("n/q/prison", 1, 1, {"a": 3, "b": 1, "c": 0})])

    sent = {entry["unit"]: entry for entry in view.changed_since("m", "aa", frozenset(LAND.unit_by_id), 0)}
    assert {"n", "n/q", "n/q/prison", "n/c/1"} == sent.keys()
    assert ("constituency", 4, {"a": 3, "b": 1, "c": 0}) == tuple(
        sent["n/c/1"][name] for name in ("level", "boxes_total", "votes")
    )
    assert ["constituency"] == [row.level for row in view.rows(units=["n/c/1"])]
