"""Boxes that are published again and again: what is new is told by their figures, and what is gone may be withdrawn."""

from datetime import timedelta

from producers.tables.statements import ReportHistory, Statement
from schemas.tally import Counted, Withdrawn
from tests.builders import NIGHT, counted


def box(number: int = 1001, votes: int = 5, minute: int = 0, district: str = "tr/34/uskudar") -> Counted:
    at = NIGHT + timedelta(minutes=minute)
    return counted(district=district, box=number, votes={"imamoglu": votes}, revision=minute + 1, at=at)


def said(history: ReportHistory, *boxes: Statement) -> list[tuple[int, int]]:
    """The box and the revision of all that is published."""
    return [(each.box, each.revision) for each in history.news(boxes).publish if not hasattr(each, "boxes_opened")]


def gone(history: ReportHistory, *left: tuple[str, int], minute: int = 9) -> tuple[list[tuple[str, int, int]], int]:
    """What is withdrawn where these are left, and how many sentences are told."""
    news = history.gone(
        {("mayor", f"tr/34/{name}", number) for name, number in left}, NIGHT + timedelta(minutes=minute)
    )
    found = [one for one in news.publish if isinstance(one, Withdrawn)]
    return [(one.district[6:], one.box, one.revision) for one in found], len(news.odd)


def test_other_figures_get_the_next_revision_whatever_their_time() -> None:
    history = ReportHistory(by_content=True)
    assert [(1001, 1), (1002, 1)] == said(history, box(), box(1002))
    assert [] == said(history, box(minute=3), box(1002, minute=3))
    assert [(1001, 2)] == said(history, box(votes=6, minute=3), box(1002))
    assert [(1001, 3)] == said(history, box(votes=7, minute=3))


def test_a_watcher_that_starts_anew_goes_on_from_the_log() -> None:
    first, again = ReportHistory(by_content=True), ReportHistory(by_content=True)
    for event in first.news([box()]).publish + first.news([box(votes=6, minute=1)]).publish:
        again.add(event)
    assert [] == said(again, box(votes=6, minute=1))
    old = again.news([box()])
    assert ([], True) == (old.publish, "is it an old copy" in old.odd[0])
    assert [(1001, 3)] == said(again, box(votes=8, minute=2))


def test_a_box_that_is_gone_is_withdrawn_once_and_counts_again_when_it_is_back() -> None:
    history = ReportHistory(by_content=True)
    said(history, box(), box(1002), box(1003))
    assert ([("uskudar", 1002, 2)], 0) == gone(history, ("uskudar", 1001), ("uskudar", 1003))
    assert ([], 0) == gone(history, ("uskudar", 1001), ("uskudar", 1003))
    assert [(1002, 3)] == said(history, box(1002))


def test_nothing_is_withdrawn_where_a_part_of_the_file_may_be_missing() -> None:
    history = ReportHistory(by_content=True)
    said(history, box(), box(1002), box(1003), box(district="tr/34/adalar"))
    assert ([], 1) == gone(history, ("uskudar", 1001), ("uskudar", 1002), ("uskudar", 1003))  # all of Adalar
    assert ([], 1) == gone(history, ("uskudar", 1001), ("adalar", 9))  # more are gone than are left
    assert ([], 0) == gone(history, ("uskudar", 1001), minute=-1)  # an older state of the file
