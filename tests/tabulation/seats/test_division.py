from collections.abc import Collection
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.contests import Alliance, SeatPlan, Threshold
from tabulation.seats import Poll, Undecided, UnitSeats, council_plan, divide_constituency, sum_up

LEFT, RIGHT = (Alliance(id=name, name=name, members=(f"{name}1", f"{name}2")) for name in ("left", "right"))
LISTS = ("left1", "left2", "right1", "right2", "other", "alone")
VOTES = st.fixed_dictionaries(dict.fromkeys(LISTS, st.integers(0, 5) | st.integers(0, 900)))


def plan(seats: int, **fields: Any) -> SeatPlan:
    return SeatPlan(**({"method": "dhondt", "seats": {"u": seats}, "alliances": (LEFT, RIGHT)} | fields))


def seats_of(plan: SeatPlan, votes: dict[str, int], independents: Collection[str] = ()) -> UnitSeats:
    poll = Poll(votes, sum(votes.values()))
    return divide_constituency(plan, "u", poll, poll, independents)


def given_to(found: UnitSeats) -> dict[str, int]:
    return {name: many for name, many in found.seats.items() if many}


def test_an_alliance_can_win_a_seat_that_none_of_its_members_would() -> None:
    """The law of 2018 and that of 2022 in one picture."""
    votes = {"left1": 40, "left2": 38, "right1": 70, "right2": 0}
    assert {"left1": 1, "right1": 1} == given_to(seats_of(plan(2), votes))
    assert {"left1": 2, "right1": 1} == given_to(seats_of(plan(3, alliances_count="for_seats"), {**votes, "left1": 90}))
    assert {"left1": 1, "right1": 1} == given_to(seats_of(plan(2, alliances_count="for_seats"), votes))
    assert {"left1": 1, "left2": 1, "right1": 1} == given_to(seats_of(plan(3, alliances_count="for_seats"), votes))
    votes = {"left1": 40, "left2": 38, "right1": 39, "right2": 30}
    assert {"left1": 1} == given_to(seats_of(plan(1, alliances_count="for_seats"), votes))
    votes = {"left1": 40, "left2": 38, "right1": 41, "right2": 30}
    assert {"left1": 1} == given_to(seats_of(plan(1, alliances_count="for_seats"), votes))
    assert {"right1": 1} == given_to(seats_of(plan(1), votes))


def test_a_tie_between_alliances_names_them_and_one_inside_names_its_members() -> None:
    by_alliance = plan(1, alliances_count="for_seats")
    found = seats_of(by_alliance, {"left1": 50, "left2": 10, "right1": 30, "right2": 30})
    assert (1, (Undecided(1, ("left", "right"), "tie"),)) == (found.open, found.undecided)
    found = seats_of(by_alliance, {"left1": 50, "left2": 0, "right1": 30, "right2": 30})
    assert (Undecided(1, ("right1", "right2"), "tie"),) == found.undecided


def test_an_alliance_whose_members_are_kept_out_divides_nothing() -> None:
    threshold = Threshold(share=(1, 5), of="contest")
    found = seats_of(plan(2, alliances_count="for_seats", threshold=threshold), {"left1": 9, "left2": 9, "other": 90})
    assert ({"other": 2}, frozenset({"left1", "left2"})) == (given_to(found), found.barred)


@given(VOTES, st.integers(1, 30), st.sampled_from(["for_seats", "for_threshold"]), st.integers(0, 20))
def test_every_seat_is_given_or_open(votes: dict[str, int], seats: int, count: str, percent: int) -> None:
    by_plan = plan(seats, alliances_count=count, threshold=Threshold(share=(percent, 100)), deducted=(1, 50))
    found = seats_of(by_plan, votes, {"alone"})
    assert seats == found.house == sum(found.seats.values()) + found.open
    assert set(LISTS) == set(found.seats)
    assert all(found.seats[name] == 0 < votes[name] for name in found.barred)
    assert found.seats["alone"] <= 1


@given(VOTES, st.integers(1, 30), st.sampled_from(["for_seats", "for_threshold"]))
def test_the_order_of_lists_decides_nothing(votes: dict[str, int], seats: int, count: str) -> None:
    forwards = seats_of(plan(seats, alliances_count=count), votes)
    backwards = seats_of(
        plan(seats, alliances_count=count, alliances=(LEFT, RIGHT)), dict(reversed(list(votes.items())))
    )
    assert forwards == backwards


