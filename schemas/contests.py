"""The contests of an election, and the sources that report them: who is on which ballot, and who tells what of it.

Of a contest: where it is held, its seats and its last result. A contest without a plan for seats divides nothing. Every
key of a plan has a default that changes nothing, so that a definition written before it opens and means the same.

Of a source: what it sends, what it does not give, and at which level it tells each contest. Most sources tell counting
units, and so of every unit above. One that knows a higher level only tells the units of that level (its cells) and the
sums above them; of what lies inside one of them it says nothing, and of a unit of another tree only where its cells
make up all of it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.errors import DefinitionError
from schemas.fields import Color, Frozen, Id, Total, UnitId
from schemas.figures import AbsentCount
from schemas.units import Name, Unit

MAX_SEATS: Final = 5_000
"""The most seats of one unit: the largest parliament has some 3,000 members."""

MAX_RATIO: Final = 1_000_000
"""The largest part of a ratio: a millionth is finer than any threshold or divisor of a law."""

Method = Literal["dhondt", "sainte_lague", "largest_remainder_hare", "largest_remainder_droop", "most_votes"]
"""How seats are divided; `tabulation.seats` says how each is worked out, with its source."""

Ratio = tuple[Annotated[int, Field(ge=0, le=MAX_RATIO)], Annotated[int, Field(ge=1, le=MAX_RATIO)]]
"""An exact fraction as numerator and denominator: `[7, 100]` is 7 %."""

SeatNumber = Annotated[int, Field(ge=1, le=MAX_SEATS)]


class Threshold(Frozen):
    """The share of the valid votes without which a list takes no part in the division (baraj).

    `of` says where the share is taken: in the whole contest, or in each constituency. `passed_by` says what is enough:
    exactly the share (`reaching`), or only more than it (`exceeding`). Independents are held to no threshold of the
    contest, and neither is who is `exempt`: a minority's list, or one that has won a seat elsewhere.
    """

    share: Ratio
    of: Literal["contest", "constituency"] = "contest"
    passed_by: Literal["reaching", "exceeding"] = "reaching"
    exempt: tuple[Id, ...] = ()
    blank: Annotated[bool, Field(exclude_if=lambda blank: not blank)] = False
    """Whether the share is of the valid and the blank votes together, as in Spain, where blank votes are valid."""


class Alliance(Frozen):
    """Lists that enter the contest together (ittifak): the ids of their candidates on the ballot."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    members: Annotated[tuple[Id, ...], Field(min_length=1)]


class SeatPlan(Frozen):
    """How many seats each constituency has, and how they are divided.

    A constituency is a unit of any level. `alliances_count` says what an alliance is good for: its members' votes are
    added up for the threshold alone (`for_threshold`), or its seats are worked out first and then divided among its
    members by the same method (`for_seats`).
    """

    method: Method
    seats: Annotated[dict[UnitId, SeatNumber], Field(min_length=1)]
    first_divisor: Ratio = (1, 1)
    """The first divisor of Sainte-Laguë, in place of 1: `[7, 5]` or `[6, 5]` where it is modified."""
    threshold: Threshold | None = None
    alliances: tuple[Alliance, ...] = ()
    alliances_count: Literal["for_threshold", "for_seats"] = "for_threshold"
    deducted: Ratio = (0, 1)
    """The share of the constituency's valid votes that is taken off everybody's before seats are divided."""
    quota_seats: dict[UnitId, SeatNumber] = Field(default_factory=dict)
    """How many of a unit's seats are not divided and go to whoever is first there (kontenjan)."""


