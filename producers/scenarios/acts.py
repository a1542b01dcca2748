"""Acts: events of a staged night beyond its normal course, `[[acts]]` in a scenario file. Pure.

An act changes what is reported and when: an authority annuls boxes, an agency stops. What happens to records on their
way to the log is a stage (producers/stages.py).
"""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from producers.input_files import FileSection, Share
from schemas.fields import Id, Total, UnitId

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
