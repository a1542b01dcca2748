"""What the control room is woken for, and what it is not."""

from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest

from schemas.asides import Gate, Notice
from schemas.control import Called, Released, Taken
from schemas.quarantine import Reason, SetAside
from schemas.totals import Cell, Totals
from schemas.wire import Feed, FeedState
from tabulation.counting.notices import NoticeGroups
from tabulation.counting.quarantine import Open
from tabulation.derived.alarms import MAX_ALARMS_KEPT, Alarm, Alarms, ShownChange, Standing, race, shown_next
from tabulation.orders.confirmations import Moved
from tabulation.program import Program
from tabulation.view import View
from tests.gateway.nights import START, Written, election, totals
from tests.schemas.orders import Kind, order
from tests.schemas.test_asides import notice


def seen(view: View, alarms: Alarms, *said: Totals, feeds: dict[str, FeedState] | None = None) -> list[Alarm]:
    """What is new after these records."""
    before = len(alarms.raised)
    for one in said:
        view.apply(view.seq, one)
    table = {source: Feed(state=state, last_event=START, age_s=1.0) for source, state in (feeds or {}).items()}
    alarms.look(view, table, START + timedelta(hours=1))
    return list(alarms.raised)[before:]


@pytest.fixture
def view() -> View:
    return View(election())


def test_what_is_there_at_the_first_look_is_no_news(view: View) -> None:
    assert [] == seen(view, Alarms(), totals(votes={"kurum": 100}, boxes=10), feeds={"aa": "down"})


def test_a_share_that_jumps_by_twenty_points_is_an_alarm_in_every_unit_where_it_does(view: View) -> None:
    alarms = Alarms()
    seen(view, alarms, totals(votes={"kurum": 500, "imamoglu": 500}, boxes=9 + 1))

    raised = seen(view, alarms, totals(votes={"kurum": 700, "imamoglu": 300}, boxes=11, version=1))

    assert [("jump", "aa", "mayor", "imamoglu", 5_000, 3_000)] * 3 == [
        (one.kind, one.source, one.contest, one.figure, one.before, one.after) for one in raised
    ]
    assert {"tr", "tr/34", "tr/34/uskudar"} == {one.unit for one in raised}


@pytest.mark.parametrize(
    ("before", "boxes", "after"),
    [
        ({"kurum": 100}, 9, {"imamoglu": 900, "kurum": 100}),
        ({"kurum": 500, "imamoglu": 500}, 10, {"kurum": 699, "imamoglu": 301}),
        ({}, 10, {"kurum": 5}),
        ({"kurum": 5}, 10, {}),
    ],
    ids=["among the first boxes", "a little under twenty points", "nothing was valid", "nothing is valid"],
)
def test_no_jump(view: View, before: dict[str, int], boxes: int, after: dict[str, int]) -> None:
    alarms = Alarms()
    seen(view, alarms, totals(votes=before, boxes=boxes))

    assert [] == seen(view, alarms, totals(votes=after, boxes=10, version=1))


def test_boxes_that_go_backwards_are_an_alarm(view: View) -> None:
    alarms = Alarms()
    seen(view, alarms, totals(boxes=5))

    raised = seen(view, alarms, totals(boxes=4, version=1))

    assert {("backwards", 5, 4)} == {(one.kind, one.before, one.after) for one in raised}
    assert [] == seen(view, alarms, totals(boxes=5, version=2))


def test_a_source_that_falls_silent_is_an_alarm_once(view: View) -> None:
    alarms = Alarms()
    seen(view, alarms, feeds={"aa": "live", "anka": "quiet"})

    raised = seen(view, alarms, feeds={"aa": "stale", "anka": "quiet"})

    assert [("silence", "aa", START)] == [(one.kind, one.source, one.as_of) for one in raised]
    assert [] == seen(view, alarms, feeds={"aa": "down", "anka": "quiet"})
    assert [] == seen(view, alarms, feeds={"aa": "live", "anka": "quiet"})
    assert ["silence"] == [one.kind for one in seen(view, alarms, feeds={"aa": "stale", "anka": "live"})]


