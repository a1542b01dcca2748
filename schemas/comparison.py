"""Comparisons: what two sources say of the boxes of one district, as the aggregator publishes it.

Only sums that can be added up: those of a province or the country are the sums of their districts'. `a` and `b` are
two sources in the order of their ids. A source *has* a box while it has opened it: one that it withdrew, or that was
annulled, is not there.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple, Self

import orjson
from pydantic import Field, TypeAdapter, model_validator

from schemas.fields import MAX_BOX_NUMBER, Frozen, Id, Total, UnitId
from schemas.figures import STATED

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
