from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.asides import Notice, NoticeKind, unreported
from schemas.moments import epoch_ms
from schemas.tally import Counted, Tally, Withdrawn
from schemas.totals import Cell, Totals
from tabulation.counting.cells import heard_at
from tabulation.counting.ledgers import BoxLedger
from tabulation.counting.notices import (
    AHEAD_S,
    NoticeGroup,
    NoticeGroups,
    Notices,
    effective,
    is_ahead,
    surely_not_ahead,
    timely,
)
from tabulation.counting.tally_fold import TallyFold
from tests.builders import DISTRICTS, NIGHT, TURKEY, counted, reported, small_election, value_of, with_agency, withdrawn
from tests.consumers.nights import statements
from tests.gateway.nights import START, Written, election
from tests.schemas.test_asides import notice
from tests.tabulation.counting.test_tally_fold import ELECTION, Stored, partition_of

USKUDAR = Cell("mayor", "aa", "tr/34/uskudar")
ADALAR = Cell("mayor", "aa", DISTRICTS[0])
LATER = NIGHT + timedelta(hours=2)


def noticed(*tallies: Tally, appended_s: float = 10_000) -> list[Notice]:
    """What is noticed of a cell's tallies, appended one after the other so long after the night's first event."""
    fold = TallyFold(ELECTION, "tallies", partition_of)
    for offset, tally in enumerate(tallies):
        append(fold, offset, tally, appended_s)
    return fold.notices.owed()


def append(fold: TallyFold, offset: int, tally: Tally, appended_s: float = 10_000) -> None:
    key = tally.district.encode()
    record = Stored(offset, key, value_of(tally), epoch_ms(NIGHT + timedelta(seconds=appended_s)))
    fold.apply(partition_of(key), [record])


def words(notices: list[Notice]) -> list[tuple[NoticeKind, int, int, int, int, int | None]]:
    return [(one.kind, one.offset, one.count, one.revision, one.stands, one.box) for one in notices]


def test_a_source_whose_revisions_begin_again_is_told_and_changes_nothing() -> None:
    """A lower revision, told later and with other counts, is no straggler."""
    stands = counted(revision=7)
    again = (counted({"kurum": 9}, at=LATER), counted({"kurum": 12}, revision=2, at=LATER + timedelta(minutes=1)))

    assert [("restarted", 2, 2, 2, 7, 1001)] == words(noticed(stands, *again))
    fold = TallyFold(ELECTION, "tallies", partition_of)
    for offset, tally in enumerate((stands, *again)):
        append(fold, offset, tally)
    assert {"counted": 1, "stale": 2} == fold.outcomes
    assert (NIGHT, 0) == (fold.ledgers[USKUDAR].as_of, fold.ledgers[USKUDAR].version)


def test_a_box_that_is_taken_back_below_its_revision_is_told() -> None:
    assert ["restarted"] == [one.kind for one in noticed(counted(revision=7), withdrawn(at=LATER))]
    assert ["restarted"] == [one.kind for one in noticed(withdrawn(revision=7), counted(at=LATER))]


def test_a_source_of_reports_whose_revisions_begin_again_is_told() -> None:
    again = reported({"kurum": 9}, boxes_opened=3, at=LATER)

    assert [("restarted", 1, 1, 1, 7, None)] == words(noticed(reported(revision=7), again))


def test_a_source_of_reports_that_begins_again_with_more_boxes_is_told_too() -> None:
    """Its first report counts, for no report may go backwards unmarked, and so do those that go on from there."""
    before, first = reported(revision=7, boxes_opened=5), reported(boxes_opened=6, at=LATER)
    next_one = reported(revision=2, boxes_opened=7, at=LATER + timedelta(minutes=1))

    assert [("restarted", 1, 1, 1, 7, None)] == words(noticed(before, first))
    assert [("restarted", 1, 1, 1, 7, None)] == words(noticed(before, first, next_one, first))
    fold = TallyFold(ELECTION, "tallies", partition_of)
    for offset, tally in enumerate((before, first)):
        append(fold, offset, tally)
    assert {"counted": 1, "overturned": 1} == fold.outcomes
    assert [] == noticed(before, reported(boxes_opened=6))
    ahead = noticed(before, reported(boxes_opened=6, at=LATER), appended_s=0)
    assert [("ahead", 1, 1, 1, 1, None), ("restarted", 1, 1, 1, 7, None)] == words(ahead)