def check_seats(contest: str, plan: SeatPlan, candidates: Collection[str], units: Collection[str]) -> None:
    """Check that a plan fits its contest. Raises `DefinitionError` for the first thing that does not."""
    where = f"The seats of contest {contest!r}"
    for unit in [*plan.seats, *plan.quota_seats]:
        if unit not in units:
            raise DefinitionError(f"{where} name the unit {unit!r}, which this election does not have.")
    _check_quota_seats(where, plan.seats, plan.quota_seats)
    members = [member for alliance in plan.alliances for member in alliance.members]
    exempt = plan.threshold.exempt if plan.threshold else ()
    for name in [*members, *exempt]:
        if name not in candidates:
            raise DefinitionError(f"{where} name the candidate {name!r}, who is on no ballot of it.")
    twice = [name for name, times in Counter(members).items() if times > 1]
    if twice:
        raise DefinitionError(f"{where} put {twice[0]!r} into an alliance twice. A list is in one alliance at most.")
    ids = [alliance.id for alliance in plan.alliances]
    for name in ids:
        if ids.count(name) > 1 or name in candidates:
            raise DefinitionError(f"{where} have an alliance {name!r}, and something else of that id. Give it another.")
    if plan.alliances_count == "for_seats" and plan.method not in ("dhondt", "sainte_lague"):
        raise DefinitionError(
            f"{where} go to alliances first by {plan.method!r}, by which a party can lose a seat because its alliance "
            "gets one more. Use dhondt or sainte_lague."
        )
    if plan.first_divisor[0] == 0:
        raise DefinitionError(f"{where} have 0 for their first divisor, and nothing can be divided by it.")


def _check_quota_seats(where: str, seats: Mapping[str, int], quota_seats: Mapping[str, int]) -> None:
    for unit, many in quota_seats.items():
        if many > seats.get(unit, 0):
            raise DefinitionError(
                f"{where} set {many} aside for the first in {unit!r}, which has {seats.get(unit, 0)}. "
                "Quota seats are among the unit's seats."
            )


MAX_BALLOT_NO: Final = 10_000
"""The highest place on a ballot: the longest on record has some 1,000 names."""

MAX_VOTES_PER_VOTER: Final = 100
"""Votes of one voter in a contest: Bavaria's largest councils and Hamburg's parliament allow some 80."""

MAX_ROUNDS: Final = 10
"""Rounds of one office: a law has two or three, and a rerun adds one."""


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
    color: Annotated[Color | None, Field(exclude_if=lambda color: color is None)] = None
    """The hue of who has no party: an option of a referendum, or an independent."""
    withdrawn: Annotated[bool, Field(exclude_if=lambda withdrawn: not withdrawn)] = False
    """Whether who was on the ballot does not stand any more: votes given all the same are counted, and marked."""
    replaced_by: Annotated[Id | None, Field(exclude_if=lambda name: name is None)] = None
    """Who stands in the place of who has withdrawn."""


class Majority(Frozen):
    """What is needed to win: a share of the votes and, where the law asks for it, of the voters.

    `of` says of what the share is: the valid votes, the ballots cast, or the registered voters. `passed_by` says what
    is enough: exactly the share (`reaching`), or only more than it (`exceeding`). `turnout` is the share of the
    registered voters who must have voted.
    """

    share: Ratio = (1, 2)
    of: Literal["valid", "cast", "registered"] = "valid"
    passed_by: Literal["reaching", "exceeding"] = "exceeding"
    turnout: Ratio = (0, 1)


