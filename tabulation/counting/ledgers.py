"""The ledger of one cell: which statement about each box stands, or which report of the whole district, and the totals.

The law of boxes: of the statements about a box the one with the highest order wins (its revision and, among what was
let out of quarantine, which one it is); the same order again is a duplicate if it says the same, a conflict if it does
not, and then the first one stands; a lower order is stale. A withdrawal or annulment is a revision too. The event time
of a box is that of the statement that stands, of duplicates the latest, and the cell's is the newest of its boxes'. So
any order of arrival and any duplication of the same events end in the same ledger.

The law of reports: a marked correction (`report_corrected`) begins anew. Of the reports from the newest correction on,
the one with the most boxes opened stands, among equals the last one. So a report takes the place of all before it,
unless it goes backwards and nobody marked it as meant. One is before another by its order, as with boxes. Which report
stands depends on the set of reports alone, not on the order in which they came or how often; what is said again as a
correction is one from then on. The cell's event time is that of the report that stands, of duplicates the latest.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from schemas.figures import EVERY_COUNT, STATED, Given, read_stated, stated_in
from schemas.tally import RELEASED_BITS, Counted, Reported, Withdrawn, order_of
from schemas.totals import Cell, HashedFigures, Totals
from tabulation.counting.cells import BOX_FLAGS, FLAGS, Content, Sums, filled, odd_in, totals_of
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


ReportOutcome = Literal["counted", "duplicate", "stale", "conflict", "backwards", "overturned"]
"""What became of a report. `backwards`: unmarked, with fewer boxes opened than the one that stands.

