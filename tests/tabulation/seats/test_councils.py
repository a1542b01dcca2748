from schemas.contests import SeatPlan
from tabulation.seats.councils import council_plan
from tabulation.seats.division import Poll, divide_constituency


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
