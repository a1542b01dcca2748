"""A contest's seats by its plan: who takes part, what each has in a constituency, and summed up. Pure and exact.

Türkiye's parliament (Law 2839, articles 33 and 34) is D'Hondt in each constituency. By Law 7102 of 2018 an alliance's
seats are worked out first and then divided among its parties by D'Hondt; since Law 7393 of 2022 seats go to parties
directly, and an alliance is good for the threshold alone. Its councils (Law 2972, articles 10 and 23) deduct a tenth of
the valid votes and leave quota seats to the first party. Germany's thresholds are of Bundeswahlgesetz § 4.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from schemas.contests import Alliance, SeatPlan, Threshold
from tabulation.seats.methods import Division, Rule, Undecided, divide


class Poll(NamedTuple):
    """The votes of an area, by candidate, and how many votes are valid there."""

    votes: Mapping[str, int]
    valid: int

    @property
    def whole(self) -> int:
        """What shares are of: the valid votes, or all votes where sums that do not add up have more of them."""
        return max(self.valid, sum(self.votes.values()))


def barred(plan: SeatPlan, contest: Poll, constituency: Poll, independents: Collection[str]) -> frozenset[str]:
    """Those on the ballot of a constituency whom the threshold keeps out of its seats."""
    threshold = plan.threshold
    if threshold is None:
        return frozenset()
    is_local = threshold.of == "constituency"
    free = {*threshold.exempt, *(() if is_local else independents)}
    poll = constituency if is_local else contest
    together = {member: alliance.members for alliance in plan.alliances for member in alliance.members}
    return frozenset(
        name
        for name in constituency.votes
        if name not in free
        and not _passes(threshold, sum(poll.votes.get(one, 0) for one in together.get(name, (name,))), poll.whole)
    )


def counting_votes(plan: SeatPlan, constituency: Poll, out: Collection[str]) -> dict[str, Fraction]:
    """The votes that seats are divided by, after what is deducted; nobody has fewer than none."""
    off = Fraction(*plan.deducted) * constituency.whole
    return {
        name: max(count - off, Fraction(0)) for name, count in sorted(constituency.votes.items()) if name not in out
    }


def _passes(threshold: Threshold, votes: int, whole: int) -> bool:
    numerator, denominator = threshold.share
    ahead = votes * denominator - whole * numerator
    return ahead > 0 or (ahead == 0 and threshold.passed_by == "reaching")


SEATS_OF_AN_INDEPENDENT: Final = 1
"""A person takes one seat, however many votes there are."""


@dataclass(frozen=True, slots=True)
class UnitSeats:
    """The seats of a constituency, or of several: who has how many, which are undecided, who is kept out."""

    house: int
    """How many seats there are: those that are given and those that are undecided."""
    seats: dict[str, int]
    undecided: tuple[Undecided, ...] = ()
    barred: frozenset[str] = frozenset()
    """Who has votes and gets no seat for them, since a threshold or a deduction is not passed."""

    @property
    def open(self) -> int:
        """How many seats are undecided."""
        return sum(one.seats for one in self.undecided)


def divide_constituency(
    plan: SeatPlan, unit: str, contest: Poll, poll: Poll, independents: Collection[str]
) -> UnitSeats:
    """The seats of one constituency. Raises `KeyError` for a unit that has no seats by the plan.

    `contest` is the poll that a threshold of the contest is of. It can hold votes of no constituency, such as those
    from abroad.
    """
    house, quota_seats = plan.seats[unit], plan.quota_seats.get(unit, 0)
    out = barred(plan, contest, poll, independents)
    votes = counting_votes(plan, poll, out)
    rule = Rule(plan.method, Fraction(*plan.first_divisor), dict.fromkeys(independents, SEATS_OF_AN_INDEPENDENT))
    divided = _divide_by_alliance(
        plan.alliances if plan.alliances_count == "for_seats" else (), rule, votes, house - quota_seats
    )
    first = _for_the_first(poll, independents, quota_seats)
    without = {name for name, count in votes.items() if not count}
    return _summed(
        house,
        [Division(dict.fromkeys(poll.votes, 0)), divided, first],
        frozenset(name for name in {*out, *without} if poll.votes[name]),
    )


def sum_up(units: Iterable[UnitSeats]) -> UnitSeats:
    """Constituencies together. Who is kept out in one and not in all of them is not told as barred."""
    parts = list(units)
    has_seats = {name for part in parts for name, many in part.seats.items() if many or name not in part.barred}
    everybody_barred = {name for part in parts for name in part.barred}
    return _summed(
        sum(part.house for part in parts),
        [Division(part.seats, part.undecided) for part in parts],
        frozenset(everybody_barred - has_seats),
    )


def _divide_by_alliance(
    alliances: Iterable[Alliance], rule: Rule, votes: Mapping[str, Fraction], seats: int
) -> Division:
    """Divide among alliances and lists of their own, then each alliance's seats among its members.

    A tie between alliances names them by their ids. With the methods that this is allowed for, nobody loses a seat
    where their alliance gets another, so that what is given stands whoever wins the tie.
    """
    members = {one.id: {name: votes[name] for name in one.members if name in votes} for one in alliances}
    inside = {name for lists in members.values() for name in lists}
    contenders = {name: count for name, count in votes.items() if name not in inside}
    contenders |= {name: sum(lists.values(), Fraction(0)) for name, lists in members.items()}
    first = divide(rule, contenders, seats)
    given = {name: many for name, many in first.seats.items() if name not in members}
    undecided = list(first.undecided)
    for name, lists in members.items():
        within = divide(rule, lists, first.seats[name])
        given |= within.seats
        undecided += within.undecided
    return Division(given, tuple(undecided))


def _for_the_first(poll: Poll, independents: Collection[str], seats: int) -> Division:
    """The quota seats: the party with the most votes has them; of several who have, it is a tie."""
    if not seats:
        return Division({})
    parties = {name: count for name, count in poll.votes.items() if count and name not in independents}
    most = max(parties.values(), default=0)
    first = tuple(sorted(name for name, count in parties.items() if count == most))
    if len(first) == 1:
        return Division({first[0]: seats})
    return Division({}, (Undecided(seats, first, "tie" if first else "no_votes"),))


def _summed(house: int, parts: Iterable[Division], out: frozenset[str]) -> UnitSeats:
    seats: dict[str, int] = {}
    undecided: list[Undecided] = []
    for part in parts:
        for name, many in part.seats.items():
            seats[name] = seats.get(name, 0) + many
        undecided += part.undecided
    return UnitSeats(house, dict(sorted(seats.items())), tuple(undecided), out)
