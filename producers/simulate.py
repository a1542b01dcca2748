"""A staged night: every report of every source, in the order in which they come. The same seed gives the same bytes.

Pure: no clock, no event loop, and chance only from `producers.chance`. What a source reports is the box's true count,
except where the scenario has it err: slips that are corrected later (up or down), boxes that are withdrawn and
reported again, votes that are not attributed to a candidate at first, and a few slips that nobody ever mends.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from math import log
from typing import Final, Literal, NamedTuple

from producers.arrivals import arrive
from producers.chance import Chance, seeded
from producers.counts import DistrictCounts, box_leans, deal
from producers.scenario import FIRST_BOX, Scenario, StagedSource
from schemas.errors import ScenarioError
from schemas.tally import Counted, Withdrawn

Fault = Literal["typo", "unattributed", "withdrawn", "lasting"]

_REPORTS: Final[dict[Fault | None, int]] = {None: 1, "lasting": 1, "typo": 2, "unattributed": 2, "withdrawn": 3}
"""How many revisions a box with that fault goes through."""

_MEND_MINUTES: Final = (4.0, 25.0, 240.0)
"""Until the next revision: at least, on average beyond that, at most."""

_SERIAL_BITS: Final = 40
"""Room in the schedule's numbers for a report's serial: 39 districts x 1,869 boxes x 3 contests x 3 sources x 4
need 22 bits, all of Türkiye 28."""


class _Report(NamedTuple):
    """One report, by indexes into the scenario; `step` 0 is a box's first."""

    source: int
    district: int
    box: int
    contest: int
    step: int


