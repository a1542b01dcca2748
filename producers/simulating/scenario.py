"""Scenarios: what a staged night ends in, how its sources behave and what happens in it: the shape of a file. Pure.

`[outcome.CONTEST]` gives the same night another result: candidates' shares of the valid votes, which come out to the
vote. Every district keeps its valid votes and, as far as the new shares allow, its character; candidates that are not
named keep their shares among themselves.

Acts (`[[acts]]`) are events beyond the normal course of a night. An act changes what is reported and when: an authority
annuls boxes, an agency stops. What happens to records on their way to the log is a stage (producers/stages.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, field_validator, model_validator

from producers.apportion import apportion, fill
from producers.chance import seeded
from producers.input_files import FileSection, Share, did_you_mean
from producers.stages import Stage
from schemas.definition import Candidate, Contest, Election, Name, Party, Source, Unit
from schemas.errors import ScenarioError
from schemas.fields import Id, Total, UnitId
from schemas.moments import zone_named

Minutes = Annotated[float, Field(ge=0, le=7 * 24 * 60)]
Units = Annotated[tuple[UnitId, ...], Field(min_length=1, strict=False)]


class _BoxAct(FileSection):
    """An act on some boxes: on so many `boxes` or on this `share` of them.

    `districts`, `source` and `contest` limit it; without `source` the same boxes are concerned in every source's
    reports.
    """

    source: Id | None = None
    contest: Id | None = None
    districts: Units | None = None
    boxes: Annotated[int, Field(ge=1)] | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.boxes is None) == (self.share is None):
            raise ValueError("say either with boxes how many boxes it is about, or with share which part of them")
        return self


class _CorrectedAct(_BoxAct):
    """An act on boxes that are reported wrongly at first, and corrected one after the other from `since` to `until`."""

    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.since >= self.until:
            raise ValueError("what is mended is mended in time: until must be later than since")
        return self


class Miscount(_CorrectedAct):
    """Report this `part` of the votes of `takes` as votes of `gives`; without `gives`, as invalid ballots."""

    kind: Literal["miscount"]
    takes: Id
    gives: Id | None = None
    part: Share


class ListedTwice(_CorrectedAct):
    """Report a box with the figures of the box before it in the list, which is so listed twice."""

    kind: Literal["listed_twice"]


class HoldBack(FileSection):
    """Let a source attribute votes late: at `since` it has exactly `votes` unattributed ones, at `until` none.

    Only boxes that are reported before `since` are concerned; there must be enough of them in `districts`.
    """

    kind: Literal["hold_back"]
    source: Id
    contest: Id
    districts: Units | None = None
    votes: Total
    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.since >= self.until:
            raise ValueError("what is held back is let go in time: until must be later than since")
        return self


class Annulment(_BoxAct):
    """Annul the boxes at `at` (iptal); report them again within `rerun_minutes` after `rerun_at`, as a rerun gave them.

    In the rerun this `part` of the votes of `takes` goes to `gives`. A box that a source has not reported by `at` is
    annulled all the same.
    """

    kind: Literal["annulment"]
    at: AwareDatetime
    rerun_at: AwareDatetime
    rerun_minutes: Minutes = 240.0
    takes: Id
    gives: Id
    part: Share

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.at >= self.rerun_at:
            raise ValueError("a rerun comes after the annulment: rerun_at must be later than at")
        return self


class Freeze(FileSection):
    """Let a source stop at this share of its boxes in the first contest, and catch up from `until` on."""

    kind: Literal["freeze"]
    source: Id
    at_share: Share
    until: AwareDatetime
    catch_up_minutes: Minutes = 30.0


class LateStart(FileSection):
    """Delay every count of these units (provinces or districts) by so many minutes."""

    kind: Literal["late_start"]
    units: Units
    minutes: Minutes


Act = Annotated[Miscount | ListedTwice | HoldBack | Annulment | Freeze | LateStart, Field(discriminator="kind")]


FIRST_BOX: Final = 1001
"""İstanbul numbers a district's boxes from 1001 up."""

_TRACE: Final = 1e-6
"""Weight of a candidate who has no vote in a district: fitting needs weights above 0."""

Votes = Mapping[str, int]


class Country(FileSection):
    """`election.country`: the unit at the top."""

    id: UnitId
    name: Name


class Province(FileSection):
    """`[[provinces]]`: the unit above the districts whose ids begin with its id. In the east polls close earlier."""

    id: UnitId
    name: Name
    polls_close: AwareDatetime | None = None


class StagedElection(FileSection):
    """`[election]`: what is staged. `polls_close` is for provinces that do not name their own."""

    id: Id
    name: Name
    date: date
    timezone: Name
    polls_close: AwareDatetime
    country: Country

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        return zone_named(timezone).key


class Arrivals(FileSection):
    """`[arrivals]`: points of a curve, the share of boxes reported against minutes after polls closed; both rise."""

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