def test_what_only_came_late_or_says_the_same_is_not_told() -> None:
    stands = counted(revision=7)

    assert [] == noticed(stands, counted({"kurum": 9}, revision=3, at=NIGHT - timedelta(minutes=9)))
    assert [] == noticed(stands, counted({"kurum": 9}, revision=3))
    assert [] == noticed(stands, counted(revision=3, at=LATER), counted(revision=7, at=LATER))
    assert [] == noticed(reported(revision=7), reported(at=LATER), reported({"kurum": 9}))


def test_an_event_time_well_ahead_of_its_append_is_told_and_counts() -> None:
    """Three hours where the time zone is missing; whatever becomes of it unless it is quarantined."""
    ahead = NIGHT + timedelta(hours=3)

    assert [("ahead", 0, 1, 1, 1, 1001)] == words(noticed(counted(at=ahead), appended_s=0))
    assert [("ahead", 1, 2, 2, 2, None)] == words(
        noticed(reported(at=ahead), reported(revision=2, at=ahead), appended_s=0)
    )
    assert [] == noticed(counted(at=NIGHT + timedelta(seconds=120)), appended_s=0)
    assert [] == noticed(counted(at=ahead, box=9), appended_s=0)
    stale = noticed(counted(revision=2), counted({"kurum": 1}, at=ahead), appended_s=0)
    assert ["ahead", "restarted"] == [one.kind for one in stale]


def test_in_a_batch_each_event_time_is_judged_by_its_own_append() -> None:
    fold = TallyFold(ELECTION, "tallies", partition_of)
    key = USKUDAR.district.encode()
    records = [
        Stored(minute, key, value_of(counted(box=1001 + minute, at=NIGHT + timedelta(minutes=minute + ahead))), at_ms)
        for minute, ahead in enumerate((0, 0, 5, 0, 0))
        for at_ms in [epoch_ms(NIGHT + timedelta(minutes=minute))]
    ]
    fold.apply(partition_of(key), records)

    assert [(2, 1, 1003)] == [(one.offset, one.count, one.box) for one in fold.notices.owed()]


def test_in_a_rehearsal_of_a_night_to_come_no_event_time_is_told() -> None:
    assert [] == noticed(counted(), appended_s=-2 * 86_400)


def test_what_is_quarantined_is_not_told_beside_it() -> None:
    ahead = NIGHT + timedelta(hours=30)

    assert [] == noticed(counted(), counted({"kurum": 1}))
    assert ["ahead"] == [one.kind for one in noticed(counted(at=ahead), counted({"kurum": 1}, at=ahead))]
    assert 1 == noticed(counted(at=ahead), counted({"kurum": 1}, at=ahead))[0].count


def test_a_partition_that_goes_takes_its_notices_along() -> None:
    fold = TallyFold(ELECTION, "tallies", partition_of)
    append(fold, 0, counted(revision=7))
    append(fold, 1, counted({}, at=LATER))
    assert 1 == len(fold.notices.of([USKUDAR]))
    fold.forget(partition_of(USKUDAR.district.encode()))

    assert ([], []) == (fold.notices.of([USKUDAR]), fold.notices.owed())


def test_what_is_published_is_owed_no_more_until_there_is_another() -> None:
    notices = Notices()
    notices.add("ahead", USKUDAR, 4, counted(), 1)
    assert [4] == [one.offset for one in notices.owed()]
    notices.published()
    assert [] == notices.owed()
    notices.add("ahead", USKUDAR, 4, counted(), 1)
    assert [] == notices.owed()
    notices.add("ahead", USKUDAR, 9, counted(), 1)
    assert [(9, 2)] == [(one.offset, one.count) for one in notices.owed()]


def test_impossible_boxes_are_noticed_until_the_last_is_corrected_or_taken_back() -> None:
    """Of each cell how many there are, and the one that was told last."""
    fold = TallyFold(ELECTION, "tallies", partition_of)
    steps: list[tuple[Tally, list[tuple[int, int, int | None]]]] = [
        (counted(), []),
        (counted({"kurum": 80_000}, box=1002, at=LATER), [(1, 1, 1002)]),
        (counted({"kurum": 800}, box=1003), [(2, 2, 1002)]),
        (counted({"kurum": 80}, box=1004), []),
        (withdrawn(box=1002), [(4, 1, 1003)]),
        (counted({"kurum": 80}, box=1003, revision=2), [(5, 0, 1003)]),
        (reported({"kurum": 80_000}), []),
    ]
    for offset, (tally, told) in enumerate(steps):
        append(fold, offset, tally)
        fold.notice_impossible(fold.ledgers)
        assert told == [(one.offset, one.count, one.box) for one in fold.notices.owed()]
        fold.notices.published()


