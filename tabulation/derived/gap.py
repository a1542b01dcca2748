"""How a gap between two sources splits into coverage and disagreement. Pure, and exact: integers and fractions.

In votes: V_a - V_b = (only_a - only_b) + (both_a - both_b). In points, with like_x the share of x over the boxes that
both have: share_a - share_b = [(share_a - like_a) - (share_b - like_b)] + [like_a - like_b]. The first bracket is what
other boxes do to the share (coverage), the second what other counts of the same boxes do (disagreement). Where there is
no like for like, because no box or no valid vote is common to both, all of the gap in points is coverage.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple

from schemas.comparison import Part
from schemas.explanation import PointsGap, VotesGap
from tabulation.view.comparisons import Rolled

VotesIn = Callable[[Part], int]
"""The votes that a gap is about: one candidate's, or one's less another's."""

_UNITS: Final = 10_000
"""Points are written to four decimals: in all of Türkiye, 50 million valid votes, one vote is 0.000002 points."""


class Votes(NamedTuple):
    """A gap in votes: `coverage + disagreement` is the gap."""

    coverage: int
    disagreement: int

    @property
    def gap(self) -> int:
        """All of it."""
        return self.coverage + self.disagreement

    def written(self) -> VotesGap:
        """As it goes out."""
        return VotesGap(gap=self.gap, coverage=self.coverage, disagreement=self.disagreement)


class Points(NamedTuple):
    """A gap in points: `coverage + disagreement` is the gap, exactly."""

    coverage: Fraction
    disagreement: Fraction

    @property
    def gap(self) -> Fraction:
        """All of it."""
        return self.coverage + self.disagreement

    def written(self) -> PointsGap:
        """Rounded only now, and so that the parts as written still add up to the gap as written."""
        gap, coverage = round(self.gap * _UNITS), round(self.coverage * _UNITS)
        return PointsGap(gap=gap / _UNITS, coverage=coverage / _UNITS, disagreement=(gap - coverage) / _UNITS)


def split_votes(rolled: Rolled, votes: VotesIn) -> Votes:
    """The gap in votes."""
    return Votes(
        coverage=votes(rolled.only_a) - votes(rolled.only_b), disagreement=votes(rolled.both_a) - votes(rolled.both_b)
    )


def split_points(rolled: Rolled, votes: VotesIn) -> Points | None:
    """The gap in points of the valid votes; `None` where a source has none."""
    share_a, share_b = share(rolled.a, votes), share(rolled.b, votes)
    if share_a is None or share_b is None:
        return None
    like_a, like_b = share(rolled.both_a, votes), share(rolled.both_b, votes)
    if like_a is None or like_b is None:
        return Points(coverage=share_a - share_b, disagreement=Fraction(0))
    return Points(coverage=(share_a - like_a) - (share_b - like_b), disagreement=like_a - like_b)


def share(part: Part, votes: VotesIn) -> Fraction | None:
    """The votes in percent of the valid ones; `None` where there are none."""
    return Fraction(100 * votes(part), part.valid) if part.valid else None


def written_points(points: Fraction) -> float:
    """Points as they go out."""
    return round(points * _UNITS) / _UNITS


def votes_of(candidate: str) -> VotesIn:
    """One candidate's votes."""
    return lambda part: part.votes.get(candidate, 0)


def margin_of(first: str, second: str) -> VotesIn:
    """One candidate's votes less another's."""
    return lambda part: part.votes.get(first, 0) - part.votes.get(second, 0)
