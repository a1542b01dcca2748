"""The contests of an election: who is on which ballot, and where each is held."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.errors import DefinitionError
from schemas.fields import Color, Frozen, Id, UnitId
from schemas.seats import Ratio, SeatPlan
from schemas.units import Name, Unit

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
