"""A scenario as a stream of deliveries: the night's reports, put through the stages that disturb them. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from producers.delivery import Delivering, Delivery
from producers.publish import entry
from producers.scenario import Scenario
from producers.simulate import Night, night
from producers.stages import Stage, disturb


@dataclass(frozen=True, slots=True)
class Staged:
    """What a scenario sends to the log; iterate as often as wanted. `len()` is without what stages add."""

    night: Night
    stages: Sequence[Stage]
    seed: int

    def __len__(self) -> int:
        return len(self.night)

    def __iter__(self) -> Delivering:
        reports = (Delivery(due, entry(event), event.source) for due, event in self.night)
        return disturb(reports, self.stages, self.seed)

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
    return Staged(staged, (*scenario.faults, *faults), scenario.seed if seed is None else seed)
