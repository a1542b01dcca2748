"""Whether what is needed to win is reached, by the votes counted so far. Pure; integers in, integers out.

A majority of the night is no result: it is of the boxes opened, and the denominators are theirs.
"""

from typing import NamedTuple

from schemas.contests import Majority
from schemas.seats import Ratio
from tabulation.derived.facts import Counted


class MajorityFacts(NamedTuple):
    """What is needed, and who has it."""

    of: int
    """What the share is taken of: the valid votes, the ballots cast, or the registered voters of the opened boxes."""
    votes_needed: int | None
    """The fewest votes that are enough; `None` where there is nothing to take a share of."""
    reached_by: tuple[str, ...]
    """Who has as many, most votes first."""
    voters_needed: int
    """How many of the registered voters of the opened boxes must have voted; 0 where the law asks for none."""
    turnout_reached: bool
    met: bool
    """Whether somebody has the votes, and enough have voted."""


def majority_facts(counted: Counted, rule: Majority) -> MajorityFacts:
    """What a unit's figures say of the majority that is needed."""
    counts, votes = counted.counts, counted.votes
    of = counts[rule.of]
    if rule.of == "valid":
        of = max(of, sum(votes.values()) + counts["unattributed"]) if any(votes.values()) else of
    needed = _fewest(of, rule.share, exceeding=rule.passed_by == "exceeding") if of else None
    reached = [name for name, count in sorted(votes.items()) if needed is not None and count >= needed]
    voters = _fewest(counts["registered"], rule.turnout, exceeding=False)
    turnout_reached = counts["cast"] >= voters
    return MajorityFacts(
        of,
        needed,
        tuple(sorted(reached, key=lambda name: -votes[name])),
        voters,
        turnout_reached,
        turnout_reached and bool(reached),
    )


def _fewest(of: int, share: Ratio, *, exceeding: bool) -> int:
    """The least number that is this share of it, or more than it."""
    part, whole = share
    return of * part // whole + 1 if exceeding else -(-of * part // whole)
