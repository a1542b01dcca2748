from collections.abc import Sequence

import pytest

from schemas.fields import MAX_RELEASED
from schemas.quarantine import Assessment, Quarantined, Reason, quarantined
from schemas.set_aside import SetAside, set_aside_in
from schemas.tally import Tally, encode
from tabulation.counting.assess import assess
from tabulation.counting.tally_fold import TallyFold
from tests.builders import NIGHT, counted, reported, small_election, with_agency, withdrawn
from tests.gateway.nights import Written

USKUDAR = "tr/34/uskudar"


def folded(said: Sequence[Tally]) -> tuple[TallyFold, list[Quarantined]]:
    """The fold of an election whose source agency reports districts, and what it set aside."""
    fold = TallyFold(with_agency(small_election()), "t", lambda _: 0)
    aside = fold.apply(
        0, [Written(offset, encode(one), key=one.district.encode()) for offset, one in enumerate(said)]
    ).quarantined
    return fold, aside


def seen(record: Quarantined) -> SetAside:
    found = set_aside_in(record)
    assert found is not None
    return found


def assessed(said: Sequence[Tally], later: Sequence[Tally] = ()) -> tuple[str, int, int, str | None]:
    """What becomes of the first thing that was set aside, once `later` is in the log too."""
    fold, (first, *_) = folded([*said, *later])
    found = assess(seen(first), first, fold)
    return found.verdict, found.revision, found.released, found.refusal


def of_bytes(value: bytes, said: Sequence[Tally], reason: Reason = "malformed") -> Assessment:
    record = quarantined(reason, "a test", topic="t", partition=0, offset=9, key=b"k", value=value)
    return assess(seen(record), record, folded(said)[0])


CONFLICT = [counted(), counted({"kurum": 9})]


def test_of_two_statements_with_one_revision_the_other_contradicts_what_stands() -> None:
    assert ("contradicts", 1, 0, None) == assessed(CONFLICT)


def test_what_a_higher_revision_has_followed_can_no_longer_count() -> None:
    assert ("superseded", 4, 0, "revision 4 of box 1001 stands") == assessed(CONFLICT, [counted(revision=4)])


def test_a_later_revision_with_the_same_counts_makes_a_statement_counted() -> None:
    assert ("counted", 2, 0, "revision 2 of box 1001 stands, and it says the same") == assessed(
        CONFLICT, [counted({"kurum": 9}, revision=2)]
    )


def test_what_was_let_out_stands_and_another_one_can_still_be_let_out_after_it() -> None:
    said = [*CONFLICT, counted({"kurum": 7})]
    fold, (first, other) = folded([*said, counted({"kurum": 9}, type="corrected", released=1)])
    counts, rest = (assess(seen(one), one, fold) for one in (first, other))

    assert ("counted", 1, 1) == (counts.verdict, counts.revision, counts.released)
    assert ("superseded", 1, 1, None) == (rest.verdict, rest.revision, rest.released, rest.refusal)


def test_a_withdrawal_at_the_same_revision_contradicts_too() -> None:
    assert ("contradicts", 1, 0, None) == assessed([counted(), withdrawn(revision=1)])


def test_a_report_that_goes_back_is_newer_until_one_comes_after_it() -> None:
    back = [
        reported({"kurum": 900}, boxes_opened=12, revision=7),
        reported({"kurum": 800}, boxes_opened=10, revision=8),
    ]
    assert ("newer", 7, 0, None) == assessed(back)
    assert ("superseded", 9, 0, f"revision 9 of {USKUDAR} stands") == assessed(
        back, [reported({"kurum": 700}, boxes_opened=9, revision=9, type="report_corrected")]
    )
    assert ("counted", 8, 1, f"revision 8 of {USKUDAR} stands, and it says the same") == assessed(
        back, [reported({"kurum": 800}, boxes_opened=10, revision=8, released=1, type="report_corrected")]
    )
    assert ("contradicts", 7, 0, None) == assessed([back[0], reported(boxes_opened=12, revision=7)])