class StagedSource(FileSection):
    """`[[sources]]`: who reports, how much, how fast, and how often wrong; istanbul-2024.toml explains each key.

    A source that `relays` another passes on all its reports, `delay_minutes` later on average, with typing errors of
    its own (`typo`); its other keys have no effect. One that `reports` districts sends no boxes but, every
    `bulletin_minutes`, the totals of the districts that changed.
    """

    id: Id
    name: Name
    reports: Literal["boxes", "districts"] = "boxes"
    bulletin_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 5.0
    relays: Id | None = None
    delay_minutes: Minutes = 0.0
    begins_in: Annotated[tuple[UnitId, ...], Field(strict=False)] = ()
    coverage_in: dict[UnitId, Share] = Field(default_factory=dict)
    coverage: Annotated[float, Field(gt=0, le=1)]
    pace: Annotated[float, Field(gt=0, le=10)]
    lean: Annotated[float, Field(ge=-10, le=10)]
    typo: Share
    withdrawn: Share
    unattributed: Share
    lasting: Share


class StagedContest(FileSection):
    """`[[contests]]`: a contest, and how long after the first contest of the same box it is counted, on average."""

    id: Id
    name: Name
    lag_minutes: Minutes
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1, strict=False)]


class Result(FileSection):
    """`[districts.results.CONTEST]`: the final figures; `names` has candidates' names in this district only, by id."""

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


class District(FileSection):
    """`[[districts]]`: one district and its final figures in each contest."""

    id: UnitId
    name: Name
    boxes: Annotated[int, Field(ge=1, le=100_000)]
    registered: Total
    results: dict[Id, Result]


