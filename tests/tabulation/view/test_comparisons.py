from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.comparison import MAX_BOXES_LISTED, Comparison, Pair, Part
from schemas.totals import Cell
from tabulation.view.comparisons import Comparisons
from tests.builders import DISTRICTS, small_election
from tests.consumers.apart import Boxes, figures, opened, ranked
from tests.consumers.nights import arrivals, tallies
from tests.gateway.apart import comparison, part, written
from tests.gateway.nights import Written, election
from tests.tabulation.counting.test_compare import compared

PARTS = tuple(figures({}, {}, ""))


def any_version(_: Cell) -> int:
    return 10**9


def version(known: int) -> Callable[[Cell], int]:
    """The same version of every cell."""
    return lambda _: known


def inside(boxes: Boxes, unit: str) -> Boxes:
    """The boxes of a unit's districts."""
    return {box: said for box, said in boxes.items() if f"{box[0]}/".startswith(f"{unit}/")}


def parts_of(rolled: object) -> dict[str, Any]:
    return {name: getattr(rolled, name) for name in PARTS}


@settings(deadline=None)  # a busy machine is no fault
@given(st.data())
def test_every_units_comparison_is_what_its_boxes_say_one_by_one(data: st.DataObject) -> None:
    """Whatever the order in which tallies and comparisons arrive, and however often each comparison comes."""
    night = data.draw(tallies())
    by_a, by_b = opened(night, "mayor", "aa"), opened(night, "mayor", "anka")
    found = [one for district in DISTRICTS[:2] if (one := compared(data.draw(arrivals(night)), district))]
    again = data.draw(st.lists(st.sampled_from(found), max_size=3)) if found else []
    comparisons = Comparisons(small_election())
    for record in written(data.draw(st.permutations(found + again))):
        comparisons.fold(record)

    for unit in ("tr", "tr/34", "tr/41", *DISTRICTS[:2]):
        rolled = comparisons.roll_up("mayor", unit, "aa", "anka", any_version)
        assert figures(by_a, by_b, unit) == parts_of(rolled)
        other_way = comparisons.roll_up("mayor", unit, "anka", "aa", any_version)
        assert figures(by_b, by_a, unit) == parts_of(other_way)
        for both in (False, True):
            listed = [
                (place.apart.votes_apart, place.district, place.apart.box)
                for place in rolled.apart
                if (place.apart.a is not None and place.apart.b is not None) == both
            ]
            assert ranked(inside(by_a, unit), inside(by_b, unit), both=both)[:MAX_BOXES_LISTED] == listed
            assert ranked(inside(by_b, unit), inside(by_a, unit), both=both)[:MAX_BOXES_LISTED] == [
                (place.apart.votes_apart, place.district, place.apart.box)
                for place in other_way.apart
                if (place.apart.a is not None and place.apart.b is not None) == both
            ]


def test_a_comparison_that_is_not_newer_changes_nothing() -> None:
    comparisons = Comparisons(election())
    old, new = comparison(version=3, only_a=part(1, kurum=1)), comparison(version=7, only_a=part(2, kurum=5))
    for record in written([new, old]):
        comparisons.fold(record)
    comparisons.fold(written([comparison(version=9, only_a=part(3, kurum=9))])[0])

    assert 2 == comparisons.roll_up("mayor", "tr", "aa", "anka", any_version).only_a.boxes
    assert 2 == comparisons.seq


def test_what_is_told_is_never_ahead_of_the_totals_that_may_be_seen() -> None:
    """The one before the newest is kept for that; of what is older nothing is told."""
    comparisons = Comparisons(election())
    versions = [comparison(version=version, only_a=part(version, kurum=1)) for version in (3, 7, 9)]
    for record in written(versions):
        comparisons.fold(record)

    found = {
        known: comparisons.roll_up("mayor", "tr/34/uskudar", "aa", "anka", version(known)) for known in (2, 7, 8, 9, 10)
    }
    assert [(0, 0), (1, 7), (1, 7), (1, 9), (1, 9)] == [(one.districts, one.only_a.boxes) for one in found.values()]
    assert [1, 0, 1, 0, 1] == [one.behind for one in found.values()]


@pytest.mark.parametrize(
    "value",
    [
        b"no comparison",
        None,
        comparison("tr/34").encode(),
        comparison("tr/34/nowhere").encode(),
        comparison(only_b=part(1, stranger=4)).encode(),
        comparison().model_copy(update={"contest": "president"}).encode(),
        comparison().model_copy(update={"b": "reuters"}).encode(),
    ],
)
def test_what_the_definition_does_not_know_is_counted_and_passed_by(value: bytes | None) -> None:
    comparisons = Comparisons(election())

    comparisons.fold(Written(4, value))

    assert (5, 1) == (comparisons.seq, comparisons.skipped)
    assert 0 == comparisons.roll_up("mayor", "tr", "aa", "anka", any_version).districts


def test_an_empty_unit_has_nothing_to_compare() -> None:
    rolled = Comparisons(election()).roll_up("mayor", "tr", "aa", "anka", lambda _: -1)

    assert (0, 0, Part()) == (rolled.districts, rolled.behind, rolled.a)


def test_pairs_are_kept_apart() -> None:
    said: Comparison = comparison(only_a=part(1, kurum=1))

    assert Pair("mayor", "tr/34/uskudar", "aa", "anka") == said.pair
