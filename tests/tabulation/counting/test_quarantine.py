from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabulation.counting.quarantine as fold_module
from schemas.control import EmbargoLifted, Order, QuarantineRejected, QuarantineReleased
from schemas.errors import UsageError
from schemas.fields import MAX_RELEASED
from schemas.quarantine import Assessment, Quarantined, Reason, SetAside, Verdict, quarantined, repaired, set_aside_in
from schemas.tally import Tally, encode
from tabulation.counting.quarantine import MAX_WAITING, Quarantine, assess
from tabulation.counting.tally_fold import TallyFold
from tests.builders import NIGHT, counted, reported, small_election, with_agency, withdrawn
from tests.gateway.nights import Written, election
from tests.schemas.orders import order

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


def verdict_on(said: Sequence[Tally], later: Sequence[Tally] = ()) -> tuple[str, int, int, str | None]:
    """What becomes of the first thing that was set aside, once `later` is in the log too."""
    fold, (first, *_) = folded([*said, *later])
    found = assess(seen(first), first, fold)
    return found.verdict, found.revision, found.released, found.refusal


def of_bytes(value: bytes, said: Sequence[Tally], reason: Reason = "malformed") -> Assessment:
    record = quarantined(reason, "a test", topic="t", partition=0, offset=9, key=b"k", value=value)
    return assess(seen(record), record, folded(said)[0])


CONFLICT = [counted(), counted({"kurum": 9})]


def test_of_two_statements_with_one_revision_the_other_contradicts_what_stands() -> None:
    assert ("contradicts", 1, 0, None) == verdict_on(CONFLICT)


def test_what_a_higher_revision_has_followed_can_no_longer_count() -> None:
    assert ("superseded", 4, 0, "revision 4 of box 1001 stands") == verdict_on(CONFLICT, [counted(revision=4)])


def test_a_later_revision_with_the_same_counts_makes_a_statement_counted() -> None:
    assert ("counted", 2, 0, "revision 2 of box 1001 stands, and it says the same") == verdict_on(
        CONFLICT, [counted({"kurum": 9}, revision=2)]
    )


def test_what_was_let_out_stands_and_another_one_can_still_be_let_out_after_it() -> None:
    said = [*CONFLICT, counted({"kurum": 7})]
    fold, (first, other) = folded([*said, counted({"kurum": 9}, type="corrected", released=1)])
    counts, rest = (assess(seen(one), one, fold) for one in (first, other))

    assert ("counted", 1, 1) == (counts.verdict, counts.revision, counts.released)
    assert ("superseded", 1, 1, None) == (rest.verdict, rest.revision, rest.released, rest.refusal)


def test_a_withdrawal_at_the_same_revision_contradicts_too() -> None:
    assert ("contradicts", 1, 0, None) == verdict_on([counted(), withdrawn(revision=1)])


def test_a_report_that_goes_back_is_newer_until_one_comes_after_it() -> None:
    back = [
        reported({"kurum": 900}, boxes_opened=12, revision=7),
        reported({"kurum": 800}, boxes_opened=10, revision=8),
    ]
    assert ("newer", 7, 0, None) == verdict_on(back)
    assert ("superseded", 9, 0, f"revision 9 of {USKUDAR} stands") == verdict_on(
        back, [reported({"kurum": 700}, boxes_opened=9, revision=9, type="report_corrected")]
    )
    assert ("counted", 8, 1, f"revision 8 of {USKUDAR} stands, and it says the same") == verdict_on(
        back, [reported({"kurum": 800}, boxes_opened=10, revision=8, released=1, type="report_corrected")]
    )
    assert ("contradicts", 7, 0, None) == verdict_on([back[0], reported(boxes_opened=12, revision=7)])


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


USKUDAR = "tr/34/uskudar"


def set_aside(offset: int, said: Tally | bytes = b"v", reason: Reason = "conflict") -> Quarantined:
    value = said if isinstance(said, bytes) else encode(said)
    return quarantined(reason, "a test", topic="t", partition=0, offset=offset, key=b"k", value=value)


def assessed(offset: int, verdict: Verdict, refusal: str | None = None) -> Assessment:
    return Assessment(position=f"t/0/{offset}", verdict=verdict, revision=1, refusal=refusal)