class Scenario(FileSection):
    """A scenario: its story, its results, who reports, what happens, and what goes wrong on the way to the log.

    `speed` is how many times as fast as the night it is meant to be played. `outcome` has, by contest, candidates'
    shares of the valid votes.

    Call order: validate, then `with_outcome()`, as `library` does: until then the districts have their own results.
    """

    story: str = ""
    seed: int = 1
    speed: Annotated[float, Field(gt=0)] = 60.0
    election: StagedElection
    arrivals: Arrivals
    leanings: dict[Id, Annotated[float, Field(ge=-1, le=1)]]
    sources: Annotated[tuple[StagedSource, ...], Field(min_length=1, strict=False)]
    parties: Annotated[tuple[Party, ...], Field(strict=False)]
    contests: Annotated[tuple[StagedContest, ...], Field(min_length=1, strict=False)]
    outcome: dict[Id, dict[Id, Share]] = Field(default_factory=dict)
    provinces: Annotated[tuple[Province, ...], Field(min_length=1, strict=False)]
    districts: Annotated[tuple[District, ...], Field(min_length=1, strict=False)]
    acts: Annotated[tuple[Act, ...], Field(strict=False)] = ()
    faults: Annotated[tuple[Stage, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        lags = [contest.lag_minutes for contest in self.contests]
        if lags != sorted(lags):
            raise ValueError("contests: lag_minutes must not fall from one to the next: they are counted in this order")
        ballots = {contest.id: {candidate.id for candidate in contest.candidates} for contest in self.contests}
        for district in self.districts:
            _check_district(district, ballots, [province.id for province in self.provinces])
        self._check_names(ballots)
        return self

    def _check_names(self, ballots: dict[str, set[str]]) -> None:
        """Raise `ValueError` where acts, faults, outcome or sources name what the scenario does not have."""
        sources = [source.id for source in self.sources]
        districts = [district.id for district in self.districts]
        units = [*districts, *(province.id for province in self.provinces)]
        for contest, shares in self.outcome.items():
            _check_known("outcome", "contest", [contest], ballots)
            _check_known(f"outcome.{contest}", "candidate", shares, ballots[contest])
            if sum(shares.values()) > 1 or len(shares) == len(ballots[contest]):
                raise ValueError(f"outcome.{contest}: the shares must leave something to at least one other candidate")
        for place, act in enumerate(self.acts):
            where = f"acts.{place} ({act.kind})"
            _check_known(where, "source", _named(act, "source"), sources)
            _check_known(where, "contest", _named(act, "contest"), ballots)
            _check_known(where, "district", getattr(act, "districts", None) or (), districts)
            _check_known(where, "unit", getattr(act, "units", ()), units)
            ballot = [ballots[name] for name in _named(act, "contest")] or ballots.values()
            known = {name for names in ballot for name in names}
            _check_known(where, "candidate", [*_named(act, "takes"), *_named(act, "gives")], known)
        for place, stage in enumerate(self.faults):
            _check_known(f"faults.{place} ({stage.stage})", "source", _named(stage, "source"), sources)
        for source in self.sources:
            firsthand = [other.id for other in self.sources if other.id != source.id and other.relays is None]
            _check_known(f"sources.{source.id}.relays", "source of its own", _named(source, "relays"), firsthand)
            _check_known(f"sources.{source.id}", "district", [*source.begins_in, *source.coverage_in], districts)

    def polls_close(self, district: str) -> datetime:
        """Return when polls close in a district."""
        province = next(one for one in self.provinces if district.startswith(f"{one.id}/"))
        return province.polls_close or self.election.polls_close

    def with_outcome(self) -> "Scenario":
        """Return the scenario with the results that its `outcome` wants.

        Raises `ScenarioError` for a contest whose ballot differs between districts.
        """
        districts = list(self.districts)
        for contest, shares in self.outcome.items():
            if len({frozenset(district.results[contest].votes) for district in districts}) > 1:
                raise ScenarioError(
                    f"outcome.{contest}: its ballot differs between districts; give an outcome only to races that have "
                    f"the same candidates everywhere."
                )
            votes = votes_with_shares([district.results[contest].votes for district in districts], shares)
            for place, (district, row) in enumerate(zip(districts, votes, strict=True)):
                result = district.results[contest].model_copy(update={"votes": row})
                districts[place] = district.model_copy(update={"results": district.results | {contest: result}})
        return self.model_copy(update={"districts": tuple(districts)})

    def shrink(self, *, districts: Sequence[str] | None = None, boxes_per_district: int | None = None) -> "Scenario":
        """Return a smaller night: these districts, each with its first boxes and the same part of its votes.

        Raises `ScenarioError` for a district that the scenario does not have.
        """
        known = {district.id: district for district in self.districts}
        unknown = [name for name in districts or () if name not in known]
        if unknown:
            raise ScenarioError(
                f"There is no district {unknown[0]!r} in this scenario.{did_you_mean(unknown[0], known)} "
                f"It has: {', '.join(known)}."
            )
        kept = [known[name] for name in districts] if districts else list(self.districts)
        smaller = tuple(_shrink(district, boxes_per_district or district.boxes) for district in kept)
        provinces = tuple(
            province for province in self.provinces if any(one.id.startswith(f"{province.id}/") for one in smaller)
        )
        return self.model_copy(update={"districts": smaller, "provinces": provinces}).with_outcome()

    def definition(self) -> Election:
        """Return the election definition of this night."""
        head = self.election
        units = [
            Unit(id=head.country.id, level="country", name=head.country.name),
            *(
                Unit(id=province.id, level="province", name=province.name, parent=head.country.id)
                for province in self.provinces
            ),
        ]
        units += [
            Unit(
                id=district.id,
                level="district",
                name=district.name,
                parent=district.id.rsplit("/", 1)[0],
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
            sources=tuple(Source(id=source.id, name=source.name, reports=source.reports) for source in self.sources),
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
    """Return the district with its first boxes, and that part of every count, rounded down, so that sums agree."""
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


def _check_district(district: District, ballots: dict[str, set[str]], provinces: Sequence[str]) -> None:
    if district.id.rsplit("/", 1)[0] not in provinces:
        raise ValueError(
            f"{district.id}: there is no such province{did_you_mean(district.id.rsplit('/', 1)[0], provinces)}"
        )
    if district.results.keys() != ballots.keys():
        raise ValueError(f"{district.id}: results must be those of {', '.join(ballots)}")
    for contest, result in district.results.items():
        unknown = (result.votes.keys() - ballots[contest]) | (result.names.keys() - result.votes.keys())
        if unknown:
            raise ValueError(f"{district.id}: {contest} has no candidate {min(unknown)!r}")
        if result.cast > district.registered:
            raise ValueError(f"{district.id}: {contest} has more cast than registered")


def _check_known(where: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for name in names:
        if name not in there:
            raise ValueError(f"{where}: there is no {what} {name!r}.{did_you_mean(name, there)}")


def _named(part: BaseModel, key: str) -> list[str]:
    """Return the name under a key, in a list: none where this part has no such key, or no name there."""
    name = getattr(part, key, None)
    return [] if name is None else [name]


def votes_with_shares(districts: Sequence[Votes], shares: Mapping[str, float]) -> list[dict[str, int]]:
    """Return the districts' votes by candidate, moved so that candidates have these shares of the country's votes.

    All districts must have the same candidates, and the shares come to 1 at most.
    """
    names = list(districts[0])
    valid = [sum(votes.values()) for votes in districts]
    totals = {name: sum(votes[name] for votes in districts) for name in names}
    wanted = {name: round(share * sum(valid)) for name, share in shares.items()}
    others = [name for name in names if name not in wanted]
    left = max(0, sum(valid) - sum(wanted.values()))
    if others:
        spread = apportion(left, [totals[name] + _TRACE for name in others], [left] * len(others))
        wanted |= dict(zip(others, spread, strict=True))
    weights = [[votes[name] + _TRACE for name in names] for votes in districts]
    table = fill(valid, [wanted[name] for name in names], weights, seeded("outcome"))
    return [dict(zip(names, row, strict=True)) for row in table]
