"""A staged night: every report of every source, in due order. The same scenario and seed give the same bytes. Pure.

A source reports the true counts of a box, except where the scenario has it err or an act changes them. `plan` says when
and in which way, here are the figures. Randomness comes from `producers.chance` only.

`stage` makes one stream of deliveries of it, disturbed as the scenario says. A source that reports districts
(`reports = "districts"`) sends bulletins instead of its boxes: every few minutes the totals of the districts that
changed.
"""

from __future__ import annotations  # array[int] is only an annotation before Python 3.12

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from operator import itemgetter
from typing import Final, NamedTuple

from producers.apportion import apportion
from producers.chance import Chance, seeded
from producers.input_files import did_you_mean
from producers.publish import entry
from producers.simulating.counts import DistrictCounts, box_biases, deal
from producers.simulating.plan import ANNULLED, MOST_REVISIONS, TRUE, WITHDRAWN, Plan, PlannedBox, Statement
from producers.simulating.scenario import FIRST_BOX, Annulment, HoldBack, ListedTwice, Miscount, Scenario
from producers.stages import Delivery, DeliveryStream, Stage, disturb
from schemas.errors import ScenarioError
from schemas.tally import Counted, Reported, Tally, Withdrawn

_SERIAL_BITS: Final = 40
"""Room in the schedule's numbers for a report's serial: all of Türkiye (973 districts of up to 1,869 boxes, three
contests, three sources, 16 revisions) needs 28. The other 24 bits hold seconds: half a year."""

Timed = tuple[datetime, Counted | Withdrawn]
"""When an event is due, and the event."""

Script = tuple[Statement, ...]
"""What a box's revisions report, in order."""


class StatedFigures(NamedTuple):
    """The figures of a box as a report has them. Candidates without a vote are not named."""

    registered: int
    cast: int
    valid: int
    unattributed: int
    votes: dict[str, int]


class _Report(NamedTuple):
    """One report, by indexes into the scenario; `step` counts the revisions of a box from 0."""

    source: int
    box: PlannedBox
    step: int


