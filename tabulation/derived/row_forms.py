"""The forms in which rows go out: an array of objects, CSV, and one object with the keys of every unit. Pure.

Each writes a row in two parts, so that a finished piece can be used again: what follows from a unit's figures, and what
goes around it in one answer. Together they are the same bytes as if the row had been encoded at once.

A table keeps one such piece for each contest, source and unit, and encodes it again only when that unit's figures have
changed; what belongs to the whole answer (position, feeds, holds) goes around the pieces each time. So an answer after
one district's change costs that district, the units above it, and joining.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple, Protocol

import orjson

from schemas.definition import Unit
from tabulation.derived.columns import Columns, Row, Shape, Value
from tabulation.figures import UnitFigures

CONTEXT_COLUMNS: Final = ("feed", "held")
"""The columns after a unit's own: see `RowContext`."""


@dataclass(frozen=True, eq=False)
class RowContext:
    """What an answer has of a row besides its figures, encoded once for all rows that share it.

    `head` are the columns before the figures, `feed` is the state of the source's feed, and `held` says whether an
    operator holds the unit back.
    """

    head: Row
    feed: str
    held: bool
    _csv: dict[str, tuple[bytes, bytes]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def json(self) -> tuple[bytes, bytes]:
        """Before and after a unit's members of an object."""
        return _inside(self.head), _inside({"feed": self.feed, "held": int(self.held)})

    def csv(self, separator: str) -> tuple[bytes, bytes]:
        """Before and after a unit's values."""
        found = self._csv.get(separator)
        if found is None:
            ends = (_joined(self.head.values(), separator), _joined((self.feed, int(self.held)), separator))
            found = self._csv[separator] = ends
        return found


class Form(Protocol):
    """How rows are written; `key` is what a unit's keys begin with where several are in one object."""

    def piece(self, key: str, row: Row) -> bytes:
        """A unit's columns."""
        ...

    def line(self, key: str, piece: bytes, around: RowContext) -> bytes:
        """Return a piece within its context."""
        ...

    def frame(self, names: Sequence[str], around: RowContext) -> "Frame":
        """Return what joins the lines. `names` are the columns of the pieces, `around` is the context of the first."""
        ...


class Frame(NamedTuple):
    """What joins lines into one answer: what is before, between and after them."""

    before: bytes
    between: bytes
    after: bytes


class JsonRows:
    """An array of flat objects."""

    def piece(self, _key: str, row: Row) -> bytes:
        """A unit's columns, without the braces."""
        return _inside(row)

    def line(self, _key: str, piece: bytes, around: RowContext) -> bytes:
        """An object."""
        head, tail = around.json
        return b"{%b,%b,%b}" % (head, piece, tail)

    def frame(self, _names: Sequence[str], _around: RowContext) -> Frame:
        """The array's."""
        return Frame(b"[", b",", b"]")


@dataclass(frozen=True)
class CsvRows:
    """CSV as RFC 4180 has it, with a header.

    `separator` is a comma, or a semicolon for a spreadsheet that writes decimal commas, as one in Turkish does: then
    numbers have them too. No text is a formula to a spreadsheet.
    """

    separator: str = ","

    def piece(self, _key: str, row: Row) -> bytes:
        """A unit's values."""
        return _joined(row.values(), self.separator)

    def line(self, _key: str, piece: bytes, around: RowContext) -> bytes:
        """A line, with its end."""
        return (
            self.separator.encode().join((around.csv(self.separator)[0], piece, around.csv(self.separator)[1])) + _END
        )

    def frame(self, names: Sequence[str], around: RowContext) -> Frame:
        """The header, and nothing else: a line brings its end."""
        return Frame(_joined([*around.head, *names, *CONTEXT_COLUMNS], self.separator) + _END, b"", b"")


class FlatObject:
    """One object: first what all rows share, then each unit's columns behind its key."""

    def piece(self, key: str, row: Row) -> bytes:
        """A unit's columns behind its key, without the braces."""
        return _inside({f"{key}_{name}": value for name, value in row.items()})

    def line(self, key: str, piece: bytes, around: RowContext) -> bytes:
        """A unit's part of the object."""
        return b"%b,%b" % (piece, _inside({f"{key}_held": int(around.held)}))

    def frame(self, _names: Sequence[str], around: RowContext) -> Frame:
        """The object's, and what all rows share."""
        return Frame(b"{%b," % _inside({**around.head, "feed": around.feed}), b",", b"}")


def _inside(row: Row) -> bytes:
    """A JSON object's members, without the braces."""
    return orjson.dumps(row)[1:-1]


_END: Final = b"\r\n"

_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d.,%])")
"""How a text begins that a spreadsheet works out instead of showing it; a number with its sign is none."""


