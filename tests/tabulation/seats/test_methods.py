from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contests import Method
from tabulation.seats import Division, Rule, Undecided, divide, droop_quota, hare_quota

DIVISORS: tuple[Method, ...] = ("dhondt", "sainte_lague")
REMAINDERS: tuple[Method, ...] = ("largest_remainder_hare", "largest_remainder_droop")
METHODS: tuple[Method, ...] = (*DIVISORS, *REMAINDERS, "most_votes")

COUNTS = st.integers(0, 6) | st.integers(0, 60_000_000)
"""Small ones tie often."""

VOTES = st.lists(COUNTS, min_size=1, max_size=9).map(
    lambda counts: {f"p{number}": count for number, count in enumerate(counts)}
)
HOUSES = st.integers(0, 12) | st.integers(0, 120)
FIRST_DIVISORS = st.sampled_from([Fraction(1), Fraction(7, 5), Fraction(6, 5)])


def divided(method: Method, votes: Mapping[str, int], seats: int) -> Division:
    return divide(Rule(method), votes, seats)


def one_seat_at_a_time(
    votes: Mapping[str, int], house: int, divisors: list[Fraction], most: Mapping[str, int]
) -> tuple[dict[str, int], int, set[str]]:
    """The definition of highest averages, read aloud: who has how many, how many are left, and between whom."""
    seats = dict.fromkeys(votes, 0)
    while (left := house - sum(seats.values())) > 0:
        averages = {
            name: Fraction(count) / divisors[seats[name]]
            for name, count in votes.items()
            if count and seats[name] < most.get(name, house)
        }
        if not averages:
            return seats, left, set()
        best = {name for name, average in averages.items() if average == max(averages.values())}
        if len(best) > left:
            return seats, left, best
        for name in best:
            seats[name] += 1
    return seats, 0, set()


@given(VOTES, HOUSES, FIRST_DIVISORS, st.dictionaries(st.sampled_from(["p0", "p1", "p2"]), st.integers(1, 3)))
def test_highest_averages_are_those_of_the_definition(
    votes: dict[str, int], house: int, first: Fraction, most: dict[str, int]
) -> None:
    """Against an oracle that gives one seat at a time and compares fractions."""
    odd = [first, *(Fraction(2 * number + 1) for number in range(1, house + 1))]
    whole = [Fraction(number + 1) for number in range(house + 1)]
    divisors_of: dict[Method, list[Fraction]] = {"sainte_lague": odd, "dhondt": whole}
    for method, divisors in divisors_of.items():
        found = divide(Rule(method, first, most), votes, house)
        seats, left, between = one_seat_at_a_time(votes, house, divisors, most)
        assert (seats, left) == (found.seats, found.open)
        assert between == {name for one in found.undecided for name in one.between}


@given(st.sampled_from(METHODS), VOTES, HOUSES)
def test_seats_that_are_given_and_those_that_are_open_are_the_house(
    method: Method, votes: dict[str, int], house: int
) -> None:
    found = divided(method, votes, house)
    assert house == sum(found.seats.values()) + found.open
    assert votes.keys() == found.seats.keys()
    assert all(many == 0 for name, many in found.seats.items() if votes[name] == 0)


@given(st.sampled_from(METHODS), VOTES, HOUSES, st.randoms(use_true_random=False))
def test_the_order_of_input_decides_nothing(method: Method, votes: dict[str, int], house: int, chance: object) -> None:
    names = list(votes)
    chance.shuffle(names)  # type: ignore[attr-defined]  # Hypothesis's own random numbers
    assert divided(method, votes, house) == divided(method, {name: votes[name] for name in names}, house)


@given(st.sampled_from(METHODS), VOTES, HOUSES)
def test_other_names_for_the_lists_change_nothing_but_names(method: Method, votes: dict[str, int], house: int) -> None:
    """No name is favoured: reversing the alphabet reverses the answer."""
    other = {name: f"q{9 - number}" for number, name in enumerate(votes)}
    found = divided(method, votes, house)
    renamed = divided(method, {other[name]: count for name, count in votes.items()}, house)
    assert {other[name]: many for name, many in found.seats.items()} == renamed.seats
    assert [{other[name] for name in one.between} for one in found.undecided] == [
        set(one.between) for one in renamed.undecided
    ]


@given(st.sampled_from([one for one in METHODS if one != "largest_remainder_droop"]), VOTES, HOUSES, st.integers(1, 99))
def test_only_the_proportions_of_votes_matter(method: Method, votes: dict[str, int], house: int, scale: int) -> None:
    """Droop's quota is rounded to a whole vote, so it is the one method that sees the scale."""
    assert divided(method, votes, house) == divided(method, {one: n * scale for one, n in votes.items()}, house)


@given(st.sampled_from([*DIVISORS, "most_votes"]), VOTES, HOUSES)
def test_nobody_loses_a_seat_where_there_is_one_more(method: Method, votes: dict[str, int], house: int) -> None:
    """House monotone (Balinski and Young): what is certain with a house stays so with a larger one."""
    fewer, more = divided(method, votes, house), divided(method, votes, house + 1)
    assert all(fewer.seats[name] <= more.seats[name] for name in votes)