`overturned`: it stands, in the place of a later one that was here before and that it shows to go backwards.
"""

REPORT_FLAGS: Final = (*FLAGS, "boxes_over_total", "votes_without_boxes")
"""What is odd but possible in a report: as in a box, more boxes opened than there are, and counts of no box at all."""


class Report(NamedTuple):
    """One report as it is kept: `order` is its place among all (`schemas.tally.order_of`).

    `content` is its `Content` as canonical JSON: equal content is equal bytes.
    """

    order: int
    boxes_opened: int
    at: datetime
    content: bytes

    def says(self, other: "Report") -> bool:
        """Return whether both have the same counts, whatever their event times and revisions."""
        return (self.boxes_opened, self.content) == (other.boxes_opened, other.content)


class ReportLedger:
    """The reports of one cell. `version` is the log offset of the last report that changed anything in it.

    Kept are the report that stands and those that may yet, should it be corrected away: each was sent after the ones
    before it and has fewer boxes opened. So there are never more than `MAX_DISTRICT_BOXES`; usually there is one.
    """

    __slots__ = (
        "_corrected",
        "_reports",
        "as_of",
        "boxes_total",
        "cell",
        "given",
        "sums",
        "version",
        "votes_per_voter",
    )

    def __init__(
        self, cell: Cell, sums: Sums, boxes_total: int, votes_per_voter: int = 1, given: Given = EVERY_COUNT
    ) -> None:
        self.given = given
        self.cell = cell
        self.votes_per_voter = votes_per_voter
        self.sums = sums
        self.version = -1
        self.as_of: datetime | None = None
        self.boxes_total = boxes_total
        self._corrected = 0
        self._reports: list[Report] = []

    def __len__(self) -> int:
        """How many reports are kept."""
        return len(self._reports)

    def amended(self, candidates: tuple[str, ...], boxes_total: int, offset: int) -> "ReportLedger":
        """The same ledger from `offset` on, with a ballot that has everybody of this one's, and so many boxes.

        Its version never falls: what was kept before a restart may hold more than lies before `offset`.
        """
        ledger = ReportLedger(self.cell, Sums.zero(candidates), boxes_total, self.votes_per_voter, self.given)
        ledger._corrected, ledger._reports = self._corrected, self._reports.copy()
        ledger.version = max(self.version, offset)
        ledger._stand()
        return ledger

    @property
    def layout(self) -> dict[str, Any]:
        """Return what a packed report is made of. A checkpoint with another layout is not used."""
        return {"report": [*Report._fields], "content": [*self._stated, "votes"], "flags": [*REPORT_FLAGS]}

    def apply(self, reported: Reported, offset: int) -> ReportOutcome:
        """Fold one report of this cell, which lies at `offset` of its partition."""
        order = order_of(reported.revision, reported.released)
        if order < self._corrected:
            return "stale"
        new = Report(order, reported.boxes_opened, reported.at, self._packed(reported))
        kept = {report.order: report for report in self._reports}
        same = kept.get(order)
        if same is not None:
            if not same.says(new):
                return "conflict"
            new = new._replace(at=max(same.at, new.at))
        kept[order] = new
        corrected = order if reported.type == "report_corrected" else self._corrected
        reports = _may_stand(report for report in kept.values() if report.order >= corrected)
        if (reports, corrected) == (self._reports, self._corrected):
            return "stale" if same is None else "duplicate"
        stood = self.order
        self._reports, self._corrected, self.version = reports, corrected, offset
        self._stand()
        return self._outcome(new, stood, is_new=same is None)

    def outcome_of(self, reported: Reported) -> ReportOutcome:
        """Return what would become of a report of this cell if it were folded now; nothing changes."""
        trial = ReportLedger(self.cell, self.sums, self.boxes_total, self.votes_per_voter, self.given)
        trial._corrected, trial._reports = self._corrected, self._reports
        return trial.apply(reported, 0)

    def revision_of(self, _box: int | None) -> int:
        """The revision of the report that stands, of whichever box; 0 before the first."""
        return self.order >> RELEASED_BITS

    def restarts(self, reported: Reported) -> bool:
        """Whether a report of a lower revision was told later than the one that stood, and says something else.

        So speaks a source that began to number anew; what only came late, or says the same, is no sign of it. One that
        is stale is ignored; one with more boxes opened has overturned what stood, and counts.
        """
        stood, new = self._stood(reported), Report(0, reported.boxes_opened, reported.at, self._packed(reported))
        return new.at > stood.at and not stood.says(new)

    def revision_before(self, reported: Reported) -> int:
        """The revision that stood when a report came that is stale, or has overturned it."""
        return self._stood(reported).order >> RELEASED_BITS

    def _stood(self, reported: Reported) -> Report:
        """Return the report that stood when this one came: it is kept behind the one that has overturned it."""
        overturned = self.order == order_of(reported.revision, reported.released)
        return self._reports[1 if overturned else 0]

    def _stand(self) -> None:
        """Let the totals be those of the report that stands now."""
        standing = self._reports[0]
        self.as_of = standing.at
        *counts, votes = orjson.loads(standing.content)
        content = Content(**dict.fromkeys(STATED, 0) | dict(zip(self._stated, counts, strict=True)), votes=votes)
        odd = odd_in(filled(content, self.given.absent, self.votes_per_voter), self.votes_per_voter)
        holds = (*odd, standing.boxes_opened > self.boxes_total, _counts_without_boxes(standing, content))
        self.sums = Sums(
            boxes_opened=standing.boxes_opened,
            annulled=0,
            **stated_in(content),
            flagged=int(any(holds)),
            flags={flag: int(is_so) for flag, is_so in zip(REPORT_FLAGS, holds, strict=True)},
            votes=dict.fromkeys(self.sums.votes, 0) | content.votes,
        )

    def _outcome(self, new: Report, stood: int, *, is_new: bool) -> ReportOutcome:
        """What a report that changed the ledger came to; `stood` is the order of the one before it, 0 for none."""
        if self.order != stood:
            return "overturned" if self.order == new.order < stood else "counted"
        if not is_new:
            return "duplicate"
        return "backwards" if new in self._reports else "stale"

    @property
    def order(self) -> int:
        """The order of the report that stands; 0 before the first."""
        return self._reports[0].order if self._reports else 0

    def figures(self) -> HashedFigures:
        """Return the figures of the report that stands, in the bytes that the state hash covers."""
        return HashedFigures.of(self.sums, self.sums.votes)

    def totals(self, zone: ZoneInfo) -> Totals:
        """The totals as they stand; `as_of` in the election's time zone. Only once something was reported."""
        return totals_of(self, zone)

    def pack(self) -> bytes:
        """Everything that is kept, as JSON: what a checkpoint holds."""
        return orjson.dumps(
            {
                "corrected": self._corrected,
                "reports": [
                    [report.order, report.boxes_opened, report.at.astimezone(UTC), report.content.decode()]
                    for report in self._reports
                ],
            }
        )

    @property
    def _stated(self) -> tuple[str, ...]:
        """The counts that are kept of a report, in their order."""
        return tuple(name for name in STATED if name in self.given.kept)

    def _packed(self, reported: Reported) -> bytes:
        """A candidate with no votes is not named. orjson's result lies in a buffer of 4 KiB: hence the copy."""
        content = Content.of(reported, self.given)
        counts = [getattr(content, name) for name in self._stated]
        return b"%b" % orjson.dumps((*counts, content.votes), option=orjson.OPT_SORT_KEYS)

    def restore(self, packed: bytes, version: int, as_of: datetime) -> None:
        """Take over a checkpoint. Raises `ValueError`, `LookupError` or `TypeError` where it is none."""
        kept = orjson.loads(packed)
        self._corrected = kept["corrected"]
        self._reports = [
            Report(order, boxes_opened, datetime.fromisoformat(at), bytes(content, "utf-8"))
            for order, boxes_opened, at, content in kept["reports"]
        ]
        self.version = version
        self.as_of = as_of


def _counts_without_boxes(report: Report, content: Content) -> bool:
    return not report.boxes_opened and any((*read_stated(content), *content.votes.values()))


def _may_stand(reports: Iterable[Report]) -> list[Report]:
    """Those after which none has as many boxes opened, in their order; the first one stands.

    The others never can: of whatever set of reports, a later one with as many boxes takes their place.
    """
    falling: list[Report] = []
    for report in sorted(reports, key=lambda each: each.order, reverse=True):
        if not falling or report.boxes_opened > falling[-1].boxes_opened:
            falling.append(report)
    return falling[::-1]