def test_the_newest_alarms_are_kept_and_all_are_counted(view: View) -> None:
    alarms = Alarms()
    for turn in range(MAX_ALARMS_KEPT + 1):
        seen(view, alarms, totals(boxes=5, version=2 * turn))
        seen(view, alarms, totals(boxes=4, version=2 * turn + 1))

    assert MAX_ALARMS_KEPT == len(alarms.raised)
    assert 3 * (MAX_ALARMS_KEPT + 1) == alarms.raised[-1].number


def words(count: int, reason: Reason = "conflict", cell: Cell = Cell("mayor", "aa", "tr/34/uskudar")) -> list[SetAside]:  # noqa: B008  it never changes
    """So many statements of a cell that are set aside."""
    return [SetAside(f"t/0/{n}", reason, cell, n, 1, START, None) for n in range(1, count + 1)]


def test_words_that_are_set_aside_are_an_alarm_by_source_and_reason_and_again_when_they_have_doubled(
    view: View,
) -> None:
    alarms = Alarms()

    def raised(*said: SetAside) -> list[tuple[str, str | None, int | None, int | None]]:
        before = len(alarms.raised)
        alarms.look(view, {}, START, Open(view.definition, said))
        return [(one.source, one.figure, one.before, one.after) for one in list(alarms.raised)[before:]]

    assert [] == raised(*words(1))
    view.apply(view.seq, totals())
    assert [] == raised(*words(1))
    assert [("aa", "conflict", 1, 2)] == raised(*words(2))
    assert [] == raised(*words(3))
    assert [("aa", "conflict", 2, 4), ("anka", "malformed", 0, 2)] == raised(
        *words(4), *words(2, "malformed", Cell("", "anka", ""))
    )
    assert (None, None) == (alarms.raised[-1].contest, alarms.raised[-1].unit)
    assert ("set_aside", "mayor", "tr/34/uskudar", START) == (
        *(alarms.raised[-2].kind, alarms.raised[-2].contest),
        *(alarms.raised[-2].unit, alarms.raised[-2].as_of),
    )
    assert [] == raised()
    assert [("aa", "conflict", 0, 1)] == raised(*words(1))


def noticed(alarms: Alarms, notices: NoticeGroups, *said: Notice) -> list[tuple[object, ...]]:
    """What is raised once these notices were folded."""
    before = len(alarms.raised)
    for one in said:
        notices.fold(Written(0, one.encode(), key=one.key))
    alarms.look(View(election()), {}, START, notices=notices)
    return [
        (one.kind, one.source, one.contest, one.unit, one.before, one.after) for one in list(alarms.raised)[before:]
    ]


def test_a_source_whose_revisions_began_again_is_an_alarm_and_another_when_it_has_doubled() -> None:
    alarms, notices = Alarms(), NoticeGroups(election())
    noticed(alarms, notices)

    assert [("restarted", "aa", "mayor", "tr/34/uskudar", 0, 1)] == noticed(alarms, notices, notice(offset=1, count=1))
    assert (1, 7, 1001) == (alarms.raised[-1].revision, alarms.raised[-1].stands, alarms.raised[-1].box)
    assert [] == noticed(alarms, notices)
    assert [("restarted", "aa", "mayor", "tr/34", 1, 2)] == noticed(
        alarms, notices, notice(district="tr/34/adalar", offset=1, count=1)
    )
    assert [] == noticed(alarms, notices, notice(offset=2, count=2))
    assert [("restarted", "aa", "mayor", "tr/34", 2, 4)] == noticed(alarms, notices, notice(offset=3, count=3))
    assert [("ahead", "anka", "mayor", "tr/34/uskudar", 0, 2)] == noticed(
        alarms, notices, notice(kind="ahead", source="anka")
    )


