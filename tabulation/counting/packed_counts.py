"""Packed counts: all that a statement says of a box in one integer, each number in bits of its own. Pure.

Adding two such integers adds every number in them at once, and subtracting takes every number away: so a box that
opens is one addition to its cell's sums, whatever was said of it before. Equal integers say the same. A night's boxes
are kept by the million: this way each is one object, without any inside it and invisible to the garbage collector.

Above the numbers lie when it was said (its moment) and which statement it is (its order), which no sum means anything
by. The order is the highest: of two statements about one box the greater integer is the one that stands.
"""

from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from struct import Struct
from typing import Final

from schemas.fields import FIRST_EVENT
from schemas.figures import EVERY_COUNT, EVERYWHERE, Given, stated_in
from schemas.tally import RELEASED_BITS, Counted, Withdrawn
from schemas.totals import HashedFigures
from tabulation.counting.cells import (
    BOX_FLAGS,
    MAX_BOX_EXCESS,
    MOST_BOX_VOTERS,
    Content,
    Sums,
    doubt_in,
    filled,
    odd_among,
    odd_in,
)

MOMENT_BYTES: Final = 8
"""The event time, in microseconds since `FIRST_EVENT`: room for three hundred years of them, and for none before."""

ORDER_BYTES: Final = 8
"""Which statement it is (`schemas.tally.order_of`): room for `MAX_REVISION` and `MAX_RELEASED`."""

_ABOVE_BYTES: Final = MOMENT_BYTES + ORDER_BYTES
_MOMENT_MASK: Final = (1 << 8 * MOMENT_BYTES) - 1
_S_PER_DAY: Final = 86_400
_US_PER_S: Final = 1_000_000

_NO_DOUBT: Final = (0, False)

_UNATTRIBUTED: Final = EVERYWHERE.index("unattributed")

_HASHED_BYTES: Final = 8
"""A number in `HashedFigures`."""

_SHARED_LAYOUTS: Final = 4_096
"""Layouts kept: one for each ballot, and Türkiye's night has 973 districts with three ballots each."""


