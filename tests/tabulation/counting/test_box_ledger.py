import tracemalloc
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.counting.ledgers import BoxLedger, transposed
from tests.builders import NIGHT, counted, withdrawn
from tests.consumers.nights import replace, statements, tallies

ZONE = ZoneInfo("Europe/Istanbul")


def ledger() -> BoxLedger:
    return BoxLedger(Cell("mayor", "aa", "tr/34/uskudar"), ("bagimsiz_1", "imamoglu", "kurum"), boxes_total=8)


def test_the_first_report_of_a_box_opens_it() -> None:
    boxes = ledger()

    assert "counted" == boxes.apply(counted(), 7)

    assert (
        boxes.sums.boxes_opened,
        boxes.sums.registered,
        boxes.sums.cast,
        boxes.sums.valid,
        boxes.sums.invalid,
    ) == (1, 300, 255, 250, 5)
    assert boxes.sums.votes == {"bagimsiz_1": 0, "imamoglu": 150, "kurum": 100}
    assert boxes.version == 7


def test_the_highest_revision_wins_and_the_lower_is_stale() -> None:
    boxes = ledger()
    boxes.apply(counted({"imamoglu": 90}, revision=3), 1)

    assert "stale" == boxes.apply(counted({"imamoglu": 10}, revision=2), 2)
    assert boxes.sums.votes["imamoglu"] == 90
    assert boxes.version == 1


def test_a_correction_downwards_goes_down_plainly() -> None:
    boxes = ledger()
    boxes.apply(counted({"imamoglu": 200}), 1)
    boxes.apply(counted({"imamoglu": 20}, revision=2, type="corrected"), 2)

    assert boxes.sums.votes["imamoglu"] == 20
    assert boxes.sums.boxes_opened == 1


def test_the_same_revision_again_is_a_duplicate_even_under_another_type_time_or_with_zeros() -> None:
    """A feed that is fetched twice stamps its own time; what it says of the box is the same."""
    boxes = ledger()
    boxes.apply(counted({"imamoglu": 9, "kurum": 0}), 1)

    assert "duplicate" == boxes.apply(counted({"imamoglu": 9}, type="corrected"), 2)
    assert boxes.version == 1


def test_the_same_revision_with_other_counts_is_a_conflict_and_the_first_stands() -> None:
    boxes = ledger()
    boxes.apply(counted({"imamoglu": 9}), 1)

    assert "conflict" == boxes.apply(counted({"imamoglu": 10}, at=NIGHT.replace(hour=23)), 2)
    assert boxes.sums.votes["imamoglu"] == 9
    assert (boxes.version, boxes.as_of) == (1, NIGHT)


def test_a_withdrawn_box_is_no_longer_open_and_can_come_back() -> None:
    boxes = ledger()
    boxes.apply(counted(), 1)
    boxes.apply(withdrawn(), 2)
    assert (boxes.sums.boxes_opened, boxes.sums.annulled, boxes.sums.votes["imamoglu"]) == (0, 0, 0)

    boxes.apply(counted({"imamoglu": 5}, revision=3), 3)
    assert (boxes.sums.boxes_opened, boxes.sums.votes["imamoglu"]) == (1, 5)


def test_annulled_boxes_are_counted_apart() -> None:
    boxes = ledger()
    boxes.apply(withdrawn(type="annulled", revision=1), 1)
    assert (boxes.sums.boxes_opened, boxes.sums.annulled) == (0, 1)

    boxes.apply(counted(revision=2), 2)
    assert (boxes.sums.boxes_opened, boxes.sums.annulled) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"registered": 200}, "cast_over_registered"),
        ({"invalid": 6}, "cast_sum_differs"),
        ({"unattributed": 1}, "party_sum_differs"),
    ],
)
def test_odd_counts_are_flagged_counted_and_unflagged_by_a_correction(changes: dict[str, Any], flag: str) -> None:
    boxes = ledger()
    boxes.apply(counted(**changes), 1)
    assert (boxes.sums.boxes_opened, boxes.sums.flagged, boxes.sums.flags[flag]) == (1, 1, 1)

    boxes.apply(counted(revision=2), 2)
    assert (boxes.sums.flagged, boxes.sums.flags[flag]) == (0, 0)


