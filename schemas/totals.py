"""Totals: the absolute figures of one (contest, source, district), as the aggregator publishes them, and their hash.

The state hash is one digest of all totals, which does not depend on the order in which they came about. Each cell has a
digest (`CellHash`), and the state is their sum modulo 2^128. So it is updated by subtracting a cell's old digest and
adding its new one, the states of partitions add up to that of all, and two states are equal exactly if every cell's
figures are. `version` is not covered: it is a position in a log, not a figure.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from struct import Struct
from typing import Final, Literal, NamedTuple

import orjson
from pydantic import AwareDatetime, TypeAdapter

from schemas.fields import CellTotal, Frozen, Id, UnitId, Version
from schemas.figures import read_declared, read_everywhere


class Cell(NamedTuple):
    """What totals are kept for: one contest, one source, one district. Also the key of its records."""

    contest: str
    source: str
    district: str

    def key(self) -> bytes:
        """The record key, such as `metropolitan_mayor/aa/tr/34/uskudar`."""
        return f"{self.contest}/{self.source}/{self.district}".encode()


class Totals(Frozen):
    """One district's totals for one contest and source.

    `version` is the offset of the last tally that changed them: it only grows, and a reader drops what is not newer. It
    is -1 where the source has said nothing, and all there is was set by hand.
    `registered` and everything after it are sums over the *opened* boxes; `annulled` counts boxes annulled and not
    opened again; `flagged` counts opened boxes whose counts are odd but possible. `overridden` names the figures that
    an operator has set by hand, such as `votes.imamoglu`; what an aggregator publishes has none. `excess` is in votes:
    by so many more than the sums tell may a lead be wrong, as single boxes contradict themselves. `closed` is how many
    of the opened boxes the definition has closed. Neither is hashed.
    A count that the source does not give by the definition is 0 here, and is told to nobody as a number.
    """

    v: Literal[1] = 1
    contest: Id
    source: Id
    district: UnitId
    version: Version
    as_of: AwareDatetime
    boxes_opened: CellTotal
    annulled: CellTotal
    registered: CellTotal
    cast: CellTotal
    valid: CellTotal
    invalid: CellTotal
    unattributed: CellTotal
    flagged: CellTotal
    blank: CellTotal = 0
    votes: dict[Id, CellTotal]
    overridden: tuple[str, ...] = ()
    excess: CellTotal = 0
    closed: CellTotal = 0

    @property
    def cell(self) -> Cell:
        """The cell that these totals are of."""
        return Cell(self.contest, self.source, self.district)

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, votes by candidate id, so equal totals are equal bytes."""
        record = {name: getattr(self, name) for name in _FIELDS} | {"votes": dict(sorted(self.votes.items()))}
        if self.blank:
            record["blank"] = self.blank
        if self.overridden:
            record["overridden"] = self.overridden
        if self.excess:  # without it the bytes are those that earlier releases write of the same figures
            record["excess"] = self.excess
        if self.closed:
            record["closed"] = self.closed
        return orjson.dumps(record)


_FIELDS: Final = tuple(name for name in Totals.model_fields if name not in ("blank", "overridden", "excess", "closed"))

TOTALS: Final = TypeAdapter(Totals)


def parse_totals(value: bytes) -> Totals:
    """Parse one record value. Raises pydantic's `ValidationError` where it is not a totals record."""
    return TOTALS.validate_json(value)


class Told(StrEnum):
    """Which totals a reader is told, where it is not the source's own record: they differ by what operators ordered.

    `on_air` is what the public sees while there is no embargo, `control_room` has the newest of what is held, too, and
    `log` is what the sources say themselves: nothing held back, nothing set by hand.
    """

    ON_AIR = "on_air"
    CONTROL_ROOM = "control_room"
    LOG = "log"


class Row(NamedTuple):
    """One line of a result table: the figures of a unit at any level. `overridden`: of it, or of a district below.

    `boxes_surplus`, `complete` and `contradictions` are what may be said of the unit; they follow from its districts
    and never from its sums. The surplus is of boxes opened beyond those that the definition has. A count that the
    source does not give is `None`; so is `blank` where the contest does not count blank votes apart.
    """

    contest: str
    source: str
    unit: str
    level: str
    boxes_opened: int
    boxes_total: int
    registered: int | None
    cast: int | None
    valid: int | None
    invalid: int | None
    unattributed: int
    flagged: int
    votes: dict[str, int]
    overridden: tuple[str, ...] = ()
    boxes_surplus: int = 0
    complete: bool = False
    contradictions: tuple[str, ...] = ()
    blank: int | None = None

    def fields(self) -> dict[str, object]:
        """The fields by name. Where no blank votes are known there is none of them."""
        fields: dict[str, object] = self._asdict()
        if self.blank is None:
            del fields["blank"]
        return fields

    @property
    def boxes_credited(self) -> int:
        """The opened boxes that count in a share of boxes: never more than there are."""
        return self.boxes_opened - self.boxes_surplus


