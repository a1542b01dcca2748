"""Why two sources differ, as `/v1/compare` and `sandik compare` say it. The formulas are in docs/sources.md.

A gap is what source `a` says less what source `b` says. *Coverage* is the part of it that lies in boxes which only one
of them has, *disagreement* the part in boxes that both have and count differently: together they are the gap, in votes
exactly, and in points as far as they are written.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from schemas.control import Mode
from schemas.fields import Frozen, Id, Total, UnitId
from schemas.quarantine import SetAsideHere
from schemas.totals import Told


class VotesGap(Frozen):
    """A gap in votes. Its parts are `None` where the boxes of one source are not known."""

    gap: int
    coverage: int | None = None
    disagreement: int | None = None


class PointsGap(Frozen):
    """A gap in percentage points of the valid votes, to four decimals; the parts as written add up to it."""

    gap: float
    coverage: float | None = None
    disagreement: float | None = None


class Gap(Frozen):
    """A gap in votes and in points; no points where one source has no valid vote to divide by."""

    votes: VotesGap
    points: PointsGap | None


class CandidateGap(Gap):
    """The gap in one candidate's figures."""

    candidate: Id


class Figures(Frozen):
    """What one source says of boxes, added up. `registered` are the voters of those boxes.

    A count that the source does not give is `None`.
    """

    boxes_opened: Total
    registered: Total | None
    cast: Total | None
    valid: Total | None
    invalid: Total | None
    unattributed: Total
    blank: Annotated[Total | None, Field(exclude_if=lambda blank: blank is None)] = None
    votes: dict[Id, Total]


Standing = Literal["nothing", "no_box", "by_hand", "reporting"]
"""What there is of a source in a unit: it has reported nothing there; it has, but no box of it is open (all were
withdrawn, or none was opened yet); there is nothing but what an operator set by hand; or figures of its own."""


class SourceFigures(Figures):
    """What one source says of the unit. `as_of` is its newest event time there; `None` before it has said anything.

    `overridden` names the figures that an operator has set by hand there or below. Where a gap is split the figures
    here are the source's own all the same: what is shown elsewhere differs by those. `districts` counts the districts
    of the unit of which the source itself has reported anything. `set_aside` says that it has said something newer, or
    something else, that is in quarantine and so not in these figures; `None` where it has not.
    """

    source: Id
    reports: Literal["boxes", "districts"] = "boxes"
    standing: Standing = "reporting"
    districts: Total = 0
    as_of: AwareDatetime | None
    overridden: tuple[str, ...] = ()
    set_aside: SetAsideHere | None = None


class LikeForLike(Frozen):
    """The result over the boxes, or over the districts, that both sources have, as each of them counts it."""

    a: Figures
    b: Figures


class BoxFigures(Frozen):
    """What one source says of one box; a count that it does not give is `None`."""

    registered: Total | None
    cast: Total | None
    valid: Total | None
    invalid: Total | None
    unattributed: Total
    blank: Annotated[Total | None, Field(exclude_if=lambda blank: blank is None)] = None
    votes: dict[Id, Total]


class ExplainingBox(Frozen):
    """A box on which the sources are apart by `votes_apart` votes, `lead` of them in the gap between the leaders.

    `None` is said by the source that does not have the box.
    """

    district: UnitId
    box: Total
    a: BoxFigures | None
    b: BoxFigures | None
    votes_apart: Total
    lead: int | None


class Why(Frozen):
    """Where the gap lies: how many boxes each has, the result where both have, and the boxes that are furthest apart.

    `explaining` lists boxes that one source has and boxes that both have and count differently, each kind with most
    votes apart first. `behind` counts districts whose totals are newer than this comparison: a moment later it knows.
    """

    only_a: Total
    only_b: Total
    both: Total
    differing: Total
    behind: Total
    like_for_like: LikeForLike | None
    explaining: tuple[ExplainingBox, ...]


class Explanation(Frozen):
    """How far two sources are apart in one unit and contest, and why.

    `leaders` are the two candidates with most votes by both sources together, and `lead` is the gap in the first one's
    margin over the second. `why` is `None` where there is no telling; then `reason` says why not. Where one of the two
    has no figures there is no gap either: `lead` is `None` and `candidates` is empty. `districts_total` counts the
    districts of the unit, `districts_shared` those that both have reported; where these are not all that either has
    and the gap is not split, `shared` is the result over them alone. `held`: a part of the unit is on hold, so what is
    on air may differ from the figures here. `told` says which figures are compared: where the gap is split the sources'
    own (`log`).
    """

    run: str
    mode: Mode
    epoch: str
    contest: Id
    unit: UnitId
    level: Id
    boxes_total: Total
    districts_total: Total = 0
    districts_shared: Total = 0
    shared: LikeForLike | None = None
    held: bool = False
    told: Told = Told.LOG
    a: SourceFigures
    b: SourceFigures
    leaders: tuple[Id, ...]
    lead: Gap | None
    candidates: tuple[CandidateGap, ...]
    why: Why | None
    reason: str | None = None
