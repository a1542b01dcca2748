"""What setting figures by hand does to a cell: old and new values, and what cannot be true afterwards. Pure.

A person may know better than the definition, so most of what looks wrong is asked about twice and not refused. Refused
is what no district anywhere can have: it is a slip of the hand, and would not fit where figures are read.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from schemas.control import FigureOverridden, OverrideWithdrawn
from schemas.definition import Election
from schemas.fields import MAX_DISTRICT_COUNT
from schemas.figures import COUNT_NAMED
from schemas.override import VOTES, overridden, unreported
from schemas.totals import Cell, Totals
from tabulation.on_air.cells import OnAir

HandOrder = FigureOverridden | OverrideWithdrawn


class FigureChange(NamedTuple):
    """One figure before and after an order. `before` or `after` is `None` where nothing was reported."""

    figure: str
    before: int | None
    after: int | None

    def __str__(self) -> str:
        before, after = ("nothing" if count is None else f"{count:,}" for count in (self.before, self.after))
        return f"{self.figure}: {before} → {after}"


def cell_of(order: HandOrder) -> Cell:
    """The cell whose figures an order is about."""
    return Cell(order.contest, order.source, order.unit)


def figure_of(totals: Totals, name: str) -> int:
    """A figure by the name that orders have for it: a count, or `votes.` and a candidate."""
    if name.startswith(VOTES):
        return totals.votes.get(name.removeprefix(VOTES), 0)
    count: int = getattr(totals, name)
    return count


def changes(order: HandOrder, on_air: OnAir) -> tuple[FigureChange, ...]:
    """Every figure that an order sets or gives back to its source, by name."""
    cell = cell_of(order)
    reported, standing = on_air.reported(cell), on_air.override(cell)
    by_hand = standing.figures if standing is not None else {}
    own = {name: figure_of(reported, name) for name in {*by_hand, *_set_by(order)}} if reported is not None else {}
    if isinstance(order, FigureOverridden):
        before = own | by_hand
        return tuple(FigureChange(name, before.get(name), count) for name, count in sorted(order.figures.items()))
    return tuple(FigureChange(name, count, own.get(name)) for name, count in sorted(by_hand.items()))


def instead_of(order: FigureOverridden, on_air: OnAir) -> dict[str, int]:
    """What the source itself says now of the figures that an order sets; 0 where it has reported nothing."""
    cell = cell_of(order)
    reported = on_air.reported(cell) or unreported(cell, order.at)
    return {name: figure_of(reported, name) for name in sorted(order.figures)}


class Moved(NamedTuple):
    """A figure that is set by hand, and of which the source says something else than when it was set."""

    cell: Cell
    figure: str
    before: int
    after: int


def moved(on_air: OnAir) -> tuple[Moved, ...]:
    """Every figure set by hand whose source has moved since, by cell and name."""
    found = []
    for override in on_air.overrides:
        reported = on_air.reported(override.cell)
        for name, before in sorted(override.instead_of.items()):
            after = before if reported is None else figure_of(reported, name)
            if after != before:
                found.append(Moved(override.cell, name, before, after))
    return tuple(found)


def _set_by(order: HandOrder) -> Iterable[str]:
    return order.figures if isinstance(order, FigureOverridden) else ()


def impossible(order: FigureOverridden) -> str | None:
    """Which figure no district anywhere can have, as a sentence; `None` where there is none."""
    for name, count in sorted(order.figures.items()):
        limit = MAX_DISTRICT_COUNT if name.startswith(VOTES) else COUNT_NAMED[name].most_in_district
        if count > limit:
            return f"{name}={count} is more than any district can have, which is {limit}. Look at the number again."
    return None


def excesses(order: FigureOverridden, on_air: OnAir) -> tuple[str, ...]:
    """What contradicts itself or the definition once the order stands, as far as it sets a figure of it, each in words.

    Judged is the whole cell as it is then: figures that are not set by this order are those that stand there now.
    """
    cell = cell_of(order)
    after = overridden(on_air.truth(cell) or unreported(cell, order.at), order.figures)
    touched = {VOTES if name.startswith(VOTES) else name for name in order.figures}
    return tuple(
        f"{smaller.name} is {smaller.size:,}, and {larger.name} {larger.size:,}"
        for smaller, larger in _pairs(after, cell, on_air.definition)
        if smaller.size > larger.size and touched & (smaller.parts | larger.parts)
    )


class _Quantity(NamedTuple):
    """A figure or a sum of figures: what it is called, how many it is, which figures that can be set are in it."""

    name: str
    size: int
    parts: frozenset[str]


def _pairs(after: Totals, cell: Cell, definition: Election) -> Iterator[tuple[_Quantity, _Quantity]]:
    """Quantities of which the first cannot be more than the second."""
    unit = definition.unit_by_id[cell.district]
    opened = _quantity(after, "boxes_opened")
    registered, cast, valid = (_quantity(after, name) for name in ("registered", "cast", "valid"))
    spoiled = _Quantity("valid + invalid", after.valid + after.invalid, frozenset({"valid", "invalid"}))
    given = sum(after.votes.values()) + after.unattributed
    votes = _Quantity("the sum of votes and unattributed", given, frozenset({VOTES, "unattributed"}))
    yield opened, _Quantity("the district's boxes", unit.boxes_total, frozenset())
    if unit.registered is not None:
        roll = _Quantity("the district's roll", unit.registered, frozenset())
        yield registered, roll
        yield cast, roll
    yield cast, registered
    yield valid, cast
    if valid.size <= cast.size:
        yield spoiled, cast
    yield votes, valid
    if not after.boxes_opened:
        for counted in (registered, cast, valid, votes):
            yield counted, _Quantity("the boxes opened", 0, opened.parts)


def _quantity(totals: Totals, name: str) -> _Quantity:
    return _Quantity(name, figure_of(totals, name), frozenset({name}))


BEYOND_LIMITS: Final = "Figures set by hand contradict each other or the definition"
"""What the excesses have in common, as the beginning of a sentence."""