def test_what_was_noticed_before_the_first_look_is_no_news_and_neither_is_it_said_again() -> None:
    """A gateway starts late, an aggregator counts from the beginning once more."""
    alarms, notices = Alarms(), NoticeGroups(election())

    assert [] == noticed(alarms, notices, notice(offset=9, count=5))
    assert [] == noticed(alarms, notices, *(notice(offset=offset, count=offset) for offset in range(1, 6)))
    assert [] == noticed(alarms, notices, notice(offset=9, count=5))
    assert [("restarted", "aa", "mayor", "tr/34/uskudar", 5, 10)] == noticed(
        alarms, notices, notice(offset=30, count=10)
    )


def test_an_impossible_box_is_an_alarm_while_it_lasts_also_to_a_gateway_that_starts_later() -> None:
    """It is in the figures until it is corrected; the next one after that is news again."""
    alarms, notices, kind = Alarms(), NoticeGroups(election()), "impossible"

    assert [(kind, "aa", "mayor", "tr/34/uskudar", 0, 1)] == noticed(
        alarms, notices, notice(kind=kind, offset=1, count=1)
    )
    assert 1001 == alarms.raised[-1].box
    assert [] == noticed(alarms, notices, notice(kind=kind, offset=2, count=0))
    assert [(kind, "aa", "mayor", "tr/34/uskudar", 0, 1)] == noticed(
        alarms, notices, notice(kind=kind, offset=3, count=1)
    )


def test_a_source_that_moves_under_a_figure_set_by_hand_is_an_alarm_once() -> None:
    """It goes on counting: each further box is no news."""
    alarms, cell = Alarms(), Cell("mayor", "aa", "tr/34/uskudar")
    for after in (11_360, 12_000):
        alarms.check_overridden([Moved(cell, "votes.kurum", 1_136, after)], START)
    (raised,) = alarms.raised
    assert ("moved", "aa", "mayor", "tr/34/uskudar", "votes.kurum", 1_136, 11_360) == (
        *(raised.kind, raised.source, raised.contest, raised.unit, raised.figure, raised.before, raised.after),
    )
    alarms.check_overridden([], START)
    alarms.check_overridden([Moved(cell, "votes.kurum", 1_136, 11_360)], START)
    assert 2 == len(alarms.raised), "it agreed in between"


def counting(view: View, alarms: Alarms, votes: dict[str, int], *, version: int, boxes: int = 10) -> list[Alarm]:
    """What falls are new after the district has these votes."""
    raised = seen(view, alarms, totals(votes=votes, boxes=boxes, version=version))
    return [one for one in raised if one.kind == "fall" and one.unit == "tr/34/uskudar"]


def test_votes_that_fall_by_far_while_no_box_does_are_an_alarm(view: View) -> None:
    alarms = Alarms()
    counting(view, alarms, {"kurum": 300_000, "imamoglu": 2_000_000}, version=0)

    (fall,) = counting(view, alarms, {"kurum": 30_000, "imamoglu": 2_000_000}, version=1)
    assert ("kurum", 300_000, 30_000) == (fall.figure, fall.before, fall.after)
    (fall,) = counting(view, alarms, {"kurum": 20_000, "imamoglu": 1_500_000}, version=2)
    assert (None, 2_030_000, 1_520_000) == (fall.figure, fall.before, fall.after)


@pytest.mark.parametrize(
    ("before", "after", "boxes"),
    [
        ({"kurum": 900, "imamoglu": 900}, {"kurum": 501, "imamoglu": 900}, 10),
        ({"kurum": 9_000, "imamoglu": 9_000}, {"kurum": 8_101, "imamoglu": 9_000}, 10),
        ({"kurum": 9_000, "imamoglu": 9_000}, {"kurum": 4_000, "imamoglu": 4_000}, 9),
        ({}, {}, 10),
    ],
    ids=["a box is corrected", "less than a tenth", "a box was taken back", "nobody had votes"],
)
def test_no_fall(view: View, before: dict[str, int], after: dict[str, int], boxes: int) -> None:
    alarms = Alarms()
    counting(view, alarms, before, version=0)
    assert [] == counting(view, alarms, after, version=1, boxes=boxes)


