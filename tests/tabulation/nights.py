"""What is on air of one cell, for tests of what orders do to it."""

from typing import Any

from schemas.asides import Override
from schemas.control import FigureOverridden, Order
from schemas.definition import Election
from schemas.figures import COUNTS
from schemas.totals import Cell, Totals
from tabulation.on_air import OnAir
from tests.builders import NIGHT, small_election
from tests.schemas.orders import order

CELL = Cell("mayor", "aa", "tr/34/uskudar")
WHERE: dict[str, Any] = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}


def on_air(
    by_hand: dict[str, int] | None = None,
    votes: dict[str, int] | None = None,
    definition: Election | None = None,
    **counts: int,
) -> OnAir:
    """A night of small_election (20 boxes, 6,000 registered a district) in which the source said this of the cell."""
    fold = OnAir(definition or small_election())
    if votes is not None or counts:
        fold.fold_totals(said(votes, **counts))
    if by_hand is not None:
        fold.fold_override(Override(**CELL._asdict(), override=1, at=NIGHT, figures=by_hand))
    return fold


def said(votes: dict[str, int] | None = None, **counts: int) -> Totals:
    """What a source reports of the cell: these counts, and 0 of the others."""
    fields: dict[str, Any] = dict.fromkeys(COUNTS, 0) | counts
    return Totals(**CELL._asdict(), version=1, as_of=NIGHT, votes=votes or {}, **fields)


def setting(**figures: int) -> FigureOverridden:
    """The order that sets these figures; `votes__kurum` is the candidate's."""
    named = {name.replace("__", "."): count for name, count in figures.items()}
    found: Order = order(FigureOverridden, figures=named, **WHERE)
    assert isinstance(found, FigureOverridden)
    return found
