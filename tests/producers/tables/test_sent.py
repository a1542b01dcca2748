from producers.tables.sent import Sent
from schemas.tally import Reported
from tests.builders import reported

HIGHER = reported(revision=3, boxes_opened=12)


def test_what_was_published_is_not_published_again() -> None:
    sent = Sent()

    assert ([reported()], []) == sent.fresh([reported()])
    assert ([], []) == sent.fresh([reported()])
    assert ([HIGHER], []) == sent.fresh([HIGHER, reported()])


def test_an_older_revision_that_comes_late_is_passed_over() -> None:
    sent = Sent()
    sent.fresh([HIGHER])

    assert ([], []) == sent.fresh([reported()])


def test_districts_and_contests_are_apart() -> None:
    both: list[Reported] = [reported(), reported(district="tr/34/adalar"), reported(contest="council")]

    assert (both, []) == Sent().fresh(both)


def test_other_figures_under_the_same_revision_are_told_and_not_published() -> None:
    sent = Sent()
    sent.fresh([reported()])

    fresh, (fault,) = sent.fresh([reported(boxes_opened=11)])

    assert [] == fresh
    assert "tr/34/uskudar (mayor): revision 1 was published before with other figures" in fault


def test_the_same_figures_can_be_marked_as_a_correction_afterwards_once() -> None:
    sent, marked = Sent(), reported(type="report_corrected")
    sent.fresh([reported()])

    assert ([marked], []) == sent.fresh([marked])
    assert ([], []) == sent.fresh([reported(), marked])