def new() -> Quarantine:
    return Quarantine(election())


def fold(queue: Quarantine, *said: Quarantined | Assessment | Order | bytes) -> Quarantine:
    """Fold records and orders as they come."""
    for one in said:
        if isinstance(one, Quarantined):
            queue.fold(Written(queue.seq, one.encode(), key=one.position))
        elif isinstance(one, Assessment):
            queue.fold(Written(queue.seq, one.encode(), key=one.key))
        elif isinstance(one, bytes):
            queue.fold(Written(queue.seq, one))
        else:
            queue.apply_order(one)
    return queue


def released(offset: int) -> Order:
    return order(QuarantineReleased, position=f"t/0/{offset}")


def rejected(offset: int) -> Order:
    return order(QuarantineRejected, position=f"t/0/{offset}")


def test_what_was_set_aside_waits_the_newest_first() -> None:
    queue = fold(new(), set_aside(1), b"junk", set_aside(2))

    assert [set_aside(2), set_aside(1)] == queue.waiting
    assert (2, 3, {"conflict": 2}) == (queue.waiting_count, queue.seq, queue.reasons)
    assert set_aside(1) == queue.find("t/0/1")
    assert 1 == queue.skipped


def test_what_another_release_set_aside_is_counted_and_says_nothing() -> None:
    later = set_aside(1).encode().replace(b'"v":1', b'"v":2')

    assert (1, 0) == (fold(new(), later).skipped, fold(new(), later).waiting_count)


def test_a_record_that_was_set_aside_twice_waits_once() -> None:
    """After an aggregator's restart it is found again."""
    queue = fold(new(), set_aside(1), set_aside(1))
    queue.fold(Written(0, set_aside(7).encode()))

    assert ([set_aside(1)], {"conflict": 1}) == (queue.waiting, queue.reasons)


def test_what_is_settled_waits_no_more_whichever_comes_first() -> None:
    queue = fold(new(), set_aside(1), released(1), rejected(2), set_aside(2), set_aside(1))

    assert ([], 0, None) == (queue.waiting, queue.waiting_count, queue.find("t/0/1"))


def test_the_newest_are_kept_and_all_are_counted() -> None:
    queue = fold(new(), *map(set_aside, range(MAX_WAITING + 2)))

    assert (MAX_WAITING, MAX_WAITING + 2) == (len(queue.waiting), queue.waiting_count)
    assert queue.find("t/0/1") is None


def test_an_order_that_releases_publishes_what_waits_and_no_other_does() -> None:
    waits = set_aside(1, counted(revision=2))
    queue = fold(new(), waits)

    with pytest.raises(UsageError, match="no aggregator has looked at it yet"):
        queue.released_by(released(1))
    fold(queue, assessed(1, "contradicts"))
    assert repaired(waits) == queue.released_by(released(1))
    assert queue.released_by(rejected(1)) is None
    assert queue.released_by(order(EmbargoLifted)) is None
    for one in (released(9), rejected(9)):
        with pytest.raises(UsageError, match="Nothing waits in quarantine from 't/0/9'"):
            queue.released_by(one)


@pytest.mark.parametrize("is_read_first", [True, False])
def test_what_is_let_out_later_comes_after_what_was_let_out_at_that_revision_before(is_read_first: bool) -> None:
    """Whether orders or records were read first; an order that was given twice counts once, one that rejects never."""
    rivals = [
        quarantined(
            "conflict", "a test", topic="t", partition=0, offset=n, key=b"k", value=encode(counted({"kurum": n}))
        )
        for n in range(1, 5)
    ]
    orders = [
        order(QuarantineReleased, position="t/0/1"),
        order(QuarantineReleased, position="t/0/1"),
        order(QuarantineRejected, position="t/0/2"),
        order(QuarantineReleased, position="t/0/3"),
    ]
    queue = fold(new(), *rivals) if is_read_first else new()
    fold(queue, *orders, *rivals, set_aside(9), released(9), assessed(4, "superseded"))
    last = queue.released_by(order(QuarantineReleased, position="t/0/4"))

    assert (1, 3) == (last.revision, last.released) if last else last
    assert repaired(rivals[3], 2) == last
    fold(queue, assessed(1, "contradicts"))
    assert repaired(rivals[0], 0) == queue.released_by(released(1)), "let out again it is the same statement"


