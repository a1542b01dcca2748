"""The forms in which rows go out: an array of objects, CSV, and one object with the keys of every unit. Pure.

Each writes a row in two parts, so that a finished piece can be used again: what follows from a unit's figures, and what
goes around it in one answer. Together they are the same bytes as if the row had been encoded at once.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import orjson

from tabulation.derived.columns import Row, Value

SAID: Final = ("feed", "held")
"""The columns after a unit's own."""


@dataclass(frozen=True, eq=False)
class Around:
    """What an answer says of a row besides its figures, encoded once for all rows around which it goes.

    The columns before them, the source's feed, and whether an operator holds the unit back.
    """

    head: Row
    feed: str
    held: bool

    @cached_property
    def json(self) -> tuple[bytes, bytes]:
        """Before and after a unit's members of an object."""
        return _inside(self.head), _inside({"feed": self.feed, "held": int(self.held)})

    @cached_property
    def csv(self) -> tuple[bytes, bytes]:
        """Before and after a unit's values."""
        return _joined(self.head.values()), _joined((self.feed, int(self.held)))


class Form(Protocol):
    """How rows are written; `key` is what a unit's keys begin with where several are in one object."""

    def piece(self, key: str, row: Row) -> bytes:
        """A unit's columns."""
        ...

    def line(self, key: str, piece: bytes, around: Around) -> bytes:
        """A piece with what goes around it."""
        ...

    def whole(self, lines: Iterable[bytes], names: Sequence[str], around: Around) -> bytes:
        """All lines; `names` are the columns of the pieces, `around` goes around the first of them."""
        ...


class JsonRows:
    """An array of flat objects."""

    def piece(self, _key: str, row: Row) -> bytes:
        """A unit's columns, without the braces."""
        return _inside(row)

    def line(self, _key: str, piece: bytes, around: Around) -> bytes:
        """An object."""
        head, said = around.json
        return b"{%b,%b,%b}" % (head, piece, said)

    def whole(self, lines: Iterable[bytes], _names: Sequence[str], _around: Around) -> bytes:
        """The array."""
        return b"[%b]" % b",".join(lines)


class CsvRows:
    """CSV as RFC 4180 has it, with a header."""

    def piece(self, _key: str, row: Row) -> bytes:
        """A unit's values."""
        return _joined(row.values())

    def line(self, _key: str, piece: bytes, around: Around) -> bytes:
        """A line, with its end."""
        head, said = around.csv
        return b"%b,%b,%b\r\n" % (head, piece, said)

    def whole(self, lines: Iterable[bytes], names: Sequence[str], around: Around) -> bytes:
        """The header and the lines."""
        return b"%b\r\n%b" % (_joined([*around.head, *names, *SAID]), b"".join(lines))


class FlatObject:
    """One object: first what all rows share, then each unit's columns behind its key."""

    def piece(self, key: str, row: Row) -> bytes:
        """A unit's columns behind its key, without the braces."""
        return _inside({f"{key}_{name}": value for name, value in row.items()})

    def line(self, key: str, piece: bytes, around: Around) -> bytes:
        """A unit's part of the object."""
        return b"%b,%b" % (piece, _inside({f"{key}_held": int(around.held)}))

    def whole(self, lines: Iterable[bytes], _names: Sequence[str], around: Around) -> bytes:
        """The object."""
        return b"{%b,%b}" % (_inside({**around.head, "feed": around.feed}), b",".join(lines))


def _inside(row: Row) -> bytes:
    """A JSON object's members, without the braces."""
    return orjson.dumps(row)[1:-1]


def _joined(values: Iterable[Value]) -> bytes:
    """A line of CSV without its end; more than one value, as a lone empty one would be quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue().encode()
