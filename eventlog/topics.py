"""A run's topics: their names, which carry the run, their settings, and whether those in the log have them.

A live run refuses topics that are not what they must be; any other is warned.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eventlog.port import MAX_RECORD_BYTES, EventLog, Topic, TopicFinding
from schemas.control import Mode
from schemas.errors import WrongTopic

DEFAULT_PARTITIONS: Final = 8
"""How many ways a run's districts are spread: as many aggregators can share one night."""

MAX_LEDGER_BYTES: Final = 4 * MAX_RECORD_BYTES
"""The ledger of a district of 5,000 boxes with 49 candidates who all got votes in each is about 1 MiB, deflated."""

MAX_CONTROL_BYTES: Final = 8 * MAX_RECORD_BYTES
"""A definition of all Türkiye (1,345 districts, three contests with their own ballots) is about 4 MiB."""

MAX_COMPARISON_BYTES: Final = MAX_RECORD_BYTES
"""Sums of 49 candidates four times over and the boxes that explain most are some 10 KiB."""

MAX_QUARANTINE_BYTES: Final = 2 * MAX_RECORD_BYTES
"""The largest record there can be, in base64 (4/3 of it), with its reason."""


@dataclass(frozen=True, slots=True)
class RunTopics:
    """The topics of one run, namespaced by its name: a rehearsal cannot reach a live run's.

    A replay that goes back in time begins a new `take`: an empty log of its own, in a new epoch. Only `control` is the
    same in all of them.
    """

    run: str
    partitions: int = DEFAULT_PARTITIONS
    take: int = 0

    @property
    def _prefix(self) -> str:
        return f"sandik.{self.run}.take-{self.take}" if self.take else f"sandik.{self.run}"

    @property
    def tallies(self) -> Topic:
        """What feeds report. Keyed by district, so that a district lives in one partition; kept for ever."""
        return Topic(f"{self._prefix}.tallies", self.partitions)

    @property
    def totals(self) -> Topic:
        """What the aggregator publishes. One partition, so that its offsets order everything; compacted."""
        return Topic(f"{self._prefix}.totals", compacted=True)

    @property
    def ledger(self) -> Topic:
        """The aggregator's checkpoints, partitioned like `tallies`; compacted."""
        return Topic(f"{self._prefix}.ledger", self.partitions, compacted=True, max_record_bytes=MAX_LEDGER_BYTES)

    @property
    def comparisons(self) -> Topic:
        """Where two sources differ in a district, and why; compacted."""
        return Topic(f"{self._prefix}.comparisons", compacted=True, max_record_bytes=MAX_COMPARISON_BYTES)

    @property
    def quarantine(self) -> Topic:
        """What could not be used, with the reason; kept for ever."""
        return Topic(f"{self._prefix}.quarantine", max_record_bytes=MAX_QUARANTINE_BYTES)

    @property
    def control(self) -> Topic:
        """What the run is; kept for ever."""
        return Topic(f"sandik.{self.run}.control", max_record_bytes=MAX_CONTROL_BYTES)

    def all(self) -> tuple[Topic, ...]:
        """Every topic of the run; `control` last, so that a run that can be found is whole."""
        return (self.tallies, self.totals, self.ledger, self.comparisons, self.quarantine, self.control)


_log = logging.getLogger(__name__)


async def check_topics(log: EventLog, topics: RunTopics, mode: Mode) -> None:
    """Compare the topics of a run that is to be worked on. Raises `WrongTopic` where a live run cannot be held by them.

    A topic that is missing is no fault here: a run of an earlier release does not have all of them. Nor is one that may
    lose something once a broker fails a reason to stop a night.
    """
    found = await log.check(topics.all())
    wrong = [one for one in found if one.standing == "wrong"]
    if wrong and mode == "live":
        raise WrongTopic(topics.run, wrong[0].topic, in_words(wrong[0]), wrong[0].mend, len(wrong) - 1)
    for one in [*wrong, *_warnings(found)]:
        _log.warning("Topic %r: %s. (sandik topics --run %s shows all)", one.topic, in_words(one), topics.run)


def in_words(finding: TopicFinding) -> str:
    """Describe a finding in words, such as `retention.ms is 604800000 and must be -1`."""
    if finding.found is None:
        return f"{finding.setting}: not known, and must be {finding.wanted}"
    return f"{finding.setting} is {finding.found} and must be {finding.wanted}"


def _warnings(found: Sequence[TopicFinding]) -> list[TopicFinding]:
    return [one for one in found if one.standing in {"fragile", "untold"}]
