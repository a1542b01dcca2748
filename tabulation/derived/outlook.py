"""What an operator reads of the figures that an order is about, before it is given. Pure.

Of a take and a release: what everybody sees of the unit before and after it. Of a call: how the race stands there.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.control import Called, Released, Taken
from tabulation.derived.facts import beyond_in
from tabulation.view.figures import UnitFigures
from tabulation.view.program import Program

MOST_VOTES: Final = 3
"""Candidates whose votes are told of each source, those with most: a dialog is read in seconds."""


class ShownChange(NamedTuple):
    """A figure of a source that everybody sees before and after. `before` is `None` where nothing was on air."""

    source: str
    unit: str
    figure: str
    before: int | None
    after: int


def shown_next(order: Taken | Released, program: Program) -> tuple[ShownChange, ...]:
    """What changes on air in the order's unit as a whole: boxes opened and the most votes, by source."""
    definition = program.live.definition
    unit = order.unit if order.unit is not None else definition.country
    found: list[ShownChange] = []
    for source in definition.sources:
        live = program.live.figures(order.contest, source.id, unit)
        if live is not None:
            on_air = program.view.figures(order.contest, source.id, unit)
            found += _moving(source.id, unit, on_air, live)
    return tuple(found)


def _moving(source: str, unit: str, on_air: UnitFigures | None, live: UnitFigures) -> Iterator[ShownChange]:
    leading = sorted(live.votes, key=lambda one: (-live.votes[one], one))[:MOST_VOTES]
    after = {"boxes_opened": live.counts["boxes_opened"]} | {f"votes.{name}": live.votes[name] for name in leading}
    for figure, count in after.items():
        before = None if on_air is None else _figure(on_air, figure)
        if before != count:
            yield ShownChange(source, unit, figure, before, count)


def _figure(figures: UnitFigures, name: str) -> int:
    kind, _, candidate = name.partition(".")
    return figures.votes.get(candidate, 0) if candidate else figures.counts[kind]


class Standing(NamedTuple):
    """How the race stands by one source where a call is made. `beyond` is who cannot be overtaken."""

    source: str
    boxes_opened: int
    boxes_total: int
    leader: str
    leader_votes: int
    candidate_votes: int
    beyond: str | None


def race(order: Called, program: Program) -> tuple[Standing, ...]:
    """How the race stands where a call is made, by each source that has reported votes there."""
    definition = program.live.definition
    found = []
    for source in definition.sources:
        figures = program.live.figures(order.contest, source.id, order.unit)
        if figures is None or not any(figures.votes.values()):
            continue
        leader = max(sorted(figures.votes), key=lambda one: figures.votes[one])
        found.append(
            Standing(
                source.id,
                figures.counts["boxes_opened"],
                figures.boxes_total,
                leader,
                figures.votes[leader],
                figures.votes.get(order.candidate, 0),
                beyond_in(definition, order.contest, figures),
            )
        )
    return tuple(found)
