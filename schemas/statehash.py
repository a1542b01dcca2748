"""The state hash: one digest of totals, whatever the order in which they came to be.

Each cell has a digest of its own, over its key and its figures; the state is their sum modulo 2^128. So it is kept up
to date by taking one cell's old digest out and its new one in, partitions add up to the whole, and two states are equal
exactly if every cell's figures are. `version` is left out: it says where in a log the totals came from, not what they
are.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from operator import attrgetter
from typing import Final, Protocol

import orjson

from schemas.totals import COUNTS, Cell, Totals

STATE_BYTES: Final = 16
"""128 bits, as each cell's digest."""

EMPTY: Final = bytes(STATE_BYTES)
"""The state of no totals at all."""

_MASK: Final = 2 ** (8 * STATE_BYTES) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Figures(Protocol):
    """The figures of a cell: those of `schemas.totals.COUNTS` and the votes."""

    @property
    def votes(self) -> Mapping[str, int]: ...


_COUNTS_OF: Final = attrgetter(*COUNTS)


def cell_digest(key: bytes, figures: Figures, as_of: datetime) -> int:
    """The digest of one cell: BLAKE2b-128 over its key and, as canonical JSON, its counts, `as_of` and votes.

    `as_of` counts as an instant (microseconds since 1970), in whatever zone it is written.
    """
    counts = (*_COUNTS_OF(figures), (as_of - _EPOCH) // _MICROSECOND, figures.votes)
    canonical = key + b"\0" + orjson.dumps(counts, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(canonical, digest_size=STATE_BYTES).digest(), "big")


class State:
    """The state of some cells, kept up to date cell by cell."""

    __slots__ = ("_digests", "_sum")

    def __init__(self) -> None:
        self._digests: dict[Cell, int] = {}
        self._sum = 0

    def put(self, cell: Cell, digest: int) -> None:
        """The cell's figures now have this digest."""
        self._sum = (self._sum - self._digests.get(cell, 0) + digest) & _MASK
        self._digests[cell] = digest

    def hash(self) -> bytes:
        """The state as it stands."""
        return self._sum.to_bytes(STATE_BYTES, "big")


def joined(states: Iterable[bytes]) -> bytes:
    """The state of everything, from the states of its parts: no cell may be in two of them."""
    return (sum(int.from_bytes(state, "big") for state in states) & _MASK).to_bytes(STATE_BYTES, "big")


def state_of(totals: Iterable[Totals]) -> bytes:
    """The state that totals are in; where a cell comes more than once, its highest `version` counts."""
    newest: dict[Cell, Totals] = {}
    for one in totals:
        known = newest.get(one.cell)
        if known is None or one.version > known.version:
            newest[one.cell] = one
    state = State()
    for cell, one in newest.items():
        state.put(cell, cell_digest(cell.key(), one, one.as_of))
    return state.hash()