@given(statements())
def test_what_a_checkpoint_holds_of_impossible_boxes_is_noticed_as_it_was(events: list[Counted | Withdrawn]) -> None:
    """Whatever was noticed of them before, and though no box is unpacked to count them."""
    before, after = (TallyFold(with_agency(small_election()), "tallies", partition_of) for _ in range(2))
    for offset, event in enumerate(events):
        append(before, offset, event)
    before.notice_impossible(before.ledgers)
    for ledger in before.ledgers.values():
        assert isinstance(ledger, BoxLedger)
        restored = BoxLedger(ledger.cell, ledger.packing.candidates, ledger.boxes_total)
        restored.restore(ledger.pack(), ledger.sums, ledger.version, heard_at(ledger))
        assert ledger.impossible == restored.impossible
        after.adopt(restored)
    after.notice_impossible(after.ledgers)

    told = [[one for one in fold.notices.of([USKUDAR, ADALAR]) if one.kind == "impossible"] for fold in (before, after)]
    assert told[0] == told[1]


def test_sums_that_are_not_those_of_the_boxes_end_nobody() -> None:
    """Somebody may have written them to the log: no box is impossible, though the sums count one."""
    fold = TallyFold(with_agency(small_election()), "tallies", partition_of)
    append(fold, 0, counted())
    ledger = fold.ledgers[USKUDAR]
    assert isinstance(ledger, BoxLedger)
    restored = BoxLedger(ledger.cell, ledger.packing.candidates, ledger.boxes_total)
    forged = replace(ledger.sums, flags={**ledger.sums.flags, "impossible": 256})
    restored.restore(ledger.pack(), forged, ledger.version, heard_at(ledger))
    fold.adopt(restored)
    fold.notice_impossible([USKUDAR])

    assert [] == fold.notices.of([USKUDAR])


@given(statements(), st.data())
def test_a_fold_that_goes_on_from_a_checkpoint_notices_each_statement_once(
    events: list[Counted | Withdrawn], data: st.DataObject
) -> None:
    """Ledgers may be newer than the marker: what lies between is folded twice, and counted once."""
    whole, before, after = (TallyFold(with_agency(small_election()), "tallies", partition_of) for _ in range(3))
    ledger_at = data.draw(st.integers(0, len(events)))
    marker_at = data.draw(st.integers(0, ledger_at))
    for offset, event in enumerate(events):
        append(whole, offset, event)
        if offset < ledger_at:
            append(before, offset, event)
    for ledger in before.ledgers.values():
        after.adopt(ledger)
    after.notices.restore(before.notices.of(before.ledgers))
    for offset, event in enumerate(events[marker_at:], marker_at):
        append(after, offset, event)

    assert whole.notices.of(whole.ledgers) == after.notices.of(after.ledgers)


GROUP = NoticeGroup("restarted", "aa", "mayor")


def fold(*said: Notice | bytes) -> NoticeGroups:
    notices = NoticeGroups(election())
    for offset, one in enumerate(said):
        value, key = (one, b"notice:x") if isinstance(one, bytes) else (one.encode(), one.key)
        notices.fold(Written(offset, value, key=key))
    return notices


def test_of_each_cell_and_kind_the_newest_counts() -> None:
    notices = fold(
        notice(offset=5, count=2),
        notice(offset=4, count=9),
        notice(kind="ahead", count=3),
        notice(district="tr/34/adalar", count=4),
        notice(source="anka", count=7),
    )

    assert {GROUP: 6, NoticeGroup("ahead", "aa", "mayor"): 3, GROUP._replace(source="anka"): 7} == notices.groups
    assert {"aa": 6, "anka": 7} == notices.by_source("restarted")
    assert {"aa": 3} == notices.by_source("ahead")
    assert 4 == notices.changes


def test_what_is_no_notice_or_of_another_version_or_about_nothing_known_says_nothing() -> None:
    later = notice().encode().replace(b'"v":1', b'"v":2')
    notices = fold(b"junk", later, notice(district="tr/34/moon"), notice(source="nobody"), notice(contest="senate"))
    notices.fold(Written(9, notice().encode(), key=b"mayor/aa/tr/34/uskudar"))
    notices.fold(Written(10, None, key=notice().key))

    assert ({}, 0) == (notices.groups, notices.changes)