class Night:
    """All reports of a night. Iterate to get them in due order, as often as wanted; `len()` is how many there are.

    The schedule is made at once (two seconds for all of İstanbul) and kept as one number for each report. A district's
    boxes are counted when its first report is due, so the first events come without waiting for the rest.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        sources: Collection[str] | None = None,
        contests: Collection[str] | None = None,
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        chosen = _chosen("source", [source.id for source in scenario.sources], sources)
        self._biases = [
            array("d", box_biases(district.boxes, seeded(seed, district.id, "leans")))
            for district in scenario.districts
        ]
        self._leanings = _leanings(scenario, _chosen("contest", [one.id for one in scenario.contests], contests))
        self._widest = max(district.boxes for district in scenario.districts)
        self._counts: dict[int, DistrictCounts] = {}
        self._scripts: dict[int, Script] = {}
        self._plan = Plan(scenario, seed, self._biases, self._district, frozenset(self._leanings))
        self._schedules = {
            source.id: self._scheduled(index) for index, source in enumerate(scenario.sources) if source.id in chosen
        }

    def __len__(self) -> int:
        return sum(map(len, self._schedules.values()))

    def __iter__(self) -> Iterator[Timed]:
        return self.of(self._schedules)

    def of(self, sources: Collection[str]) -> Iterator[Timed]:
        """Yield the reports of these sources only; each is what it is in the whole night."""
        for number in merge(*(schedule for source, schedule in self._schedules.items() if source in sources)):
            seconds, serial = divmod(number, 1 << _SERIAL_BITS)
            due = self._moment(seconds)
            yield due, self._event(self._report(serial), due)

    @property
    def first_due(self) -> datetime:
        """The time at which the first report is due."""
        return self._moment(min(schedule[0] for schedule in self._schedules.values() if schedule) >> _SERIAL_BITS)

    def _moment(self, seconds: int) -> datetime:
        return self._plan.origin + timedelta(seconds=seconds)

    def _scheduled(self, index: int) -> array[int]:
        """Return a number for each report of one source, sorted: the due time in the upper bits, the serial below."""
        numbers = []
        known: dict[Script, Script] = {}
        for box, revisions in self._plan.revisions(index):
            first = self._serial(_Report(index, box, 0))
            if revisions.statements != [TRUE]:
                script = tuple(revisions.statements)  # few differ, so each is kept once
                self._scripts[first] = known.setdefault(script, script)
            numbers += [due << _SERIAL_BITS | first + step for step, due in enumerate(revisions.dues)]
        return array("Q", sorted(numbers))

    def _serial(self, report: _Report) -> int:
        district, contest, box = report.box
        serial = (district * self._widest + box) * len(self._scenario.contests) + contest
        return (serial * len(self._scenario.sources) + report.source) * MOST_REVISIONS + report.step

    def _report(self, serial: int) -> _Report:
        rest, step = divmod(serial, MOST_REVISIONS)
        rest, source = divmod(rest, len(self._scenario.sources))
        rest, contest = divmod(rest, len(self._scenario.contests))
        district, box = divmod(rest, self._widest)
        return _Report(source, PlannedBox(district, contest, box), step)

    def _event(self, report: _Report, due: datetime) -> Counted | Withdrawn:
        district, contest, box = report.box
        script = self._scripts.get(self._serial(report._replace(step=0)), (TRUE,))
        statement = script[report.step]
        if statement in (WITHDRAWN, ANNULLED):
            return Withdrawn(
                type="annulled" if statement == ANNULLED else "withdrawn",
                contest=self._scenario.contests[contest].id,
                district=self._scenario.districts[district].id,
                box=FIRST_BOX + box,
                source=self._scenario.sources[report.source].id,
                revision=report.step + 1,
                at=due,
            )
        figures = self._figures(report.box, statement)
        is_new = not report.step or script[report.step - 1] in (WITHDRAWN, ANNULLED)
        return Counted(
            type="counted" if is_new else "corrected",
            contest=self._scenario.contests[contest].id,
            district=self._scenario.districts[district].id,
            box=FIRST_BOX + box,
            source=self._scenario.sources[report.source].id,
            revision=report.step + 1,
            at=due,
            registered=figures.registered,
            cast=figures.cast,
            valid=figures.valid,
            invalid=figures.cast - figures.valid,
            unattributed=figures.unattributed,
            votes=figures.votes,
        )

    def _figures(self, box: PlannedBox, statement: Statement) -> StatedFigures:
        """Return what a revision reports of a box."""
        true = self._true(box)
        if statement == TRUE:
            return true
        if statement.kind == "act":
            return self._acted(box, statement.by, true)
        source = self._scenario.sources[statement.by].id
        contest = self._scenario.contests[box.contest].id
        parts = (self._scenario.districts[box.district].id, contest, source, box.box, statement.kind)
        return (slipped if statement.kind == "slip" else held_back)(true, seeded(self._seed, *parts))

    def _acted(self, box: PlannedBox, index: int, true: StatedFigures) -> StatedFigures:
        """Return what the act with this index makes of a box's true figures."""
        act = self._scenario.acts[index]
        if isinstance(act, HoldBack):
            return unattributed(true, self._plan.held[index, box])
        if isinstance(act, ListedTwice):
            return self._true(box._replace(box=box.box - 1 if box.box else self._last_box(box)))
        candidates = self._counts[box.district].contests[self._scenario.contests[box.contest].id].candidates
        if not isinstance(act, Miscount | Annulment) or (act.gives is not None and act.gives not in candidates):
            return true  # an act of another kind, or whoever would get votes is not on this district's ballot
        return moved(true, act.takes, act.gives, act.part)

    def _last_box(self, box: PlannedBox) -> int:
        return self._scenario.districts[box.district].boxes - 1

    def _true(self, planned: PlannedBox) -> StatedFigures:
        district, contest, box = planned
        counts = self._district(district)
        result = counts.contests[self._scenario.contests[contest].id]
        return StatedFigures(counts.registered[box], result.cast[box], result.valid[box], 0, result.of(box))

    def _district(self, index: int) -> DistrictCounts:
        counts = self._counts.get(index)
        if counts is None:
            district = self._scenario.districts[index]
            counts = self._counts[index] = deal(district, self._biases[index], self._leanings, self._seed)
        return counts


