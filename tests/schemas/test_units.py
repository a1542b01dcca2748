from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.definition import Candidate, Contest, Election, Level, Tree, Unit
from schemas.errors import DefinitionError
from tests.builders import small_election
from tests.shapes import CANDIDATES, deep, flat, shaped

STANDARD = ("country", "province", "district")


def unit(id_: str, level: str, parent: str | None = None, **fields: Any) -> Unit:
    return Unit(id=id_, level=level, name=id_, parent=parent, **fields)


def with_units(*more: Unit, **changes: Any) -> Election:
    """The deep election with units added or replaced."""
    units = {one.id: one for one in deep().units} | {one.id: one for one in more}
    return deep(units=tuple(units.values()), **changes)


def test_a_definition_without_levels_has_the_three_and_is_written_as_before() -> None:
    election = small_election()

    assert STANDARD == tuple(level.id for level in election.levels_in_force)
    assert "İlçeler" == election.level_of("tr/34/adalar").many
    written = election.model_dump(mode="json")
    assert not {"levels", "trees"} & written.keys()
    assert not any("also_in" in unit for unit in written["units"])


def test_levels_of_a_definition_in_another_language_have_english_names() -> None:
    fields = dict(small_election()) | {"language": "id"}

    assert "Districts" == Election(**fields).level_of("tr/34/adalar").many


def test_a_country_of_constituencies_has_two_levels() -> None:
    election = flat("bath", "york")

    assert ("gb/bath", "gb/york") == tuple(one.id for one in election.districts) == election.children["gb"]
    assert {"gb": 4, "gb/bath": 2, "gb/york": 2} == election.boxes_total
    assert "Constituencies" == election.level_of("gb/york").many
    assert "Country" == election.level_of("gb").many
    assert election == Election.model_validate_json(election.model_dump_json())


def test_one_unit_alone_is_an_election() -> None:
    election = shaped([unit("x", "town", boxes=((1, 3),))], [Level(id="town", name="Town")])

    assert election.is_district("x")
    assert {"x": 3} == election.boxes_total
    assert "x" == election.country


def test_branches_may_differ_in_depth() -> None:
    election = deep()

    assert ["n/p/d/w1", "n/p/d/w2", "n/q/d/w", "n/q/prison", "n/abroad"] == [one.id for one in election.districts]
    assert 11 == election.boxes_total["n"]
    assert ("n/q", "n", "n/c/1") == election.ancestors["n/q/prison"]
    assert ("n",) == election.ancestors["n/abroad"]


def test_a_unit_above_the_last_level_without_boxes_counts_nothing() -> None:
    election = with_units(unit("n/r", "province", "n"))

    assert not election.is_district("n/r")
    assert () == election.districts_below["n/r"]


def test_a_second_tree_has_roll_ups_of_its_own() -> None:
    election = deep()

    assert {"n/c/1": ("n/p/d/w1", "n/q/prison"), "n/c/2": ("n/p/d/w2", "n/q/d/w")} == {
        one: election.districts_below[one] for one in ("n/c/1", "n/c/2")
    }
    assert (4, 3) == (election.boxes_total["n/c/1"], election.boxes_total["n/c/2"])
    assert ("n/p", "n/q", "n/abroad") == election.children["n"], "the country's are those of the first tree"
    assert {"parliament": ("n/c/1", "n/c/2")} == election.tops
    assert election.districts_below["n/c/2"] == election.children["n/c/2"]
    assert ("parliament", None) == (election.tree_of("n/c/1"), election.tree_of("n/p"))
    assert ("n/c/1", "n/c/2") == election.units_of_level["constituency"]
    assert election == Election.model_validate_json(election.model_dump_json())


def test_a_second_tree_may_have_levels_of_its_own() -> None:
    tree = Tree(id="courts", name="Courts", levels=(Level(id="circuit", name="C"), Level(id="court", name="K")))
    units = (
        unit("n/x", "circuit", "n"),
        unit("n/x/1", "court", "n/x"),
        unit("n/abroad", "province", "n", boxes=((1, 4),), also_in=("n/x/1",)),
    )
    election = with_units(*units, trees=(*deep().trees, tree))

    assert ("n", "n/x/1", "n/x") == election.ancestors["n/abroad"]
    assert ("n/x/1",) == election.children["n/x"]
    assert 4 == election.boxes_total["n/x"] == election.boxes_total["n/x/1"]
    assert ("n/x",) == election.tops["courts"]


def test_a_ballot_holds_for_all_that_is_below_its_unit() -> None:
    names = (Candidate(id="a", name="Anna", party="red"),)
    contest = Contest(id="m", name="M", candidates=CANDIDATES, ballots={"n/c/1": names, "n/q/d": names[:0]})
    election = deep(contests=(contest,))

    assert names == election.ballot("m", "n/p/d/w1") == election.ballot("m", "n/c/1") == contest.ballot("n/c/1")
    assert ("a",) == election.ballot_order("m", "n/q/prison")
    assert ("a", "b", "c") == election.ballot_order("m", "n/p") == election.ballot_order("m", "nowhere")
    assert () == election.ballot("m", "n/q/d/w")
    assert {"a", "b", "c"} == contest.names


