"""When each source reports each box, revision by revision: the true counts, or what errs from them. Pure.

A source works through the boxes in an order of its own: some districts are quick, boxes of one school come together,
and every source begins in neighbourhoods that lean its way. The place in that order decides the time, so the share of
boxes opened at any moment follows the scenario's curve whatever the seed.

`Revisions` is one source on one box in one contest. `Plan` makes them for a whole night, with the scenario's acts
worked in. Which figures a statement stands for is the matter of `simulate`.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import log
from typing import Final, Literal, NamedTuple

from producers.chance import Chance, seeded
from producers.simulating.counts import BOXES_PER_SCHOOL, DistrictCounts
from producers.simulating.scenario import (
    Annulment,
    Arrivals,
    Freeze,
    HoldBack,
    LateStart,
    ListedTwice,
    Miscount,
    Scenario,
    StagedSource,
)

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


Kind = Literal["true", "slip", "held", "withdrawn", "annulled", "act"]


class Statement(NamedTuple):
    """What one revision reports: the true counts, a typing error, votes held back, a withdrawal, or what an act makes.

    `by` is the index of the source whose error it is, or of the act.
    """

    kind: Kind
    by: int = 0


TRUE: Final = Statement("true")
WITHDRAWN: Final = Statement("withdrawn")
ANNULLED: Final = Statement("annulled")

MOST_REVISIONS: Final = 16
"""The most of one box by one source: an error of its own makes 3, a relay 1 more, each act 2."""

_CORRECTION_MINUTES: Final = (4.0, 25.0, 240.0)
"""Minutes until the next revision: the least, the average beyond that, and the most."""


@dataclass(slots=True)
class Revisions:
    """A box's revisions: when each is due, in seconds after the night's origin, rising, and what it reports."""

    dues: list[int]
    statements: list[Statement]

    def report_wrongly(self, statement: Statement, until: int) -> None:
        """Report this instead of the true counts before `until`, and the true counts then."""
        if self.dues[0] >= until:
            return
        for step, due in enumerate(self.dues):
            if due < until and self.statements[step] == TRUE:
                self.statements[step] = statement
        if self.statements[-1] == statement:
            self.dues.append(until)
            self.statements.append(TRUE)

    def annul(self, at: int, rerun_at: int, rerun: Statement) -> None:
        """Drop the revisions from `at` on; annul the box then, and at `rerun_at` report what the rerun gave."""
        kept = sum(due < at for due in self.dues)
        self.dues[kept:] = [at, rerun_at]
        self.statements[kept:] = [ANNULLED, rerun]

    def delay(self, since: int, until: int, caught_up: int) -> None:
        """Report nothing from `since` to `until`; report what was due by `caught_up` between `until` and then."""
        for step, due in enumerate(self.dues):
            if since < due < caught_up:
                self.dues[step] = until + (due - since) * (caught_up - until) // (caught_up - since)
            if step:
                self.dues[step] = max(self.dues[step], self.dues[step - 1] + 1)

    def relayed(self, delay: int, slip: Statement | None, chance: Chance) -> "Revisions":
        """Return the same `delay` seconds later; with a `slip` of the relay's own first, which is then corrected."""
        dues = [due + delay for due in self.dues]
        if slip is None:
            return Revisions(dues, list(self.statements))
        corrected = dues[0] + _wait(chance)
        for step, due in enumerate(dues):
            dues[step] = max(due, corrected + step)
        return Revisions([self.dues[0] + delay, *dues], [slip, *self.statements])


def revisions_of(source: StagedSource, index: int, first: int, chance: Chance) -> Revisions:
    """Return the revisions of a box that a source reports at `first` for the first time.

    `index` is the source's; its habits (`typo`, `unattributed`, …) are the probabilities of the ways to err.
    """
    statements = _statements(source, index, chance.random())
    dues = [first]
    for _ in statements[1:]:
        dues.append(dues[-1] + _wait(chance))
    return Revisions(dues, statements)