def night(
    scenario: Scenario,
    seed: int | None = None,
    *,
    sources: Collection[str] | None = None,
    contests: Collection[str] | None = None,
) -> Night:
    """Stage a night, with the scenario's own seed unless another is given.

    With `sources` or `contests` only those reports come, and each is what it is in the whole night. Raises
    `ScenarioError` for a source or contest that the scenario does not have.
    """
    return Night(scenario, scenario.seed if seed is None else seed, sources=sources, contests=contests)


def _chosen(what: str, known: list[str], wanted: Collection[str] | None) -> frozenset[str]:
    unknown = sorted(set(wanted or ()) - set(known))
    if unknown:
        raise ScenarioError(
            f"There is no {what} {unknown[0]!r} in this scenario.{did_you_mean(unknown[0], known)} "
            f"It has: {', '.join(known)}."
        )
    return frozenset(known if wanted is None else wanted)


def _leanings(scenario: Scenario, contests: Collection[str]) -> dict[str, dict[str, float]]:
    """Return by contest and candidate how votes follow a box's bias: as the candidate's party's do."""
    return {
        contest.id: {
            candidate.id: scenario.leanings.get(candidate.party or "", 0.0) for candidate in contest.candidates
        }
        for contest in scenario.contests
        if contest.id in contests
    }


def slipped(figures: StatedFigures, chance: Chance) -> StatedFigures:
    """Return the figures with a typing error: two rows swapped, a number's digits reversed, or a row left out."""
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
    """Return the figures with a random part of the votes unattributed."""
    part = chance.random()
    kept = {name: int(count * part) for name, count in figures.votes.items()}
    return _attributed(figures, kept)


def unattributed(figures: StatedFigures, votes: int) -> StatedFigures:
    """Return the figures with exactly so many votes unattributed, the same part of every candidate's."""
    known = list(figures.votes.values())
    left = apportion(max(0, sum(known) - votes), known, known)
    return _attributed(figures, dict(zip(figures.votes, left, strict=True)))


def moved(figures: StatedFigures, takes: str, gives: str | None, part: float) -> StatedFigures:
    """Return the figures with this part of the votes of `takes` given to `gives`, or without `gives` made invalid."""
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


CountId = tuple[str, str]
"""A contest's and a district's id."""


@dataclass(slots=True)
class _DistrictCount:
    """What a source has counted of one district in one contest, and its last bulletin of it.

    `boxes` has each box's highest revision, and its counts unless it is withdrawn; `is_stale`: the last bulletin is not
    up to date.
    """

    boxes: dict[int, tuple[int, Counted | None]] = field(default_factory=dict)
    revision: int = 0
    boxes_opened: int = 0
    is_stale: bool = False

    def add(self, event: Counted | Withdrawn) -> None:
        """Note what is reported of a box, unless a higher revision of it is known."""
        known, _ = self.boxes.get(event.box, (0, None))
        if event.revision > known:
            self.boxes[event.box] = event.revision, event if isinstance(event, Counted) else None
            self.is_stale = True

    def report(self, contest: str, district: str, source: str, at: datetime) -> Reported:
        """Return the next bulletin: the totals as they are now, marked as a correction where there are fewer boxes."""
        opened = [counted for _, counted in self.boxes.values() if counted is not None]
        votes: dict[str, int] = {}
        for box in opened:
            for candidate, count in box.votes.items():
                votes[candidate] = votes.get(candidate, 0) + count
        goes_back = len(opened) < self.boxes_opened
        self.revision, self.boxes_opened, self.is_stale = self.revision + 1, len(opened), False
        return Reported(
            type="report_corrected" if goes_back else "reported",
            contest=contest,
            district=district,
            source=source,
            revision=self.revision,
            at=at,
            boxes_opened=len(opened),
            registered=sum(box.registered for box in opened),
            cast=sum(box.cast for box in opened),
            valid=sum(box.valid for box in opened),
            invalid=sum(box.invalid for box in opened),
            unattributed=sum(box.unattributed for box in opened),
            votes=dict(sorted(votes.items())),
        )


