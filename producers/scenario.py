"""Scenarios: what a staged night ends in, and how its sources behave. A TOML file in producers/scenarios/."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from importlib import resources
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from producers.faults import listed
from schemas.definition import Candidate, Contest, Election, Name, Party, Source, Unit
from schemas.errors import ScenarioError
from schemas.fields import Id, Total, UnitId

DEFAULT_SCENARIO: Final = "istanbul-2024"
"""The scenario that sandik brings along."""

FIRST_BOX: Final = 1001
"""İstanbul numbers a district's boxes from 1001 up."""

Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[float, Field(ge=0, le=7 * 24 * 60)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class NamedUnit(_Part):
    """The country or the province."""

    id: UnitId
    name: Name


class Head(_Part):
    """`[election]`: what is staged."""

    id: Id
    name: Name
    date: date
    timezone: Name
    polls_close: AwareDatetime
    country: NamedUnit
    province: NamedUnit


class Arrivals(_Part):
    """`[arrivals]`: the share of boxes reported, against minutes after the polls closed; both only rise."""

    share: Annotated[tuple[Share, ...], Field(min_length=2, strict=False)]
    minutes: Annotated[tuple[Minutes, ...], Field(min_length=2, strict=False)]

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if len(self.share) != len(self.minutes):
            raise ValueError("arrivals: there must be as many minutes as shares")
        for row in (self.share, self.minutes):
            if any(right <= left for left, right in pairwise(row)):
                raise ValueError("arrivals: share and minutes must rise from one to the next")
        if (self.share[0], self.share[-1]) != (0, 1):
            raise ValueError("arrivals: share must begin with 0 and end with 1")
        return self


class StagedSource(_Part):
    """`[[sources]]`: who reports, how much, how fast, and how often wrong; the scenario file explains each."""

    id: Id
    name: Name
    coverage: Annotated[float, Field(gt=0, le=1)]
    pace: Annotated[float, Field(gt=0, le=10)]
    lean: Annotated[float, Field(ge=-10, le=10)]
    typo: Share
    withdrawn: Share
    unattributed: Share
    lasting: Share


class StagedContest(_Part):
    """`[[contests]]`: a race, and how long after the first race of the same box its count comes, on average."""

    id: Id
    name: Name
    lag_minutes: Minutes
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1, strict=False)]


