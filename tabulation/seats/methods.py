"""Divide a number of seats among lists by their votes. Pure and exact: integers and fractions, no floating point.

Terms and formulas follow F. Pukelsheim, Proportional Representation: Apportionment Methods and Their Applications,
2nd ed., Springer 2017, and M. Balinski, H. P. Young, Fair Representation, 2nd ed., Brookings 2001.

A tie is never decided by the order of input: those who are tied, and the seats between them, are told as `Undecided`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Literal

from schemas.contests import Method

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
