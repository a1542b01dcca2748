from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.comparison import MAX_BOXES_LISTED, Comparison, Pair, parse_comparison
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.checkpoint import Checkpoint, Marker, ledger_entry
from tabulation.counting.compare import compare, version_of
from tests.builders import DISTRICTS, counted, withdrawn
from tests.consumers.apart import figures, opened, ranked
from tests.consumers.nights import arrivals, tallies
from tests.gateway.nights import Written

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