def encode_rows(rows: Iterable[Row], marks: Callable[[Row], dict[str, object]] = lambda _: {}) -> bytes:
    """Rows as a JSON array, two spaces deep, votes by candidate id: the same rows are the same bytes.

    `marks` are further fields of a row. Rows without blank votes have no field for them.
    """
    table = [row.fields() | {"votes": dict(sorted(row.votes.items()))} | marks(row) for row in rows]
    return orjson.dumps(table, option=orjson.OPT_INDENT_2)


STATE_BYTES: Final = 16
"""128 bits, as each cell's digest."""

_MASK: Final = 2 ** (8 * STATE_BYTES) - 1
_NUMBER_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class HashedFigures(NamedTuple):
    """A cell's figures in the bytes that the state hash covers: counts and votes, 64-bit numbers, big-endian.

    Counts are in the order of `schemas.figures.COUNTS`, votes in that of the candidates' ids. The counts of contests
    that declare them are covered where they are not 0: without them the bytes are those of earlier releases, and as a
    cell has always the same names no two states have the same bytes.
    """

    counts: bytes
    votes: bytes

    @classmethod
    def of(cls, figures: object, votes: Mapping[str, int]) -> "HashedFigures":
        """The figures of whatever has `schemas.figures.COUNTS` as attributes."""
        everywhere, declared = read_everywhere(figures), read_declared(figures)
        counts = everywhere if not any(declared) else (*everywhere, *declared)
        return cls(_packed(counts), _packed([count for _, count in sorted(votes.items())]))


class CellHash:
    """Computes digests of one cell as its figures change.

    A digest is BLAKE2b-128 over the cell's key, the names on its ballot in their order, and its figures as 64-bit
    numbers: the counts, `as_of` in microseconds since 1970, and each name's votes. The first half is hashed once.
    """

    __slots__ = ("_base",)

    def __init__(self, cell: Cell, names: Iterable[str]) -> None:
        self._base = blake2b(orjson.dumps([*cell, sorted(names)]), digest_size=STATE_BYTES)

    def digest(self, figures: HashedFigures, as_of_us: int) -> int:
        """Return the digest of these figures; `as_of_us` is in microseconds since 1970."""
        hashed = self._base.copy()
        hashed.update(figures.counts + as_of_us.to_bytes(_NUMBER_BYTES, signed=True) + figures.votes)
        return int.from_bytes(hashed.digest())


def _packed(numbers: Collection[int]) -> bytes:
    return Struct(f">{len(numbers)}q").pack(*numbers)


class State:
    """The state of some cells, updated cell by cell."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = 0

    def replace(self, before: int, digest: int) -> bytes:
        """Replace a cell's digest, 0 before it has one; returns the state, as `hash` does."""
        self._sum = (self._sum - before + digest) & _MASK
        return self._sum.to_bytes(STATE_BYTES, "big")

    def hash(self) -> bytes:
        """Return the state, `STATE_BYTES` long."""
        return self._sum.to_bytes(STATE_BYTES, "big")


def joined(states: Iterable[bytes]) -> bytes:
    """Add up the states of parts, such as partitions. No cell may be in two of them."""
    return (sum(int.from_bytes(state, "big") for state in states) & _MASK).to_bytes(STATE_BYTES, "big")


def digest_of(totals: Totals) -> int:
    """Return the digest of one cell's totals."""
    as_of_us = (totals.as_of - _EPOCH) // _MICROSECOND
    return CellHash(totals.cell, totals.votes).digest(HashedFigures.of(totals, totals.votes), as_of_us)


def state_of(totals: Iterable[Totals]) -> bytes:
    """Return the state of totals; of a cell that is there more than once the highest `version` counts."""
    newest: dict[Cell, Totals] = {}
    for one in totals:
        known = newest.get(one.cell)
        if known is None or one.version > known.version:
            newest[one.cell] = one
    state = State()
    for one in newest.values():
        state.replace(0, digest_of(one))
    return state.hash()
