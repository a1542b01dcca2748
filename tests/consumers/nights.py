"""Hypothesis strategies: any night that a set of feeds could send, without conflicts, and any way it could arrive."""

import dataclasses
from datetime import timedelta
from typing import Any, Literal

from hypothesis import strategies as st
from msgspec import structs

from schemas.figures import EVERYWHERE, STATED
from schemas.tally import Counted, Withdrawn
from tests.builders import DISTRICTS, NIGHT

_COUNTS = st.integers(0, 400) | st.sampled_from([9_999, 10_001, 100_000])
_TAKEN_BACK: tuple[Literal["withdrawn"], Literal["annulled"]] = ("withdrawn", "annulled")
_OPENED: tuple[Literal["counted"], Literal["corrected"]] = ("counted", "corrected")


@st.composite
def tallies(draw: st.DrawFn) -> list[Counted | Withdrawn]:
    """Events of a few boxes, each (box, revision) said once."""
    said = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["aa", "anka"]),
                st.sampled_from(DISTRICTS[:2]),
                st.integers(1001, 1003),
                st.integers(1, 4),
            ),
            unique=True,
            max_size=24,
        )
    )
    return [_event(draw, *what) for what in said]


def _event(draw: st.DrawFn, source: str, district: str, box: int, revision: int) -> Counted | Withdrawn:
    at = NIGHT + timedelta(seconds=draw(st.integers(0, 3600)))
    if draw(st.booleans()):
        return Withdrawn(
            type=draw(st.sampled_from(_TAKEN_BACK)),
            contest="mayor",
            district=district,
            box=box,
            source=source,
            revision=revision,
            at=at,
        )
    votes = draw(st.dictionaries(st.sampled_from(["imamoglu", "kurum", "bagimsiz_1"]), _COUNTS))
    counts: dict[str, Any] = {name: draw(_COUNTS) for name in STATED if name in EVERYWHERE}
    return Counted(
        type=draw(st.sampled_from(_OPENED)),
        contest="mayor",
        district=district,
        box=box,
        source=source,
        revision=revision,
        at=at,
        votes=votes,
        **counts,
    )


@st.composite
def statements(draw: st.DrawFn) -> list[Counted | Withdrawn]:
    """Events of a few boxes of one cell, some let out of quarantine, each (box, revision, released) said once."""
    said = st.tuples(st.integers(1001, 1003), st.integers(1, 3), st.integers(0, 2))
    return [
        replace(_event(draw, "aa", DISTRICTS[0], box, revision), released=released)
        for box, revision, released in draw(st.lists(said, unique=True, min_size=1, max_size=12))
    ]


def replace(event: Counted | Withdrawn, **changes: Any) -> Counted | Withdrawn:
    """The same event with some fields changed."""
    if isinstance(event, Counted):
        return structs.replace(event, **changes)
    return dataclasses.replace(event, **changes)


@st.composite
def arrivals(draw: st.DrawFn, events: list[Counted | Withdrawn]) -> list[Counted | Withdrawn]:
    """The same events in any order, any of them any number of times, each at least once."""
    again = draw(st.lists(st.sampled_from(events), max_size=12)) if events else []
    return draw(st.permutations(events + again))
