"""Two sources compared: as the aggregator publishes it of each district, and as `/v1/compare` explains it.

A comparison has only sums that can be added up: those of a province or the country are the sums of their districts'.
`a` and `b` are two sources in the order of their ids. A source *has* a box while it has opened it: one that it
withdrew, or that was annulled, is not there.

An explanation says why they differ, as `/v1/compare` and `sandik compare` say it; the formulas are in docs/sources.md.
A gap is what source `a` says less what source `b` says. *Coverage* is the part of it that lies in boxes which only one
of them has, *disagreement* the part in boxes that both have and count differently: together they are the gap, in votes
exactly, and in points as far as they are written.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple, Self

import orjson
from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from schemas.control import Mode
from schemas.fields import MAX_BOX_NUMBER, Frozen, Id, Total, UnitId
from schemas.figures import STATED
from schemas.quarantine import SetAsideHere
from schemas.totals import Told

MAX_BOXES_LISTED: Final = 8
"""Boxes of either kind that a comparison lists: what a person looks into, and a record stays at some 10 KiB."""


class Pair(NamedTuple):
    """What a comparison is kept for. Also the key of its records."""

    contest: str
    district: str
    a: str
    b: str

    def key(self) -> bytes:
        """The record key, such as `metropolitan_mayor/tr/34/uskudar/aa/anka`."""
        return f"{self.contest}/{self.district}/{self.a}/{self.b}".encode()


class Said(Frozen):
    """What one source says of one box. A candidate without a vote is not named.

    A count that the source does not give by the definition is 0 here, and is compared with nothing.
    """

    registered: Total = 0
    cast: Total = 0
    valid: Total = 0
    invalid: Total = 0
    unattributed: Total = 0
    blank: Annotated[Total, Field(exclude_if=lambda blank: not blank)] = 0
    votes: dict[Id, Total] = Field(default_factory=dict)


class Part(Said):
    """What one source says of several boxes, added up."""

    boxes: Total = 0

    @classmethod
    def total(cls, parts: Iterable["Part"]) -> "Part":
        """All of them together: no box may be in two."""
        counts = dict.fromkeys(_COUNTS, 0)
        votes: dict[str, int] = {}
        for part in parts:
            for name in _COUNTS:
                counts[name] += getattr(part, name)
            for candidate, count in part.votes.items():
                votes[candidate] = votes.get(candidate, 0) + count
        return cls.model_construct(None, votes=votes, **counts)

    def __add__(self, other: "Part") -> "Part":
        """Both together: no box may be in both."""
        return Part.total((self, other))


_COUNTS: Final = ("boxes", *STATED)


class BoxApart(Frozen):
    """A box on which the sources are apart: `None` is said by the one that does not have it."""

    box: Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER)]
    a: Said | None
    b: Said | None

    @property
    def votes_apart(self) -> int:
        """How many votes lie differently: of every candidate, and of those not yet attributed."""
        a, b = self.a or Said(), self.b or Said()
        apart = sum(abs(a.votes.get(name, 0) - b.votes.get(name, 0)) for name in a.votes.keys() | b.votes.keys())
        return apart + abs(a.unattributed - b.unattributed)


class Comparison(Frozen):
    """What sources `a` and `b` say of one district in one contest.

    `only_a` and `only_b` are the boxes that the other does not have, by the one that has them; `both_a` and `both_b`
    the boxes that both have, as each of them counts them; `differing` says how many of those they count differently.
    `apart` lists the boxes with most votes apart, most first: at most `MAX_BOXES_LISTED` that one has, and as many
    that both have. `version` is the offset of the last tally that changed either: a reader drops what is not newer.
    """

    v: Literal[1] = 1
    contest: Id
    district: UnitId
    a: Id
    b: Id
    version: Total
    only_a: Part
    only_b: Part
    both_a: Part
    both_b: Part
    differing: Total
    apart: Annotated[tuple[BoxApart, ...], Field(max_length=2 * MAX_BOXES_LISTED)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.a >= self.b:
            raise ValueError("a comparison names its two sources in the order of their ids")
        if self.both_a.boxes != self.both_b.boxes:
            raise ValueError("the boxes that both have are the same boxes")
        return self

    @property
    def pair(self) -> Pair:
        """What the comparison is of."""
        return Pair(self.contest, self.district, self.a, self.b)

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, so equal comparisons are equal bytes."""
        return orjson.dumps(self.model_dump())


COMPARISON: Final = TypeAdapter(Comparison)


def parse_comparison(value: bytes) -> Comparison:
    """Parse one record value. Raises pydantic's `ValidationError` where it is no comparison."""
    return COMPARISON.validate_json(value)


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
