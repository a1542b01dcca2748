"""What one box's own figures leave in doubt, which the sums of its district would swallow. Pure.

In a district of 900 boxes 80,000 votes too many are lost among the voters of the others, and votes beyond the valid
ones among those that another box leaves to nobody. So each box is judged by itself, and what is in doubt is added up.
docs/decisions/claims.md says why each rule is as it is.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from schemas.fields import MAX_BOX_COUNT

BOX_VOTERS: Final = 400
"""Voters of a box at most, by law about so many. More in each opened box, on average, is looked at twice."""

OFFICIALS: Final = 100
"""Votes beyond the voters' list that officials on duty explain: the most in any box of the 171,384 of 2014 are 87."""

MOST_BOX_VOTERS: Final = 10_000
"""Voters or votes beyond which no box is believed, whatever else it says: those abroad have a few thousand."""

MAX_BOX_EXCESS: Final = 10 * MAX_BOX_COUNT
"""The most that one box adds to an excess: with 49 candidates at their limits a box could have more, and no meaning."""

_TENTH: Final = 10


class BoxFigures(Protocol):
    """The counts of one box."""

    @property
    def registered(self) -> int: ...
    @property
    def cast(self) -> int: ...
    @property
    def valid(self) -> int: ...
    @property
    def invalid(self) -> int: ...
    @property
    def unattributed(self) -> int: ...
    @property
    def votes(self) -> Mapping[str, int]: ...


class Doubt(NamedTuple):
    """What is in doubt of a box. `excess` is in votes: by so many more than its sums tell may a lead in it be wrong."""

    excess: int
    is_impossible: bool


def doubt_in(box: BoxFigures) -> Doubt:
    """What a box's own figures leave in doubt.

    A lead in the box can be wrong by the votes that may still go to anybody, which follow from the sums too, and by the
    votes that are too many. Where those are more than a hundred and more than a tenth of its voters, or the box is
    larger than any, it is impossible: then every vote in it may be another's, and as many more as it can have voters.
    Votes beyond the voters up to there are those of officials, and no doubt.
    """
    attributed = sum(box.votes.values())
    named, papers = attributed + box.unattributed, box.valid + box.invalid
    ballots = max(box.cast, papers, named)
    told = box.cast - box.invalid - attributed
    still_open = max(told, box.valid - attributed, box.unattributed, 0)
    too_many = max(papers - box.cast, named - box.valid, 0)
    beyond = max(too_many, ballots - box.registered if box.registered else 0)
    is_impossible = max(ballots, box.registered) > MOST_BOX_VOTERS or (
        beyond > OFFICIALS and beyond * _TENTH > box.registered
    )
    wrong = still_open + too_many
    if is_impossible:
        voters = max(BOX_VOTERS, min(box.registered, MOST_BOX_VOTERS))
        wrong = max(wrong, max(box.votes.values(), default=0) + voters + OFFICIALS)
    return Doubt(min(wrong - told, MAX_BOX_EXCESS), is_impossible)
