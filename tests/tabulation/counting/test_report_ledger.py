from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tally import Reported
from schemas.totals import Cell
from tabulation.counting.cells import Sums
from tabulation.counting.ledgers import ReportLedger
from tests.builders import NIGHT, reported

ZONE = ZoneInfo("Europe/Istanbul")
CELL = Cell("mayor", "agency", "tr/34/uskudar")


def ledger() -> ReportLedger:
    return ReportLedger(CELL, Sums.zero(("bagimsiz_1", "imamoglu", "kurum")), boxes_total=20)


def fed(*reports: Reported) -> ReportLedger:
    cell = ledger()
    for offset, report in enumerate(reports):
        cell.apply(report, offset)
    return cell


def outcomes(*reports: Reported) -> list[str]:
    cell = ledger()
    return [cell.apply(report, offset) for offset, report in enumerate(reports)]


def correction(**changes: Any) -> Reported:
    return reported(**({"type": "report_corrected"} | changes))


def test_a_report_is_the_districts_totals() -> None:
    cell = ledger()
    assert "counted" == cell.apply(reported(unattributed=7, valid=2507, cast=2557), 41)
    totals = cell.totals(ZONE)

    assert (41, NIGHT, 10) == (totals.version, totals.as_of, totals.boxes_opened)
    assert (3000, 2557, 2507, 50, 7) == (
        totals.registered,
        totals.cast,
        totals.valid,
        totals.invalid,
        totals.unattributed,
    )
    assert {"bagimsiz_1": 0, "imamoglu": 1500, "kurum": 1000} == totals.votes
    assert (0, 0) == (totals.annulled, totals.flagged)


def test_a_later_report_takes_its_place_whole() -> None:
    cell = fed(reported(), reported({"kurum": 1200}, revision=2, boxes_opened=11))

    assert {"bagimsiz_1": 0, "imamoglu": 0, "kurum": 1200} == cell.sums.votes
    assert (11, 1) == (cell.sums.boxes_opened, len(cell))


def test_votes_may_fall_while_boxes_do_not() -> None:
    """Real nights hold dozens of such cells; no mark is needed."""
    assert ["counted", "counted"] == outcomes(reported(), reported({"kurum": 2}, revision=2))


def test_what_was_said_before_is_a_duplicate_a_conflict_or_stale() -> None:
    said = reported(revision=2)
    again, other = reported(revision=2), reported({"kurum": 1}, revision=2)

    assert ["counted", "duplicate", "conflict", "stale"] == outcomes(said, again, other, reported(boxes_opened=9))
    assert outcomes(said, reported(revision=2, boxes_opened=11))[1] == "conflict"


def test_a_step_backwards_that_nobody_marked_does_not_stand() -> None:
    cell = ledger()
    cell.apply(reported(), 1)

    assert "backwards" == cell.apply(reported({"kurum": 9}, revision=2, boxes_opened=9), 2)
    assert (10, 1500) == (cell.sums.boxes_opened, cell.sums.votes["imamoglu"])
    assert (2, NIGHT) == (cell.version, cell.as_of)


def test_a_marked_correction_may_go_backwards_and_what_follows_goes_on_from_there() -> None:
    back, forth = correction(revision=2, boxes_opened=4), reported(revision=3, boxes_opened=6)

    assert ["counted", "counted", "counted", "stale"] == outcomes(reported(), back, forth, reported())
    assert fed(reported(), back, forth).sums.boxes_opened == 6


def test_what_was_let_out_of_quarantine_stands_after_its_revision_and_before_the_next() -> None:
    let_out = correction(boxes_opened=4, released=1)

    assert ["counted", "counted", "duplicate", "stale"] == outcomes(reported(), let_out, let_out, reported())
    assert ["counted", "counted", "counted"] == outcomes(reported(), let_out, correction(boxes_opened=3, released=2))
    assert ["counted", "counted", "stale"] == outcomes(reported(), let_out, reported({"kurum": 1}, released=0))
    after = fed(reported(), reported(revision=2, boxes_opened=6), let_out)
    assert (6, NIGHT) == (after.sums.boxes_opened, after.as_of)
    assert fed(reported(), let_out, reported(revision=2, boxes_opened=6)).pack() == after.pack()


def test_what_would_become_of_a_report_is_told_and_changes_nothing() -> None:
    cell = fed(reported(revision=2))
    before = cell.pack()
    tried = (reported(), reported(revision=2), correction(revision=2, cast=0), reported(revision=3, boxes_opened=1))

    assert ["stale", "duplicate", "conflict", "backwards"] == [cell.outcome_of(report) for report in tried]
    assert "counted" == cell.outcome_of(correction(revision=3, boxes_opened=1))
    assert (before, 0, 10) == (cell.pack(), cell.version, cell.sums.boxes_opened)


def test_a_stale_report_moves_no_clock() -> None:
    cell = fed(reported(revision=7), reported({"kurum": 3}, at=NIGHT + timedelta(hours=2)))

    assert (0, NIGHT) == (cell.version, cell.as_of)


def test_a_step_backwards_stands_once_it_is_said_again_as_a_correction() -> None:
    back: dict[str, Any] = {"revision": 2, "boxes_opened": 4}

    assert ["counted", "backwards", "counted"] == outcomes(reported(), reported(**back), correction(**back))
    assert ["counted", "duplicate"] == outcomes(correction(), correction())


def test_a_late_report_can_show_that_the_one_that_stood_went_backwards() -> None:
    cell = ledger()
    cell.apply(reported(revision=3), 1)

    assert "overturned" == cell.apply(reported(revision=2, boxes_opened=12), 2)
    assert (12, 2) == (cell.sums.boxes_opened, len(cell))


