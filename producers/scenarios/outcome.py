"""Another result for the same night: `[outcome.CONTEST]` names candidates' shares of the valid votes. Pure.

Every district keeps its valid votes and, as far as the new shares allow, its own character; the candidates that are
not named keep their shares among themselves. The shares come out to the vote.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from producers.apportion import apportion, fill
from producers.chance import seeded

_TRACE: Final = 1e-6
"""Weight of a candidate who has no vote in a district: fitting needs weights above 0."""

Votes = Mapping[str, int]


def settle(districts: Sequence[Votes], shares: Mapping[str, float]) -> list[dict[str, int]]:
    """The districts' votes, moved so that the named candidates have these shares of all of them together.

    All districts must have the same candidates, the shares be at most 1 together.
    """
    names = list(districts[0])
    valid = [sum(votes.values()) for votes in districts]
    totals = {name: sum(votes[name] for votes in districts) for name in names}
    wanted = {name: round(share * sum(valid)) for name, share in shares.items()}
    others = [name for name in names if name not in wanted]
    left = max(0, sum(valid) - sum(wanted.values()))
    if others:
        spread = apportion(left, [totals[name] + _TRACE for name in others], [left] * len(others))
        wanted |= dict(zip(others, spread, strict=True))
    weights = [[votes[name] + _TRACE for name in names] for votes in districts]
    table = fill(valid, [wanted[name] for name in names], weights, seeded("outcome"))
    return [dict(zip(names, row, strict=True)) for row in table]
