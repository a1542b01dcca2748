"""The election definition: contests, candidates, parties, sources, and the units with their boxes.

docs/definition.md explains each key. What is said of a district in names holds for every counting unit: see
`schemas.units`.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import orjson
from pydantic import ConfigDict, Field, model_validator

from schemas.contests import (
    Candidate,
    Contest,
    Majority,
    Party,
    Previous,
    Source,
    Told,
    check_absent,
    check_area,
    check_ballots,
    check_levels,
    check_previous,
    check_rounds,
    check_seats,
    check_unique,
    told,
)
from schemas.errors import DefinitionError
from schemas.fields import Frozen, Id, Moment
from schemas.figures import Given
from schemas.moments import zone_named
from schemas.spelling import TURKISH, LanguageTag
from schemas.units import (
    MAX_LEVELS,
    MAX_OTHER_TREES,
    STANDARD_LEVELS,
    STANDARD_LEVELS_TURKISH,
    Level,
    Name,
    Rank,
    Tree,
    Unit,
    check_units,
    climb,
    counting_units,
    ranks,
)

__all__ = [
    "Candidate",
    "Contest",
    "Election",
    "Level",
    "Majority",
    "Name",
    "Party",
    "Source",
    "Tree",
    "Unit",
    "check_times",
]


class Election(Frozen):
    """Everything that is known before the first box is opened.

    It never changes: an amendment (`schemas.amendments`) yields another one, and says since when that holds.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", ignored_types=(cached_property,))

    v: Literal[1] = 1
    id: Id
    name: Name
    date: date
    timezone: Name = "Europe/Istanbul"
    language: Annotated[LanguageTag, Field(exclude_if=lambda tag: tag == TURKISH)] = TURKISH
    """That of its names, which decides their case and order. Turkish is not written: digests stay what they were."""
    polls_close: Moment | None = None
    embargo_until: Moment | None = None
    parties: tuple[Party, ...]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    contests: Annotated[tuple[Contest, ...], Field(min_length=1)]
    levels: Annotated[tuple[Level, ...], Field(max_length=MAX_LEVELS, exclude_if=lambda levels: not levels)] = ()
    """The levels of the units, highest first; without them, which is not written, `STANDARD_LEVELS`."""
    trees: Annotated[tuple[Tree, ...], Field(max_length=MAX_OTHER_TREES, exclude_if=lambda trees: not trees)] = ()
    """Other trees over the same counting units."""
    units: Annotated[tuple[Unit, ...], Field(min_length=1)]
    previous: Annotated[tuple[Previous, ...], Field(exclude_if=lambda previous: not previous)] = ()
    """What contests of this election came to the last time."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_zone(self.timezone)
        check_unique("party", [party.id for party in self.parties])
        check_unique("source", [source.id for source in self.sources])
        for source in self.sources:
            check_absent(source, self.contests)
            check_levels(source, self.contests, self.level_by_id)
        check_unique("contest", [contest.id for contest in self.contests])
        check_unique("unit", [unit.id for unit in self.units])
        check_units(self.unit_by_id, self.levels_in_force, self._ranks)
        check_rounds(self.contests)
        for contest in self.contests:
            check_area(contest, self.unit_by_id)
            check_ballots(contest, {party.id for party in self.parties}, self.unit_by_id)
            strangers = [unit for unit in contest.ballots if not self.is_held(contest.id, unit)]
            if strangers:
                raise DefinitionError(
                    f"Contest {contest.id!r} is not held in {min(strangers)!r}, and has a ballot there. Mend one."
                )
            if contest.seats is not None:
                check_seats(contest.id, contest.seats, contest.names, self.unit_by_id)
        check_previous(self.previous, {contest.id: contest for contest in self.contests}, self.unit_by_id)
        return self

    @cached_property
    def digest(self) -> str:
        """A digest of all that is in it: equal definitions have equal digests."""
        whole = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return blake2b(whole, digest_size=16).hexdigest()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone that the election's local times are in."""
        return zone_named(self.timezone)

    @cached_property
    def unit_by_id(self) -> dict[str, Unit]:
        """Every unit, by id."""
        return {unit.id: unit for unit in self.units}

    @cached_property
    def contest_by_id(self) -> dict[str, Contest]:
        """Every contest, by id."""
        return {contest.id: contest for contest in self.contests}

    @cached_property
    def source_ids(self) -> frozenset[str]:
        """The ids of all sources."""
        return frozenset(source.id for source in self.sources)

    def cells_of(self, contest: str, source: str) -> tuple[str, ...]:
        """The units of which a source tells a contest: its counting units, or what `levels` of the source says.

        Every counting unit in which the contest is held lies in exactly one of them. Raises `KeyError` for a contest or
        source that is not there.
        """
        return self._told(contest, source).cells

    def is_cell(self, contest: str, source: str, unit: str) -> bool:
        """Whether a source tells a contest of this unit by itself."""
        return unit in self._told(contest, source).paths

    def cells_in(self, contest: str, source: str, unit: str) -> tuple[str, ...]:
        """The units of which a source tells a contest that make up this one; none where it does not tell of it.

        A unit of which there are only parts, or that lies inside one of which there is only the whole, is not told.
        """
        return self._told(contest, source).inside.get(unit, ())

    def level_told(self, contest: str, source: str) -> Level | None:
        """The level at which a source tells a contest; `None` where that is the counting units, as of most."""
        level = next(one.levels.get(contest) for one in self.sources if one.id == source)
        return self.level_by_id[level] if level is not None else None

    @cached_property
    def every_cell(self) -> frozenset[str]:
        """The counting units, and every unit that a source tells as one: the keys of tallies."""
        above = [self.cells_of(contest, source.id) for source in self.sources for contest in source.levels]
        return self._district_ids.union(*above)

    def told_above(self, contest: str) -> tuple[str, ...]:
        """The sources that tell a contest at a level of their own."""
        return tuple(source.id for source in self.sources if contest in source.levels)

    def why_not_told(self, contest: str, source: str, unit: str) -> str:
        """Why a source that tells a contest at a level of its own does not tell it of a unit, and where it does.

        Raises `KeyError` for a source that tells counting units.
        """
        levels = {one.id: one.levels for one in self.sources}[source]
        level = self.level_by_id[levels[contest]]
        there = next((one for one in self.path(unit) if self.is_cell(contest, source, one)), None)
        where = f": {unit} is a part of {there}" if there is not None else ""
        return f"{source} tells {contest} by {level.name} ({level.id}), and not of {unit}{where}"

    def path_of(self, contest: str, source: str, cell: str) -> tuple[str, ...]:
        """A unit that a source tells, and those above it of which it therefore tells the sum."""
        return self._told(contest, source).paths[cell]

    def roll_of(self, contest: str, unit: str) -> int | None:
        """The registered voters of a unit where a contest is held; `None` where a counting unit in it does not say."""
        rolls = [self.unit_by_id[district].registered for district in self.districts_of(contest, unit)]
        known = [roll for roll in rolls if roll is not None]
        return sum(known) if rolls and len(known) == len(rolls) else None

    def names_in(self, contest: str, cell: str) -> frozenset[str]:
        """Who can be voted for in a unit that a source tells: everybody on the ballots in it."""
        if self.is_district(cell):
            return self.ballot_ids(contest, cell)
        found = self._names_in.get((contest, cell))
        if found is None:
            below = (self.ballot_ids(contest, district) for district in self.districts_of(contest, cell))
            found = self._names_in[contest, cell] = frozenset().union(*below)
        return found

    def _told(self, contest: str, source: str) -> Told:
        found = self._told_by.get((contest, source))
        if found is None:
            levels = {one.id: one.levels for one in self.sources}[source]
            found = self._told_by[contest, source] = self._told_at(contest, levels.get(contest))
        return found

    def _told_at(self, contest: str, level: str | None) -> Told:
        """Which units are told where a contest is told at a level."""
        found = self._told_levels.get((contest, level))
        if found is None:
            area = self.area_of(contest)
            districts = [unit.id for unit in self.districts if unit.id in area]
            cell_of = {district: self._at_level(district, level) for district in districts}
            found = self._told_levels[contest, level] = told(self.unit_by_id, self.path, cell_of)
        return found

    def _at_level(self, district: str, level: str | None) -> str:
        """The unit of a level in which a counting unit lies; itself where it lies in none."""
        return next((unit for unit in self.path(district) if self.unit_by_id[unit].level == level), district)

    @cached_property
    def _names_in(self) -> dict[tuple[str, str], frozenset[str]]:
        return {}

    @cached_property
    def _told_by(self) -> dict[tuple[str, str], Told]:
        return {}

    @cached_property
    def _told_levels(self) -> dict[tuple[str, str | None], Told]:
        return {}

    def given(self, contest: str, source: str) -> Given:
        """Which counts there are of a contest from a source. Raises `KeyError` for one that is not there."""
        return self._given[contest, source]

    @cached_property
    def levels_in_force(self) -> tuple[Level, ...]:
        """The levels of the first tree, highest first, also where the definition names none."""
        return self.levels or (STANDARD_LEVELS_TURKISH if self.language == TURKISH else STANDARD_LEVELS)

    @cached_property
    def level_by_id(self) -> dict[str, Level]:
        """Every level, by id: those of the first tree, then those of the others."""
        levels = (*self.levels_in_force, *(level for tree in self.trees for level in tree.levels))
        return {level.id: level for level in levels}

    def level_of(self, unit: str) -> Level:
        """The level of a unit. Raises `KeyError` for one that is not there."""
        return self.level_by_id[self.unit_by_id[unit].level]

    def tree_of(self, unit: str) -> str | None:
        """The tree in which a unit lies; `None` for the first. Raises `KeyError` for one that is not there."""
        return self._ranks[self.unit_by_id[unit].level].tree

    @cached_property
    def districts(self) -> tuple[Unit, ...]:
        """The counting units, in the definition's order."""
        return counting_units(self.units, self.levels_in_force)

    @cached_property
    def boxes_total(self) -> dict[str, int]:
        """How many boxes there are in each unit, roll-ups included."""
        return self._boxes_in([district.id for district in self.districts])

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """The units above each unit, each once: nearest first, those of the first tree before those of the others."""
        return {unit.id: climb(unit, self.unit_by_id) for unit in self.units}

    @cached_property
    def country(self) -> str:
        """The id of the unit that everything else is in."""
        return next(unit.id for unit in self.units if unit.parent is None)

    @cached_property
    def districts_below(self) -> dict[str, tuple[str, ...]]:
        """The counting units in each unit, in the definition's order; a counting unit is in itself."""
        below: dict[str, list[str]] = {unit.id: [] for unit in self.units}
        for district in self.districts:
            for unit in self.path(district.id):
                below[unit].append(district.id)
        return {unit: tuple(districts) for unit, districts in below.items()}

    def previous_of(self, contest: str) -> tuple[Previous, ...]:
        """The earlier contests that a contest is compared with, in the definition's order."""
        return tuple(one for one in self.previous if one.contest == contest)

    def rounds_of(self, contest: str) -> tuple[str, ...]:
        """The contests that are rounds of the same office, first round first; none where a contest is no round.

        Raises `KeyError` for a contest that is not there.
        """
        office = self.contest_by_id[contest].office
        rounds = [(one.round or 0, one.id) for one in self.contests if office is not None and one.office == office]
        return tuple(round_id for _, round_id in sorted(rounds))

    def area_of(self, contest: str) -> frozenset[str]:
        """The districts in which a contest is held. Raises `KeyError` for a contest that is not there."""
        return self._areas[contest]

    def is_held(self, contest: str, unit: str) -> bool:
        """Whether a contest is held anywhere in a unit. Raises `KeyError` for a contest or unit that is not there."""
        return not self.area_of(contest).isdisjoint(self.districts_below[unit])

    def districts_of(self, contest: str, unit: str) -> tuple[str, ...]:
        """The districts in a unit in which a contest is held, in the definition's order.

        Raises `KeyError` for a contest or unit that is not there.
        """
        area = self.area_of(contest)
        return tuple(district for district in self.districts_below[unit] if district in area)

    def boxes_of(self, contest: str) -> dict[str, int]:
        """How many boxes a contest has in each unit, roll-ups included; 0 where it is not held.

        Raises `KeyError` for a contest that is not there.
        """
        return self._boxes_by_contest[contest]

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """The units directly below each unit, in the definition's order; none below a counting unit.

        Below the country they are those of the first tree; `tops` has those of the others.
        """
        below: dict[str, list[str]] = {unit.id: [] for unit in self.units}
        for unit in self.units:
            if unit.parent is not None and self.tree_of(unit.id) in {None, self.tree_of(unit.parent)}:
                below[unit.parent].append(unit.id)
            for other in unit.also_in:
                below[other].append(unit.id)
        return {unit: tuple(children) for unit, children in below.items()}

    @cached_property
    def tops(self) -> dict[str, tuple[str, ...]]:
        """The units of each other tree that lie directly below the country, by the tree's id."""
        return {
            tree.id: tuple(
                unit.id for unit in self.units if unit.parent == self.country and self.tree_of(unit.id) == tree.id
            )
            for tree in self.trees
        }

    @cached_property
    def units_of_level(self) -> dict[str, tuple[str, ...]]:
        """The units of each level, in the definition's order, by the level's id."""
        found: dict[str, list[str]] = {level: [] for level in self.level_by_id}
        for unit in self.units:
            found[unit.level].append(unit.id)
        return {level: tuple(units) for level, units in found.items()}

    @cached_property
    def _district_ids(self) -> frozenset[str]:
        return frozenset(district.id for district in self.districts)

    def is_district(self, unit: str) -> bool:
        """Whether there is such a unit and it is a counting unit."""
        return unit in self._district_ids

    def path(self, unit: str) -> tuple[str, ...]:
        """The unit and those above it, as in `ancestors`. Raises `KeyError` for one that is not there."""
        return (unit, *self.ancestors[unit])

    def ballot(self, contest: str, unit: str) -> tuple[Candidate, ...]:
        """The names on a unit's ballot, in ballot order: its own or that of the nearest unit above that has one.

        A unit that is not there, or has no ballot, has the contest's. Raises `KeyError` for a contest that is not
        there.
        """
        return self.contest_by_id[contest].ballot_among((unit, *self.ancestors.get(unit, ())))

    def ballot_order(self, contest: str, unit: str) -> tuple[str, ...]:
        """The candidates' ids in ballot order. Raises `KeyError` for a contest that is not there."""
        found = self._ballot_orders.get((contest, unit))
        if found is None:
            ballot = self.ballot(contest, unit)
            found = self._ballot_orders[contest, unit] = tuple(candidate.id for candidate in ballot)
        return found

    def ballot_ids(self, contest: str, unit: str) -> frozenset[str]:
        """The same without its order, to look candidates up in."""
        found = self._ballot_ids.get((contest, unit))
        if found is None:
            found = self._ballot_ids[contest, unit] = frozenset(self.ballot_order(contest, unit))
        return found

    def knows(self, cell: tuple[str, str, str], candidates: Iterable[str] = ()) -> bool:
        """Whether there is such a contest, source and district, and all of these are on the ballot there."""
        contest, source, district = cell
        if contest not in self.contest_by_id or source not in self.source_ids:
            return False
        return self.is_cell(contest, source, district) and self.names_in(contest, district).issuperset(candidates)

    @cached_property
    def _given(self) -> dict[tuple[str, str], Given]:
        return {
            (contest.id, source.id): Given(source.absent_of(contest.id), contest.blank)
            for contest in self.contests
            for source in self.sources
        }

    @cached_property
    def _ranks(self) -> dict[str, Rank]:
        return ranks(self.levels_in_force, self.trees)

    @cached_property
    def _areas(self) -> dict[str, frozenset[str]]:
        everywhere = self._district_ids
        return {
            contest.id: everywhere
            if contest.area is None
            else frozenset(district for unit in contest.area for district in self.districts_below[unit])
            for contest in self.contests
        }

    @cached_property
    def _boxes_by_contest(self) -> dict[str, dict[str, int]]:
        return {
            contest.id: self.boxes_total if contest.area is None else self._boxes_in(self.area_of(contest.id))
            for contest in self.contests
        }

    def _boxes_in(self, districts: Collection[str]) -> dict[str, int]:
        """How many boxes there are in each unit, of these districts alone."""
        totals = dict.fromkeys(self.unit_by_id, 0)
        for district in districts:
            for unit in self.path(district):
                totals[unit] += self.unit_by_id[district].boxes_total
        return totals

    @cached_property
    def _ballot_orders(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {}

    @cached_property
    def _ballot_ids(self) -> dict[tuple[str, str], frozenset[str]]:
        return {}


def check_times(election: Election) -> None:
    """Check the times of a definition that a run is to begin with. One that has begun goes on with those it has.

    Raises `DefinitionError` where polls close on another day than the election's or the one after it, or the embargo
    ends before they close.
    """
    closes, lifted = election.polls_close, election.embargo_until
    first = datetime.combine(election.date, time(), election.zone)
    if closes is not None and not first <= closes < first + timedelta(days=2):
        raise DefinitionError(
            f"polls_close is {closes.isoformat()}, but the election is on {election.date}. Mend one of the two."
        )
    if lifted is not None and lifted < (closes or first):
        raise DefinitionError(
            f"embargo_until is {lifted.isoformat()}, before the polls close ({(closes or first).isoformat()}): there "
            "would be no embargo. Give a later time, or leave it out."
        )


def _check_zone(timezone: str) -> None:
    try:
        zone_named(timezone)
    except ValueError as error:
        raise DefinitionError(f"The election's timezone is {timezone!r}: {error}") from error
