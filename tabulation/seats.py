"""Seats: how the votes of a contest are divided into them. Pure and exact: integers and fractions, no floating point.

First the methods: a number of seats among lists by their votes. Terms and formulas follow F. Pukelsheim, Proportional
Representation: Apportionment Methods and Their Applications, 2nd ed., Springer 2017, and M. Balinski, H. P. Young, Fair
Representation, 2nd ed., Brookings 2001. What a tie or a remainder leaves open is told as undecided, with those it lies
between. No result depends on the order in which votes are given.

Then a contest's seats by its plan: who takes part, what each has in a constituency, and summed up.
Türkiye's parliament (Law 2839, articles 33 and 34) is D'Hondt in each constituency. By Law 7102 of 2018 an alliance's
seats are worked out first and then divided among its parties by D'Hondt; since Law 7393 of 2022 seats go to parties
directly, and an alliance is good for the threshold alone. Its councils (Law 2972, articles 10 and 23) deduct a tenth of
the valid votes and leave quota seats to the first party. Germany's thresholds are of Bundeswahlgesetz § 4.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Final, Literal, NamedTuple

from schemas.contests import Alliance, Method, SeatPlan, Threshold

Reason = Literal["tie", "no_votes", "nobody_left"]
"""Why seats are undecided.

- `tie`: several have the same claim to fewer seats; most laws draw lots.
- `no_votes`: nobody has a vote that counts.
- `nobody_left`: everybody with a claim has as many seats as they can have, or a quota leaves no remainder.
"""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Seats that the votes do not decide. Each goes to another of `between`: ids in order, or nobody known."""

    seats: int
    between: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Division:
    """Who has how many seats for certain, and what is undecided. Together that is exactly the number divided."""

    seats: dict[str, int]
    undecided: tuple[Undecided, ...] = ()

    @property
    def open(self) -> int:
        """How many seats are undecided."""
        return sum(one.seats for one in self.undecided)


@dataclass(frozen=True, slots=True)
class Rule:
    """A method with what it needs to know beside the votes.

    `first_divisor` is Sainte-Laguë's alone. `most` says how many seats somebody can have at most: an independent one.
    """

    method: Method
    first_divisor: Fraction = Fraction(1)
    most: Mapping[str, int] = field(default_factory=dict)


def divide(rule: Rule, votes: Mapping[str, Fraction] | Mapping[str, int], seats: int) -> Division:
    """Divide `seats` seats by the rule. Everybody in `votes` is in the result; who has no vote gets no seat."""
    claims = {name: Fraction(count) for name, count in votes.items() if count > 0}
    nobody = dict.fromkeys(sorted(votes), 0)
    if seats == 0:
        return Division(nobody)
    if not claims:
        return Division(nobody, (Undecided(seats, (), "no_votes"),))
    found = _METHODS[rule.method](rule, claims, seats)
    return Division(nobody | found.seats, found.undecided)


def dhondt_divisor(seats: int, _: Fraction) -> Fraction:
    """D'Hondt (Jefferson): votes are divided by 1, 2, 3 and so on."""
    return Fraction(seats + 1)


def sainte_lague_divisor(seats: int, first: Fraction) -> Fraction:
    """Sainte-Laguë (Webster): votes are divided by 1, 3, 5, …, where it is modified by 1.4 or 1.2 in place of the 1.

    1.4: Norway's Valgloven of 2002, § 11-4; Sweden's Vallagen (2005:837) until 2014, ch. 14 § 4, since then 1.2.
    """
    return Fraction(2 * seats + 1) if seats else first


