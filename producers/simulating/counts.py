"""What is in the boxes: a district's final figures, divided among its boxes so that they add up to the vote. Pure.

Within a district a party's share differs from box to box by about 15 points, as it does on real nights: neighbourhoods
lean, and the boxes of one school lean together.
"""

from __future__ import annotations  # array[int] is only an annotation before Python 3.12

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

from producers.apportion import apportion, fill, pick
from producers.chance import Chance, seeded
from producers.simulating.scenario import District, Result

BOXES_PER_SCHOOL: Final = 8
"""Boxes stand in schools, about eight to a school; they share a neighbourhood."""

MAX_REGISTERED: Final = 350
"""Voters on one box's roll in İstanbul in 2024."""

_MIN_REGISTERED: Final = 30
"""Voters on the smallest rolls: a hamlet's."""

_SCHOOL_BIAS: Final = 0.8
_OWN_BIAS: Final = 0.6
_BIAS_STRENGTH: Final = 0.33
"""How much a bias of one standard deviation moves the odds (log); set by the measured spread of shares."""

_PARTY_NOISE: Final = 0.16
_SMALL_PARTY_NOISE: Final = 0.5
_TURNOUT_NOISE: Final = 0.2
_INVALID_NOISE: Final = 0.65
_OVERFULL_SHARE: Final = 24 / 32_164
"""Boxes with more cast than registered (officials vote where they serve): 24 of İstanbul's 32,164 in 2014."""

_MOST_OFFICIALS: Final = 8


@dataclass(frozen=True, slots=True)
class ContestCounts:
    """One contest's counts by box. `votes` has a number for each candidate of the first box, then of the second."""

    candidates: tuple[str, ...]
    cast: array[int]
    valid: array[int]
    votes: array[int]

    def of(self, box: int) -> dict[str, int]:
        """Return the votes of the box with this index, without candidates who got none."""
        width = len(self.candidates)
        row = self.votes[box * width : (box + 1) * width]
        return {name: votes for name, votes in zip(self.candidates, row, strict=True) if votes}


@dataclass(frozen=True, slots=True)
class DistrictCounts:
    """The counts of a district's boxes, by index from 0."""

    registered: array[int]
    contests: Mapping[str, ContestCounts]


