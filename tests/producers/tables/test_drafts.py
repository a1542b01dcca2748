from datetime import timedelta

import pytest

from producers.tables.drafts import VOTES, Draft, StatementKey, at_revision, statement
from producers.tables.mapping_sections import AbsentSection
from schemas.figures import Given
from schemas.tally import Counted, Reported, Withdrawn
from tests.builders import NIGHT, counted, reported

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
