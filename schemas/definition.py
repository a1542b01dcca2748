"""The election definition: contests, candidates, parties, sources, and the units with their boxes.

Words are those of NIST SP 1500-100: a unit is a GpUnit; the tree goes country → province (il) → district (ilçe).
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, model_validator

from schemas.errors import DefinitionError
from schemas.fields import MAX_BOX_NUMBER, CellTotal, Color, Frozen, Id, Moment, UnitId
from schemas.language import TURKISH, LanguageTag
from schemas.moments import zone_named
from schemas.seats import SeatPlan, check_seats

MAX_BALLOT_NO: Final = 10_000
"""The highest place on a ballot: the longest on record has some 1,000 names."""

Level = Literal["country", "province", "district"]

_BELOW: Final[dict[str, str | None]] = {"country": None, "province": "country", "district": "province"}

Name = Annotated[str, Field(min_length=1, max_length=200)]
BoxRange = tuple[
    Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER)],
    Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER)],
]
"""First and last box number of an unbroken run, both included."""


class Party(Frozen):
    """A party; `color` is the hue it keeps on every screen."""

    id: Id
    name: Name
    short_name: Name
    color: Color


class Candidate(Frozen):
    """A name on a ballot. Without a party it is an independent (bağımsız)."""

    id: Id
    name: Name
    party: Id | None = None
    ballot_no: Annotated[int, Field(ge=1, le=MAX_BALLOT_NO)] | None = None


class Contest(Frozen):
    """A race (seçim türü). `candidates` is its ballot, except in the districts that `ballots` names.

    It is held everywhere, or in its `area`. Where each district elects its own (district mayor), `candidates` lists the
    parties and each district's ballot uses the same ids for its own names, so that a province's roll-up reads by party.
    """

    id: Id
    name: Name
    candidates: tuple[Candidate, ...]
    ballots: dict[UnitId, tuple[Candidate, ...]] = Field(default_factory=dict)
    area: Annotated[tuple[UnitId, ...] | None, Field(min_length=1, exclude_if=lambda area: area is None)] = None
    """The units in which it is held, each with all that is below it; `None`, which is not written, is everywhere."""
    seats: Annotated[SeatPlan | None, Field(exclude_if=lambda plan: plan is None)] = None
    """How its votes become seats; `None` where it divides none, which is not written: digests stay what they were."""

    def ballot(self, district: str) -> tuple[Candidate, ...]:
        """The names on this district's ballot, in ballot order."""
        return self.ballots.get(district, self.candidates)


class Source(Frozen):
    """Who reports: an agency, a party's observers, the electoral council itself.

    `reports` says what it sends: each box by itself, or the totals of whole districts.
    """

    id: Id
    name: Name
    reports: Literal["boxes", "districts"] = "boxes"


class Unit(Frozen):
    """A geographic or political unit. Districts carry their boxes and registered voters."""

    id: UnitId
    level: Level
    name: Name
    parent: UnitId | None = None
    registered: CellTotal | None = None
    boxes: tuple[BoxRange, ...] = ()

    @property
    def boxes_total(self) -> int:
        """How many boxes the unit itself has (a district's; 0 above)."""
        return sum(last - first + 1 for first, last in self.boxes)


