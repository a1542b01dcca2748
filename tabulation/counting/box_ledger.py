"""The box ledger of one cell: which statement about each box stands, and the running totals over them.

The law: of the statements about a box the one with the highest order wins (its revision and, among what was let out of
quarantine, which one it is); the same order again is a duplicate if it says the same, a conflict if it does not, and
then the first one stands; a lower order is stale. A withdrawal or annulment is a revision too. The event time of a box
is that of the statement that stands, of duplicates the latest, and the cell's is the newest of its boxes'. So any order
of arrival and any duplication of the same events end in the same ledger.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from schemas.figures import EVERY_COUNT, Given
from schemas.tally import RELEASED_BITS, Counted, Withdrawn
from schemas.totals import Cell, HashedFigures, Totals
from tabulation.counting.cells import BOX_FLAGS, Sums, totals_of
from tabulation.counting.packed_counts import Packing, event_time, packing_of

Outcome = Literal["counted", "duplicate", "stale", "conflict"]
"""What became of a tally event."""

_UNHEARD: Final = 0
"""The packed statement of a box that no tally named yet: its order is 0, lower than that of any statement."""

_BOX_BYTES: Final = 4
"""A box's number in a packed ledger."""


class BoxLedger:
    """The boxes of one cell. `version` is the log offset of the last tally that changed anything that is kept.

    `candidates` are the ballot's, by id; `boxes_total` is how many boxes the district has or had, `closed` those that
    it has no more.
    """

    __slots__ = (
        "_boxes",
        "_has_newest",
        "_newest",
        "_packed",
        "_restored",
        "_total",
        "boxes_total",
        "cell",
        "closed",
        "given",
        "packing",
        "version",
        "votes_per_voter",
    )

    def __init__(
        self,
        cell: Cell,
        candidates: tuple[str, ...],
        boxes_total: int,
        votes_per_voter: int = 1,
        given: Given = EVERY_COUNT,
        closed: frozenset[int] = frozenset(),
    ) -> None:
        self.cell = cell
        self.given = given
        self.votes_per_voter = votes_per_voter
        self.boxes_total = boxes_total
        self.closed = closed
        self.version = -1
        self.packing: Packing = packing_of(candidates, boxes_total, votes_per_voter, given)
        self._boxes: dict[int, int] = {}
        self._total = 0
        self._newest: datetime | None = None
        self._has_newest = True  # else `_newest` only bounds the boxes' event times: the box that had it says another
        self._packed: bytes | None = None
        self._restored = Sums.zero(candidates)

    def __len__(self) -> int:
        """How many boxes have been heard of."""
        return len(self.heard())

    def amended(
        self, candidates: tuple[str, ...], boxes_total: int, offset: int, closed: frozenset[int] = frozenset()
    ) -> "BoxLedger":
        """The same ledger from `offset` on, with a ballot that has everybody of this one's, and so many boxes.

        Its version never falls: what was kept before a restart may hold more than lies before `offset`.
        """
        ledger = BoxLedger(self.cell, candidates, boxes_total, self.votes_per_voter, self.given, closed)
        boxes, newest, before = self.heard(), self.as_of, self.packing
        ledger._boxes = {
            box: ledger.packing.of_sums(before.sums(packed), before.moment(packed), before.order(packed))
            for box, packed in boxes.items()
        }
        ledger._total = sum(ledger._boxes.values())
        ledger._newest, ledger.version = newest, max(self.version, offset)
        return ledger

    @property
    def layout(self) -> dict[str, Any]:
        """Return what a packed row is made of. A checkpoint with another layout is not used."""
        row_bytes = self.packing.size_bytes + _BOX_BYTES
        numbers = {"candidates": len(self.packing.candidates), "counts": [*self.given.kept], "flags": [*BOX_FLAGS]}
        return {"row_bytes": row_bytes, **numbers, "above": ["excess", "moment", "order"]}

    @property
    def sums(self) -> Sums:
        """The sums of the opened boxes as they stand."""
        return self.packing.sums(self._total) if self._packed is None else self._restored

    def figures(self) -> HashedFigures:
        """Return the sums in the bytes that the state hash covers."""
        self.heard()
        return self.packing.figures(self._total)

    @property
    def as_of(self) -> datetime | None:
        """The newest event time of what stands; `None` before anything does."""
        if not self._has_newest:
            self._newest = event_time(max(map(self.packing.moment, self._boxes.values())))
            self._has_newest = True
        return self._newest

    def heard(self) -> Mapping[int, int]:
        """Return the packed statement that stands of each box that any tally named, by box number."""
        return self._boxes if self._packed is None else self._unpack()

    def opened(self, boxes: Iterable[int]) -> Mapping[int, int]:
        """Return the packed counts of those of these boxes that are opened, by box number.

        Without moment and order: equal integers are equal counts, whatever the event time and revision.
        """
        heard, is_open, counts = self.heard(), self.packing.is_open, self.packing.counts_mask
        return {box: packed & counts for box in boxes if is_open(packed := heard.get(box, _UNHEARD))}

    def apply(self, tally: Counted | Withdrawn, offset: int) -> Outcome:
        """Fold one tally of this cell, which lies at `offset` of its partition, and return what became of it."""
        boxes = self._boxes if self._packed is None else self._unpack()
        packed, standing = self.packing.of(tally), boxes.get(tally.box, _UNHEARD)
        outcome: Outcome = "counted"
        if standing:
            outcome = self._outcome(packed, standing)
            # The order has the highest bits: the smaller integer has a lower order, or is a duplicate that is no newer.
            if packed <= standing or outcome == "conflict":
                return outcome
        boxes[tally.box] = packed
        self._total += packed - standing
        self.version = offset
        newest = self._newest
        if newest is None or tally.at >= newest:
            self._newest, self._has_newest = tally.at, True
        elif standing and event_time(self.packing.moment(standing)) >= newest:
            self._has_newest = False
        return outcome

    def outcome_of(self, tally: Counted | Withdrawn) -> Outcome:
        """Return what would become of a tally of this cell if it were folded now; nothing changes."""
        return self._outcome(self.packing.of(tally), self.heard().get(tally.box, _UNHEARD))

    @property
    def impossible(self) -> int:
        """How many of the opened boxes have figures that no box can have."""
        is_unpacked = self._packed is None
        return self.packing.impossible(self._total) if is_unpacked else self._restored.flags["impossible"]

    def newest_impossible(self) -> tuple[int, datetime] | None:
        """Of the impossible boxes the one that was told last, and when; `None` where there is none."""
        impossible, moment = self.packing.impossible, self.packing.moment
        found = ((moment(packed), box) for box, packed in self.heard().items() if impossible(packed))
        newest = max(found, default=None)
        return (newest[1], event_time(newest[0])) if newest is not None else None

    def revision_of(self, box: int | None) -> int:
        """The revision that stands of a box; 0 before the first."""
        return self.packing.order(self.heard().get(box or 0, _UNHEARD)) >> RELEASED_BITS

    def restarts(self, tally: Counted | Withdrawn) -> bool:
        """Whether a stale tally was told later than what stands, and says something else.

        So speaks a source that began to number anew; what only came late, or says the same, is no sign of it.
        """
        packed, standing = self.packing.of(tally), self.heard().get(tally.box, _UNHEARD)
        is_later = self.packing.moment(packed) > self.packing.moment(standing)
        return is_later and bool((packed ^ standing) & self.packing.counts_mask)

    def _outcome(self, packed: int, standing: int) -> Outcome:
        """Compare a packed statement with the one that stands of the same box."""
        differing = packed ^ standing
        if differing >> self.packing.order_at:
            return "counted" if packed > standing else "stale"  # the order has the highest bits
        return "conflict" if differing & self.packing.counts_mask else "duplicate"

    def totals(self, zone: ZoneInfo) -> Totals:
        """The cell's totals as they stand; `as_of` in the election's time zone. Only once something was counted."""
        totals = totals_of(self, zone)
        return totals.model_copy(update={"closed": len(self.opened(self.closed))}) if self.closed else totals

    def pack(self) -> bytes:
        """Every box's number and what is said of it, by box number: what a checkpoint keeps."""
        if self._packed is not None:
            return self._packed
        size_bytes = self.packing.size_bytes
        rows = [
            packed.to_bytes(size_bytes, "little") + box.to_bytes(_BOX_BYTES)
            for box, packed in sorted(self._boxes.items())
        ]
        return transposed(b"".join(rows), size_bytes + _BOX_BYTES)

    def restore(self, packed: bytes, sums: Sums, version: int, as_of: datetime) -> None:
        """Take over a checkpoint. The boxes are only unpacked when the first tally comes: most cells restart idle.

        Raises `ValueError` where it is not made of whole rows.
        """
        if len(packed) % (self.packing.size_bytes + _BOX_BYTES):
            raise ValueError(f"the checkpoint of {self.cell} was cut within a row")
        self._packed = packed
        self._restored = sums
        self.version = version
        self._newest = as_of

    def _unpack(self) -> dict[int, int]:
        packed, size_bytes = self._packed or b"", self.packing.size_bytes
        row_bytes = size_bytes + _BOX_BYTES
        rows = transposed(packed, len(packed) // row_bytes)
        self._boxes = {
            int.from_bytes(rows[at + size_bytes : at + row_bytes]): int.from_bytes(rows[at : at + size_bytes], "little")
            for at in range(0, len(rows), row_bytes)
        }
        self._total = sum(self._boxes.values())
        self._packed = None
        return self._boxes


def transposed(rows: bytes, row_bytes: int) -> bytes:
    """Rows of so many bytes as columns: what they have alike, such as zeros, comes to lie together and deflates well.

    The columns are rows again, of as many bytes as there were rows: transposed as such they are what they were.
    """
    return b"".join([rows[column::row_bytes] for column in range(row_bytes)])
