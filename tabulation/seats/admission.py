"""Who takes part in the division of seats, and with how many votes. Pure and exact.

Thresholds (Türkiye: Law 2839, article 33; Germany: Bundeswahlgesetz § 4), alliances that pass them together (Law 2839,
article 34), and votes that are taken off everybody's first (Law 2972, article 23).
"""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from schemas.seats import SeatPlan, Threshold


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