def bulletins(events: Iterable[Timed], every_s: int) -> Iterator[tuple[datetime, Reported]]:
    """Yield the district totals of one source's boxes, in due order: every `every_s` seconds those that changed.

    `events` must be those of one source, in due order. The first bulletins are due `every_s` after the first event; the
    last ones hold everything. `at` is when a bulletin is due, and an event that is due at that moment is in it. Raises
    `ValueError` where `every_s` is not above 0.
    """
    if every_s <= 0:
        raise ValueError(f"a bulletin every {every_s} s is none; give 1 or more")
    every = timedelta(seconds=every_s)
    counts: dict[CountId, _DistrictCount] = {}
    source = ""
    next_due: datetime | None = None
    for due, event in events:
        source = event.source
        next_due = next_due or due + every
        while due > next_due:
            yield from _bulletin(counts, source, next_due)
            next_due += every
        counts.setdefault((event.contest, event.district), _DistrictCount()).add(event)
    if next_due is not None:
        yield from _bulletin(counts, source, next_due)


def _bulletin(counts: dict[CountId, _DistrictCount], source: str, due: datetime) -> Iterator[tuple[datetime, Reported]]:
    for (contest, district), count in sorted(counts.items()):
        if count.is_stale:
            yield due, count.report(contest, district, source, due)


@dataclass(frozen=True, slots=True)
class Staged:
    """What a scenario sends to the log. Iterate to get it in due order, as often as wanted.

    `len()` is the number of reports of boxes: without what stages add, and as if no source sent district totals.
    """

    scenario: Scenario
    night: Night
    stages: Sequence[Stage]
    seed: int

    def __len__(self) -> int:
        return len(self.night)

    def __iter__(self) -> DeliveryStream:
        reports = (Delivery(due, entry(event), event.source) for due, event in self._reports())
        return disturb(reports, self.stages, self.seed)

    def _reports(self) -> Iterator[tuple[datetime, Tally]]:
        """Yield what sources report, in due order: boxes, or bulletins where a source reports districts."""
        boxes = self.night.of([source.id for source in self.scenario.sources if source.reports == "boxes"])
        totals = [
            bulletins(self.night.of([source.id]), int(60 * source.bulletin_minutes))
            for source in self.scenario.sources
            if source.reports == "districts"
        ]
        return merge(boxes, *totals, key=itemgetter(0))

    @property
    def first_due(self) -> datetime:
        """The time at which the first report is due, if no stage delays it."""
        return self.night.first_due


def stage(
    scenario: Scenario,
    seed: int | None = None,
    *,
    sources: Collection[str] | None = None,
    contests: Collection[str] | None = None,
    faults: Sequence[Stage] = (),
) -> Staged:
    """Stage a scenario, with its own seed unless another is given, and with `faults` after its own stages.

    With `sources` or `contests` only those report. Raises `ScenarioError` for one that the scenario does not have.
    """
    staged = night(scenario, seed, sources=sources, contests=contests)
    return Staged(scenario, staged, (*scenario.faults, *faults), scenario.seed if seed is None else seed)
