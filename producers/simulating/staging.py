"""Bulletins: one source's boxes as the district totals that an agency would send every few minutes. Pure.

For a staged night in which a source reports districts (`reports = "districts"`): give `bulletins` that source's part of
what `Night` yields, and merge what comes out with the other sources by due time, as `heapq.merge` does. The definition
must say `reports = "districts"` of that source as well.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from operator import itemgetter

from producers.publish import entry
from producers.scenarios.scenario import Scenario
from producers.simulating.simulate import Night, night
from producers.stages import Delivering, Delivery, Stage, disturb
from schemas.tally import Counted, Reported, Tally, Withdrawn

Timed = tuple[datetime, Counted | Withdrawn]
Pair = tuple[str, str]


@dataclass(slots=True)
class _Sheet:
    """What a source has counted of one district in one contest, and what it said of it last."""

    boxes: dict[int, tuple[int, Counted | None]] = field(default_factory=dict)
    revision: int = 0
    boxes_opened: int = 0
    is_stale: bool = False

    def take(self, event: Counted | Withdrawn) -> None:
        """Note what is said of a box, unless a higher revision of it is known."""
        known, _ = self.boxes.get(event.box, (0, None))
        if event.revision > known:
            self.boxes[event.box] = event.revision, event if isinstance(event, Counted) else None
            self.is_stale = True

    def report(self, pair: Pair, source: str, at: datetime) -> Reported:
        """The district's totals as they are now; marked where boxes went back, as by an agency that means it."""
        opened = [said for _, said in self.boxes.values() if said is not None]
        votes: dict[str, int] = {}
        for box in opened:
            for candidate, count in box.votes.items():
                votes[candidate] = votes.get(candidate, 0) + count
        goes_back = len(opened) < self.boxes_opened
        self.revision, self.boxes_opened, self.is_stale = self.revision + 1, len(opened), False
        return Reported(
            type="report_corrected" if goes_back else "reported",
            contest=pair[0],
            district=pair[1],
            source=source,
            revision=self.revision,
            at=at,
            boxes_opened=len(opened),
            registered=sum(box.registered for box in opened),
            cast=sum(box.cast for box in opened),
            valid=sum(box.valid for box in opened),
            invalid=sum(box.invalid for box in opened),
            unattributed=sum(box.unattributed for box in opened),
            votes=dict(sorted(votes.items())),
        )


def bulletins(events: Iterable[Timed], every_s: int) -> Iterator[tuple[datetime, Reported]]:
    """District totals from one source's boxes, in due order: each district that changed, every `every_s` seconds.

    The first bulletin is due `every_s` after the first event; the last one holds everything. `at` is when a bulletin is
    due, and an event due at that very moment is in it. Raises `ValueError` where `every_s` is not above 0.
    """
    if every_s <= 0:
        raise ValueError(f"a bulletin every {every_s} s is none; give 1 or more")
    every = timedelta(seconds=every_s)
    sheets: dict[Pair, _Sheet] = {}
    source = ""
    next_due: datetime | None = None
    for due, event in events:
        source = event.source
        next_due = next_due or due + every
        while due > next_due:
            yield from _bulletin(sheets, source, next_due)
            next_due += every
        sheets.setdefault((event.contest, event.district), _Sheet()).take(event)
    if next_due is not None:
        yield from _bulletin(sheets, source, next_due)


def _bulletin(sheets: dict[Pair, _Sheet], source: str, due: datetime) -> Iterator[tuple[datetime, Reported]]:
    for pair, sheet in sorted(sheets.items()):
        if sheet.is_stale:
            yield due, sheet.report(pair, source, due)


@dataclass(frozen=True, slots=True)
class Staged:
    """What a scenario sends to the log; iterate as often as wanted.

    `len()` is how many boxes are reported: without what stages add, and as if nobody sent districts' totals.
    """

    scenario: Scenario
    night: Night
    stages: Sequence[Stage]
    seed: int

    def __len__(self) -> int:
        return len(self.night)

    def __iter__(self) -> Delivering:
        reports = (Delivery(due, entry(event), event.source) for due, event in self._reports())
        return disturb(reports, self.stages, self.seed)

    def _reports(self) -> Iterator[tuple[datetime, Tally]]:
        """What sources report: boxes, or districts' totals where a source sends those."""
        boxes = self.night.of([source.id for source in self.scenario.sources if source.reports == "boxes"])
        totals = [
            bulletins(self.night.of([source.id]), int(60 * source.bulletin_minutes))
            for source in self.scenario.sources
            if source.reports == "districts"
        ]
        return merge(boxes, *totals, key=itemgetter(0))

    @property
    def first_due(self) -> datetime:
        """When the first report is due, if no stage delays it."""
        return self.night.first_due


def stage(
    scenario: Scenario,
    seed: int | None = None,
    *,
    sources: Collection[str] | None = None,
    contests: Collection[str] | None = None,
    faults: Sequence[Stage] = (),
) -> Staged:
    """Stage a scenario, with its own seed unless another is given, and with `faults` after its own.

    Raises `ScenarioError` for a source or contest that the scenario does not have.
    """
    staged = night(scenario, seed, sources=sources, contests=contests)
    return Staged(scenario, staged, (*scenario.faults, *faults), scenario.seed if seed is None else seed)
