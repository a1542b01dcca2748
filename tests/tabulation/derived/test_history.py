"""The totals at a moment are what was on air then; a night lived through again shows that in the course of it."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabulation.derived.history as module
from schemas.asides import Gate
from schemas.control import FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.moments import epoch_ms
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell, Totals
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import (
    MAX_POINTS,
    STEP_S,
    Given,
    History,
    LeadOverTime,
    Point,
    RelivedNight,
    as_given,
    decode_courses,
    encode_courses,
)
from tabulation.program import Program
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of
from tests.consumers.nights import arrivals, tallies
from tests.consumers.oracle import sums
from tests.gateway.nights import START, Written, election, totals

ELECTION = small_election()
FIGURES = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed", "votes")
Said = tuple[int, Counted | Withdrawn]
Seen = dict[Cell, dict[str, Any]]


def partition_of(key: bytes) -> int:
    """Two partitions, so that districts move apart in time."""
    return DISTRICTS.index(key.decode()) % 2


def order(kind: type[Order], number: int, **fields: Any) -> Order:
    """An order of the mayor's race."""
    told = {"run": "r", "epoch": "e1e1", "id": f"order-{number:04}", "by": "A", "at": NIGHT, "reason": "why"}
    return kind(**{**told, "contest": "mayor", **fields})


@st.composite
def orders(draw: st.DrawFn) -> list[Given]:
    """Holds, takes, releases and figures set by hand, in the order in which they were appended."""
    times = sorted(draw(st.lists(st.integers(0, 100), max_size=6)))
    return [Given(offset, at, draw(_any_order(offset))) for offset, at in enumerate(times)]


def _any_order(number: int) -> st.SearchStrategy[Order]:
    units = st.sampled_from([None, "tr", "tr/34", *DISTRICTS[:2]])
    holds = st.builds(
        lambda kind, unit: order(kind, number, unit=unit), st.sampled_from([Held, Held, Taken, Released]), units
    )
    by_hand = st.builds(
        lambda district, figures: order(FigureOverridden, number, source="aa", unit=district, figures=figures),
        st.sampled_from(DISTRICTS[:2]),
        st.dictionaries(st.sampled_from(["valid", "votes.kurum"]), st.integers(0, 9), min_size=1),
    )
    withdrawn = st.builds(
        lambda district: order(OverrideWithdrawn, number, source="aa", unit=district), st.sampled_from(DISTRICTS[:2])
    )
    return st.one_of(holds, holds, by_hand, withdrawn)


def reported_by(said: Iterable[Said], given: list[Given], at: int) -> Seen:
    """What sources had said by then, with what was set by hand: every event looked at."""
    seen: Seen = {
        Cell(*cell): {name: figures[name] for name in FIGURES}
        for cell, figures in sums(tally for appended, tally in said if appended <= at).items()
    }
    for one in given:
        if not isinstance(one.order, FigureOverridden | OverrideWithdrawn):
            continue
        cell = Cell("mayor", "aa", one.order.unit)
        seen.setdefault(cell, dict.fromkeys(FIGURES, 0) | {"votes": {}})
    for cell in list(seen):
        hand: dict[str, int] = {}
        for one in given:
            if isinstance(one.order, FigureOverridden) and cell == ("mayor", "aa", one.order.unit):
                hand |= one.order.figures
            if isinstance(one.order, OverrideWithdrawn) and cell == ("mayor", "aa", one.order.unit):
                hand = {}
        votes = dict(seen[cell]["votes"])
        if "votes.kurum" in hand:
            votes["kurum"] = hand["votes.kurum"]
        seen[cell] |= {"votes": {name: number for name, number in votes.items() if number}}
        seen[cell] |= {"valid": hand["valid"]} if "valid" in hand else {}
    return seen


