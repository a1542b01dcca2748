"""Lanes: all that a revision says of a box in one integer, each number in bits of its own. Pure.

Adding two such integers adds every number in them at once, and subtracting takes every number away: so a box that
opens is one addition to its cell's sums, whatever was said of it before. Equal integers say the same. A night's boxes
are kept by the million: this way each is one object, without any inside it and invisible to the garbage collector.
"""

from array import array
from functools import lru_cache
from struct import Struct
from typing import Final

from consumers.sums import FLAGS, Sums, odd_in
from schemas.fields import MAX_BOX_COUNT
from schemas.statehash import Figures
from schemas.tally import Counted, Withdrawn
from schemas.totals import COUNTS

REVISION_BYTES: Final = 8
"""Above all lanes: room for `MAX_REVISION`."""

_NUMBERS: Final = len(COUNTS) + len(FLAGS)
"""The lanes above the candidates': how often each count and flag holds, from `boxes_opened` to the last flag."""

_UNATTRIBUTED: Final = COUNTS.index("unattributed")

_HASHED_BYTES: Final = 8
"""A number in `Figures`."""

_SHARED_LAYOUTS: Final = 4_096
"""Layouts kept: one for each ballot, and Türkiye's night has 973 districts with three ballots each."""


class Lanes:
    """Where each number of a cell lies. From the lowest bits: the candidates' votes, `COUNTS`, `FLAGS`, the revision.

    A lane has 32 bits, or 64 in a district so large that the sum of its boxes might not fit: no lane ever runs over.
    """

    __slots__ = (
        "_code",
        "_fill",
        "_first_count",
        "_lane_bits",
        "_low_words",
        "_nothing",
        "_place",
        "_unpack",
        "_votes_lent",
        "_votes_mask",
        "_wide",
        "candidates",
        "counts_mask",
        "size_bytes",
        "top",
    )

    def __init__(self, candidates: tuple[str, ...], *, wide: bool) -> None:
        code = "Q" if wide else "I"
        self.candidates = candidates
        self._place = {candidate: place for place, candidate in enumerate(candidates)}
        numbers = Struct(f"={len(candidates) + _NUMBERS}{code}")
        fill = Struct(f"={_NUMBERS}{code}Q")
        self._unpack = numbers.unpack
        self._fill = fill.pack_into
        self.size_bytes: Final = numbers.size + REVISION_BYTES
        self._first_count = self.size_bytes - fill.size
        self._nothing = array(code, bytes(self.size_bytes))
        self._code = code
        words = _HASHED_BYTES // self._nothing.itemsize
        self._wide = array(code, bytes(_HASHED_BYTES * (len(candidates) + _NUMBERS)))
        self._low_words = slice(words - 1, None, words)
        bits: int = 8 * self._nothing.itemsize
        self._lane_bits = bits
        ones: int = sum(1 << bits * lane for lane in (*range(len(candidates)), len(candidates) + _UNATTRIBUTED))
        self._votes_mask = ones * ((1 << bits) - 1)
        self._votes_lent = ones << bits - 1
        self.top: Final = 8 * numbers.size
        """How many bits the revision lies above."""
        self.counts_mask: Final = (1 << self.top) - 1

    def of(self, said: Counted | Withdrawn) -> int:
        """What a revision says. Raises `KeyError` for a candidate who is not on the ballot."""
        row = self._nothing[:]
        if type(said) is Withdrawn:
            annulled = said.type == "annulled"
            self._fill(row, self._first_count, 0, annulled, 0, 0, 0, 0, 0, 0, 0, 0, 0, said.revision)
            return int.from_bytes(row, "little")
        place = self._place
        for candidate, votes in said.votes.items():
            row[place[candidate]] = votes
        odd = odd_in(said)
        self._fill(
            row,
            self._first_count,
            1,
            0,
            said.registered,
            said.cast,
            said.valid,
            said.invalid,
            said.unattributed,
            True in odd,
            *odd,
            said.revision,
        )
        return int.from_bytes(row, "little")

    def figures(self, lanes: int) -> Figures:
        """The figures in a sum of boxes, as they are hashed: without a look at any of them."""
        numbers = self._wide[:]
        numbers[self._low_words] = array(self._code, self._bytes(lanes))
        numbers.byteswap()
        hashed, first = numbers.tobytes(), _HASHED_BYTES * len(self.candidates)
        return Figures(hashed[first : first + _HASHED_BYTES * len(COUNTS)], hashed[:first])

    def sums(self, lanes: int) -> Sums:
        """The sums that such an integer holds."""
        numbers = self._unpack(self._bytes(lanes))
        first = len(self.candidates)
        counts, flags = numbers[first : first + len(COUNTS)], numbers[first + len(COUNTS) :]
        votes = dict(zip(self.candidates, numbers, strict=False))  # the candidates' lanes are the lowest
        return Sums(**dict(zip(COUNTS, counts, strict=True)), flags=dict(zip(FLAGS, flags, strict=True)), votes=votes)

    def votes_apart(self, a: int, b: int) -> int:
        """How many votes lie differently in two boxes: of every candidate, and of those not yet attributed.

        All lanes at once. The highest bit of a lane, which no box's count reaches, is lent to `a` so that no lane
        borrows from the next; where it is still there, `a` has as many or more. Twice what `a` has more there, less the
        difference, is each lane's distance; and a number modulo 2^n - 1 is its lanes of n bits added up, as the digits
        of a decimal are by casting out nines.
        """
        mask, lent, bits = self._votes_mask, self._votes_lent, self._lane_bits
        ahead = (a & mask | lent) - (b & mask)
        still_there = ahead & lent
        more = ahead & still_there - (still_there >> bits - 1)
        return (2 * more - (ahead - lent)) % ((1 << bits) - 1)

    def is_open(self, lanes: int) -> bool:
        """Whether what is said of a box is that it counts."""
        return bool(lanes >> 8 * self._first_count & 1)

    def _bytes(self, lanes: int) -> bytes:
        return (lanes & self.counts_mask).to_bytes(self.size_bytes - REVISION_BYTES, "little")


@lru_cache(maxsize=_SHARED_LAYOUTS)
def lanes_of(candidates: tuple[str, ...], boxes_total: int) -> Lanes:
    """The layout for a ballot in a district of so many boxes; one object for all sources."""
    return Lanes(candidates, wide=boxes_total * MAX_BOX_COUNT >= 2**32)