def test_an_order_about_other_things_settles_nothing() -> None:
    queue = fold(new(), set_aside(1), order(EmbargoLifted))

    assert [set_aside(1)] == queue.waiting


def test_what_is_set_aside_is_told_of_its_district_and_of_what_is_above() -> None:
    said = counted({"kurum": 70}, district=USKUDAR, box=1003, revision=4)
    older = set_aside(1, counted(district=USKUDAR))
    elsewhere = set_aside(3, counted(district="tr/06/cankaya", box=2))
    found = fold(new(), older, set_aside(2, said, "unknown_candidate"), elsewhere).open

    assert {"tr": 3, "tr/34": 2, USKUDAR: 2, "tr/06/cankaya": 1} == {
        unit: here.count
        for unit in ("tr", "tr/34", USKUDAR, "tr/06/cankaya")
        if (here := found.here("mayor", "aa", unit)) is not None
    }
    here = found.here("mayor", "aa", "tr/34")
    assert here is not None
    assert here.newest is not None
    assert here.newest.figures is not None
    assert ("unknown_candidate", "t/0/2", USKUDAR, 1003, 4) == (
        *(here.reason, here.newest.position),
        *(here.newest.district, here.newest.box, here.newest.revision),
    )
    assert (1, {"kurum": 70}) == (here.newest.figures.boxes_opened, here.newest.figures.votes)
    assert found.here("mayor", "anka", "tr") is None
    assert new().open.here("mayor", "aa", "tr") is None


def test_the_public_is_told_that_something_is_set_aside_and_not_what() -> None:
    found = fold(new(), set_aside(1, counted({"kurum": 70}, district=USKUDAR))).open
    public = found.for_public("mayor", "aa", "tr")

    assert public is not None
    assert (1, "conflict", None) == (public.count, public.reason, public.newest)
    assert found.for_public("mayor", "anka", "tr") is None


def test_a_statement_is_told_until_what_stands_is_as_new_or_somebody_has_settled_it() -> None:
    waits = set_aside(1, counted(district=USKUDAR))

    def told(*said: Quarantined | Assessment | Order) -> int:
        return fold(new(), waits, *said).open.by_source.get("aa", 0)

    assert [1, 1, 1, 0, 0] == [
        told(),
        *(told(assessed(1, verdict)) for verdict in ("newer", "contradicts", "superseded", "counted")),
    ]
    assert 1 == told(assessed(1, "superseded"), assessed(1, "newer"))
    assert 0 == told(rejected(1))
    assert 0 == told(released(1))
    assert 1 == told(assessed(1, "contradicts"), released(1))
    assert 0 == told(assessed(1, "contradicts"), released(1), assessed(1, "counted"))
    assert 0 == told(assessed(9, "newer"), rejected(1), assessed(1, "newer"))


def test_what_was_let_out_and_is_not_counted_can_be_let_out_again() -> None:
    """The order was written and the statement was not: a crash between the two."""
    waits = set_aside(1, counted(district=USKUDAR))
    queue = fold(new(), waits, assessed(1, "contradicts"), released(1))

    assert ([], [waits], 0) == (queue.waiting, queue.uncounted, queue.waiting_count)
    assert repaired(waits) == queue.released_by(released(1))
    fold(queue, assessed(1, "counted"))
    assert ([], None) == (queue.uncounted, queue.find("t/0/1"))
    with pytest.raises(
        UsageError, match="Nothing waits in quarantine from 't/0/1': it was let out already, and counted"
    ):
        queue.released_by(released(1))
    with pytest.raises(UsageError, match="Nothing waits in quarantine from 't/0/1': it was rejected already"):
        fold(queue, rejected(1)).released_by(released(1))