def on_air(said: list[Said], given: list[Given], moment: int) -> Seen:
    """What was shown, district by district: all there was when it was last frozen, or there is now."""
    given = [one for one in given if one.appended_ms <= moment]
    shown: Seen = {}
    for district in DISTRICTS:
        frozen: tuple[int, list[Given]] | None = None
        for number, one in enumerate(given):
            if not isinstance(one.order, Held | Released | Taken):
                continue
            covers = one.order.unit is None or f"{district}/".startswith(f"{one.order.unit}/")
            if not covers:
                continue
            if isinstance(one.order, Released):
                frozen = None
            elif isinstance(one.order, Taken) == (frozen is not None):
                frozen = (one.appended_ms, given[:number])
        at, orders_by_then = frozen or (moment, given)
        known = reported_by(said, orders_by_then, at)
        shown |= {cell: figures for cell, figures in known.items() if cell.district == district}
    return shown


def figures_of(shown: list[Totals]) -> Seen:
    """The figures that the fold shows, as the oracle writes them."""
    seen = {totals.cell: {name: getattr(totals, name) for name in FIGURES} for totals in shown}
    for figures in seen.values():
        figures["votes"] = {name: number for name, number in figures["votes"].items() if number}
    return seen


@settings(deadline=None)  # a busy machine is no fault
@given(st.data())
def test_what_was_shown_at_any_moment_is_what_was_there_by_then(data: st.DataObject) -> None:
    arrived = data.draw(arrivals(data.draw(tallies())))
    times = sorted(data.draw(st.lists(st.integers(0, 100), min_size=len(arrived), max_size=len(arrived))))
    said = list(zip(times, arrived, strict=True))
    given_orders = data.draw(orders())
    moment = data.draw(st.integers(0, 100))
    history = History(ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, given_orders), moment)
    offsets = {partition: count() for partition in (0, 1)}
    records: dict[int, list[Written]] = {0: [], 1: []}
    for appended, tally in said:
        key = tally.district.encode()
        partition = partition_of(key)
        records[partition].append(Written(next(offsets[partition]), value_of(tally), appended, key))
    for partition in data.draw(st.permutations([0, 1])):
        cut = data.draw(st.integers(0, len(records[partition])))
        for batch in (records[partition][:cut], records[partition][cut:]):
            history.fold(partition, batch)
    history.settle()

    by_then = [one for one in given_orders if one.appended_ms <= moment]
    assert on_air(said, given_orders, moment) == figures_of(history.on_air())
    assert reported_by(said, by_then, moment) == figures_of(history.control_room())


def test_what_is_held_shows_what_stood_when_it_was_held_and_is_named() -> None:
    held = Given(0, 5, order(Held, 1, unit="tr/34/uskudar"))
    elsewhere = Given(1, 5, order(Held, 3, unit="tr/34/adalar"))
    later = Given(2, 9, order(Released, 2))
    key = b"tr/34/uskudar"
    records = [
        Written(0, value_of(counted({"kurum": 1})), 5, key),
        Written(1, value_of(counted({"kurum": 2}, box=1002)), 6, key),
    ]
    shown = {}
    for moment in (4, 5, 8, 9):
        history = History(
            ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, [held, elsewhere, later]), moment
        )
        history.fold(partition_of(key), records)
        history.settle()
        votes = {
            name: [totals.votes["kurum"] for totals in found]
            for name, found in (("air", history.on_air()), ("room", history.control_room()))
        }
        shown[moment] = (votes["air"], votes["room"], history.public.held)

    where = frozenset({("mayor", "tr/34/uskudar"), ("mayor", "tr/34/adalar")})
    assert {4: ([], [], frozenset()), 5: ([1], [1], where), 8: ([1], [3], where), 9: ([3], [3], frozenset())} == shown


DISTRICT = "tr/34/uskudar"