class Contest(Frozen):
    """A race (seçim türü). `candidates` is its ballot, except in the units that `ballots` names and below them.

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
    kind: Annotated[Literal["candidates", "referendum"], Field(exclude_if=lambda kind: kind == "candidates")] = (
        "candidates"
    )
    """In a referendum `candidates` are the options, which belong to no party and are no independents either."""
    threshold: Annotated[Majority | None, Field(exclude_if=lambda majority: majority is None)] = None
    """What is needed to win, where most votes are not enough."""
    votes_per_voter: Annotated[int, Field(ge=1, le=MAX_VOTES_PER_VOTER, exclude_if=lambda votes: votes == 1)] = 1
    """How many votes each voter has. With more than one a valid ballot may hold any number of votes up to it."""
    blank: Annotated[bool, Field(exclude_if=lambda blank: not blank)] = False
    """Whether blank votes are counted, apart from the invalid ones. They are cast and not valid."""
    office: Annotated[Id | None, Field(exclude_if=lambda office: office is None)] = None
    """What it elects somebody to. Contests of one office are its rounds."""
    round: Annotated[int | None, Field(ge=1, le=MAX_ROUNDS, exclude_if=lambda number: number is None)] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        where = f"Contest {self.id!r}"
        if (self.office is None) != (self.round is None):
            raise DefinitionError(f"{where} has an office or a round, and not the other. Give both, or neither.")
        threshold = self.seats.threshold if self.seats is not None else None
        if threshold is not None and threshold.blank and not self.blank:
            raise DefinitionError(
                f'{where} has a threshold of the blank votes as well, and does not count them. Give it "blank": true.'
            )
        if self.kind == "referendum":
            if self.seats is not None:
                raise DefinitionError(f"{where} is a referendum, and divides seats. Take away one of the two.")
            members = [one.id for ballot in (self.candidates, *self.ballots.values()) for one in ballot if one.party]
            if members:
                raise DefinitionError(
                    f"{where} is a referendum, and its option {members[0]!r} has a party. Give the option a color."
                )
        return self

    def ballot(self, unit: str) -> tuple[Candidate, ...]:
        """The names on this unit's own ballot, in ballot order; those of the contest's where it has none.

        `Election.ballot` looks above the unit, too.
        """
        return self.ballots.get(unit, self.candidates)

    def ballot_among(self, units: Iterable[str]) -> tuple[Candidate, ...]:
        """The names on the ballot of the first of these units that has one of its own, in ballot order."""
        for unit in units:
            if unit in self.ballots:
                return self.ballots[unit]
        return self.candidates

    @property
    def names(self) -> frozenset[str]:
        """The id of everybody who is on any of its ballots."""
        return frozenset(one.id for ballot in (self.candidates, *self.ballots.values()) for one in ballot)


def deserted(contest: Contest) -> Mapping[str | None, str]:
    """The ballots on which everybody has withdrawn, by unit (`None` is the contest's own), each in a sentence."""
    ballots = [(None, contest.candidates), *contest.ballots.items()]
    return {
        unit: f"Everybody on the ballot of {contest.id!r}{f' in {unit!r}' if unit else ''} has withdrawn: nobody is "
        "left to vote for there, and the votes that were given stay."
        for unit, ballot in ballots
        if ballot and all(one.withdrawn for one in ballot)
    }


def check_area(contest: Contest, units: Mapping[str, Unit]) -> None:
    """Raise `DefinitionError` where a contest is held in a unit that is not there."""
    for unit in contest.area or ():
        if unit not in units:
            raise DefinitionError(
                f"The area of contest {contest.id!r} has {unit!r}, which is no unit of this election. Mend its id."
            )


def check_ballots(contest: Contest, parties: Collection[str], units: Mapping[str, Unit]) -> None:
    """Raise `DefinitionError` where a ballot is for a unit that is not there, or names what cannot be found."""
    for unit, ballot in [("", contest.candidates), *contest.ballots.items()]:
        where = f"contest {contest.id!r}" + (f" in {unit!r}" if unit else "")
        if unit and unit not in units:
            raise DefinitionError(f"The ballot of {where} is for a unit that this election does not have. Mend its id.")
        check_unique(f"candidate of {where}", [candidate.id for candidate in ballot])
        for candidate in ballot:
            if candidate.party is not None and candidate.party not in parties:
                raise DefinitionError(
                    f"Candidate {candidate.id!r} of {where} names an unknown party {candidate.party!r}."
                )


def check_rounds(contests: Iterable[Contest]) -> None:
    """Raise `DefinitionError` where a round of an office is there twice."""
    seen: dict[tuple[str, int], str] = {}
    for contest in contests:
        if contest.office is not None and contest.round is not None:
            other = seen.setdefault((contest.office, contest.round), contest.id)
            if other != contest.id:
                raise DefinitionError(
                    f"Contests {other!r} and {contest.id!r} are both round {contest.round} of {contest.office!r}. "
                    "Number the rounds."
                )


def check_unique(what: str, ids: Iterable[str]) -> None:
    """Raise `DefinitionError` where an id is there twice; `what` is what each is of."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DefinitionError(f"The {what} id {name!r} is there twice. Give each {what} an id of its own.")
        seen.add(name)


class PreviousResult(Frozen):
    """What an earlier contest came to in one unit; what is not known is left out."""

    registered: Total | None = None
    cast: Total | None = None
    valid: Total | None = None
    invalid: Total | None = None
    votes: Annotated[dict[Id, Total], Field(min_length=1)]

    @property
    def base(self) -> int | None:
        """What shares are of: the valid votes, or all votes where they are more; `None` where nobody says."""
        return None if self.valid is None else max(self.valid, sum(self.votes.values()))


class Previous(Frozen):
    """An earlier contest that one of this election is compared with.

    `names` are those who stood then. `mapping` says, for a candidate or party of now, which of them are its own of then
    (several are added up); who is not in it is compared with the same id. Of several earlier contests the first that
    was not `annulled` is the base, and the others are told beside it.
    """

    id: Id
    contest: Id
    name: Name
    date: date
    source: Name | None = None
    """Where the figures are from."""
    annulled: bool = False
    names: dict[Id, Name] = Field(default_factory=dict)
    mapping: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    results: Annotated[dict[UnitId, PreviousResult], Field(min_length=1)]

    def own(self, candidate: str) -> tuple[str, ...]:
        """Who of then a candidate of now is compared with; nobody where it is new."""
        found = self.mapping.get(candidate)
        if found is not None:
            return found
        return (candidate,) if candidate in self.stood else ()

    @property
    def stood(self) -> frozenset[str]:
        """Everybody who has votes in any result, or a name."""
        return frozenset(self.names).union(*(result.votes for result in self.results.values()))


def check_previous(previous: Iterable[Previous], contests: Mapping[str, Contest], units: Collection[str]) -> None:
    """Raise `DefinitionError` where earlier results are of what is not there, or contradict themselves."""
    previous = list(previous)
    check_unique("previous contest", [one.id for one in previous])
    for one in previous:
        where = f"The previous results {one.id!r}"
        if one.contest not in contests:
            raise DefinitionError(f"{where} are of contest {one.contest!r}, which this election does not have.")
        if missing := one.results.keys() - set(units):
            raise DefinitionError(f"{where} name the unit {min(missing)!r}, which this election does not have.")
        if unknown := one.mapping.keys() - contests[one.contest].names:
            raise DefinitionError(f"{where} map {min(unknown)!r}, who is on no ballot of contest {one.contest!r}.")
        _check_mapping(where, one)
        for unit, result in one.results.items():
            if result.cast is not None and result.registered is not None and result.cast > 2 * result.registered > 0:
                raise DefinitionError(
                    f"{where} have {result.cast} cast of {result.registered} registered in {unit!r}. Mend one."
                )


def _check_mapping(where: str, previous: Previous) -> None:
    stood, taken = previous.stood, dict[str, str]()
    for candidate, names in previous.mapping.items():
        for name in names:
            if name not in stood:
                raise DefinitionError(f"{where} map {candidate!r} to {name!r}, who has no votes in them. Mend the id.")
            if taken.setdefault(name, candidate) != candidate:
                raise DefinitionError(
                    f"{where} map {taken[name]!r} and {candidate!r} to {name!r}: votes would count twice. Name one."
                )


class Told(NamedTuple):
    """The cells, in order; the cells that make up each unit that is told; the told units at and above each cell."""

    cells: tuple[str, ...]
    inside: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, tuple[str, ...]]


def told(units: Iterable[str], path: Callable[[str], tuple[str, ...]], cell_of: Mapping[str, str]) -> Told:
    """What is told where each of these counting units lies in this cell; `path` leads up from a counting unit."""
    members: dict[str, list[str]] = {}
    districts_in: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for district, cell in cell_of.items():
        members.setdefault(cell, []).append(district)
        for unit in path(district):
            districts_in.setdefault(unit, []).append(district)
            if unit != cell and cell in path(unit):
                hidden.add(unit)
    inside: dict[str, tuple[str, ...]] = {}
    for unit in units:
        districts = districts_in.get(unit, ())
        cells = tuple(dict.fromkeys(cell_of[district] for district in districts))
        if cells and unit not in hidden and sum(len(members[cell]) for cell in cells) == len(districts):
            inside[unit] = cells
    paths = {
        cell: (cell, *(unit for unit in path(districts[0]) if unit != cell and unit in inside))
        for cell, districts in members.items()
    }
    return Told(tuple(members), inside, paths)


class Source(Frozen):
    """Who reports: an agency, a party's observers, the electoral council itself.

    `reports` says what it sends: each box by itself, or the totals of whole districts.
    """

    id: Id
    name: Name
    reports: Literal["boxes", "districts"] = "boxes"
    absent: Annotated[
        tuple[AbsentCount, ...] | dict[Id, tuple[AbsentCount, ...]], Field(exclude_if=lambda absent: not absent)
    ] = ()
    """The counts that it does not give, of all contests or by contest: they are unknown."""
    levels: Annotated[dict[Id, Id], Field(exclude_if=lambda levels: not levels)] = Field(default_factory=dict)
    """The level at which it tells a contest, by contest, where that is not the counting units."""

    def absent_of(self, contest: str) -> tuple[AbsentCount, ...]:
        """The counts that it does not give of a contest."""
        return self.absent.get(contest, ()) if isinstance(self.absent, dict) else self.absent


def check_absent(source: Source, contests: Sequence[Contest]) -> None:
    """Raise `DefinitionError` where a source does not give a count of what is not there, or twice."""
    known = [contest.id for contest in contests]
    strangers = sorted(set(source.absent).difference(known)) if isinstance(source.absent, dict) else []
    if strangers:
        raise DefinitionError(
            f"absent of source {source.id!r} is about contest {strangers[0]!r}, which is not there. Mend its id; "
            f"there are: {', '.join(known)}."
        )
    for contest in contests:
        check_unique(f"absent count of source {source.id!r}", source.absent_of(contest.id))
        if "blank" in source.absent_of(contest.id) and isinstance(source.absent, dict) and not contest.blank:
            raise DefinitionError(
                f"Source {source.id!r} does not give blank of {contest.id!r} (absent), and that contest counts no "
                'blank votes apart. Take it away, or give the contest "blank": true.'
            )


def check_levels(source: Source, contests: Sequence[Contest], levels: Collection[str]) -> None:
    """Raise `DefinitionError` where a source tells a contest or a level that is not there, or by boxes."""
    where = f"levels of source {source.id!r}"
    for contest, level in source.levels.items():
        if contest not in {one.id for one in contests}:
            known = ", ".join(one.id for one in contests)
            raise DefinitionError(f"{where} is about contest {contest!r}, which is not there. There are: {known}.")
        if level not in levels:
            known = ", ".join(levels)
            raise DefinitionError(f"{where} names level {level!r} for {contest!r}. There are: {known}.")
        if source.reports != "districts":
            raise DefinitionError(
                f"Source {source.id!r} tells {contest!r} by {level!r}, and reports each box by itself. Give it "
                '"reports": "districts", as it reports totals; boxes of other contests need a source of their own.'
            )