def _statements(source: StagedSource, index: int, drawn: float) -> list[Statement]:
    """Return the statements that a number from 0 to 1 stands for: most boxes are reported once, and rightly."""
    habits = (
        (source.typo, [Statement("slip", index), TRUE]),
        (source.unattributed, [Statement("held", index), TRUE]),
        (source.withdrawn, [TRUE, WITHDRAWN, TRUE]),
        (source.lasting, [Statement("slip", index)]),
    )
    for share, statements in habits:
        if drawn < share:
            return statements
        drawn -= share
    return [TRUE]


def _wait(chance: Chance) -> int:
    shortest, mean, longest = _CORRECTION_MINUTES
    return int(60 * min(longest, shortest - mean * log(1 - chance.random())))


DrawnBoxes = dict[tuple[int, int], float]
"""The boxes of an act by the indexes of district and box, each with its place in the act's time, from 0 to 1."""


class PlannedBox(NamedTuple):
    """A box in a contest, by indexes into the scenario."""

    district: int
    contest: int
    box: int


@dataclass(frozen=True)
class Plan:
    """Plans one source at a time. Seconds count from `origin`, when the first polls close.

    `counts_of` returns a district's counts by its index, `biases` are those of its boxes, `contests` those to plan.
    """

    scenario: Scenario
    seed: int
    biases: Sequence[Sequence[float]]
    counts_of: Callable[[int], DistrictCounts]
    contests: frozenset[str]
    held: dict[tuple[int, PlannedBox], int] = field(default_factory=dict)
    """Votes held back, by the act's index and box; filled in when `revisions` plans the act's source."""

    @cached_property
    def origin(self) -> datetime:
        """When the first polls close."""
        return min(self.scenario.polls_close(district.id) for district in self.scenario.districts)

    def revisions(self, index: int) -> Iterator[tuple[PlannedBox, Revisions]]:
        """Yield each box that the source with this index reports, with what it reports of it."""
        source = self.scenario.sources[index]
        if source.relays is None:
            yield from self._firsthand(index, source)
        else:
            yield from self._relayed(index, source)

    def _relayed(self, index: int, source: StagedSource) -> Iterator[tuple[PlannedBox, Revisions]]:
        relayed = next(place for place, other in enumerate(self.scenario.sources) if other.id == source.relays)
        chances: dict[int, Chance] = {}
        for place, revisions in self.revisions(relayed):
            chance = chances.setdefault(
                place.district, seeded(self.seed, self.scenario.districts[place.district].id, source.id, "relay")
            )
            delay = int(60 * source.delay_minutes * (0.5 + chance.random()))
            slips = chance.random() < source.typo
            yield place, revisions.relayed(delay, Statement("slip", index) if slips else None, chance)

    def _firsthand(self, index: int, source: StagedSource) -> Iterator[tuple[PlannedBox, Revisions]]:
        arrivals = arrive(self.scenario, source, self.biases, self.seed)
        offsets = [self._offset(district.id) for district in self.scenario.districts]
        self._hold_back(source.id, arrivals, offsets)
        freezes = self._freezes(source.id, arrivals, offsets)
        for place, district in enumerate(self.scenario.districts):
            chance = seeded(self.seed, district.id, source.id, "faults")
            for contest, seconds in enumerate(arrivals[place].seconds):
                wanted = self.scenario.contests[contest].id in self.contests
                for box, due in enumerate(seconds):
                    if due is None:
                        chance.random()
                        continue
                    # drawn for unwanted contests too, so that the wanted ones are as they are in the whole night
                    revisions = revisions_of(source, index, due + offsets[place], chance)
                    if wanted:
                        at = PlannedBox(place, contest, box)
                        self._work_in(revisions, at, source.id)
                        for freeze in freezes:
                            revisions.delay(*freeze)
                        yield at, revisions

    def _offset(self, district: str) -> int:
        """Return how many seconds after the origin a district begins: its polls' close, and late starts."""
        begins = self.seconds(self.scenario.polls_close(district))
        late = [
            act.minutes
            for act in self.scenario.acts
            if isinstance(act, LateStart) and any(f"{district}/".startswith(f"{unit}/") for unit in act.units)
        ]
        return begins + int(60 * sum(late))

    def seconds(self, moment: datetime) -> int:
        """Return a moment in seconds after the origin."""
        return int((moment - self.origin).total_seconds())

    def _work_in(self, revisions: Revisions, at: PlannedBox, source: str) -> None:
        """Change what a source reports of this box as the acts want it, in their order."""
        contest = self.scenario.contests[at.contest].id
        for index, act in enumerate(self.scenario.acts):
            drawn = self._drawn[index].get((at.district, at.box))
            if isinstance(act, HoldBack):
                if (index, at) in self.held and (source, contest) == (act.source, act.contest):
                    part = seeded(self.seed, "let go", at.district, at.box).random()
                    revisions.report_wrongly(Statement("act", index), 1 + self._between(act.since, act.until, part))
            elif drawn is None or isinstance(act, Freeze | LateStart):
                continue
            elif act.source in (None, source) and act.contest in (None, contest):
                if isinstance(act, Annulment):
                    begins, ends = act.rerun_at, act.rerun_at + timedelta(minutes=act.rerun_minutes)
                    revisions.annul(self.seconds(act.at), self._between(begins, ends, drawn), Statement("act", index))
                else:
                    revisions.report_wrongly(Statement("act", index), self._between(act.since, act.until, drawn))

    def _between(self, begins: datetime, ends: datetime, part: float) -> int:
        return self.seconds(begins + part * (ends - begins))

    @cached_property
    def _drawn(self) -> list[DrawnBoxes]:
        """The boxes of each act, the same for all sources and contests."""
        return [
            self._draw(act, index) if isinstance(act, Miscount | ListedTwice | Annulment) else {}
            for index, act in enumerate(self.scenario.acts)
        ]

    def _draw(self, act: Miscount | ListedTwice | Annulment, index: int) -> DrawnBoxes:
        chance = seeded(self.seed, "act", index)
        boxes = [
            (place, box)
            for place, district in enumerate(self.scenario.districts)
            if act.districts is None or district.id in act.districts
            for box in range(district.boxes)
        ]
        if act.share is not None:
            return {box: chance.random() for box in boxes if chance.random() < act.share}
        chance.shuffle(boxes)
        return {box: chance.random() for box in boxes[: act.boxes]}

    def _hold_back(self, source: str, arrivals: Sequence[DistrictArrivals], offsets: Sequence[int]) -> None:
        """Choose the boxes whose votes are held back: all of a box's, and of the last one as many as are missing."""
        for index, act in enumerate(self.scenario.acts):
            if not isinstance(act, HoldBack) or act.source != source or act.contest not in self.contests:
                continue
            contest = [contest.id for contest in self.scenario.contests].index(act.contest)
            reported = [
                PlannedBox(place, contest, box)
                for place, district in enumerate(self.scenario.districts)
                if act.districts is None or district.id in act.districts
                for box, due in enumerate(arrivals[place].seconds[contest])
                if due is not None and due + offsets[place] < self.seconds(act.since)
            ]
            seeded(self.seed, "held back", index).shuffle(reported)
            missing = act.votes
            for at in reported:
                if not missing:
                    break
                self.held[index, at] = min(missing, self.counts_of(at.district).contests[act.contest].valid[at.box])
                missing -= self.held[index, at]

    def _freezes(
        self, source: str, arrivals: Sequence[DistrictArrivals], offsets: Sequence[int]
    ) -> list[tuple[int, int, int]]:
        """Return since when a source reports nothing, until when, and by when it has caught up, in seconds."""
        freezes = []
        for act in self.scenario.acts:
            if isinstance(act, Freeze) and act.source == source:
                first_race = sorted(
                    due + offset
                    for district, offset in zip(arrivals, offsets, strict=True)
                    for due in district.seconds[0]
                    if due is not None
                )
                since = first_race[max(0, int(act.at_share * len(first_race)) - 1)]
                until = max(since + 1, self.seconds(act.until))
                freezes.append((since, until, until + max(1, int(60 * act.catch_up_minutes))))
        return freezes