def test_a_box_with_two_flags_is_one_flagged_box() -> None:
    boxes = ledger()
    boxes.apply(counted(registered=1, unattributed=9), 1)

    assert boxes.sums.flagged == 1


def test_what_was_let_out_of_quarantine_stands_after_its_revision_and_before_the_next() -> None:
    boxes = ledger()
    for offset, (votes, released) in enumerate([(9, 0), (10, 1), (11, 2)]):
        assert "counted" == boxes.apply(counted({"imamoglu": votes}, released=released), offset)
    assert "duplicate" == boxes.apply(counted({"imamoglu": 11}, released=2), 3)
    assert "stale" == boxes.apply(counted({"imamoglu": 9}), 4)
    assert (11, 2) == (boxes.sums.votes["imamoglu"], boxes.version)

    assert "counted" == boxes.apply(counted({"imamoglu": 12}, revision=2), 5)
    assert "stale" == boxes.apply(counted({"imamoglu": 13}, released=3), 6)
    assert 12 == boxes.sums.votes["imamoglu"]


def test_a_stale_statement_moves_no_clock() -> None:
    boxes = ledger()
    boxes.apply(counted(revision=7), 1)

    assert "stale" == boxes.apply(counted({"imamoglu": 3}, at=NIGHT.replace(hour=21)), 2)
    assert (1, NIGHT) == (boxes.version, boxes.as_of)


def test_as_of_goes_back_with_the_box_that_had_it() -> None:
    """Its statement is replaced by one that says an earlier time, and nothing else that stands is as new."""
    boxes = ledger()
    for number, hour in ((1001, 20), (1002, 23), (1003, 21)):
        boxes.apply(counted(box=number, at=NIGHT.replace(hour=hour)), number)
    boxes.apply(counted(box=1002, revision=2, at=NIGHT.replace(hour=19)), 4)

    assert (4, NIGHT.replace(hour=21)) == (boxes.version, boxes.as_of)
    boxes.apply(withdrawn(box=1003, at=NIGHT.replace(hour=19)), 5)
    boxes.apply(counted(box=1004, at=NIGHT.replace(hour=22)), 6)
    assert NIGHT.replace(hour=22) == boxes.as_of


def test_a_duplicate_of_what_stands_keeps_the_later_of_both_times() -> None:
    boxes = ledger()
    boxes.apply(counted(at=NIGHT.replace(hour=20)), 1)
    assert "duplicate" == boxes.apply(counted(), 2)
    assert (1, NIGHT.replace(hour=20)) == (boxes.version, boxes.as_of)


def test_what_would_become_of_a_tally_is_told_and_changes_nothing() -> None:
    boxes = ledger()
    boxes.apply(counted(revision=3), 1)
    before = boxes.pack()
    tried = (counted(box=7), counted(revision=3, type="corrected"), counted({}, revision=3), withdrawn(revision=2))

    assert ["counted", "duplicate", "conflict", "stale"] == [boxes.outcome_of(tally) for tally in tried]
    assert (before, 1) == (boxes.pack(), boxes.version)


def as_of_by_hand(events: list[Counted | Withdrawn]) -> datetime:
    """The naive oracle: of each box the newest time at its highest order, and the newest of those."""
    newest: dict[int, tuple[int, int, datetime]] = {}
    for event in events:
        said = (event.revision, event.released, event.at)
        newest[event.box] = max(said, newest.get(event.box, said))
    return max(at for _, _, at in newest.values())


