"""A scenario as one stream of deliveries, disturbed as the scenario says. Pure.

A source that reports districts (`reports = "districts"`) sends bulletins instead of its boxes: every few minutes the
totals of the districts that changed.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from operator import itemgetter

from producers.publish import entry
from producers.scenarios.scenario import Scenario
from producers.simulating.simulate import Night, night
from producers.stages import Delivery, DeliveryStream, Stage, disturb
from schemas.tally import Counted, Reported, Tally, Withdrawn

Timed = tuple[datetime, Counted | Withdrawn]
CountId = tuple[str, str]
"""A contest's and a district's id."""


@dataclass(slots=True)
class _DistrictCount:
    """What a source has counted of one district in one contest, and its last bulletin of it.

    `boxes` has each box's highest revision, and its counts unless it is withdrawn; `is_stale`: the last bulletin is not
    up to date.
    """

    boxes: dict[int, tuple[int, Counted | None]] = field(default_factory=dict)
    revision: int = 0
    boxes_opened: int = 0
    is_stale: bool = False

    def add(self, event: Counted | Withdrawn) -> None:
        """Note what is reported of a box, unless a higher revision of it is known."""
        known, _ = self.boxes.get(event.box, (0, None))
        if event.revision > known:
            self.boxes[event.box] = event.revision, event if isinstance(event, Counted) else None
            self.is_stale = True

    def report(self, contest: str, district: str, source: str, at: datetime) -> Reported:
        """Return the next bulletin: the totals as they are now, marked as a correction where there are fewer boxes."""
        opened = [counted for _, counted in self.boxes.values() if counted is not None]
        votes: dict[str, int] = {}
        for box in opened:
            for candidate, count in box.votes.items():
                votes[candidate] = votes.get(candidate, 0) + count
        goes_back = len(opened) < self.boxes_opened
        self.revision, self.boxes_opened, self.is_stale = self.revision + 1, len(opened), False
        return Reported(
            type="report_corrected" if goes_back else "reported",
            contest=contest,
            district=district,
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
    """Yield the district totals of one source's boxes, in due order: every `every_s` seconds those that changed.

    `events` must be those of one source, in due order. The first bulletins are due `every_s` after the first event; the
    last ones hold everything. `at` is when a bulletin is due, and an event that is due at that moment is in it. Raises
    `ValueError` where `every_s` is not above 0.
    """
    if every_s <= 0:
        raise ValueError(f"a bulletin every {every_s} s is none; give 1 or more")
    every = timedelta(seconds=every_s)
    counts: dict[CountId, _DistrictCount] = {}
    source = ""
    next_due: datetime | None = None
    for due, event in events:
        source = event.source
        next_due = next_due or due + every
        while due > next_due:
            yield from _bulletin(counts, source, next_due)
            next_due += every
        counts.setdefault((event.contest, event.district), _DistrictCount()).add(event)
    if next_due is not None:
        yield from _bulletin(counts, source, next_due)


def _bulletin(counts: dict[CountId, _DistrictCount], source: str, due: datetime) -> Iterator[tuple[datetime, Reported]]:
    for (contest, district), count in sorted(counts.items()):
        if count.is_stale:
            yield due, count.report(contest, district, source, due)


@dataclass(frozen=True, slots=True)
class Staged:
    """What a scenario sends to the log. Iterate to get it in due order, as often as wanted.

    `len()` is the number of reports of boxes: without what stages add, and as if no source sent district totals.
    """

    scenario: Scenario
    night: Night
    stages: Sequence[Stage]
    seed: int

    def __len__(self) -> int:
        return len(self.night)

    def __iter__(self) -> DeliveryStream:
        reports = (Delivery(due, entry(event), event.source) for due, event in self._reports())
        return disturb(reports, self.stages, self.seed)

    def _reports(self) -> Iterator[tuple[datetime, Tally]]:
        """Yield what sources report, in due order: boxes, or bulletins where a source reports districts."""
        boxes = self.night.of([source.id for source in self.scenario.sources if source.reports == "boxes"])
        totals = [
            bulletins(self.night.of([source.id]), int(60 * source.bulletin_minutes))
            for source in self.scenario.sources
            if source.reports == "districts"
        ]
        return merge(boxes, *totals, key=itemgetter(0))

    @property
    def first_due(self) -> datetime:
        """The time at which the first report is due, if no stage delays it."""
        return self.night.first_due


def stage(
    scenario: Scenario,
    seed: int | None = None,
    *,
    sources: Collection[str] | None = None,
    contests: Collection[str] | None = None,
    faults: Sequence[Stage] = (),
) -> Staged:
    """Stage a scenario, with its own seed unless another is given, and with `faults` after its own stages.

    With `sources` or `contests` only those report. Raises `ScenarioError` for one that the scenario does not have.
    """
    staged = night(scenario, seed, sources=sources, contests=contests)
    return Staged(scenario, staged, (*scenario.faults, *faults), scenario.seed if seed is None else seed)