class Night:
    """A night of one district, as it comes in."""

    def __init__(self) -> None:
        self.program = Program(election())
        self.lead = LeadOverTime(self.program.view)

    def tell(self, imamoglu: int, kurum: int, *, minute: float, district: str = DISTRICT, source: str = "aa") -> None:
        said = totals(district, {"imamoglu": imamoglu, "kurum": kurum}, version=self.program.seq, source=source)
        said = said.model_copy(update={"as_of": START + timedelta(minutes=minute)})
        self.program.fold(Written(self.program.seq, said.encode()))
        self.lead.look()

    def begin(self) -> None:
        self.program.caught_up()
        self.lead.begin()

    def hold(self, *, held: bool) -> None:
        said = Gate(
            contest="mayor",
            source="aa",
            district=DISTRICT,
            gate=self.program.seq,
            held=held,
            program=self.program.view.totals(totals(DISTRICT).cell),
        )
        self.program.fold(Written(self.program.seq, said.encode(), key=said.key))
        self.lead.look()

    def course(self, unit: str = DISTRICT) -> list[Point]:
        return self.lead.course("mayor", "aa", unit)

    def minutes(self) -> list[float]:
        return [(point.as_of - START).total_seconds() / 60 for point in self.course()]


@pytest.fixture
def night() -> Night:
    made = Night()
    made.begin()
    return made


def test_a_course_goes_from_where_it_began_to_now(night: Night) -> None:
    night.tell(10, 20, minute=0)
    night.tell(40, 30, minute=5)
    votes = [{"kurum": 20, "imamoglu": 10}, {"imamoglu": 40, "kurum": 30}]
    assert [Point(START, 1, 30, votes[0]), Point(START + timedelta(minutes=5), 1, 70, votes[1])] == night.course()


def test_a_unit_above_adds_up(night: Night) -> None:
    night.tell(10, 20, minute=0)
    night.tell(100, 0, minute=5, district="tr/06/cankaya")
    assert [30, 130] == [point.of for point in night.course("tr")]
    assert [30] == [point.of for point in night.course("tr/34")]


def test_what_was_there_before_the_beginning_is_one_point() -> None:
    """A compacted topic has the newest of each district: sums of those that came first were never shown."""
    late = Night()
    late.tell(10, 20, minute=0)
    late.tell(100, 0, minute=5, district="tr/06/cankaya")
    assert [] == late.course("tr")
    late.begin()
    assert [130] == [point.of for point in late.course("tr")]
    assert 2 == late.lead.began


def test_the_newest_figures_are_the_last_point_whenever_they_came(night: Night) -> None:
    night.tell(10, 20, minute=0)
    for second in (10, 20, 30):
        night.tell(10 + second, 20, minute=second / 60)
    assert [0, 0.5] == night.minutes()
    night.tell(50, 20, minute=STEP_S / 60)
    assert [0, 1] == night.minutes()


def test_a_correction_that_takes_time_back_takes_later_points_with_it(night: Night) -> None:
    for minute in (0, 5, 10, 4):
        night.tell(10 + minute, 20, minute=minute)
    assert [0, 4] == night.minutes()


def test_a_long_night_has_fewer_points_further_apart(night: Night) -> None:
    for minute in range(3 * MAX_POINTS):
        night.tell(10 + minute, 20, minute=minute)
    minutes = night.minutes()
    assert (0, 3 * MAX_POINTS - 1) == (minutes[0], minutes[-1])
    assert MAX_POINTS // 2 <= len(minutes) <= MAX_POINTS
    assert {4} == {after - before for before, after in pairwise(minutes[:-1])}


def test_before_the_first_vote_nobody_leads(night: Night) -> None:
    night.tell(0, 0, minute=0)
    assert [] == night.course()
    assert [] == night.lead.course("mayor", "anka", DISTRICT)
    night.tell(0, 4, minute=9)
    assert [9] == night.minutes()


def test_what_is_held_is_in_no_course_and_its_release_is(night: Night) -> None:
    night.tell(10, 20, minute=0)
    night.hold(held=True)
    for minute in (5, 10):
        night.tell(10 * minute, 20, minute=minute)
        assert [0] == night.minutes()
    night.hold(held=False)
    assert [0, 10] == night.minutes()