def _highest_averages(divisor: Callable[[int, Fraction], Fraction]) -> Callable[..., Division]:
    """A method by which each seat goes to whoever has the highest average (Balinski and Young, appendix A, section 3).

    All who have the same average are taken at once: where they are more than the seats left, it is a tie.
    """

    def found(rule: Rule, claims: Mapping[str, Fraction], seats: int) -> Division:
        given = dict.fromkeys(claims, 0)
        # negative, since the heap's first is its least
        averages = [(-votes / divisor(0, rule.first_divisor), name) for name, votes in claims.items()]
        heapify(averages)
        left = seats
        while left and averages:
            average = averages[0][0]
            equal = []
            while averages and averages[0][0] == average:
                equal.append(heappop(averages)[1])
            if len(equal) > left:
                return Division(given, (Undecided(left, tuple(sorted(equal)), "tie"),))
            left -= len(equal)
            for name in equal:
                given[name] += 1
                if given[name] < rule.most.get(name, seats):
                    heappush(averages, (-claims[name] / divisor(given[name], rule.first_divisor), name))
        return _rest(given, left)

    return found


def _largest_remainder(quota: Callable[[Fraction, int], Fraction]) -> Callable[..., Division]:
    """A method by which everybody has a seat for each full quota, and the largest remainders take those that are left.

    Balinski and Young, appendix A, section 2. Nobody takes more than one seat for a remainder.
    """

    def found(rule: Rule, claims: Mapping[str, Fraction], seats: int) -> Division:
        full = quota(sum(claims.values(), Fraction(0)), seats)
        given, remainders = {}, {}
        for name, votes in claims.items():
            whole, remainder = divmod(votes, full)
            most = rule.most.get(name, seats)
            given[name] = min(int(whole), most)
            if remainder and whole < most:
                remainders[name] = remainder
        return _by_size(remainders, given, seats - sum(given.values()))

    return found


def hare_quota(votes: Fraction, seats: int) -> Fraction:
    """The votes divided by the seats, exactly (Hare, Hamilton)."""
    return votes / seats


def droop_quota(votes: Fraction, seats: int) -> Fraction:
    """The least whole number of votes that no more than `seats` lists can have (H. R. Droop, 1869)."""
    return Fraction(votes // (seats + 1) + 1)


def _most_votes(_: Rule, claims: Mapping[str, Fraction], seats: int) -> Division:
    """First past the post: the seat is whoever's has most votes. Of several seats each goes to another."""
    return _by_size(claims, dict.fromkeys(claims, 0), seats)


def _by_size(sizes: Mapping[str, Fraction], given: dict[str, int], left: int) -> Division:
    """Give one seat each to those with the largest, until none is left."""
    for size in sorted(set(sizes.values()), reverse=True):
        equal = sorted(name for name, one in sizes.items() if one == size)
        if left == 0:
            break
        if len(equal) > left:
            return Division(given, (Undecided(left, tuple(equal), "tie"),))
        left -= len(equal)
        given |= {name: given[name] + 1 for name in equal}
    return _rest(given, left)


def _rest(given: dict[str, int], left: int) -> Division:
    return Division(given, (Undecided(left, (), "nobody_left"),) if left else ())


_METHODS: dict[Method, Callable[[Rule, Mapping[str, Fraction], int], Division]] = {
    "dhondt": _highest_averages(dhondt_divisor),
    "sainte_lague": _highest_averages(sainte_lague_divisor),
    "largest_remainder_hare": _largest_remainder(hare_quota),
    "largest_remainder_droop": _largest_remainder(droop_quota),
    "most_votes": _most_votes,
}


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


DEDUCTED: Final = (1, 10)
"""A tenth of the constituency's valid votes is taken off everybody's (article 23)."""


def council_plan(members: Mapping[str, int], quota_seats: int) -> SeatPlan:
    """The plan of councils with these numbers of members, by unit, of which each has so many quota seats (article 10).

    Every municipality is a constituency of its own (article 3). Where a council has fewer members, all are quota seats.
    """
    quotas = {unit: min(quota_seats, many) for unit, many in members.items() if quota_seats}
    return SeatPlan(method="dhondt", seats=dict(members), deducted=DEDUCTED, quota_seats=quotas)
