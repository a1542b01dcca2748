from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.comparison import MAX_BOXES_LISTED, Comparison, Pair, Part, parse_comparison
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.counting.checkpoint import Checkpoint, Marker, ledger_entry
from tabulation.counting.comparisons import Comparisons, compare, version_of
from tabulation.counting.ledgers import BoxLedger
from tests.builders import DISTRICTS, counted, small_election, withdrawn
from tests.consumers.apart import Boxes, figures, opened, ranked
from tests.consumers.nights import arrivals, tallies
from tests.gateway.apart import comparison, part, written
from tests.gateway.nights import Written, election

CANDIDATES = ("bagimsiz_1", "imamoglu", "kurum")


def ledger(events: Iterable[Counted | Withdrawn], source: str, district: str) -> BoxLedger | None:
    """The ledger of one cell, or none where nothing was said of it."""
    cell = Cell("mayor", source, district)
    found = BoxLedger(cell, CANDIDATES, boxes_total=8)
    for offset, tally in enumerate(events):
        if (tally.source, tally.district) == (source, district):
            found.apply(tally, offset)
    return found if len(found) else None


def restored(kept: BoxLedger | None) -> BoxLedger | None:
    """The ledger after a checkpoint and a start from it."""
    if kept is None:
        return None
    entry = ledger_entry(kept, 0)
    checkpoint = Checkpoint()
    checkpoint.add([Written(0, entry.value, key=entry.key)])
    marker = Marker(1, 0, {kept.cell: kept.version}).entry(0)
    checkpoint.add([Written(1, marker.value, key=marker.key)])
    ledgers = checkpoint.ledgers()
    assert ledgers is not None
    (found,) = ledgers
    assert isinstance(found, BoxLedger)
    return found


def compared(events: list[Counted | Withdrawn], district: str) -> Comparison | None:
    """Fold the events in this order, and compare."""
    a, b = ledger(events, "aa", district), ledger(events, "anka", district)
    return compare(Pair("mayor", district, "aa", "anka"), a, b) if a or b else None


@settings(deadline=None)  # a busy machine is no fault
@given(st.data())
def test_a_comparison_is_what_every_box_says_one_by_one(data: st.DataObject) -> None:
    """In any order of arrival, with any duplicates, through any checkpoint."""
    night = data.draw(tallies())
    by_a, by_b = opened(night, "mayor", "aa"), opened(night, "mayor", "anka")
    arrived = data.draw(arrivals(night))
    for district in DISTRICTS[:2]:
        a, b = ledger(arrived, "aa", district), ledger(arrived, "anka", district)
        if a is None and b is None:
            continue
        if data.draw(st.booleans()):
            a, b = restored(a), restored(b)

        found = compare(Pair("mayor", district, "aa", "anka"), a, b)

        assert figures(by_a, by_b, district) == {name: getattr(found, name) for name in figures({}, {}, "")}
        assert version_of(a, b) == found.version
        own_a = {box: said for box, said in by_a.items() if box[0] == district}
        own_b = {box: said for box, said in by_b.items() if box[0] == district}
        for both in (False, True):
            listed = [box for box in found.apart if (box.a is not None and box.b is not None) == both]
            assert [(box.votes_apart, district, box.box) for box in listed] == ranked(own_a, own_b, both=both)


def test_a_comparison_says_the_same_bytes_whatever_the_order() -> None:
    events: list[Counted | Withdrawn] = [
        counted(),
        counted({"imamoglu": 10, "kurum": 3}, source="anka"),
        counted(box=1002, source="anka"),
        withdrawn(box=1002, source="anka"),
    ]
    found, again = compared(events, DISTRICTS[2]), compared(events[::-1], DISTRICTS[2])

    assert found is not None
    assert again is not None
    assert found.model_copy(update={"version": 0}).encode() == again.model_copy(update={"version": 0}).encode()
    assert found == parse_comparison(found.encode())
    assert (0, 0, 1, 1) == (found.only_a.boxes, found.only_b.boxes, found.both_a.boxes, found.differing)
    assert [(1001, 140 + 97)] == [(box.box, box.votes_apart) for box in found.apart]


def test_only_the_boxes_that_are_furthest_apart_are_listed() -> None:
    """As many that one source has as that both have, so that neither kind hides the other."""
    events: list[Counted | Withdrawn] = [counted({"kurum": box}, box=box) for box in range(1, 60)]
    events += [counted({"kurum": 2 * box}, box=box, source="anka") for box in range(31, 60)]

    found = compared(events, DISTRICTS[2])

    assert found is not None
    assert [*range(30, 30 - MAX_BOXES_LISTED, -1), *range(59, 59 - MAX_BOXES_LISTED, -1)] == [
        box.box for box in found.apart
    ]


def test_a_box_that_was_taken_back_is_one_that_the_source_does_not_have() -> None:
    events: list[Counted | Withdrawn] = [counted(), counted(source="anka"), withdrawn(type="annulled", source="anka")]

    found = compared(events, DISTRICTS[2])

    assert found is not None
    assert (1, 0, 0) == (found.only_a.boxes, found.only_b.boxes, found.both_a.boxes)


def test_a_source_that_has_said_nothing_has_no_box() -> None:
    found = compared([counted()], DISTRICTS[2])

    assert found is not None
    assert (1, 250, 0, 0) == (found.only_a.boxes, found.only_a.valid, found.only_b.boxes, found.both_b.boxes)


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


def test_others_have_a_turn_after_so_many_districts_and_the_sums_are_the_same() -> None:
    comparisons = Comparisons(election())
    districts = election().districts_below["tr"]
    for record in written([comparison(district, version=3, only_a=part(1, kurum=1)) for district in districts]):
        comparisons.fold(record)
    rolling = comparisons.rolling_up("mayor", "tr", "aa", "anka", any_version, at_once=1)
    for _ in districts[1:]:
        next(rolling)
    with pytest.raises(StopIteration) as ended:
        next(rolling)
    assert comparisons.roll_up("mayor", "tr", "aa", "anka", any_version) == ended.value.value
    assert len(districts) == ended.value.value.districts


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