def test_a_contradiction_is_an_alarm_of_its_district_once_while_it_lasts(view: View) -> None:
    """Also where it was there before anybody looked."""
    alarms = Alarms()
    surplus = totals("tr/34/adalar", boxes=3)

    raised = seen(view, alarms, surplus)
    assert [("contradiction", "tr/34/adalar", "boxes_over_total", 2, 3)] == [
        (one.kind, one.unit, one.figure, one.before, one.after) for one in raised
    ]
    assert [] == seen(view, alarms, totals("tr/34/adalar", {"imamoglu": 2}, boxes=3, version=1))
    odd = totals("tr/34/adalar", {"imamoglu": 12}, boxes=3, version=2).model_copy(update={"valid": 10})
    assert ["votes_over_valid"] == [one.figure for one in seen(view, alarms, odd)]
    assert ["backwards"] * 3 == [one.kind for one in seen(view, alarms, totals("tr/34/adalar", boxes=2, version=3))]
    assert ["contradiction"] == [one.kind for one in seen(view, alarms, totals("tr/34/adalar", boxes=3, version=4))]


def test_a_share_that_jumps_is_never_told_as_more_than_a_hundred_per_cent(view: View) -> None:
    alarms = Alarms()
    first = totals(votes={"kurum": 500, "imamoglu": 100}, boxes=10)
    seen(view, alarms, first.model_copy(update={"valid": 1_000}))
    said = totals(votes={"kurum": 20, "imamoglu": 1_600}, boxes=10, version=1).model_copy(update={"valid": 1_000})

    jumps = [one for one in seen(view, alarms, said) if one.kind == "jump"]
    assert {9_876} == {one.after for one in jumps if one.figure == "imamoglu"}


One = TypeVar("One", Called, Released, Taken)

USKUDAR = "tr/34/uskudar"


def program(*said: Totals | Gate) -> Program:
    folded = Program(election())
    for offset, one in enumerate(said):
        key = one.cell.key() if isinstance(one, Totals) else one.key
        folded.fold(Written(offset, one.encode(), key=key))
    return folded


def orders(kind: type[One], **fields: Any) -> One:
    said = order(cast("Kind", kind), **fields)
    assert isinstance(said, kind)
    return said


def held(source: str = "aa", shown: Totals | None = None) -> Gate:
    return Gate(contest="mayor", source=source, district=USKUDAR, gate=1, held=True, program=shown)


def test_a_release_says_what_everybody_sees_before_and_after_it_by_source() -> None:
    before = totals(USKUDAR, {"imamoglu": 10, "kurum": 5})
    after = totals(USKUDAR, {"imamoglu": 30, "kurum": 5}, version=1, boxes=3)
    found = shown_next(orders(Released, contest="mayor", unit=USKUDAR), program(before, held(shown=before), after))

    assert (
        ShownChange("aa", USKUDAR, "boxes_opened", 1, 3),
        ShownChange("aa", USKUDAR, "votes.imamoglu", 10, 30),
    ) == found


def test_a_take_of_a_whole_contest_is_told_by_the_country() -> None:
    before = totals(USKUDAR, {"imamoglu": 10})
    after = totals(USKUDAR, {"imamoglu": 30}, version=1)
    found = shown_next(orders(Taken, contest="mayor"), program(before, held(shown=before), after))

    assert (ShownChange("aa", "tr", "votes.imamoglu", 10, 30),) == found


def test_what_was_never_on_air_has_nothing_before_it() -> None:
    found = shown_next(
        orders(Released, contest="mayor", unit=USKUDAR), program(held("anka"), totals(USKUDAR, source="anka"))
    )

    assert {None} == {one.before for one in found}
    assert {"anka"} == {one.source for one in found}


def test_a_call_is_told_how_the_race_stands_by_each_source_that_has_votes() -> None:
    folded = program(
        totals(USKUDAR, {"imamoglu": 30, "kurum": 50}, boxes=4),
        totals(USKUDAR, {"imamoglu": 0, "kurum": 0}, source="anka"),
    )
    assert (Standing("aa", 4, 10, "kurum", 50, 30, None),) == race(
        orders(Called, contest="mayor", unit=USKUDAR, candidate="imamoglu"), folded
    )