def test_impossible_boxes_that_are_corrected_are_noticed_no_more() -> None:
    kind, group = "impossible", GROUP._replace(kind="impossible")
    notices = fold(
        notice(kind=kind, offset=5, count=2),
        notice(kind=kind, offset=5, count=1, district="tr/34/adalar"),
        notice(kind=kind, offset=9, count=0),
    )

    assert ({group: 1}, "tr/34/adalar") == (notices.groups, notices.unit(group))
    assert "tr/34/adalar" == notices.newest(group).district


def test_a_group_is_placed_in_the_lowest_unit_that_has_all_of_it() -> None:
    later = notice(district="tr/34/adalar", at=START + timedelta(hours=1))

    assert "tr/34/uskudar" == fold(notice()).unit(GROUP)
    assert "tr/34" == fold(notice(), later).unit(GROUP)
    assert "tr" == fold(notice(), later, notice(district="tr/06/cankaya")).unit(GROUP)
    assert later == fold(notice(), later).newest(GROUP)


SMALL = small_election()


def totals(as_of: datetime) -> Totals:
    return unreported(Cell("mayor", "aa", "tr/34/uskudar"), as_of)


@pytest.mark.parametrize(
    ("at", "counts_as", "is_told"),
    [
        (NIGHT - timedelta(hours=9), NIGHT - timedelta(hours=9), False),
        (NIGHT, NIGHT, False),
        (NIGHT + timedelta(microseconds=999), NIGHT + timedelta(microseconds=999), False),
        (NIGHT + timedelta(seconds=AHEAD_S), NIGHT, False),
        (NIGHT + timedelta(seconds=AHEAD_S, microseconds=1), NIGHT, True),
        (NIGHT.replace(tzinfo=UTC), NIGHT, True),
        (datetime(2199, 12, 31, tzinfo=TURKEY), NIGHT, True),
        (datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC), False),
    ],
)
def test_an_event_time_counts_as_no_later_than_its_append(at: datetime, counts_as: datetime, is_told: bool) -> None:
    found = effective(at, epoch_ms(NIGHT), SMALL)

    assert (counts_as, at.tzinfo) == (found, found.tzinfo)
    assert is_told == is_ahead(at, epoch_ms(NIGHT), SMALL)
    assert totals(counts_as) == timely(totals(at), epoch_ms(NIGHT), SMALL)


@pytest.mark.parametrize(
    ("appended", "is_judged"),
    [
        (datetime(2024, 3, 30, 23, 59, 59, tzinfo=TURKEY), False),
        (datetime(2024, 3, 31, tzinfo=TURKEY), True),
        (datetime(2024, 4, 1, 2, tzinfo=TURKEY), True),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_in_a_rehearsal_before_the_day_of_the_election_no_time_is_ahead(appended: datetime, is_judged: bool) -> None:
    at = NIGHT + timedelta(days=2)

    assert is_judged == is_ahead(at, epoch_ms(appended), SMALL)
    assert (appended if is_judged else at) == effective(at, epoch_ms(appended), SMALL)


@given(st.integers(-2_200_000_000, 7_200_000_000), st.integers(0, 2**42))
def test_what_an_event_time_counts_as_is_never_later_and_stays_what_it_is(at_s: int, appended_ms: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s)
    counts_as = effective(at, appended_ms, SMALL)

    assert counts_as <= at
    assert counts_as == effective(counts_as, appended_ms, SMALL)


@given(st.lists(st.tuples(st.integers(-86_400, 86_400), st.integers(-300, 300)), min_size=1, max_size=6))
def test_what_is_surely_not_ahead_is_not_ahead(pairs: list[tuple[int, int]]) -> None:
    """Told by one comparison for all that was appended between two moments, in whatever zone."""
    appended = [epoch_ms(NIGHT + timedelta(seconds=seconds)) for seconds, _ in pairs]
    bound = surely_not_ahead(min(appended), max(appended), TURKEY, SMALL)
    for appended_ms, (seconds, ahead_s) in zip(appended, pairs, strict=True):
        at = NIGHT + timedelta(seconds=seconds + ahead_s)
        assert not (at <= bound and is_ahead(at, appended_ms, SMALL))


def test_before_the_day_of_the_election_nothing_has_to_be_looked_at() -> None:
    assert surely_not_ahead(0, epoch_ms(NIGHT - timedelta(days=1)), UTC, SMALL) > NIGHT + timedelta(days=9)