def test_a_contest_may_be_held_in_a_unit_of_the_second_tree() -> None:
    contest = Contest(id="m", name="M", candidates=CANDIDATES, area=("n/c/1",))
    election = deep(contests=(contest,))

    assert {"n/p/d/w1", "n/q/prison"} == election.area_of("m")
    assert (3, 1) == (election.boxes_of("m")["n/p"], election.boxes_of("m")["n/q"])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: with_units(unit("n/z", "zone", "n")), "of level 'zone', which is not there. Use one of country"),
        (lambda: with_units(unit("m", "country")), "exactly one unit of level 'country', not 2"),
        (lambda: with_units(unit("n", "country", "n/p")), "highest level, and has a parent"),
        (
            lambda: with_units(unit("n/z", "ward")),
            "needs a parent of level 'district' or 'province' or 'country', not No",
        ),
        (lambda: with_units(unit("n/z", "ward", "n/p/d/w1")), "needs a parent of level 'district'"),
        (lambda: with_units(unit("n/z", "ward", "n/c/1")), "needs a parent of level 'district'"),
        (lambda: with_units(unit("n/z", "constituency", "n/p")), "needs a parent of level 'country', not 'n/p'"),
        (lambda: with_units(unit("n/p", "province", "n", boxes=((1, 1),))), "has boxes and 'n/p/d' below it"),
        (lambda: with_units(unit("n/c/1", "constituency", "n", boxes=((1, 1),))), "Boxes belong to units of the first"),
        (lambda: with_units(unit("n/p/d", "district", "n/p", also_in=("n/c/1",))), "no boxes lie in it"),
        (
            lambda: with_units(unit("n/p/d/w1", "ward", "n/p/d", also_in=("n/c/1", "n/c/2"))),
            "in 'n/c/1' and in 'n/c/2' of tree 'parliament'",
        ),
        (lambda: with_units(unit("n/p/d/w1", "ward", "n/p/d", also_in=("n/q",))), "no unit of another tree"),
        (lambda: with_units(unit("n/p/d/w1", "ward", "n/p/d", also_in=("n/c/7",))), "no unit of another tree"),
        (lambda: deep(levels=(*deep().levels, Level(id="ward", name="W"))), "level id 'ward' is there twice"),
        (lambda: deep(trees=(*deep().trees, Tree(id="ward", name="W", levels=(Level(id="w", name="W"),)))), "a level"),
        (lambda: deep(trees=deep().trees * 2), "level id 'constituency' is there twice"),
        (
            lambda: deep(trees=(*deep().trees, Tree(id="parliament", name="W", levels=(Level(id="w", name="W"),)))),
            "tree id 'parliament' is there twice",
        ),
    ],
)
def test_units_that_are_no_trees_are_refused_with_what_to_do(make: Any, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        make()


def test_a_unit_lies_in_the_lowest_unit_of_another_tree() -> None:
    tree = Tree(id="courts", name="Courts", levels=(Level(id="circuit", name="C"), Level(id="court", name="K")))
    units = (
        unit("n/x", "circuit", "n"),
        unit("n/x/1", "court", "n/x"),
        unit("n/abroad", "province", "n", boxes=((1, 4),), also_in=("n/x",)),
    )

    with pytest.raises(DefinitionError, match="has units of its own tree below it"):
        with_units(*units, trees=(*deep().trees, tree))


@st.composite
def elections(draw: st.DrawFn) -> Election:
    """Any election: some levels, branches of any depth, and perhaps a second tree over the same counting units."""
    depth = draw(st.integers(1, 5))
    levels = [Level(id=f"l{number}", name=f"L{number}") for number in range(depth)]
    units = [unit("r", "l0", boxes=((1, 2),) if depth == 1 else ())]
    inner = [(units[0].id, 0)] if depth > 1 else []
    tops = draw(st.integers(0, 3)) if depth > 1 else 0
    for number in range(draw(st.integers(0, 12)) if inner else 0):
        parent, above = draw(st.sampled_from(inner))
        level = draw(st.integers(above + 1, depth - 1))
        is_counting = level == depth - 1 or draw(st.booleans())
        if not is_counting:
            inner.append((f"r/{number}", level))
        also = draw(st.sampled_from([(), *((f"t/{top}",) for top in range(tops))])) if is_counting else ()
        boxes = ((1, draw(st.integers(1, 9))),) if is_counting else ()
        units.append(unit(f"r/{number}", f"l{level}", parent, boxes=boxes, also_in=also, registered=number * 10))
    units += [unit(f"t/{top}", "t", "r") for top in range(tops)]
    trees = [Tree(id="other", name="Other", levels=(Level(id="t", name="T"),))] if tops else []
    return shaped(units, levels, trees)


def is_in(election: Election, one: Unit, above: str) -> bool:
    """Whether a counting unit lies in another, by walking up; naively."""
    ways = [one.parent, *one.also_in]
    return one.id == above or any(way and is_in(election, election.unit_by_id[way], above) for way in ways)


@given(elections())
def test_sums_over_any_tree_are_those_of_the_counting_units_in_it(election: Election) -> None:
    for one in election.units:
        inside = [other for other in election.districts if is_in(election, other, one.id)]
        assert [other.id for other in inside] == list(election.districts_below[one.id])
        assert sum(other.boxes_total for other in inside) == election.boxes_total[one.id]


@given(elections())
def test_every_shape_survives_the_way_through_json(election: Election) -> None:
    assert election == Election.model_validate_json(election.model_dump_json())