def test_what_was_let_out_too_late_is_listed_until_it_is_rejected() -> None:
    """The aggregator was behind: what it had not read yet came before the statement that was let out."""
    waits = set_aside(1, counted(district=USKUDAR))
    queue = fold(new(), waits, assessed(1, "contradicts"), released(1))
    fold(queue, assessed(1, "superseded", "revision 3 of box 1001 stands"))

    assert ([waits], {}) == (queue.uncounted, queue.open.by_source)
    with pytest.raises(UsageError, match="revision 3 of box 1001 stands"):
        queue.released_by(released(1))
    assert [] == fold(queue, rejected(1)).uncounted


def test_what_can_no_longer_count_is_refused_with_what_stands_now() -> None:
    waits = set_aside(1, counted(district=USKUDAR))
    queue = fold(new(), waits, assessed(1, "superseded", "revision 3 of box 1001 stands"))

    with pytest.raises(UsageError, match="would change nothing: revision 3 of box 1001 stands"):
        queue.released_by(released(1))
    assert queue.released_by(rejected(1)) is None
    assert "superseded" == getattr(queue.assessment("t/0/1"), "verdict", None)


def test_of_what_cannot_be_read_whole_the_source_is_told() -> None:
    of_district = b'{"source":"aa","contest":"mayor","district":"tr/34/uskudar","votes":-1}'
    of_nowhere = b'{"source":"aa","contest":7}'
    of_nobody = b'{"source":"reuters","contest":"mayor","district":"tr/34/uskudar"}'
    records = [set_aside(n, one, "malformed") for n, one in enumerate((of_district, of_nowhere, of_nobody, b"junk"))]
    found = fold(new(), *records).open

    assert ({"aa": 2}, {("aa", "malformed"): 2}) == (found.by_source, found.by_reason)
    here = found.here("mayor", "aa", "tr")
    assert here is not None
    assert here.newest is not None
    assert (1, None, None) == (here.count, here.newest.figures, here.newest.revision)


def test_statements_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_module, "MAX_STATEMENTS", 2)
    queue = fold(new(), *(set_aside(n, counted(district=USKUDAR, box=1000 + n)) for n in range(1, 4)))

    assert ({"aa": 2}, 3, None) == (queue.open.by_source, queue.waiting_count, queue.statement("t/0/1"))


def test_the_same_answer_is_given_until_something_changes() -> None:
    queue = fold(new(), set_aside(1, reported(district=USKUDAR)), set_aside(2, withdrawn(district=USKUDAR)))
    first = queue.open

    assert first is fold(queue, b"junk", order(EmbargoLifted)).open
    assert first is not fold(queue, rejected(1)).open
    assert NIGHT + timedelta(0) == getattr(queue.statement("t/0/2"), "at", None)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("aside"), st.integers(0, 5)),
            st.tuples(st.sampled_from(("newer", "contradicts", "superseded", "counted")), st.integers(0, 5)),
            st.tuples(st.sampled_from(("released", "rejected")), st.integers(0, 5)),
        ),
        max_size=30,
    )
)
def test_what_is_open_is_what_a_list_of_all_that_was_said_says(said: list[tuple[str, int]]) -> None:
    """The oracle looks at everything anew: set aside, not rejected, and by the last word on it not shown."""
    queue = new()
    for kind, n in said:
        if kind == "aside":
            fold(queue, set_aside(n, counted(district=USKUDAR, box=1001 + n)))
        elif kind in {"released", "rejected"}:
            fold(queue, released(n) if kind == "released" else rejected(n))
        else:
            fold(queue, assessed(n, kind))  # type: ignore[arg-type]  # what is left are verdicts

    def is_open(n: int) -> bool:
        if ("aside", n) not in said or ("rejected", n) in said:
            return False
        first = said.index(("aside", n))
        verdicts = []
        is_done = False
        for at, (kind, of) in enumerate(said):
            if of != n or kind in {"aside", "rejected"}:
                continue
            if kind != "released" and at > first and not is_done:
                verdicts.append(kind)
            was_let_out = ("released", n) in said[: at + 1]
            is_done = is_done or bool(was_let_out and verdicts and verdicts[-1] == "counted")
        if is_done:
            return False
        return verdicts[-1] in {"newer", "contradicts"} if verdicts else ("released", n) not in said

    expected = sum(map(is_open, range(6)))
    assert expected == queue.open.by_source.get("aa", 0)
    here = queue.open.here("mayor", "aa", "tr")
    assert expected == (here.count if here else 0)
