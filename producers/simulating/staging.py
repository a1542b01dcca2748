"""A scenario as a stream of deliveries: the night's reports, put through the stages that disturb them. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import itemgetter

from producers.delivery import Delivering, Delivery
from producers.publish import entry
from producers.scenarios.scenario import Scenario
from producers.simulating.bulletins import bulletins
from producers.simulating.simulate import Night, night
from producers.stages import Stage, disturb
from schemas.tally import Tally


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