class Result(_Part):
    """`[districts.results.CONTEST]`: the final figures; `names` says who stands behind an id in this district only."""

    cast: Total
    valid: Total
    votes: Annotated[dict[Id, Total], Field(min_length=1)]
    names: dict[Id, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        if sum(self.votes.values()) != self.valid:
            raise ValueError(f"the votes sum up to {sum(self.votes.values())}, not to valid = {self.valid}")
        if self.valid > self.cast:
            raise ValueError(f"valid = {self.valid} is over cast = {self.cast}")
        return self


class District(_Part):
    """`[[districts]]`: one district and its final figures in each contest."""

    id: UnitId
    name: Name
    boxes: Annotated[int, Field(ge=1, le=100_000)]
    registered: Total
    results: dict[Id, Result]


class Scenario(_Part):
    """A whole scenario file."""

    election: Head
    arrivals: Arrivals
    leanings: dict[Id, Annotated[float, Field(ge=-1, le=1)]]
    sources: Annotated[tuple[StagedSource, ...], Field(min_length=1, strict=False)]
    parties: Annotated[tuple[Party, ...], Field(strict=False)]
    contests: Annotated[tuple[StagedContest, ...], Field(min_length=1, strict=False)]
    districts: Annotated[tuple[District, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        lags = [contest.lag_minutes for contest in self.contests]
        if lags != sorted(lags):
            raise ValueError("contests: lag_minutes must not fall from one to the next: they are counted in this order")
        ballots = {contest.id: {candidate.id for candidate in contest.candidates} for contest in self.contests}
        for district in self.districts:
            if district.results.keys() != ballots.keys():
                raise ValueError(f"{district.id}: results must be those of {', '.join(ballots)}")
            for contest, result in district.results.items():
                unknown = (result.votes.keys() - ballots[contest]) | (result.names.keys() - result.votes.keys())
                if unknown:
                    raise ValueError(f"{district.id}: {contest} has no candidate {min(unknown)!r}")
                if result.cast > district.registered:
                    raise ValueError(f"{district.id}: {contest} has more cast than registered")
        return self

    def shrink(self, *, districts: Sequence[str] | None = None, boxes_per_district: int | None = None) -> "Scenario":
        """A smaller night of the same kind: these districts only, each with its first boxes and that part of the votes.

        Raises `ScenarioError` for a district that the scenario does not have.
        """
        known = {district.id: district for district in self.districts}
        unknown = [name for name in districts or () if name not in known]
        if unknown:
            raise ScenarioError(f"There is no district {unknown[0]!r} in this scenario. It has: {', '.join(known)}.")
        kept = [known[name] for name in districts] if districts else list(self.districts)
        smaller = tuple(_shrink(district, boxes_per_district or district.boxes) for district in kept)
        return self.model_copy(update={"districts": smaller})

    def definition(self) -> Election:
        """The election definition of this night."""
        head = self.election
        units = [
            Unit(id=head.country.id, level="country", name=head.country.name),
            Unit(id=head.province.id, level="province", name=head.province.name, parent=head.country.id),
        ]
        units += [
            Unit(
                id=district.id,
                level="district",
                name=district.name,
                parent=head.province.id,
                registered=district.registered,
                boxes=((FIRST_BOX, FIRST_BOX + district.boxes - 1),),
            )
            for district in self.districts
        ]
        return Election(
            id=head.id,
            name=head.name,
            date=head.date,
            timezone=head.timezone,
            polls_close=head.polls_close,
            parties=self.parties,
            sources=tuple(Source(id=source.id, name=source.name) for source in self.sources),
            contests=tuple(self._contest(contest) for contest in self.contests),
            units=tuple(units),
        )

    def _contest(self, contest: StagedContest) -> Contest:
        candidates = _numbered(contest.candidates)
        everywhere = {candidate.id for candidate in candidates}
        by_id = {candidate.id: candidate for candidate in candidates}
        ballots: dict[str, tuple[Candidate, ...]] = {}
        for district in self.districts:
            result = district.results[contest.id]
            if result.names or result.votes.keys() != everywhere:
                ballots[district.id] = _numbered(
                    by_id[name].model_copy(update={"name": result.names.get(name, by_id[name].name)})
                    for name in result.votes
                )
        return Contest(id=contest.id, name=contest.name, candidates=candidates, ballots=ballots)


def _numbered(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(
        candidate.model_copy(update={"ballot_no": number}) for number, candidate in enumerate(candidates, start=1)
    )


def _shrink(district: District, boxes: int) -> District:
    """The district with fewer boxes, and of every count that part (rounded down, so that sums still agree)."""
    if boxes >= district.boxes:
        return district

    def part(count: int) -> int:
        return count * boxes // district.boxes

    results = {}
    for contest, result in district.results.items():
        votes = {name: part(count) for name, count in result.votes.items()}
        valid = sum(votes.values())
        invalid = part(result.cast - result.valid)
        results[contest] = result.model_copy(update={"votes": votes, "valid": valid, "cast": valid + invalid})
    return district.model_copy(update={"boxes": boxes, "registered": part(district.registered), "results": results})


def read_scenario(name: str = DEFAULT_SCENARIO) -> Scenario:
    """Read one of the scenarios that sandik brings along. Raises `ScenarioError`."""
    folder = resources.files("producers.scenarios")
    try:
        text = folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml")))
        raise ScenarioError(f"There is no scenario {name!r}. There is: {known}.") from error
    return parse_scenario(text, name)


def parse_scenario(text: str, name: str = "the scenario") -> Scenario:
    """Parse the text of a scenario file. Raises `ScenarioError`, which says where it is wrong."""
    try:
        return Scenario.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name} is not readable as TOML: {error}.") from error
    except ValidationError as error:
        raise ScenarioError(f"{name} cannot be staged:\n{listed(error)}") from error
