"""Acts: what happens in a staged night beyond its course. `[[acts]]` in a scenario file; pure data.

An act says what is reported and when: an authority annuls boxes, an agency stops. What happens to records on their way
to the log is a stage (producers/stages.py).
"""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.fields import Id, Total, UnitId

Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[float, Field(ge=0, le=7 * 24 * 60)]
Units = Annotated[tuple[UnitId, ...], Field(min_length=1, strict=False)]


class _Act(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _BoxAct(_Act):
    """An act on some boxes: `boxes` of them or this `share`; only in `districts`, of one source and in one contest.

    Without `source` the same boxes are meant in every source's reports.
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


class _MendedAct(_BoxAct):
    """An act on boxes that are reported wrongly until, between `since` and `until`, one after the other is mended."""

    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.since >= self.until:
            raise ValueError("what is mended is mended in time: until must be later than since")
        return self


class Miscount(_MendedAct):
    """`part` of the votes of `takes` is reported as votes of `gives`; without `gives`, as invalid."""

    kind: Literal["miscount"]
    takes: Id
    gives: Id | None = None
    part: Share


class ListedTwice(_MendedAct):
    """A box is reported with what the box before it in the list says: that one is listed twice."""

    kind: Literal["listed_twice"]


class HoldBack(_Act):
    """A source attributes votes late: at `since` exactly `votes` of those it has are unattributed; all are by `until`.

    Only boxes reported before `since` are held back; there must be enough of them in `districts`.
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
    """The authority annuls the boxes at `at` (iptal); a rerun brings them back, from `rerun_at` on.

    In the rerun `part` of the votes of `takes` goes to `gives`. A box that a source has not reported by `at` is
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


class Freeze(_Act):
    """A source stops at this share of its boxes in the first race; at `until` it goes on and catches up."""

    kind: Literal["freeze"]
    source: Id
    at_share: Share
    until: AwareDatetime
    catch_up_minutes: Minutes = 30.0


class LateStart(_Act):
    """In these units (provinces or districts) every count comes later by so many minutes."""

    kind: Literal["late_start"]
    units: Units
    minutes: Minutes


Act = Annotated[Miscount | ListedTwice | HoldBack | Annulment | Freeze | LateStart, Field(discriminator="kind")]
