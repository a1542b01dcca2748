"""The numbers of several columns of a line, read together. Pure.

A table of a country has millions of cells, and nearly all of them are plain digits: one look at all cells of a line
together shows that, and what is left is `int`. Any other cell is parsed as the mapping says numbers are written.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from producers.tables.notation import Numbers

PLAIN_DIGITS: Final = 10
"""A number of fewer digits needs no look at how it is written."""


class NumberColumn(NamedTuple):
    """A column of numbers: what it is called, where it is in a line, and the highest number that there can be."""

    name: str
    place: int
    most: int


class LineNumbers:
    """Reads the numbers of some columns of a line, in the order of the columns."""

    def __init__(self, columns: Sequence[NumberColumn], numbers: Numbers) -> None:
        self._columns = tuple(columns)
        self._numbers = numbers
        self._least = min((column.most for column in columns), default=0)
        self._cells = taker([column.place for column in columns])

    def read(self, cells: Sequence[str]) -> list[int]:
        """Return the numbers. Raises `ValueError`, which names the first column that has none."""
        texts = self._cells(cells)
        joined = "".join(texts)
        if joined.isdecimal() and joined.isascii() and all(texts) and max(map(len, texts)) < PLAIN_DIGITS:
            found = list(map(int, texts))
            if max(found) <= self._least:
                return found
        return [self._numbers.parse(cells[place].strip(), name, most) for name, place, most in self._columns]


def taker(places: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return a function that takes the cells at these places; `itemgetter` of one place alone gives no tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    if len(places) == 1:
        place = places[0]
        return lambda cells: (cells[place],)
    return lambda cells: tuple(cells[place] for place in places)
