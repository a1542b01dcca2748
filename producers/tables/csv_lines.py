"""CSV as lines of cells. A line with a broken quote is a fault of that line and takes no other line with it.

A quoted cell may go over several lines. So a line that opens a quote and does not close it is joined with the next
ones, until they are a record of as many cells as the header has. Where that fails, the line is broken, and reading goes
on behind it.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from producers.tables.lines import Layout, Sheet, TableLine, under_header

MAX_RECORD_LINES: Final = 100
"""The most lines that a cell goes over: a remark of a page."""

_OPEN: Final = "unexpected end of data"
"""What `csv` says of a quote that nothing closes."""


class _Line(NamedTuple):
    number: int
    text: str


class _Broken(NamedTuple):
    number: int
    why: str


class _Records:
    """The records of a text, for `csv.reader`, each as one string, however many lines it goes over.

    - `number`: the line in which the last record ended; `ended`: whether that line had a line end.
    - `broken`: lines that are left out, with the reason.
    - `width`: how many cells the header has, 0 before it was read.
    """

    def __init__(self, text: IO[str], delimiter: str, quote: str) -> None:
        self._text = enumerate(text, start=1)
        self._delimiter = delimiter
        self._quote = quote
        self._again: deque[_Line] = deque()
        self.number = 0
        self.ended = True
        self.width = 0
        self.broken: list[_Broken] = []

    def __iter__(self) -> Iterator[str]:
        quote = self._quote
        for number, line in self._text:
            self.number = number
            if quote and quote in line:
                yield from self._quoted(_Line(number, line))
                while self._again:
                    yield from self._quoted(self._again.popleft())
            else:
                self.ended = line.endswith(("\n", "\r"))
                yield line

    def _next(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        return next((_Line(number, line) for number, line in self._text), None)

    def _quoted(self, first: _Line) -> Iterator[str]:
        taken = [first]
        why = self._refusal(first.text)
        while why == _OPEN and len(taken) <= MAX_RECORD_LINES:
            line = self._next()
            if line is None:
                break
            taken.append(line)
            if self._quote in line.text:
                why = self._refusal("".join(each.text for each in taken))
        if not why and not self._swallows(taken):
            self.number, self.ended = taken[-1].number, taken[-1].text.endswith(("\n", "\r"))
            yield "".join(each.text for each in taken)
            return
        reason = "a quote in it is opened and not closed" if why in {"", _OPEN} else f"its quotes are broken: {why}"
        self.broken.append(_Broken(first.number, reason))
        self._again.extendleft(reversed(taken[1:]))

    def _cells(self, text: str) -> list[str]:
        reader = csv.reader([text], delimiter=self._delimiter, quotechar=self._quote, strict=True)
        return next(reader, [])

    def _refusal(self, text: str) -> str:
        """Return why the text is no record, or an empty string."""
        try:
            self._cells(text)
        except csv.Error as error:
            return str(error)
        return ""

    def _swallows(self, taken: list[_Line]) -> bool:
        """Return whether lines that were joined to one record look like records of their own."""
        if len(taken) == 1 or not self.width:
            return False
        if len(self._cells("".join(line.text for line in taken))) != self.width:
            return True
        return self.width > 1 and any(
            self._quote not in line.text and line.text.count(self._delimiter) + 1 == self.width for line in taken[1:]
        )


def read_csv(text: IO[str], layout: Layout, file: str, delimiter: str) -> Sheet:
    """Return a CSV as a table. Its lines are read as they are asked for; `csv.Error` may come then."""
    records = _Records(text, delimiter, layout.quote)
    if layout.quote:
        reader = csv.reader(records, delimiter=delimiter, quotechar=layout.quote, strict=True)
    else:
        reader = csv.reader(records, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    sheet = under_header(_lines(reader, records), layout, file)
    records.width = len(sheet.header)
    return sheet


def _lines(reader: Iterator[list[str]], records: _Records) -> Iterator[TableLine]:
    broken = records.broken
    for cells in reader:
        if broken:
            yield from _faults(broken)
        if cells:
            yield TableLine(records.number, cells, records.ended)
    yield from _faults(broken)


def _faults(broken: list[_Broken]) -> Iterator[TableLine]:
    for number, why in broken:
        yield TableLine(number, (), fault=why)
    broken.clear()
