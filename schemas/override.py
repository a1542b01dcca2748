"""Overrides: figures of one cell set by hand, said in the totals topic so that every reader has them at one position.

An override is named after the control record that ordered it (`override`, its offset), so two owners of a cell who
relay the same order mean the same. Of several the one with the highest number stands. Its key ends with that number,
and it names the version of the totals that were published when it came, so that the past can be told
(docs/decisions/past.md). Overrides of older logs lie under the cell's key alone and name no version. See
docs/decisions/override.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import Field, TypeAdapter, model_validator

from schemas.fields import CellTotal, Moment, Total, Version
from schemas.figures import COUNTS, SET_BY_HAND
from schemas.totals import Cell, OrderAside, Totals

OVERRIDE_PREFIX: Final = b"override:"
"""What an override's key begins with. No id has a colon, so it is never a cell's own key."""

VOTES: Final = "votes."
"""What the name of a candidate's figure begins with, such as `votes.imamoglu`."""

CORRECTED_SHARE: Final = 10
"""A figure that is set by hand a tenth of the excess away from the source's own has corrected what was in doubt."""

MAX_FIGURES: Final = 64
"""Figures in one order: every count and the votes of 49 candidates, with room to spare."""

MAX_STANDING_FIGURES: Final = 1_024
"""Figures that are set by hand in one cell, by however many orders: every count and a thousand candidates."""

_FigureName = Annotated[str, Field(pattern=r"^([a-z_]+|votes\.[a-z0-9][a-z0-9_\-]*)$", max_length=110)]

Figures = Annotated[dict[_FigureName, CellTotal], Field(max_length=MAX_FIGURES)]
"""Absolute figures by name: a count of `schemas.figures.SET_BY_HAND`, or `votes.` and a candidate."""

StandingFigures = Annotated[dict[_FigureName, CellTotal], Field(max_length=MAX_STANDING_FIGURES)]
"""The same, of all orders that stand in one cell."""


class Override(OrderAside):
    """The figures of one cell that are set by hand at a time; none of them: the source's own figures stand again.

    `instead_of` is what the source itself said of them when each was set, as far as the order says so: by it a reader
    sees that the source says something else by now.
    """

    prefix = OVERRIDE_PREFIX
    named_after = "override"

    type: Literal["override"] = "override"
    override: Total
    at: Moment
    figures: StandingFigures
    instead_of: StandingFigures = Field(default_factory=dict)
    version: Version | None = None
    """The version of the cell's totals in the topic when it was relayed, -1 for none; `None`: nobody wrote it down."""

    @property
    def published(self) -> int | None:
        """The version up to which the cell's totals were published when it came; `None`: nobody wrote it down."""
        return self.version

    @model_validator(mode="after")
    def _of_known_figures(self) -> Self:
        for name in self.figures:
            if not name.startswith(VOTES) and name not in SET_BY_HAND:
                raise ValueError(f"{name!r} cannot be set by hand; use {', '.join(SET_BY_HAND)} or votes.CANDIDATE")
        return self

    @property
    def candidates(self) -> tuple[str, ...]:
        """The candidates whose votes it sets."""
        return tuple(name.removeprefix(VOTES) for name in self.figures if name.startswith(VOTES))

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, figures by name, so equal overrides are equal bytes."""
        left_out = {"instead_of"} | ({"version"} if self.version is None else set())
        fields = self.model_dump(exclude=left_out) | {"figures": dict(sorted(self.figures.items()))}
        if self.instead_of:  # without it the bytes are those that earlier releases write of the same order
            fields["instead_of"] = dict(sorted(self.instead_of.items()))
        return orjson.dumps(fields)


OVERRIDE: Final = TypeAdapter(Override)


def is_override(key: bytes | None) -> bool:
    """Whether a record of the totals topic is an override, by its key."""
    return key is not None and key.startswith(OVERRIDE_PREFIX)


def parse_override(value: bytes) -> Override:
    """Parse one record value. Raises pydantic's `ValidationError` where it is none."""
    return OVERRIDE.validate_json(value)


def overridden(totals: Totals, figures: Mapping[str, int]) -> Totals:
    """The totals with these figures in the place of the source's own, and marked so.

    The excess of single boxes stands until one of these differs from the source's own by a tenth of it: then somebody
    has corrected what the boxes contradict, and the figures are judged as they are.
    """
    if not figures:
        return totals
    counts = {name: value for name, value in figures.items() if not name.startswith(VOTES)}
    votes = {name.removeprefix(VOTES): value for name, value in figures.items() if name.startswith(VOTES)}
    marks = tuple(sorted(figures))
    changed = [abs(count - getattr(totals, name)) for name, count in counts.items() if name != "boxes_opened"]
    changed += [abs(count - totals.votes.get(name, 0)) for name, count in votes.items()]
    is_corrected = max(changed, default=0) * CORRECTED_SHARE >= totals.excess
    excess = 0 if is_corrected else totals.excess
    return totals.model_copy(update={**counts, "votes": totals.votes | votes, "overridden": marks, "excess": excess})


def unreported(cell: Cell, at: datetime) -> Totals:
    """What is overridden where the source has said nothing yet: no box, no vote, older than anything it may say."""
    zeros: dict[str, Any] = dict.fromkeys(COUNTS, 0)
    return Totals.model_construct(None, **cell._asdict(), **zeros, version=-1, as_of=at, votes={})