def _joined(values: Iterable[Value], separator: str) -> bytes:
    """A line of CSV without its end; more than one value, as a lone empty one would be quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="").writerow(_written(value, separator) for value in values)
    return text.getvalue().encode()


def _written(value: Value, separator: str) -> Value:
    if isinstance(value, float) and separator == ";":
        return str(value).replace(".", ",")
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


MAX_VALUES_AT_ONCE: Final = 1_000
"""Values made before others have their turn: 1 to 2 ms, of the 250 ms in which a client gets its next delta."""

Find = Callable[[str, str, str], UnitFigures | None]
"""What is held of a contest, source and unit, as `tabulation.view.View.figures` says."""


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


class UnknownField(ValueError):
    """A column that there is not."""

    def __init__(self, field: str) -> None:
        super().__init__(f"There is no column {field!r} in these rows. Leave fields= out once to see them all.")


class Table:
    """The rows of some contests and sources, in that order, and units, in one form.

    Of their columns only `fields`, in that order, where there are any. Raises `SameKey` where two candidates' columns
    would be the same, whatever has come in, and `UnknownField`.
    """

    def __init__(
        self,
        columns: Columns,
        pairs: Sequence[tuple[str, str]],
        units: Sequence[Unit],
        shape: Shape,
        form: Form,
        fields: Sequence[str] = (),
    ) -> None:
        self._columns = columns
        self._shape = shape
        self._form = form
        self._places = [RowKey(*pair, unit, columns.unit_key(unit.id)) for pair in pairs for unit in units]
        self._pieces: list[_Piece | None] = [None] * len(self._places)
        every = tuple(columns.row(pairs[0][0], units[0], None, shape))
        for name in fields:
            if name not in every:
                raise UnknownField(name)
        self.names: Final = tuple(fields) or every

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
            self._pieces[index] = self._piece(place, figures, find)
            made += 1
            if made % at_once == 0:
                yield

    def lines(self, find: Find, around: Callable[[RowKey], RowContext]) -> tuple[Frame, list[bytes]]:
        """The answer as it is now, all of it at one position; `around` says what goes around a row's piece."""
        for _ in self.make(find):
            """Whoever asks for the answer has no turns left to give."""
        edges = [around(place) for place in self._places]
        lines = [
            self._form.line(place.key, piece.body, edge)
            for place, piece, edge in zip(self._places, self._pieces, edges, strict=True)
            if piece
        ]
        return self._form.frame(self.names, edges[0]), lines

    def _piece(self, place: RowKey, figures: UnitFigures | None, find: Find) -> _Piece:
        def of(unit: str) -> UnitFigures | None:
            return find(place.contest, place.source, unit)

        given = self._columns.given(place.contest, place.source)
        cells = self._columns.cells_in(place.contest, place.source, place.unit.id)
        row: Row = self._columns.row(place.contest, place.unit, figures, self._shape, of, given, cells)
        shown = {name: row[name] for name in self.names}
        return _Piece(figures, figures.changes if figures else 0, self._form.piece(place.key, shown))