class Night:
    """All reports of a night, in due order; iterate to get them, as often as wanted. `len()` says how many.

    The schedule is made at once (about a second for all of İstanbul); a district's boxes are counted when its first
    report is due, so the first events come without waiting for the rest.
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
        self._close = scenario.election.polls_close
        self._sources = _chosen("source", [source.id for source in scenario.sources], sources)
        self._contests = _chosen("contest", [contest.id for contest in scenario.contests], contests)
        self._leans = [box_leans(district.boxes, seeded(seed, district.id, "leans")) for district in scenario.districts]
        self._leanings = _leanings(scenario)
        self._widest = max(district.boxes for district in scenario.districts)
        self._faults: dict[int, Fault] = {}
        self._counts: dict[int, DistrictCounts] = {}
        self._schedule: list[int] = []
        for index, source in enumerate(scenario.sources):
            if source.id in self._sources:
                self._plan(index, source)
        self._schedule.sort()

    def __len__(self) -> int:
        return len(self._schedule)

    def __iter__(self) -> Iterator[tuple[datetime, Counted | Withdrawn]]:
        for number in self._schedule:
            seconds, serial = divmod(number, 1 << _SERIAL_BITS)
            due = self._close + timedelta(seconds=seconds)
            yield due, self._event(serial, due)

    @property
    def first_due(self) -> datetime:
        """When the first report is due."""
        return self._close + timedelta(seconds=self._schedule[0] >> _SERIAL_BITS)

    @property
    def last_due(self) -> datetime:
        """When the last report is due."""
        return self._close + timedelta(seconds=self._schedule[-1] >> _SERIAL_BITS)

    def _plan(self, index: int, source: StagedSource) -> None:
        """Put every report of one source into the schedule."""
        arrivals = arrive(self._scenario, source, self._leans, self._seed)
        for place, district in enumerate(self._scenario.districts):
            chance = seeded(self._seed, district.id, source.id, "faults")
            for contest, seconds in enumerate(arrivals[place].seconds):
                wanted = self._scenario.contests[contest].id in self._contests
                for box, due in enumerate(seconds):
                    fault = _fault(source, chance.random())
                    if due is None:
                        continue
                    dues = _dues(
                        due, _REPORTS[fault], chance
                    )  # drawn for unwanted contests too: the rest stays as it is
                    if wanted:
                        self._add(_Report(index, place, box, contest, 0), dues, fault)

    def _add(self, first: _Report, dues: list[int], fault: Fault | None) -> None:
        if fault:
            self._faults[self._serial(first)] = fault
        for step, due in enumerate(dues):
            self._schedule.append(due << _SERIAL_BITS | self._serial(first._replace(step=step)))

    def _serial(self, report: _Report) -> int:
        place = (report.district * self._widest + report.box) * len(self._scenario.contests) + report.contest
        return (place * len(self._scenario.sources) + report.source) * 4 + report.step

    def _report(self, serial: int) -> _Report:
        rest, step = divmod(serial, 4)
        rest, source = divmod(rest, len(self._scenario.sources))
        rest, contest = divmod(rest, len(self._scenario.contests))
        district, box = divmod(rest, self._widest)
        return _Report(source, district, box, contest, step)

    def _event(self, serial: int, due: datetime) -> Counted | Withdrawn:
        report = self._report(serial)
        fault = self._faults.get(serial - report.step)
        if fault == "withdrawn" and report.step == 1:
            return Withdrawn(
                type="withdrawn",
                contest=self._scenario.contests[report.contest].id,
                district=self._scenario.districts[report.district].id,
                box=FIRST_BOX + report.box,
                source=self._scenario.sources[report.source].id,
                revision=report.step + 1,
                at=due,
            )
        return self._counted(report, fault, due, seeded(self._seed, serial, "fault") if fault else None)

    def _counted(self, report: _Report, fault: Fault | None, due: datetime, chance: Chance | None) -> Counted:
        contest = self._scenario.contests[report.contest].id
        counts = self._district(report.district)
        result = counts.contests[contest]
        cast, valid = result.cast[report.box], result.valid[report.box]
        votes, unattributed = result.of(report.box), 0
        if chance and report.step == 0 and fault in ("typo", "lasting"):
            votes = _slip(votes, chance)
        elif chance and report.step == 0 and fault == "unattributed":
            votes, unattributed = _hold_back(votes, chance)
        return Counted(
            type="corrected" if report.step and fault != "withdrawn" else "counted",
            contest=contest,
            district=self._scenario.districts[report.district].id,
            box=FIRST_BOX + report.box,
            source=self._scenario.sources[report.source].id,
            revision=report.step + 1,
            at=due,
            registered=counts.registered[report.box],
            cast=cast,
            valid=valid,
            invalid=cast - valid,
            unattributed=unattributed,
            votes=votes,
        )

    def _district(self, index: int) -> DistrictCounts:
        counts = self._counts.get(index)
        if counts is None:
            district = self._scenario.districts[index]
            chance = seeded(self._seed, district.id, "counts")
            counts = self._counts[index] = deal(district, self._leans[index], self._leanings, chance)
        return counts


def night(
    scenario: Scenario,
    seed: int,
    *,
    sources: Collection[str] | None = None,
    contests: Collection[str] | None = None,
) -> Night:
    """Stage a night. With `sources` or `contests` only those reports come, and each is what it is in the whole night.

    Raises `ScenarioError` for a source or contest that the scenario does not have.
    """
    return Night(scenario, seed, sources=sources, contests=contests)


def _chosen(what: str, known: list[str], wanted: Collection[str] | None) -> frozenset[str]:
    unknown = sorted(set(wanted or ()) - set(known))
    if unknown:
        raise ScenarioError(f"There is no {what} {unknown[0]!r} in this scenario. It has: {', '.join(known)}.")
    return frozenset(known if wanted is None else wanted)


def _leanings(scenario: Scenario) -> dict[str, dict[str, float]]:
    """By contest, which way each candidate's votes go: its party's way."""
    return {
        contest.id: {
            candidate.id: scenario.leanings.get(candidate.party or "", 0.0) for candidate in contest.candidates
        }
        for contest in scenario.contests
    }


def _fault(source: StagedSource, drawn: float) -> Fault | None:
    """The fault that a number from 0 to 1 falls on, if any."""
    shares: tuple[tuple[Fault, float], ...] = (
        ("typo", source.typo),
        ("unattributed", source.unattributed),
        ("withdrawn", source.withdrawn),
        ("lasting", source.lasting),
    )
    for fault, share in shares:
        if drawn < share:
            return fault
        drawn -= share
    return None


def _dues(first: int, reports: int, chance: Chance) -> list[int]:
    """When each revision of a box is due, in seconds after the polls closed."""
    dues = [first]
    shortest, mean, longest = _MEND_MINUTES
    for _ in range(reports - 1):
        wait = min(longest, shortest - mean * log(1 - chance.random()))
        dues.append(dues[-1] + int(60 * wait))
    return dues


def _slip(votes: dict[str, int], chance: Chance) -> dict[str, int]:
    """The votes as a tired typist has them: two rows swapped, digits turned round, or a row left out."""
    if len(votes) < 2:  # noqa: PLR2004  a row alone cannot be swapped
        return {}
    ranked = sorted(votes, key=lambda name: (-votes[name], name))
    kind = chance.random()
    first, second = ranked[0], ranked[1]
    if kind < 0.5:  # noqa: PLR2004  half of all slips
        return votes | {first: votes[second], second: votes[first]}
    if kind < 0.8:  # noqa: PLR2004  three in ten
        return votes | {first: int(str(votes[first])[::-1])}
    lost = ranked[chance.randrange(0, len(ranked))]
    return {name: count for name, count in votes.items() if name != lost}


def _hold_back(votes: dict[str, int], chance: Chance) -> tuple[dict[str, int], int]:
    """The votes as they are before all are attributed, and how many are not."""
    part = chance.random()
    kept = {name: int(count * part) for name, count in votes.items()}
    return {name: count for name, count in kept.items() if count}, sum(votes.values()) - sum(kept.values())
