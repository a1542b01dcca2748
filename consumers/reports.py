"""The report ledger of one cell: which of an agency's reports of a whole district stands.

The law: a marked correction (`report_corrected`) begins anew. Of the reports from the newest correction on, the one
with the most boxes opened stands, among equals the one of the highest revision. So a report takes the place of all
before it, unless it goes backwards and nobody marked it as meant. Which report stands depends on the set of reports
alone, not on the order in which they came or how often; what is said again as a correction is one from then on.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from consumers.sums import FLAGS, Content, Sums, odd_in, totals_of
from schemas.statehash import Figures
from schemas.tally import Reported
from schemas.totals import Cell, Totals

ReportOutcome = Literal["counted", "duplicate", "stale", "conflict", "backwards", "overturned"]
"""What became of a report. `backwards`: unmarked, with fewer boxes opened than the one that stands.

`overturned`: it stands, in the place of a later one that was here before and that it shows to go backwards.
"""

REPORT_FLAGS: Final = (*FLAGS, "boxes_over_total")
"""What is odd but possible in a report: as in a box, and more boxes opened than the district has."""


class Report(NamedTuple):
    """One report as it is kept; `content` is its `Content` as canonical JSON: equal content is equal bytes."""

    revision: int
    boxes_opened: int
    at: datetime
    content: bytes

    def says(self, other: "Report") -> bool:
        """Whether both say the same, whenever they were sent."""
        return (self.boxes_opened, self.content) == (other.boxes_opened, other.content)


class ReportLedger:
    """The reports of one cell. `version` is the log offset of the last report that changed anything in it.

    Kept are the report that stands and those that may yet, should it be corrected away: each was sent after the ones
    before it and has fewer boxes opened. So there are never more than `MAX_DISTRICT_BOXES`; usually there is one.
    """

    __slots__ = ("_boxes_total", "_corrected", "_reports", "as_of", "cell", "sums", "version")

    def __init__(self, cell: Cell, sums: Sums, boxes_total: int = 0) -> None:
        self.cell = cell
        self.sums = sums
        self.version = -1
        self.as_of: datetime | None = None
        self._boxes_total = boxes_total
        self._corrected = 0
        self._reports: list[Report] = []

    def __len__(self) -> int:
        """How many reports are kept."""
        return len(self._reports)

    def apply(self, said: Reported, offset: int) -> ReportOutcome:
        """Fold one report of this cell, which lies at `offset` of its partition."""
        if said.revision < self._corrected:
            return "stale"
        new = Report(said.revision, said.boxes_opened, said.at, _packed(said))
        kept = {report.revision: report for report in self._reports}
        same = kept.get(new.revision)
        if same is not None:
            if not same.says(new):
                return "conflict"
            new = new._replace(at=max(same.at, new.at))
        kept[new.revision] = new
        corrected = new.revision if said.type == "report_corrected" else self._corrected
        reports = _may_stand(report for report in kept.values() if report.revision >= corrected)
        if (reports, corrected) == (self._reports, self._corrected):
            return "stale" if same is None else "duplicate"
        stood = self._reports[0].revision if self._reports else 0
        self._reports, self._corrected, self.version = reports, corrected, offset
        self._stand()
        return self._outcome(new, stood, is_new=same is None)

    def _stand(self) -> None:
        """Let the totals be those of the report that stands now."""
        standing = self._reports[0]
        self.as_of = standing.at
        said = Content(*orjson.loads(standing.content))
        holds = (*odd_in(said), standing.boxes_opened > self._boxes_total)
        self.sums = Sums(
            boxes_opened=standing.boxes_opened,
            annulled=0,
            registered=said.registered,
            cast=said.cast,
            valid=said.valid,
            invalid=said.invalid,
            unattributed=said.unattributed,
            flagged=int(any(holds)),
            flags={flag: int(odd) for flag, odd in zip(REPORT_FLAGS, holds, strict=True)},
            votes=dict.fromkeys(self.sums.votes, 0) | said.votes,
        )

    def _outcome(self, new: Report, stood: int, *, is_new: bool) -> ReportOutcome:
        """What a report that changed the ledger came to; `stood` is the revision that stood before, 0 for none."""
        standing = self._reports[0].revision
        if standing != stood:
            return "overturned" if standing == new.revision < stood else "counted"
        if not is_new:
            return "duplicate"
        return "backwards" if new in self._reports else "stale"

    @property
    def revision(self) -> int:
        """The revision of the report that stands; 0 before the first."""
        return self._reports[0].revision if self._reports else 0

    def figures(self) -> Figures:
        """The figures of the report that stands, as they are hashed."""
        return Figures.of(self.sums, self.sums.votes)

    def totals(self, zone: ZoneInfo) -> Totals:
        """The totals as they stand; `as_of` in the election's time zone. Only once something was reported."""
        return totals_of(self, zone)

    def pack(self) -> bytes:
        """Everything that is kept, as JSON: what a checkpoint holds."""
        return orjson.dumps(
            {
                "boxes_total": self._boxes_total,
                "corrected": self._corrected,
                "reports": [[*report[:3], report.content.decode()] for report in self._reports],
            }
        )

    def restore(self, packed: bytes, version: int, as_of: datetime) -> None:
        """Take over a checkpoint."""
        said = orjson.loads(packed)
        self._boxes_total = said["boxes_total"]
        self._corrected = said["corrected"]
        self._reports = [
            Report(revision, boxes_opened, datetime.fromisoformat(at), content.encode())
            for revision, boxes_opened, at, content in said["reports"]
        ]
        self.version = version
        self.as_of = as_of


def _packed(said: Reported) -> bytes:
    """A candidate with no votes is not named. What orjson writes, it hands out in a buffer of 4 KiB: hence the copy."""
    votes = {candidate: count for candidate, count in said.votes.items() if count}
    content = Content(said.registered, said.cast, said.valid, said.invalid, said.unattributed, votes)
    return b"%b" % orjson.dumps(tuple(content), option=orjson.OPT_SORT_KEYS)


def _may_stand(reports: Iterable[Report]) -> list[Report]:
    """Those after which none has as many boxes opened, by revision; the first one stands.

    The others never can: of whatever set of reports, a later one with as many boxes takes their place.
    """
    falling: list[Report] = []
    for report in sorted(reports, key=lambda each: each.revision, reverse=True):
        if not falling or report.boxes_opened > falling[-1].boxes_opened:
            falling.append(report)
    return falling[::-1]