class Election(Frozen):
    """Everything that is known before the first box is opened. Immutable for the length of a run."""

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
    units: Annotated[tuple[Unit, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_zone(self.timezone)
        _check_unique("party", [party.id for party in self.parties])
        _check_unique("source", [source.id for source in self.sources])
        _check_unique("contest", [contest.id for contest in self.contests])
        _check_unique("unit", [unit.id for unit in self.units])
        _check_tree(self.unit_by_id)
        for contest in self.contests:
            _check_area(contest, self.unit_by_id)
            _check_ballots(contest, {party.id for party in self.parties}, self.unit_by_id)
            if strangers := contest.ballots.keys() - self.area_of(contest.id):
                raise DefinitionError(
                    f"Contest {contest.id!r} is not held in {min(strangers)!r}, and has a ballot there. Mend one."
                )
            if contest.seats is not None:
                check_seats(contest.id, contest.seats, _names_on_ballots(contest), self.unit_by_id)
        return self

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

    @cached_property
    def districts(self) -> tuple[Unit, ...]:
        """The districts, in the definition's order."""
        return tuple(unit for unit in self.units if unit.level == "district")

    @cached_property
    def boxes_total(self) -> dict[str, int]:
        """How many boxes there are in each unit, roll-ups included."""
        return self._boxes_in([district.id for district in self.districts])

    @cached_property
    def registered_total(self) -> dict[str, int | None]:
        """How many voters are registered in each unit, roll-ups included; `None` where a district does not say."""
        totals: dict[str, int | None] = dict.fromkeys(self.unit_by_id, 0)
        for district in self.districts:
            for unit in self.path(district.id):
                known = totals[unit]
                totals[unit] = None if known is None or district.registered is None else known + district.registered
        return totals

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """The units above each unit, nearest first."""
        return {unit.id: tuple(_climb(unit, self.unit_by_id)) for unit in self.units}

    @cached_property
    def country(self) -> str:
        """The id of the unit that everything else is in."""
        return next(unit.id for unit in self.units if unit.parent is None)

    @cached_property
    def districts_below(self) -> dict[str, tuple[str, ...]]:
        """The districts in each unit, in the definition's order; of a district it is the district itself."""
        below: dict[str, list[str]] = {unit.id: [] for unit in self.units}
        for district in self.districts:
            for unit in self.path(district.id):
                below[unit].append(district.id)
        return {unit: tuple(districts) for unit, districts in below.items()}

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
        """The units directly below each unit, in the definition's order; none below a district."""
        below: dict[str, list[str]] = {unit.id: [] for unit in self.units}
        for unit in self.units:
            if unit.parent is not None:
                below[unit.parent].append(unit.id)
        return {unit: tuple(children) for unit, children in below.items()}

    def is_district(self, unit: str) -> bool:
        """Whether there is such a unit and it is a district."""
        found = self.unit_by_id.get(unit)
        return found is not None and found.level == "district"

    def path(self, unit: str) -> tuple[str, ...]:
        """The unit and those above it, nearest first. Raises `KeyError` for one that is not there."""
        return (unit, *self.ancestors[unit])

    def ballot_order(self, contest: str, unit: str) -> tuple[str, ...]:
        """The candidates' ids in ballot order: a district's own ballot, above it the contest's.

        Raises `KeyError` for a contest that is not there.
        """
        found = self._ballot_orders.get((contest, unit))
        if found is None:
            ballot = self.contest_by_id[contest].ballot(unit)
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
        return district in self.area_of(contest) and self.ballot_ids(contest, district).issuperset(candidates)

    @cached_property
    def _areas(self) -> dict[str, frozenset[str]]:
        everywhere = frozenset(district.id for district in self.districts)
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


def _climb(unit: Unit, units: dict[str, Unit]) -> list[str]:
    path = []
    while unit.parent is not None:
        path.append(unit.parent)
        unit = units[unit.parent]
    return path


def _check_zone(timezone: str) -> None:
    try:
        zone_named(timezone)
    except ValueError as error:
        raise DefinitionError(f"The election's timezone is {timezone!r}: {error}") from error


def _check_unique(what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DefinitionError(f"The {what} id {name!r} is there twice. Give each {what} an id of its own.")
        seen.add(name)


def _check_tree(units: dict[str, Unit]) -> None:
    roots = [unit.id for unit in units.values() if unit.level == "country"]
    if len(roots) != 1:
        raise DefinitionError(f"There must be exactly one unit of level 'country', not {len(roots)}.")
    for unit in units.values():
        parent = units.get(unit.parent) if unit.parent else None
        if (parent.level if parent else None) != _BELOW[unit.level]:
            raise DefinitionError(
                f"Unit {unit.id!r} of level {unit.level!r} needs a parent of level {_BELOW[unit.level]!r}, "
                f"not {unit.parent!r}."
            )
        _check_boxes(unit)


def _check_boxes(unit: Unit) -> None:
    if unit.level != "district" and unit.boxes:
        raise DefinitionError(f"Only districts have boxes; {unit.id!r} is a {unit.level}.")
    highest = 0
    for first, last in unit.boxes:
        if not highest < first <= last:
            raise DefinitionError(
                f"The box ranges of {unit.id!r} must rise and not overlap; [{first}, {last}] does not."
            )
        highest = last


def _check_area(contest: Contest, units: dict[str, Unit]) -> None:
    for unit in contest.area or ():
        if unit not in units:
            raise DefinitionError(
                f"The area of contest {contest.id!r} has {unit!r}, which is no unit of this election. Mend its id."
            )


def _names_on_ballots(contest: Contest) -> set[str]:
    return {candidate.id for ballot in (contest.candidates, *contest.ballots.values()) for candidate in ballot}


def _check_ballots(contest: Contest, parties: set[str], units: dict[str, Unit]) -> None:
    for district, ballot in [("", contest.candidates), *contest.ballots.items()]:
        where = f"contest {contest.id!r}" + (f" in {district!r}" if district else "")
        if district and (district not in units or units[district].level != "district"):
            raise DefinitionError(f"The ballot of {where} is for a unit that is no district of this election.")
        _check_unique(f"candidate of {where}", [candidate.id for candidate in ballot])
        for candidate in ballot:
            if candidate.party is not None and candidate.party not in parties:
                raise DefinitionError(
                    f"Candidate {candidate.id!r} of {where} names an unknown party {candidate.party!r}."
                )
