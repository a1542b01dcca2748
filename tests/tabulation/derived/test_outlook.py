"""What an operator reads of the figures before a take, a release or a call."""

from typing import Any, TypeVar, cast

from schemas.asides import Gate
from schemas.control import Called, Released, Taken
from schemas.totals import Totals
from tabulation.derived.outlook import ShownChange, Standing, race, shown_next
from tabulation.view.program import Program
from tests.gateway.nights import Written, election, totals
from tests.schemas.orders import Kind, order

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
