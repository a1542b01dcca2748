"""When boxes are reported: each source's order of them, and the time that the curve gives each place in it. Pure.

A source works through the boxes in an order of its own: some districts are quick, boxes of one school come together,
and every source begins in neighbourhoods that lean its way. The place in that order decides the time, so the share of
boxes opened at any moment follows the scenario's curve whatever the seed.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from producers.chance import seeded
from producers.scenarios.scenario import Arrivals, Scenario, StagedSource
from producers.simulating.counts import BOXES_PER_SCHOOL

_SHARED_DISTRICT: Final = 0.5
_OWN_DISTRICT: Final = 0.35
_SCHOOL: Final = 0.5
_BOX: Final = 0.4
_DISTRICT_BIAS: Final = 1.5
"""Weights in a box's place in the order (standard deviations): of its district's pace, which all sources share, of the
source's own people there, of its school, of the box; and of the district's bias (a lead of 100 points)."""

_HEAD_START: Final = 3.0
"""By how much a district that a source begins in is ahead of the next (standard deviations): nearly all its boxes."""

_BUNDLED: Final = 0.8
"""Share of reports that wait for their district's next bundle, which makes the bursts that real nights have."""

_BUNDLE_MINUTES: Final = (5.0, 17.0)
_EARLIEST_MINUTE: Final = 15.0
"""No box is counted sooner after the polls closed."""


@dataclass(frozen=True, slots=True)
class DistrictArrivals:
    """One source's times in one district, in seconds after polls closed, by contest and box; `None`: not reported."""

    seconds: tuple[tuple[int | None, ...], ...]


def curve_minutes(share: float, arrivals: Arrivals) -> float:
    """Return after how many minutes from the close of polls this share of boxes was reported."""
    right = min(bisect_right(arrivals.share, share), len(arrivals.share) - 1)
    low, high = arrivals.share[right - 1], arrivals.share[right]
    start, end = arrivals.minutes[right - 1], arrivals.minutes[right]
    return start + (end - start) * (share - low) / (high - low)


def arrive(
    scenario: Scenario, source: StagedSource, biases: Sequence[Sequence[float]], seed: int
) -> list[DistrictArrivals]:
    """Return when this source reports each box of each district. `biases`: by district, what `box_biases` returned."""
    scores = []
    for district, (boxes, lead) in enumerate(zip(biases, _leads(scenario), strict=True)):
        for box, score in _scores(scenario.districts[district].id, source, boxes, lead, seed):
            scores.append((score, district, box))
    scores.sort()
    minutes: list[list[float | None]] = [[None] * len(boxes) for boxes in biases]
    for place, (_, district, box) in enumerate(scores):
        minutes[district][box] = curve_minutes((place + 0.5) / len(scores), scenario.arrivals)
    return [
        _district(scenario, source, district.id, boxes, seed)
        for district, boxes in zip(scenario.districts, minutes, strict=True)
    ]


def _leads(scenario: Scenario) -> list[float]:
    """Return how far the first of the two leading candidates is ahead in each district, less the country's lead."""
    contest = scenario.contests[0].id
    results = [district.results[contest] for district in scenario.districts]
    names = [candidate.id for candidate in scenario.contests[0].candidates]
    ranked = sorted(names, key=lambda name: -sum(result.votes.get(name, 0) for result in results))
    first, second = ranked[0], ranked[min(1, len(ranked) - 1)]
    leads = [result.votes.get(first, 0) - result.votes.get(second, 0) for result in results]
    overall = sum(leads) / max(1, sum(result.valid for result in results))
    return [lead / max(1, result.valid) - overall for lead, result in zip(leads, results, strict=True)]


def _scores(
    district: str, source: StagedSource, biases: Sequence[float], lead: float, seed: int
) -> list[tuple[int, float]]:
    """Return the boxes of a district that the source covers, each with a score: low comes first in its order."""
    shared = seeded(seed, district, "pace")
    chance = seeded(seed, district, source.id, "order")
    base = shared.gauss(0, _SHARED_DISTRICT) + chance.gauss(0, _OWN_DISTRICT) + _DISTRICT_BIAS * source.lean * lead
    if district in source.begins_in:
        base -= _HEAD_START * (len(source.begins_in) - source.begins_in.index(district))
    coverage = source.coverage_in.get(district, source.coverage)
    scores = []
    school = 0.0
    for box, bias in enumerate(biases):
        if box % BOXES_PER_SCHOOL == 0:
            school = shared.gauss(0, _SCHOOL)
        own = chance.gauss(0, _BOX)
        if chance.random() < coverage:
            scores.append((box, base + school + own + source.lean * bias))
    return scores


def _district(
    scenario: Scenario, source: StagedSource, district: str, minutes: Sequence[float | None], seed: int
) -> DistrictArrivals:
    """Return a district's times, given those of its first contest in minutes.

    The later contests of a box follow after their lags, and most reports wait for the next of the bundles in which the
    district passes them on.
    """
    counting = seeded(seed, district, "counting")
    chance = seeded(seed, district, source.id, "bundles")
    low, high = _BUNDLE_MINUTES
    bundle = low + (high - low) * chance.random()
    phase = bundle * chance.random()
    lags = [contest.lag_minutes for contest in scenario.contests]
    steps = [lag - before for lag, before in zip(lags, [0.0, *lags], strict=False)]
    rows: list[list[int | None]] = [[] for _ in lags]
    for first in minutes:
        waited = 0.0
        for row, step in zip(rows, steps, strict=True):
            waited += step * (0.5 + counting.random())
            # drawn for boxes that are not reported too, so that coverage moves no other box's time
            bundled, late = chance.random() < _BUNDLED, chance.random()
            if first is None:
                row.append(None)
                continue
            minute = source.pace * (first + waited)
            if bundled:
                minute = bundle * round((minute - phase) / bundle) + phase
            row.append(int(60 * max(_EARLIEST_MINUTE, minute + 0.5 * late)))
    for earlier, later in pairwise(rows):  # bundling must not let a later contest of a box overtake an earlier one
        for box, (before, after) in enumerate(zip(earlier, later, strict=True)):
            if before is not None and after is not None:
                later[box] = max(after, before + 1)
    return DistrictArrivals(tuple(map(tuple, rows)))