class Packing:
    """Where each number of a cell lies, from the lowest bits.

    These are: candidates' votes, the counts that are kept of the contest, `BOX_FLAGS`, the excess, moment, order.
    A field has 32 bits, or 64 in a district so large that the sum of its boxes might not fit: no field ever runs over.
    """

    __slots__ = (
        "_code",
        "_epoch",
        "_field_bits",
        "_fill",
        "_first_count",
        "_hashed_declared",
        "_hashed_everywhere",
        "_hashed_kept",
        "_hashed_votes",
        "_impossible_at",
        "_is_plain",
        "_low_words",
        "_nothing",
        "_place",
        "_unpack",
        "_votes_lent",
        "_votes_mask",
        "_votes_per_voter",
        "_wide",
        "_without",
        "candidates",
        "counts_mask",
        "given",
        "moment_at",
        "order_at",
        "size_bytes",
    )

    def __init__(
        self, candidates: tuple[str, ...], *, wide: bool, votes_per_voter: int = 1, given: Given = EVERY_COUNT
    ) -> None:
        self._votes_per_voter = votes_per_voter
        self.given: Final = given
        self._is_plain = given.is_plain
        number_of_counts = len(given.kept)
        above_votes = number_of_counts + len(BOX_FLAGS) + 1
        """The fields above the candidates': each count, how often each flag holds, and the excess."""
        self._without = (0,) * (above_votes - 2)
        """The numbers of a box that does not count, after `annulled`."""
        code = "Q" if wide else "I"
        # For `of`: the candidates' fields are filled by index, all above them at once.
        self.candidates = candidates
        self._place = {candidate: place for place, candidate in enumerate(candidates)}
        numbers = Struct(f"={len(candidates) + above_votes}{code}")
        fill = Struct(f"={above_votes}{code}QQ")
        self._unpack = numbers.unpack
        self._fill = fill.pack_into
        self.size_bytes: Final = numbers.size + _ABOVE_BYTES
        self._first_count = self.size_bytes - fill.size
        self._nothing = array(code, bytes(self.size_bytes))
        self._code = code
        # For `figures`: each number in the eight bytes of the state hash, and which slices of those are what.
        words = _HASHED_BYTES // self._nothing.itemsize
        self._wide = array(code, bytes(_HASHED_BYTES * (len(candidates) + above_votes)))
        self._low_words = slice(words - 1, None, words)
        votes, everywhere, kept = (
            _HASHED_BYTES * count for count in (len(candidates), len(EVERYWHERE), number_of_counts)
        )
        self._hashed_votes = slice(votes)
        self._hashed_everywhere = slice(votes, votes + everywhere)
        self._hashed_kept = slice(votes, votes + kept)
        self._hashed_declared = slice(votes + everywhere, votes + kept)
        # For `impossible` and `votes_apart`: where fields lie in the integer, in bits.
        bits: int = 8 * self._nothing.itemsize
        self._field_bits = bits
        self._impossible_at = bits * (len(candidates) + number_of_counts + BOX_FLAGS.index("impossible"))
        ones: int = sum(1 << bits * field for field in (*range(len(candidates)), len(candidates) + _UNATTRIBUTED))
        self._votes_mask = ones * ((1 << bits) - 1)
        self._votes_lent = ones << bits - 1
        self.moment_at: Final = 8 * numbers.size
        """How many bits the moment lies above."""
        self.order_at: Final = self.moment_at + 8 * MOMENT_BYTES
        """How many bits the order lies above."""
        self.counts_mask: Final = (1 << self.moment_at) - 1
        self._epoch = FIRST_EVENT

    def of(self, statement: Counted | Withdrawn) -> int:
        """Pack a statement about one box into an integer.

        Raises `KeyError` for votes for a candidate who is not on the ballot.
        """
        at, epoch = statement.at, self._epoch
        since = at - epoch if at.tzinfo is epoch.tzinfo else self._since_epoch(at)
        moment = (since.days * _S_PER_DAY + since.seconds) * _US_PER_S + since.microseconds
        order = statement.revision << RELEASED_BITS | statement.released
        row = self._nothing[:]
        if type(statement) is Withdrawn:
            annulled = statement.type == "annulled"
            self._fill(row, self._first_count, 0, annulled, *self._without, moment, order)
            return int.from_bytes(row, "little")
        place, votes = self._place, statement.votes
        try:
            for candidate, count in votes.items():
                row[place[candidate]] = count
        except KeyError:  # one who is not on the ballot, and has no votes
            for candidate, count in votes.items():
                if count:
                    row[place[candidate]] = count
        if not self._is_plain:
            self._fill(row, self._first_count, *self._told(statement), moment, order)
            return int.from_bytes(row, "little")
        # The rules let it through, so it has every count. The numbers are written out one by one, in the order of
        # `COUNTS`, `BOX_FLAGS`, excess, moment, order: a tuple of them costs a tenth more, and this runs once a tally.
        registered, voted, valid = statement.registered, statement.cast, statement.valid
        invalid, unattributed = statement.invalid, statement.unattributed
        over_registered, cast_differs, parties_differ = odd_among(
            registered, voted, valid, valid + invalid, sum(votes.values()) + unattributed, self._votes_per_voter
        )
        is_odd = over_registered or cast_differs or parties_differ
        excess, is_impossible = _NO_DOUBT
        if is_odd or registered > MOST_BOX_VOTERS:
            excess, is_impossible = doubt_in(Content.of(statement, self.given), self._votes_per_voter)
        self._fill(
            row,
            self._first_count,
            1,
            0,
            registered,
            voted,
            valid,
            invalid,
            unattributed,
            is_odd,
            over_registered,
            cast_differs,
            parties_differ,
            is_impossible,
            excess,
            moment,
            order,
        )
        return int.from_bytes(row, "little")

    def _told(self, statement: Counted) -> Iterable[int]:
        """The numbers of a box, where the contest counts blank votes apart or the source does not give every count."""
        content = Content.of(statement, self.given)
        judged = filled(content, self.given.absent, self._votes_per_voter)
        odd = odd_in(judged, self._votes_per_voter)
        excess, is_impossible = doubt_in(judged, self._votes_per_voter)
        counts = {"boxes_opened": 1, "annulled": 0, **stated_in(content), "flagged": any(odd)}
        return (*(counts[name] for name in self.given.kept), *odd, is_impossible, excess)

    def of_sums(self, sums: Sums, moment: int, order: int) -> int:
        """Pack what another layout has of one statement: its sums, moment and order."""
        row = self._nothing[:]
        for candidate, votes in sums.votes.items():
            row[self._place[candidate]] = votes
        counts, flags = (getattr(sums, name) for name in self.given.kept), (sums.flags[flag] for flag in BOX_FLAGS)
        self._fill(row, self._first_count, *counts, *flags, sums.excess, moment, order)
        return int.from_bytes(row, "little")

    def _since_epoch(self, at: datetime) -> timedelta:
        """How long after `FIRST_EVENT` this is.

        The difference of two times in one zone of a fixed offset is a seventh of the work, and a feed writes all its
        times in one: so the epoch is kept as the zone of the last event writes it.
        """
        if type(at.tzinfo) is timezone:
            self._epoch = FIRST_EVENT.astimezone(at.tzinfo)
            return at - self._epoch
        return at.astimezone(UTC) - FIRST_EVENT

    def moment(self, packed: int) -> int:
        """Return the event time in such an integer, in microseconds since `FIRST_EVENT`."""
        return packed >> self.moment_at & _MOMENT_MASK

    def order(self, packed: int) -> int:
        """Return the order of the statement in such an integer: see `schemas.tally.order_of`."""
        return packed >> self.order_at

    def figures(self, packed: int) -> HashedFigures:
        """The figures in a sum of boxes, as they are hashed: without a look at any of them."""
        numbers = self._wide[:]
        numbers[self._low_words] = array(self._code, self._bytes(packed))
        numbers.byteswap()
        hashed = numbers.tobytes()
        is_declared = any(hashed[self._hashed_declared])
        return HashedFigures(
            hashed[self._hashed_kept if is_declared else self._hashed_everywhere], hashed[self._hashed_votes]
        )

    def sums(self, packed: int) -> Sums:
        """Unpack the sums in such an integer."""
        numbers = self._unpack(self._bytes(packed))
        first = len(self.candidates)
        kept = self.given.kept
        counts, flags = numbers[first : first + len(kept)], numbers[first + len(kept) : -1]
        votes = dict(zip(self.candidates, numbers, strict=False))  # the candidates' fields are the lowest
        return Sums(
            **dict(zip(kept, counts, strict=True)),
            flags=dict(zip(BOX_FLAGS, flags, strict=True)),
            votes=votes,
            excess=numbers[-1],
        )

    def impossible(self, packed: int) -> int:
        """Return how many of the boxes in such an integer are impossible."""
        return packed >> self._impossible_at & (1 << self._field_bits) - 1

    def votes_apart(self, a: int, b: int) -> int:
        """Return how many votes two boxes differ by: of every candidate, and of those not yet attributed.

        All fields at once. The highest bit of a field, which no box's count reaches, is lent to `a` so that no field
        borrows from the next; where it is still there, `a` has as many or more. Twice what `a` has more there, less the
        difference, is each field's distance; and a number modulo 2^n - 1 is its fields of n bits added up, as the
        digits of a decimal are by casting out nines.
        """
        mask, lent, bits = self._votes_mask, self._votes_lent, self._field_bits
        ahead = (a & mask | lent) - (b & mask)
        still_there = ahead & lent
        more = ahead & still_there - (still_there >> bits - 1)
        return (2 * more - (ahead - lent)) % ((1 << bits) - 1)

    def shared_mask(self, other: "Packing") -> int:
        """The bits of all that two sources both say of a box: where one does not give a count, without it.

        What is odd and in doubt follows from the counts, so it is compared only where both give the same ones.
        """
        if self.given == other.given:
            return self.counts_mask
        field, bits = (1 << self._field_bits) - 1, self._field_bits
        kept, shared = self.given.kept, set(self.given.counts) & set(other.given.counts) - {"flagged"}
        fields = [*range(len(self.candidates)), *(len(self.candidates) + kept.index(name) for name in shared)]
        return sum(field << bits * place for place in fields)

    def is_open(self, packed: int) -> bool:
        """Return whether a box is opened: counted, and not withdrawn or annulled."""
        return bool(packed >> 8 * self._first_count & 1)

    def _bytes(self, packed: int) -> bytes:
        return (packed & self.counts_mask).to_bytes(self.size_bytes - _ABOVE_BYTES, "little")


def event_time(moment: int) -> datetime:
    """The time that is so many microseconds after `FIRST_EVENT`."""
    return FIRST_EVENT + timedelta(microseconds=moment)


@lru_cache(maxsize=_SHARED_LAYOUTS)
def packing_of(
    candidates: tuple[str, ...], boxes_total: int, votes_per_voter: int = 1, given: Given = EVERY_COUNT
) -> Packing:
    """The layout for a ballot in a district of so many boxes; one object for all sources that give the same counts."""
    is_wide = boxes_total * MAX_BOX_EXCESS >= 2**32
    return Packing(candidates, wide=is_wide, votes_per_voter=votes_per_voter, given=given)
