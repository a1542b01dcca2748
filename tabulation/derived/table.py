"""A table of rows as it goes out, put together from finished pieces: one for each contest, source and unit. Pure.

A piece is what follows from one unit's figures and from nothing else, encoded. It is made anew only when these figures
have changed; what belongs to the whole answer (the position, feeds, holds) goes around the pieces each time. So an
answer after one district's change costs that district, the units above it, and joining.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from schemas.definition import Unit
from tabulation.derived.columns import Columns, Row, Shape
from tabulation.derived.row_forms import Around, Form
from tabulation.view.figures import UnitFigures

MAX_VALUES_AT_ONCE: Final = 2_500
"""Values made before others have their turn: 3 to 5 ms, of the 250 ms in which a client gets its next delta."""

Find = Callable[[str, str, str], UnitFigures | None]
"""What is held of a contest, source and unit, as `tabulation.view.view.View.figures` says."""


class RowKey(NamedTuple):
    """Which row it is, and what the unit's keys begin with in one object."""

    contest: str
    source: str
    unit: Unit
    key: str


class _Piece(NamedTuple):
    """A finished piece, and of which state of which figures it is. They are held, so nothing else takes their id."""

    figures: UnitFigures | None
    changes: int
    body: bytes


class Table:
    """The rows of some contests and sources, in that order, and units, in one form.

    Raises `SameKey` where two candidates' columns would be the same, whatever has come in.
    """

    def __init__(
        self, columns: Columns, pairs: Sequence[tuple[str, str]], units: Sequence[Unit], shape: Shape, form: Form
    ) -> None:
        self._columns = columns
        self._shape = shape
        self._form = form
        self._places = [RowKey(*pair, unit, columns.unit_key(unit.id)) for pair in pairs for unit in units]
        self._pieces: list[_Piece | None] = [None] * len(self._places)
        self.names: Final = tuple(columns.row(pairs[0][0], units[0], None, shape))

    def make(self, find: Find) -> Iterator[None]:
        """Make the pieces that are missing or no longer true; stops wherever others should have a turn.

        What changes in a turn is not made again on the way: make once more, until nothing was left to make.
        """
        at_once = max(1, MAX_VALUES_AT_ONCE // len(self.names))
        made = 0
        for index, place in enumerate(self._places):
            figures = find(place.contest, place.source, place.unit.id)
            piece = self._pieces[index]
            if piece and piece.figures is figures and (figures is None or piece.changes == figures.changes):
                continue
            self._pieces[index] = self._piece(place, figures)
            made += 1
            if made % at_once == 0:
                yield

    def body(self, find: Find, around: Callable[[RowKey], Around]) -> bytes:
        """The whole answer as it is now, all of it at one position; `around` says what goes around a row's piece."""
        for _ in self.make(find):
            """Whoever asks for the answer has no turns left to give."""
        edges = [around(place) for place in self._places]
        lines = [
            self._form.line(place.key, piece.body, edge)
            for place, piece, edge in zip(self._places, self._pieces, edges, strict=True)
            if piece
        ]
        return self._form.whole(lines, self.names, edges[0])

    def _piece(self, place: RowKey, figures: UnitFigures | None) -> _Piece:
        row: Row = self._columns.row(place.contest, place.unit, figures, self._shape)
        return _Piece(figures, figures.changes if figures else 0, self._form.piece(place.key, row))
