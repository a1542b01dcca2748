"""A run's topics: their names, which carry the run, and their settings."""

from dataclasses import dataclass
from typing import Final

from eventlog.port import MAX_RECORD_BYTES, Topic

DEFAULT_PARTITIONS: Final = 8
"""How many ways a run's districts are spread: as many aggregators can share one night."""

MAX_LEDGER_BYTES: Final = 4 * MAX_RECORD_BYTES
"""The ledger of a district of 5,000 boxes with 49 candidates who all got votes in each is about 1 MiB, deflated."""

MAX_CONTROL_BYTES: Final = 8 * MAX_RECORD_BYTES
"""A definition of all Türkiye (1,345 districts, three contests with their own ballots) is about 4 MiB."""

MAX_QUARANTINE_BYTES: Final = 2 * MAX_RECORD_BYTES
"""The largest record there can be, in base64 (4/3 of it), with its reason."""


@dataclass(frozen=True, slots=True)
class RunTopics:
    """The topics of one run, namespaced by its name: a rehearsal cannot reach a live run's."""

    run: str
    partitions: int = DEFAULT_PARTITIONS

    @property
    def tallies(self) -> Topic:
        """What feeds report. Keyed by district, so that a district lives in one partition; kept for ever."""
        return Topic(f"sandik.{self.run}.tallies", self.partitions)

    @property
    def totals(self) -> Topic:
        """What the aggregator publishes. One partition, so that its offsets order everything; compacted."""
        return Topic(f"sandik.{self.run}.totals", compacted=True)

    @property
    def ledger(self) -> Topic:
        """The aggregator's checkpoints, partitioned like `tallies`; compacted."""
        return Topic(f"sandik.{self.run}.ledger", self.partitions, compacted=True, max_record_bytes=MAX_LEDGER_BYTES)

    @property
    def quarantine(self) -> Topic:
        """What could not be used, with the reason; kept for ever."""
        return Topic(f"sandik.{self.run}.quarantine", max_record_bytes=MAX_QUARANTINE_BYTES)

    @property
    def control(self) -> Topic:
        """What the run is; kept for ever."""
        return Topic(f"sandik.{self.run}.control", max_record_bytes=MAX_CONTROL_BYTES)

    def all(self) -> tuple[Topic, ...]:
        """Every topic of the run; `control` last, so that a run that can be found is whole."""
        return (self.tallies, self.totals, self.ledger, self.quarantine, self.control)