def box_biases(boxes: int, chance: Chance) -> list[float]:
    """Return how far each box leans to the first of the two leading candidates, in standard deviations."""
    schools = [chance.gauss(0, _SCHOOL_BIAS) for _ in range(-(-boxes // BOXES_PER_SCHOOL))]
    return [schools[box // BOXES_PER_SCHOOL] + chance.gauss(0, _OWN_BIAS) for box in range(boxes)]


def deal(
    district: District, biases: Sequence[float], leanings: Mapping[str, Mapping[str, float]], seed: int
) -> DistrictCounts:
    """Divide the district's figures among its boxes, in the contests of `leanings`.

    Args:
        district: The district with its final figures.
        biases: How far each box leans, as `box_biases` returned it.
        leanings: By contest and candidate, how votes follow that bias: from -1 (against it) to 1.
        seed: The night's. A contest's counts are the same with and without the others.

    """
    chance = seeded(seed, district.id, "rolls")
    registered = _registered(district, chance)
    stay_away = [voters * _noise(_TURNOUT_NOISE, chance) for voters in registered]
    overfull = {
        box: chance.randrange(1, _MOST_OFFICIALS + 1)
        for box in range(district.boxes)
        if chance.random() < _OVERFULL_SHARE
    }
    contests = {}
    for contest, ways in leanings.items():
        result, own = district.results[contest], seeded(seed, district.id, contest, "counts")
        cast = _cast(registered, stay_away, overfull, result.cast, own)
        contests[contest] = _contest(result, cast, biases, ways, own)
    return DistrictCounts(array("H", registered), contests)


def _noise(spread: float, chance: Chance) -> float:
    """Return a factor around 1, log-normal and cut off at two standard deviations."""
    return exp(spread * max(-2.0, min(2.0, chance.gauss(0, 1))))


def _registered(district: District, chance: Chance) -> list[int]:
    """Return the voters on each roll. Rolls are filled up but for the last of a neighbourhood: most are nearly full."""
    limit = max(MAX_REGISTERED, -(-district.registered // district.boxes))
    room = limit * district.boxes - district.registered
    widest = max(limit - _MIN_REGISTERED, -(-room // district.boxes))
    gaps = apportion(room, [0.02 + chance.random() ** 3 for _ in range(district.boxes)], [widest] * district.boxes)
    return [limit - gap for gap in gaps]


def _cast(
    registered: Sequence[int], stay_away: Sequence[float], overfull: Mapping[int, int], total: int, chance: Chance
) -> list[int]:
    """Return how many voted in each box. In an overfull one it is everybody and some officials."""
    absent = apportion(sum(registered) - total, stay_away, registered)
    for box, officials in overfull.items():
        gained = absent[box] + officials
        room = sum(registered[other] - absent[other] for other in range(len(absent)) if other not in overfull)
        if room < gained:
            continue  # so many cannot stay away elsewhere, and the district's total must not change
        absent[box] = -officials
        for _ in range(gained):
            other = pick(len(absent), lambda index: index not in overfull and absent[index] < registered[index], chance)
            absent[other] += 1
    return [voters - away for voters, away in zip(registered, absent, strict=True)]


def _contest(
    result: Result, cast: list[int], biases: Sequence[float], leanings: Mapping[str, float], chance: Chance
) -> ContestCounts:
    invalid = apportion(result.cast - result.valid, [votes * _noise(_INVALID_NOISE, chance) for votes in cast], cast)
    valid = [votes - spoilt for votes, spoilt in zip(cast, invalid, strict=True)]
    names = tuple(result.votes)
    votes = array("H", bytes(2 * len(names) * len(valid)))
    # small candidates first, vote by vote, since a share of a vote cannot be fitted; the others fill what is left
    left = _scatter(result.votes, valid, votes, chance)
    large = _large(result.votes, len(valid))
    weights = _weights(large, result.votes, biases, leanings, chance)
    table = fill(left, [result.votes[name] for name in large], weights, chance)
    columns = [names.index(name) for name in large]
    for box, row in enumerate(table):
        for column, count in zip(columns, row, strict=True):
            votes[box * len(names) + column] = count
    return ContestCounts(names, array("H", cast), array("H", valid), votes)


def _large(votes: Mapping[str, int], boxes: int) -> list[str]:
    """Return the candidates with a vote a box or more, and the leader in any case."""
    leader = max(votes, key=lambda name: votes[name])
    return [name for name, count in votes.items() if count >= boxes or name == leader]


def _scatter(wanted: Mapping[str, int], valid: Sequence[int], votes: array[int], chance: Chance) -> list[int]:
    """Put the votes of small candidates into random boxes, one by one; return how many votes each box still lacks."""
    left = list(valid)
    large = set(_large(wanted, len(valid)))
    for column, (name, count) in enumerate(wanted.items()):
        if name in large:
            continue
        for _ in range(count):
            box = pick(len(left), lambda index: left[index] > 0, chance)
            votes[box * len(wanted) + column] += 1
            left[box] -= 1
    return left


def _weights(
    names: Sequence[str],
    votes: Mapping[str, int],
    biases: Sequence[float],
    leanings: Mapping[str, float],
    chance: Chance,
) -> list[list[float]]:
    whole = sum(votes.values()) or 1
    pulls = [_BIAS_STRENGTH * leanings.get(name, 0.0) for name in names]
    bases = [(votes[name] or 1) / whole for name in names]
    spreads = [_PARTY_NOISE if base > 0.2 else _SMALL_PARTY_NOISE for base in bases]  # noqa: PLR2004  a fifth is large
    gauss = chance.gauss
    return [
        [base * exp(pull * bias + gauss(0.0, spread)) for base, pull, spread in zip(bases, pulls, spreads, strict=True)]
        for bias in biases
    ]