@given(VOTES, st.integers(1, 30))
def test_what_is_certain_within_an_alliance_stays_so_with_one_seat_more(votes: dict[str, int], seats: int) -> None:
    """So a tie between alliances leaves the seats that their members have for certain as they are."""
    fewer, more = (seats_of(plan(many, alliances_count="for_seats"), votes) for many in (seats, seats + 1))
    assert all(many <= more.seats[name] for name, many in fewer.seats.items())


def test_quota_seats_are_the_first_partys() -> None:
    """Law 2972, article 10: among the unit's seats, and not divided."""
    council = plan(10, quota_seats={"u": 3}, deducted=(1, 10))
    found = seats_of(council, {"left1": 600, "right1": 300, "other": 90, "alone": 10})
    assert ({"left1": 8, "right1": 2}, frozenset({"other", "alone"})) == (given_to(found), found.barred)
    assert {"left1": 5, "right1": 3} == given_to(seats_of(plan(8, quota_seats={"u": 1}), {"left1": 6, "right1": 5}))


def test_an_independent_who_is_first_has_no_quota_seats() -> None:
    found = seats_of(plan(4, quota_seats={"u": 2}), {"alone": 900, "left1": 200, "right1": 100}, {"alone"})
    assert {"alone": 1, "left1": 3} == given_to(found)


def test_quota_seats_of_several_who_are_first_are_open_between_them() -> None:
    found = seats_of(plan(4, quota_seats={"u": 2}), {"left1": 50, "right1": 50, "other": 9})
    assert ({"left1": 1, "right1": 1}, (Undecided(2, ("left1", "right1"), "tie"),)) == (
        given_to(found),
        found.undecided,
    )


def test_before_the_first_vote_everything_is_open() -> None:
    found = seats_of(plan(4, quota_seats={"u": 1}), {})
    assert UnitSeats(4, {}, (Undecided(3, (), "no_votes"), Undecided(1, (), "no_votes"))) == found


def test_constituencies_are_divided_by_themselves_and_summed_up() -> None:
    threshold = Threshold(share=(1, 10))
    by_plan = SeatPlan(method="dhondt", seats={"tr/11": 2, "tr/12": 3, "tr/13": 1}, threshold=threshold)
    polls = {
        "tr/11": Poll({"a": 60, "b": 25, "c": 15}, 100),
        "tr/12": Poll({"a": 10, "b": 85, "d": 5}, 100),
        "abroad": Poll({"a": 900}, 900),
    }
    country = Poll({"a": 970, "b": 110, "c": 15, "d": 5}, 1_100)
    found = {
        unit: divide_constituency(by_plan, unit, country, polls.get(unit, Poll({}, 0)), {"d"}) for unit in by_plan.seats
    }
    assert {"a": 2} == given_to(found["tr/11"])
    assert {"b": 3} == given_to(found["tr/12"])
    assert 1 == found["tr/13"].open
    whole = sum_up(found.values())
    assert (6, {"a": 2, "b": 3, "c": 0, "d": 0}, 1) == (whole.house, whole.seats, whole.open)
    assert {"c"} == whole.barred  # d is independent, and a small list in one place need not be one elsewhere


def test_who_is_kept_out_in_one_place_and_not_in_another_is_not_barred_in_the_whole() -> None:
    kept = UnitSeats(1, {"a": 0, "b": 1}, barred=frozenset({"a"}))
    assert frozenset() == sum_up([kept, UnitSeats(1, {"a": 0, "b": 1})]).barred
    assert {"a"} == sum_up([kept, kept]).barred
    assert UnitSeats(0, {}) == sum_up([])


def test_a_council_has_no_more_quota_seats_than_members() -> None:
    plan = council_plan({"tr/34/fatih": 37, "tr/34/adalar": 2}, 3)
    assert {"tr/34/fatih": 3, "tr/34/adalar": 2} == plan.quota_seats
    assert SeatPlan(method="dhondt", seats={"tr/34/fatih": 37}, deducted=(1, 10)) == council_plan(
        {"tr/34/fatih": 37}, 0
    )


def test_a_tenth_is_deducted_and_an_independent_takes_one_seat() -> None:
    poll = Poll({"a": 700, "b": 300, "c": 90}, 1_090)
    found = divide_constituency(council_plan({"u": 9}, 0), "u", poll, poll, {"a"})
    assert {"a": 1, "b": 8, "c": 0} == found.seats