def test_a_unit_that_is_not_shown_has_no_course(night: Night) -> None:
    night.hold(held=True)
    night.tell(10, 20, minute=0)
    assert [] == night.course()


@pytest.mark.parametrize(("most", "units"), [(3, 0), (4, 1), (11, 1), (12, 3), (23, 3), (24, 6)], ids=str)
def test_levels_are_kept_from_the_top_down(most: int, units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two contests and two sources: a country, two provinces, three districts."""
    monkeypatch.setattr(module, "MAX_COURSES", most)
    night = Night()
    night.begin()
    night.tell(10, 20, minute=0)
    assert units == len(night.lead.units)
    assert (units == 6) == bool(night.course())


def points(*minutes: int) -> list[Point]:
    return [Point(START + timedelta(minutes=minute), minute, 30, {"kurum": 20}) for minute in minutes]


def test_what_was_before_the_beginning_is_put_in_front(night: Night) -> None:
    night.tell(10, 20, minute=7)
    night.lead.recall({("mayor", "aa", DISTRICT): points(0, 3, 7, 9), ("mayor", "aa", "nowhere"): points(0)})
    night.tell(10, 30, minute=8)
    assert night.lead.is_recalled
    assert [0, 3, 7, 8] == night.minutes()
    night.tell(10, 40, minute=9)
    night.tell(10, 50, minute=11)
    assert [0, 3, 7, 11] == night.minutes()
    assert {DISTRICT, "tr/34", "tr"} == {unit for _, _, unit in night.lead.courses}


def test_of_a_unit_that_has_said_nothing_since_it_is_all_there_is(night: Night) -> None:
    night.lead.recall({("mayor", "aa", DISTRICT): points(0, 1, 2)})
    assert [] == night.course()
    night.tell(10, 20, minute=2)
    assert [0, 1, 2] == night.minutes()


def test_what_is_recalled_is_bounded_too(night: Night) -> None:
    night.tell(10, 20, minute=500)
    night.lead.recall({("mayor", "aa", DISTRICT): points(*range(MAX_POINTS - 1))})
    assert MAX_POINTS // 2 + 1 >= len(night.course())
    assert 0 == night.minutes()[0]


def test_courses_are_the_same_after_they_were_written(night: Night) -> None:
    night.tell(10, 20, minute=0)
    night.tell(10, 30, minute=5)
    told = night.lead.courses
    assert {where: list(course) for where, course in told.items()} == decode_courses(encode_courses(told))


KEY = b"tr/34/uskudar"
EVER = 2**62


def at(minute: int) -> int:
    return epoch_ms(NIGHT + timedelta(minutes=minute))


def came_in(minute: int, kurum: int) -> Written:
    """A box of so many votes, told at this minute."""
    tally = counted({"kurum": kurum}, box=1001 + minute, at=NIGHT + timedelta(minutes=minute))
    return Written(minute, value_of(tally), at(minute), KEY)


def relived(*given: Given, until: int = 6) -> list[tuple[float, int]]:
    """By minute what everyone was shown of the city."""
    history = History(ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, given), EVER)
    night = RelivedNight(ELECTION, history)
    for minute in range(until):
        night.step(at(minute), {partition_of(KEY): [came_in(minute, 10)]})
    points = night.courses.get(("mayor", "aa", "tr/34"), ())
    return [((point.as_of - NIGHT).total_seconds() / 60, point.of) for point in points]


def test_every_step_has_what_was_there_by_then() -> None:
    assert [(minute, 10 * (minute + 1)) for minute in range(6)] == relived()


def test_what_is_held_is_not_in_it_before_its_release() -> None:
    held, released = Given(0, at(2) + 1, order(Held, 1)), Given(1, at(4) + 1, order(Released, 2))
    assert [(0, 10), (1, 20), (2, 30)] == relived(held)
    assert [(0, 10), (1, 20), (2, 30), (5, 60)] == relived(held, released)


def test_what_is_held_from_the_beginning_is_never_in_it() -> None:
    assert [] == relived(Given(0, at(0) - 1, order(Held, 1)))
