from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.mapping_sections import AbsentSection
from producers.tables.notation import revision_of
from producers.tables.statements import (
    VOTES,
    BoxHistory,
    Draft,
    News,
    ReportHistory,
    Statement,
    StatementKey,
    at_revision,
    statement,
)
from schemas.figures import Given
from schemas.tally import Counted, Reported, Withdrawn
from schemas.totals import Cell
from tabulation.counting.cells import Sums
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tests.builders import NIGHT, counted, reported, withdrawn

KEY = StatementKey("mayor", "tr/34/uskudar", 1001, 1)
ALL = AbsentSection(boxes_opened="all", registered="unknown", cast="sum", valid="sum", invalid="none")


def line(number: int, name: str = "kurum", votes: int = 3, **fields: object) -> Draft:
    draft = Draft(NIGHT, lines=[number], parts={(VOTES, name): votes}, cells={(name, str(votes))})
    draft.first_of = dict.fromkeys(draft.parts, number)
    for field, value in fields.items():
        setattr(draft, field, value)
    return draft


def test_lines_of_several_candidates_are_one_statement_at_the_latest_time() -> None:
    draft = line(2)
    assert draft.join(line(3, "imamoglu", 5, at=NIGHT + timedelta(minutes=1)), "it", "line", adds=False)
    assert ({"kurum": 3, "imamoglu": 5}, NIGHT + timedelta(minutes=1)) == (draft.votes, draft.at)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (line(3, counts={"cast": 1}), "it is in line 2 with other figures"),
        (line(3, state="annulled"), "it is in line 2 with other figures"),
        (line(3, is_correction=True), "it is in line 2 without the mark of a correction"),
        (line(3, votes=4), "it has other votes of 'kurum' in line 2"),
    ],
)
def test_lines_that_contradict_each_other_are_told(other: Draft, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        line(2).join(other, "it", "line", adds=False)
    if other.is_correction:
        with pytest.raises(ValueError, match="with the mark of a correction"):
            other.join(line(4), "it", "line", adds=False)


def test_parts_of_a_sum_add_up_and_a_line_that_is_there_twice_does_not() -> None:
    draft = line(2)
    assert draft.join(line(3, votes=4), "it", "line", adds=True)
    assert not draft.join(line(4, votes=4), "it", "line", adds=True)
    assert {"kurum": 7} == draft.votes


def test_absent_counts_follow_from_those_that_are_there() -> None:
    draft = line(2, counts={"unattributed": 2})
    assert {
        "boxes_opened": 9,
        "registered": 0,
        "cast": 5,
        "valid": 5,
        "invalid": 0,
        "unattributed": 2,
    } == draft.figures(ALL, {}, lambda: 9)
    said = {"boxes_opened": 1, "registered": 9, "cast": 8, "valid": 7}
    assert said | {"invalid": 1, "unattributed": 0} == line(2, counts=dict(said)).figures(AbsentSection(), {}, int)
    assert said | {"invalid": 0, "unattributed": 0} == line(2, counts=dict(said)).figures(ALL, {}, int)


def test_a_count_that_nothing_says_or_that_contradicts_another_is_told() -> None:
    with pytest.raises(ValueError, match="no line says what is registered and cast and valid"):
        line(2).figures(AbsentSection(), {}, int)
    over = line(2, counts={"registered": 9, "cast": 7, "valid": 8})
    with pytest.raises(ValueError, match="geçerli is 8, over the 7 of cast"):
        over.figures(AbsentSection(), {"valid": "geçerli"}, int)


def test_a_draft_is_a_box_a_report_or_taken_back() -> None:
    figures = {"boxes_opened": 1, "registered": 9, "cast": 3, "valid": 3, "invalid": 0, "unattributed": 0}
    box = statement(KEY, line(2), figures, "aa")
    assert (Counted, "counted", {"kurum": 3}) == (type(box), box.type, getattr(box, "votes", None))
    assert "corrected" == statement(KEY._replace(revision=2), line(2), figures, "aa").type
    for state in ("withdrawn", "annulled"):
        taken = statement(KEY, line(2, state=state), {}, "aa")
        assert (Withdrawn, state) == (type(taken), taken.type)
    for mark, kind in ((False, "reported"), (True, "report_corrected")):
        report = statement(KEY._replace(box=0), line(2, is_correction=mark), figures, "aa")
        assert (Reported, kind) == (type(report), report.type)
    assert ("box 1001 of tr/34/uskudar", "tr/34/uskudar") == (KEY.what, KEY._replace(box=0).what)


def test_a_statement_at_another_revision_says_the_same() -> None:
    assert ("corrected", 7) == (at_revision(counted(), 7).type, at_revision(counted(), 7).revision)
    assert "counted" == at_revision(counted(revision=7), 1).type
    assert ("reported", 7) == (at_revision(reported(), 7).type, at_revision(reported(), 7).revision)


def test_a_count_that_the_source_does_not_give_by_the_definition_is_told() -> None:
    with pytest.raises(ValueError, match=r"KAYITLI is 9, and by the definition \(absent\) the source does not give"):
        line(2, counts={"registered": 9}).figures(ALL, {"registered": "KAYITLI"}, int, Given(("registered",)))


HIGHER = reported(revision=3, boxes_opened=12)


def test_what_was_published_is_not_published_again() -> None:
    history = ReportHistory()

    assert News([reported()]) == history.news([reported()])
    assert News() == history.news([reported()])
    assert News([HIGHER]) == history.news([HIGHER, reported()])


def test_what_is_in_the_log_was_published() -> None:
    history = ReportHistory()
    history.add(HIGHER)
    history.add(reported())

    assert News() == history.news([reported(), HIGHER])


def test_a_lower_revision_that_comes_late_is_published_for_the_ledger_to_judge_and_told() -> None:
    history = ReportHistory()
    history.news([HIGHER])

    assert News(
        [reported()], ["tr/34/uskudar (mayor): revision 1 comes after revision 3, which stands."]
    ) == history.news([reported()])
    assert News() == history.news([reported()])


def test_a_source_that_counts_its_revisions_anew_is_told_as_one() -> None:
    history = ReportHistory()
    history.news([HIGHER])

    (odd,) = history.news([reported(at=NIGHT + timedelta(minutes=1))]).odd
    assert "says a later time. Does agency count its revisions anew?" in odd


def test_districts_and_contests_are_apart() -> None:
    both: list[Statement] = [reported(), reported(district="tr/34/adalar"), reported(contest="council")]

    assert News(both) == ReportHistory().news(both)


def test_other_figures_under_the_same_revision_are_refused() -> None:
    history = ReportHistory()
    history.news([reported()])

    for _ in range(2):
        news = history.news([reported(boxes_opened=11)])
        assert ([], []) == (news.publish, news.odd)
        assert "tr/34/uskudar (mayor): revision 1 was published before with other figures" in news.refused[0]


def test_the_same_figures_can_be_marked_as_a_correction_afterwards_once() -> None:
    for by_time in (False, True):
        history, marked = ReportHistory(by_time), timed(0, 10, type="report_corrected")
        history.news([timed(0, 10)])

        assert News([marked]) == history.news([marked])
        assert News() == history.news([timed(0, 10)])
        assert News() == history.news([marked])


def timed(minute: int, boxes: int = 10, **changes: Any) -> Reported:
    """A report that is known by its time."""
    at = NIGHT + timedelta(minutes=minute)
    return reported(**{"at": at, "revision": revision_of(at), "boxes_opened": boxes, **changes})


def published(history: ReportHistory, report: Reported) -> tuple[int, ...]:
    """How far above its time the revision is at which a report is published."""
    news = history.news([report])
    assert all(replace(each, revision=report.revision) == report for each in news.publish)
    return tuple(each.revision - revision_of(report.at) for each in news.publish)


def test_a_report_known_by_its_time_is_published_at_that_revision() -> None:
    history = ReportHistory(by_time=True)

    assert [(0,), (0,), (), (0,)] == [published(history, timed(*each)) for each in ((0, 1), (5, 2), (5, 2), (6, 2))]


def test_other_figures_of_the_same_time_come_after_those_that_were_published() -> None:
    history = ReportHistory(by_time=True)
    history.news([timed(5, 10)])

    assert [(1,), (), (2,)] == [published(history, timed(5, boxes)) for boxes in (11, 11, 12)]
    (odd,) = history.news([timed(5, 13)]).odd
    assert "tr/34/uskudar (mayor) at 2024-03-31 19:05:00+03:00 has other figures than before at that time" in odd


def test_every_file_counts_after_a_clock_was_put_back_an_hour_until_time_has_caught_up() -> None:
    history, hour = ReportHistory(by_time=True), 60 * 60 * 1000
    history.news([timed(60, 10)])

    news = history.news([timed(0, 11)])
    assert [revision_of(NIGHT) + hour + 1] == [report.revision for report in news.publish]
    assert [NIGHT] == [report.at for report in news.publish]
    assert (
        "has other figures than those of 2024-03-31 20:00:00+03:00, and is taken for newer. Was a clock" in news.odd[0]
    )
    later = [history.news([timed(minute, 12 + minute)]) for minute in (1, 30, 59, 60, 61)]
    assert [1, 1, 1, 1, 1] == [len(each.publish) for each in later]
    assert [[]] * 5 == [each.odd for each in later]
    revisions = [report.revision for each in later for report in each.publish]
    assert sorted(set(revisions)) == revisions
    assert revision_of(NIGHT) + hour + 60_000 == revisions[-1]


def test_the_same_figures_go_on_being_news_while_a_clock_that_was_put_back_goes_on() -> None:
    """So that their age is right."""
    history = ReportHistory(by_time=True)
    history.news([timed(60, 10)])
    history.news([timed(0, 11)])

    assert () == published(history, timed(0, 11))
    assert [NIGHT + timedelta(minutes=1)] == [report.at for report in history.news([timed(1, 11)]).publish]


def test_an_old_copy_that_comes_back_takes_nobodys_place_and_is_told() -> None:
    history = ReportHistory(by_time=True)
    for report in (timed(0, 10), timed(5, 11)):
        history.news([report])

    news = history.news([timed(0, 10)])
    assert ([], []) == (news.publish, news.refused)
    assert "says again what was published before the figures of 2024-03-31 19:05" in news.odd[0]
    assert 1 == len(history.news([timed(0, 10, type="report_corrected")]).publish)


def test_an_old_copy_is_known_after_a_clock_was_put_back_behind_its_time() -> None:
    """Its time is the later one, but what it says was published before, word for word."""
    history = ReportHistory(by_time=True)
    for report in (timed(60, 10), timed(0, 11), timed(5, 12)):
        history.news([report])

    news = history.news([timed(60, 10)])
    assert ([], []) == (news.publish, news.refused)
    assert "says again what was published before the figures of 2024-03-31 19:05" in news.odd[0]
    assert 1 == len(history.news([timed(60, 13)]).publish)


def test_a_file_that_takes_back_what_it_mended_in_the_same_minute_counts() -> None:
    history = ReportHistory(by_time=True)

    assert [(0,), (1,), (2,), ()] == [published(history, timed(0, boxes)) for boxes in (10, 11, 10, 10)]


def test_of_several_lines_of_a_district_only_the_latest_is_its_word_now() -> None:
    history = ReportHistory(by_time=True)

    assert News([timed(0, 10), timed(5, 11)]) == history.news([timed(5, 11), timed(0, 10)])
    assert News([timed(9, 12)]) == history.news([timed(0, 10), timed(5, 11), timed(9, 12)])
    news = history.news([timed(0, 9), timed(5, 11), timed(9, 12)])
    assert [] == news.publish
    assert "is new in the file, but later figures, of 2024-03-31 19:09:00+03:00, were published before" in news.odd[0]


@pytest.mark.parametrize(("by_content", "revision"), [(False, timed(5).revision), (True, 1)])
def test_a_district_that_a_later_file_brings_is_published(by_content: bool, revision: int) -> None:
    history = ReportHistory(by_time=not by_content, by_content=by_content)
    history.news([timed(0)])
    (found,) = history.news([timed(0), timed(5, district="tr/34/sile")]).publish
    assert ("tr/34/sile", revision) == (found.district, found.revision)


def test_what_was_let_out_of_quarantine_is_followed_by_a_revision_of_its_own() -> None:
    history = ReportHistory(by_time=True)
    history.add(timed(0, 10))
    history.add(timed(0, 11, released=1, type="report_corrected"))

    assert () == published(history, timed(0, 11))
    assert (1,) == published(history, timed(0, 10))


@pytest.mark.parametrize("by_time", [False, True])
def test_the_order_of_a_files_lines_and_their_repetition_say_nothing(by_time: bool) -> None:
    lines = [timed(minute, 10 + minute, district=district) for minute in (0, 5, 9) for district in ("a", "b")]

    assert sorted(map(str, ReportHistory(by_time).news(lines).publish)) == sorted(
        map(str, ReportHistory(by_time).news(lines[::-1]).publish)
    )


class File(NamedTuple):
    """A district in a file: when it was updated, how many votes, and whether the watcher is started anew before."""

    minute: int
    votes: int
    anew: bool


FILES = st.lists(st.builds(File, st.integers(0, 5), st.integers(0, 3), st.booleans()), max_size=12)


@given(FILES)
def test_whatever_an_agencys_clock_does_its_last_word_stands(files: Sequence[File]) -> None:
    """Unless it is an old copy: with a watcher that starts anew at any time, and the ledger of the aggregator."""
    log: list[Reported] = []
    ledger = ReportLedger(Cell("mayor", "agency", "tr/34/uskudar"), Sums.zero(("a",)), 20)
    history = ReportHistory(by_time=True)
    for file in files:
        if file.anew:
            history = ReportHistory(by_time=True)
            for report in log:
                history.add(report)
        word = timed(file.minute, 10, votes={"a": file.votes})
        news = history.news([word])
        for fresh in news.publish:
            assert isinstance(fresh, Reported)
            assert "counted" == ledger.apply(fresh, len(log))
            log.append(fresh)
        is_old = not news.publish and len(news.odd) == 1
        assert is_old or {"a": file.votes} == ledger.sums.votes
        assert not is_old or (word.at, word.votes) in [(report.at, report.votes) for report in log]
        assert [] == news.refused


MORE = {"imamoglu": 151, "kurum": 100}


def box_history(*tallies: Counted | Withdrawn) -> BoxHistory:
    found = BoxHistory()
    for tally in tallies:
        found.add(tally)
    return found


@pytest.mark.parametrize(
    "events",
    [
        [counted()],
        [counted(revision=2), counted(MORE, revision=3)],
        [counted(MORE, revision=3), counted(revision=2)],
        [counted(MORE, revision=4)],
        [counted(MORE, box=1002)],
        [counted({"imamoglu": 150, "kurum": 100, "bagimsiz_1": 0})],
        [],
    ],
)
def test_what_is_new_or_there_word_for_word_can_be_published(events: list[Counted]) -> None:
    known = box_history(counted(), counted(MORE, revision=3))

    assert [] == known.cannot_count(events)
    assert 3 == known.highest


@pytest.mark.parametrize(
    ("known", "event", "says"),
    [
        ([counted()], counted(MORE), "box 1001 of tr/34/uskudar was published before at revision 1 with other counts"),
        ([withdrawn()], counted(revision=2), "at revision 2 with other counts"),
        ([withdrawn()], counted(), "was published before at revision 2, which is higher than 1"),
        ([counted(), counted(MORE, released=1)], counted({"kurum": 1}), "with other counts"),
    ],
)
def test_what_could_not_count_is_told(known: list[Counted | Withdrawn], event: Counted, says: str) -> None:
    (fault,) = box_history(*known).cannot_count([event])

    assert says in fault


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=4), st.integers(1, 4), st.integers(0, 2))
def test_what_can_count_stands_or_has_stood_in_the_ledger_and_the_rest_is_told(
    before: Sequence[tuple[int, int]], revision: int, votes: int
) -> None:
    ledger, known = BoxLedger(Cell("mayor", "aa", "tr/34/uskudar"), ("a",), 1), BoxHistory()
    for offset, (number, count) in enumerate(before):
        tally = counted({"a": count}, revision=number, box=1)
        if ledger.apply(tally, offset) != "conflict":
            known.add(tally)
    event = counted({"a": votes}, revision=revision, box=1)
    told = known.cannot_count([event])
    outcome = ledger.apply(event, len(before))

    assert outcome in ({"conflict", "stale"} if told else {"counted", "duplicate", "stale"})
    assert told or outcome != "stale" or (revision, votes) in before
