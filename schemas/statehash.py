"""The state hash: one digest of all totals, which does not depend on the order in which they came about.

Each cell has a digest (`CellHash`), and the state is their sum modulo 2^128. So it is updated by subtracting a cell's
old digest and adding its new one, the states of partitions add up to that of all, and two states are equal exactly if
every cell's figures are. `version` is not covered: it is a position in a log, not a figure.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

import orjson

from schemas.figures import read_declared, read_everywhere
from schemas.totals import Cell, Totals

STATE_BYTES: Final = 16
"""128 bits, as each cell's digest."""

EMPTY: Final = bytes(STATE_BYTES)
"""The state of no totals at all."""

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
