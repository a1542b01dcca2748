"""What a revision says in figures: a box's true counts, and the ways in which a report errs from them. Pure."""

from typing import NamedTuple

from producers.apportion import apportion
from producers.chance import Chance


class StatedFigures(NamedTuple):
    """What is said of a box. Candidates without a vote are not named."""

    registered: int
    cast: int
    valid: int
    unattributed: int
    votes: dict[str, int]


def slipped(figures: StatedFigures, chance: Chance) -> StatedFigures:
    """The figures as a tired typist has them: two rows swapped, digits turned round, or a row left out."""
    votes = figures.votes
    if len(votes) < 2:  # noqa: PLR2004  a row alone cannot be swapped
        return figures._replace(votes={})
    ranked = sorted(votes, key=lambda name: (-votes[name], name))
    kind = chance.random()
    first, second = ranked[0], ranked[1]
    if kind < 0.5:  # noqa: PLR2004  half of all slips
        return figures._replace(votes=votes | {first: votes[second], second: votes[first]})
    if kind < 0.8:  # noqa: PLR2004  three in ten
        return figures._replace(votes=votes | {first: int(str(votes[first])[::-1])})
    lost = ranked[chance.randrange(0, len(ranked))]
    return figures._replace(votes={name: count for name, count in votes.items() if name != lost})


def held_back(figures: StatedFigures, chance: Chance) -> StatedFigures:
    """The figures before all votes are attributed."""
    part = chance.random()
    kept = {name: int(count * part) for name, count in figures.votes.items()}
    return _attributed(figures, kept)


def unattributed(figures: StatedFigures, votes: int) -> StatedFigures:
    """The figures with exactly so many votes unattributed, of every candidate's the same part."""
    known = list(figures.votes.values())
    left = apportion(max(0, sum(known) - votes), known, known)
    return _attributed(figures, dict(zip(figures.votes, left, strict=True)))


def moved(figures: StatedFigures, takes: str, gives: str | None, part: float) -> StatedFigures:
    """The figures with this part of one candidate's votes given to another, or without one taken for invalid."""
    votes = round(figures.votes.get(takes, 0) * part)
    changed = figures.votes | {takes: figures.votes.get(takes, 0) - votes}
    if gives is None:
        figures = figures._replace(valid=figures.valid - votes)
    else:
        changed[gives] = changed.get(gives, 0) + votes
    return figures._replace(votes={name: count for name, count in changed.items() if count})


def _attributed(figures: StatedFigures, kept: dict[str, int]) -> StatedFigures:
    rest = sum(figures.votes.values()) - sum(kept.values())
    return figures._replace(unattributed=rest, votes={name: count for name, count in kept.items() if count})