def test_with_remainders_somebody_can_lose_one() -> None:
    """The Alabama paradox, which is why alliances are not divided by such a method."""
    votes = {"a": 6, "b": 6, "c": 2}
    assert {"a": 4, "b": 4, "c": 2} == divided("largest_remainder_hare", votes, 10).seats
    assert {"a": 5, "b": 5, "c": 1} == divided("largest_remainder_hare", votes, 11).seats


@given(VOTES, HOUSES)
def test_remainders_of_hare_stay_within_the_quota(votes: dict[str, int], house: int) -> None:
    """Everybody's exact share, rounded down or up; an undecided seat is one more at most."""
    whole, found = sum(votes.values()), divided("largest_remainder_hare", votes, house)
    for name, count in votes.items():
        share = Fraction(count * house, whole) if whole else Fraction(0)
        least = found.seats[name]
        most = least + any(name in one.between for one in found.undecided)
        assert not whole or share - 1 < least <= most < share + 1
        assert share.denominator > 1 or not whole or least == most == share


@given(VOTES, HOUSES)
def test_dhondt_gives_everybody_their_share_rounded_down(votes: dict[str, int], house: int) -> None:
    """Lower quota; seats that are undecided between several may be needed for it."""
    whole, found = sum(votes.values()), divided("dhondt", votes, house)
    for name, count in votes.items():
        if whole:
            most = found.seats[name] + any(name in one.between for one in found.undecided)
            assert count * house // whole <= most


@given(VOTES, st.integers(1, 60))
def test_a_full_quota_of_droop_is_a_seat(votes: dict[str, int], house: int) -> None:
    full = droop_quota(Fraction(sum(votes.values())), house)
    found = divided("largest_remainder_droop", votes, house)
    assert all(count // full <= found.seats[name] <= count // full + 1 for name, count in votes.items())


@given(st.sampled_from(METHODS), VOTES, HOUSES)
def test_who_has_as_many_votes_has_as_many_seats(method: Method, votes: dict[str, int], house: int) -> None:
    """Those with equal votes have the same for certain, and lie in the same ties: nothing else tells them apart."""
    found = divided(method, votes, house)
    for one, count in votes.items():
        for other in (name for name, votes_of in votes.items() if votes_of == count):
            assert found.seats[one] == found.seats[other]
            assert all((one in tie.between) == (other in tie.between) for tie in found.undecided)


@given(st.sampled_from(METHODS), VOTES, HOUSES)
def test_a_tie_is_between_more_than_there_are_seats(method: Method, votes: dict[str, int], house: int) -> None:
    for one in divided(method, votes, house).undecided:
        assert (one.reason == "tie") == (len(one.between) > one.seats > 0)
        assert sorted(one.between) == list(one.between)
        assert one.reason == "tie" or not one.between


@given(st.sampled_from(METHODS), st.integers(1, 60_000_000))
def test_one_seat_is_neither_of_two_equals(method: Method, count: int) -> None:
    found = divided(method, {"one": count, "other": count}, 1)
    assert Division({"one": 0, "other": 0}, (Undecided(1, ("one", "other"), "tie"),)) == found


@pytest.mark.parametrize("method", METHODS)
def test_without_votes_nothing_is_divided(method: Method) -> None:
    assert Division({"a": 0}, (Undecided(5, (), "no_votes"),)) == divided(method, {"a": 0}, 5)
    assert Division({}, (Undecided(5, (), "no_votes"),)) == divided(method, {}, 5)
    assert Division({"a": 0}) == divided(method, {"a": 7}, 0)


@pytest.mark.parametrize("method", METHODS)
def test_a_person_takes_no_second_seat(method: Method) -> None:
    found = divide(Rule(method, most={"alone": 1}), {"alone": 900, "list": 100}, 4)
    assert 1 == found.seats["alone"]
    assert 4 == sum(found.seats.values()) + found.open


@pytest.mark.parametrize("method", METHODS)
def test_what_nobody_can_take_is_left_open(method: Method) -> None:
    found = divide(Rule(method, most={"alone": 1}), {"alone": 900}, 3)
    assert Division({"alone": 1}, (Undecided(2, (), "nobody_left"),)) == found


def test_the_seat_is_whoever_has_most_votes() -> None:
    votes = {"a": 10, "b": 30, "c": 20}
    assert {"a": 0, "b": 1, "c": 0} == divided("most_votes", votes, 1).seats
    assert {"a": 0, "b": 1, "c": 1} == divided("most_votes", votes, 2).seats


def test_a_remainder_that_is_not_there_takes_no_seat() -> None:
    """Fewer votes than seats: a quota of one whole vote leaves no remainder, and seats that nobody has a claim to."""
    found = divided("largest_remainder_droop", {"a": 3, "b": 2}, 9)
    assert Division({"a": 3, "b": 2}, (Undecided(4, (), "nobody_left"),)) == found


def test_quotas_are_exact() -> None:
    assert Fraction(100, 3) == hare_quota(Fraction(100), 3)
    assert [26, 34, 51] == [droop_quota(Fraction(100), seats) for seats in (3, 2, 1)]