@given(statements(), st.data())
def test_any_order_and_any_duplication_end_in_the_same_bytes(
    events: list[Counted | Withdrawn], data: st.DataObject
) -> None:
    """The times of duplicates included: a feed that is fetched twice stamps its own."""
    again = [
        replace(event, at=event.at + timedelta(minutes=data.draw(st.integers(-90, 90))))
        for event in data.draw(st.lists(st.sampled_from(events), max_size=8))
    ]
    one, other = ledger(), ledger()
    for offset, event in enumerate(events + again):
        one.apply(event, offset)
    for offset, event in enumerate(data.draw(st.permutations([*events, *again, *events]))):
        before = other.pack()
        other.apply(event, offset)
        assert (before != other.pack()) == (other.version == offset)
        if data.draw(st.booleans()):
            assert other.as_of is not None  # looked at now and then, or only at the end

    assert as_of_by_hand(events + again) == one.as_of == other.as_of
    assert (one.pack(), one.sums) == (other.pack(), other.sums)
    told = [boxes.totals(ZONE).model_copy(update={"version": 0}).encode() for boxes in (one, other)]
    assert told[0] == told[1]


def test_a_later_time_alone_moves_as_of_and_the_version() -> None:
    """A reader sees that the source spoke; the figures stand."""
    boxes = ledger()
    boxes.apply(counted(), 1)

    assert "duplicate" == boxes.apply(counted(at=NIGHT.replace(hour=20)), 2)
    assert (2, NIGHT.replace(hour=20)) == (boxes.version, boxes.as_of)


def test_totals_come_in_the_elections_time_zone_and_do_not_follow_the_ledger() -> None:
    boxes = ledger()
    boxes.apply(counted(), 4)
    totals = boxes.totals(ZONE)
    boxes.apply(counted({"imamoglu": 1}, revision=2), 5)

    assert (totals.version, totals.votes["imamoglu"]) == (4, 150)
    assert totals.as_of.isoformat() == "2024-03-31T19:00:00+03:00"


def test_a_ledger_that_heard_of_no_box_has_no_totals() -> None:
    with pytest.raises(ValueError, match="heard of nothing yet"):
        ledger().totals(ZONE)


@given(tallies(), st.data())
def test_a_restored_ledger_goes_on_as_if_nothing_had_happened(
    events: list[Counted | Withdrawn], data: st.DataObject
) -> None:
    events = [event for event in events if (event.source, event.district) == ("aa", "tr/34/adalar")]
    cut = data.draw(st.integers(0, len(events)))
    whole, before = ledger(), ledger()
    for offset, event in enumerate(events):
        whole.apply(event, offset)
        if offset < cut:
            before.apply(event, offset)
    after = ledger()
    if before.as_of is not None:
        after.restore(before.pack(), before.sums, before.version, before.as_of)
    assert before.sums == after.sums
    for offset, event in enumerate(events):  # all of them again: the overlap is harmless
        after.apply(event, offset)

    assert (whole.pack(), whole.sums, whole.as_of) == (after.pack(), after.sums, after.as_of)
    assert len(whole) == len(after)


def test_what_was_packed_and_not_touched_is_packed_again_as_it_was() -> None:
    boxes = ledger()
    boxes.apply(counted(), 1)
    restored = ledger()
    restored.restore(boxes.pack(), boxes.sums, 1, NIGHT)

    assert boxes.pack() == restored.pack()
    assert boxes.figures() == restored.figures()
    assert boxes.pack() == restored.pack()


@given(st.integers(1, 9), st.integers(0, 9), st.data())
def test_rows_transposed_twice_are_what_they_were(row_bytes: int, rows: int, data: st.DataObject) -> None:
    table = data.draw(st.binary(min_size=row_bytes * rows, max_size=row_bytes * rows))

    assert table == transposed(transposed(table, row_bytes), rows)


def test_a_box_is_kept_in_little_more_than_what_is_said_of_it() -> None:
    """A night has a million of them."""
    boxes, said = ledger(), [counted(box=number) for number in range(1000)]
    tracemalloc.start()
    try:
        for offset, tally in enumerate(said):
            boxes.apply(tally, offset)
        taken_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken_bytes / len(said) < 400