@pytest.mark.parametrize(
    ("value", "said", "verdict", "refusal"),
    [
        (counted(), [], "newer", None),
        (counted(), [counted()], "counted", "revision 1 of box 1001 stands, and it says the same"),
        (
            counted({"kurum": 9}),
            [counted()],
            "contradicts",
            "revision 1 of box 1001 stands with other counts, so it would be set aside again",
        ),
        (counted(box=9_999), [counted()], "newer", f"{USKUDAR} has no box 9999"),
        (counted({"nobody": 1}, revision=3), [counted()], "newer", f"no 'nobody' on the ballot of {USKUDAR}"),
        (counted(source="agency"), [], "newer", "agency reports whole districts, not boxes"),
        (
            reported(boxes_opened=3, revision=5),
            [reported(boxes_opened=4, revision=4)],
            "newer",
            f"revision 4 of {USKUDAR} stands with more boxes opened, so it would be set aside again",
        ),
        (reported(boxes_opened=6, revision=3), [reported(boxes_opened=4, revision=4)], "superseded", None),
    ],
)
def test_a_record_that_came_under_another_key_is_tried_as_it_is(
    value: Tally, said: list[Tally], verdict: str, refusal: str | None
) -> None:
    found = of_bytes(encode(value), said, "misrouted")
    assert (verdict, refusal) == (found.verdict, found.refusal)


@pytest.mark.parametrize(
    ("rest", "said", "verdict"),
    [
        (b'"box":1001,"revision":2', [counted()], "newer"),
        (b'"box":1001,"revision":1', [counted()], "contradicts"),
        (b'"box":1001,"revision":1', [counted(revision=2)], "superseded"),
        (b'"box":1001,"at":"2024-03-31T18:59:00+03:00"', [counted()], "superseded"),
        (b'"box":1001,"at":"2024-03-31T19:01:00+03:00"', [counted()], "newer"),
        (b'"box":1001', [counted()], "newer"),
        (b'"revision":1', [], "newer"),
        (b'"box":1002,"revision":1', [counted()], "newer"),
    ],
)
def test_what_cannot_be_read_whole_is_judged_by_its_revision_else_by_its_time(
    rest: bytes, said: list[Tally], verdict: str
) -> None:
    found = of_bytes(b'{"contest":"mayor","source":"aa","district":"tr/34/uskudar",' + rest + b"}", said)
    assert (verdict, None) == (found.verdict, found.refusal)


def test_a_statement_of_the_other_kind_is_judged_by_its_time() -> None:
    report = reported(source="aa", at=NIGHT)
    assert "superseded" == of_bytes(encode(report), [counted()], "wrong_kind").verdict
    box = counted(source="agency", at=NIGHT.replace(hour=20))
    assert "newer" == of_bytes(encode(box), [reported()], "wrong_kind").verdict


def test_what_is_not_at_hand_is_assessed_without_trying_it() -> None:
    fold, (first, *_) = folded(CONFLICT)
    assert ("contradicts", None) == ((found := assess(seen(first), None, fold)).verdict, found.refusal)
    short = seen(first)._replace(event=None)
    assert "contradicts" == assess(short, None, fold).verdict


def test_a_record_that_says_of_itself_that_it_could_be_mended_and_cannot_be_read_is_told_so() -> None:
    """Whoever may write to the quarantine topic can say so."""
    value = encode(counted()).replace(b"T19:", b"T19")
    found = of_bytes(value, [counted()], "conflict")
    assert ("contradicts", True) == (found.verdict, (found.refusal or "").startswith("It cannot be read: at: "))


def test_what_would_be_let_out_once_too_often_is_told_so() -> None:
    said = [counted(), counted({"kurum": 9}, type="corrected", released=MAX_RELEASED)]
    found = of_bytes(encode(counted({"kurum": 7})), said, "conflict")
    assert ("superseded", True) == (found.verdict, (found.refusal or "").startswith("255 statements were let out"))