def test_a_late_correction_lets_a_step_backwards_stand_after_all() -> None:
    first, back = reported(), reported(revision=5, boxes_opened=8)

    assert ["counted", "backwards", "counted"] == outcomes(first, back, correction(revision=3, boxes_opened=2))
    assert fed(first, back, correction(revision=3, boxes_opened=2)).sums.boxes_opened == 8


def test_a_late_correction_before_what_stands_changes_nothing() -> None:
    stands = reported(revision=5)

    assert ["counted", "stale"] == outcomes(stands, correction(revision=3, boxes_opened=2))
    assert fed(stands, correction(revision=3, boxes_opened=2)).sums == fed(stands).sums


def test_a_later_time_alone_moves_as_of_and_the_version() -> None:
    later = NIGHT + timedelta(minutes=5)
    cell = fed(reported(), reported(at=later))

    assert (1, later) == (cell.version, cell.as_of)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"registered": 2000}, "cast_over_registered"),
        ({"invalid": 51}, "cast_sum_differs"),
        ({"unattributed": 1}, "party_sum_differs"),
        ({"boxes_opened": 21}, "boxes_over_total"),
        ({"boxes_opened": 0}, "votes_without_boxes"),
        ({"boxes_opened": 0, "votes": {}, "cast": 0, "valid": 0, "invalid": 0}, "votes_without_boxes"),
    ],
)
def test_odd_reports_are_flagged_until_a_later_one_is_not(changes: dict[str, Any], flag: str) -> None:
    cell = fed(reported(**changes))
    assert (1, 1) == (cell.sums.flagged, cell.sums.flags[flag])

    cell.apply(correction(revision=2), 9)
    assert (0, 0) == (cell.sums.flagged, cell.sums.flags[flag])


def test_a_report_of_no_box_that_says_nothing_is_not_odd() -> None:
    nothing: dict[str, Any] = {"boxes_opened": 0, "registered": 0, "votes": {}, "cast": 0, "valid": 0, "invalid": 0}

    assert 0 == fed(reported(**nothing)).sums.flagged


def test_the_figures_that_are_hashed_are_those_of_the_report_that_stands() -> None:
    once = fed(reported(boxes_opened=3))
    corrected = fed(reported(boxes_opened=4), correction(revision=2, boxes_opened=3))

    assert once.figures() == corrected.figures()
    assert once.figures() != fed(reported(boxes_opened=4)).figures()


def test_a_ledger_that_heard_of_nothing_has_no_totals() -> None:
    with pytest.raises(ValueError, match="heard of nothing"):
        ledger().totals(ZONE)


@st.composite
def nights(draw: st.DrawFn) -> list[Reported]:
    """Reports of one district, each revision with one content; some are said again, and some of those marked."""
    contents = draw(
        st.dictionaries(st.integers(1, 8), st.tuples(st.integers(0, 25), st.integers(0, 90)), min_size=1, max_size=8)
    )
    said = [*contents, *draw(st.lists(st.sampled_from(sorted(contents)), max_size=6))]
    return [
        reported(
            {"imamoglu": contents[revision][1]},
            revision=revision,
            boxes_opened=contents[revision][0],
            type=draw(st.sampled_from(("reported", "reported", "report_corrected"))),
            at=NIGHT + timedelta(minutes=revision),
        )
        for revision in said
    ]


def walked(reports: list[Reported]) -> Reported:
    """The naive oracle: walks all reports in order of revision, and passes over unmarked steps backwards."""
    marked = {report.revision for report in reports if report.type == "report_corrected"}
    standing: Reported | None = None
    for report in sorted(reports, key=lambda each: each.revision):
        if standing is None or report.boxes_opened >= standing.boxes_opened or report.revision in marked:
            standing = report
    assert standing is not None
    return standing


@given(nights(), st.data())
def test_any_order_and_duplication_ends_in_what_a_walk_in_order_of_revision_finds(
    reports: list[Reported], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(reports), max_size=6))
    one, other = fed(*reports), fed(*data.draw(st.permutations(reports + again)))
    standing = walked(reports)

    assert (standing.boxes_opened, standing.votes["imamoglu"], standing.at) == (
        one.sums.boxes_opened,
        one.sums.votes["imamoglu"],
        one.as_of,
    )
    assert one.pack() == other.pack()
    told = [cell.totals(ZONE).model_copy(update={"version": 0}).encode() for cell in (one, other)]
    assert told[0] == told[1]


@given(nights(), st.data())
def test_a_restored_ledger_goes_on_as_if_nothing_had_happened(reports: list[Reported], data: st.DataObject) -> None:
    whole = fed(*reports)
    before = fed(*reports[: data.draw(st.integers(1, len(reports)))])
    after = ReportLedger(CELL, before.sums, boxes_total=20)
    assert before.as_of is not None
    after.restore(before.pack(), before.version, before.as_of)
    for offset, report in enumerate(reports):  # all of them again: the overlap is harmless
        after.apply(report, offset)

    assert (whole.pack(), whole.sums, whole.as_of) == (after.pack(), after.sums, after.as_of)


@given(nights())
def test_what_changed_anything_that_a_checkpoint_keeps_moves_the_version(reports: list[Reported]) -> None:
    """So a round of checkpoints never leaves out a report that may stand one day."""
    cell = ledger()
    for offset, report in enumerate(reports):
        before = cell.pack()
        cell.apply(report, offset)
        assert (cell.pack() != before) == (cell.version == offset)
