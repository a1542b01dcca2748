"""The log's totals counted in the plainest way: each box's newest revision, added up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from eventlog.port import EventLog
from eventlog.run import Run

BATCH_RECORDS: Final = 2_000
WAIT_MS: Final = 1_000


@dataclass
class Sum:
    """What a unit's boxes add up to."""

    opened: int = 0
    valid: int = 0
    votes: Counter[str] = field(default_factory=Counter)


class Oracle:
    """Every tally of a run's log."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self._newest: dict[tuple[str, str, str, int], dict[str, object]] = {}
        for value in values:
            said = orjson.loads(value)
            key = (said["contest"], said["source"], said["district"], said["box"])
            known = self._newest.get(key)
            if known is None or said["revision"] > known["revision"]:
                self._newest[key] = said

    def sum(self, contest: str, source: str, unit: str) -> Sum:
        """The totals of a unit: its own boxes and those below it."""
        total = Sum()
        for (of, by, district, _), said in self._newest.items():
            if (of, by) != (contest, source) or not f"{district}/".startswith(f"{unit}/"):
                continue
            if said["type"] in ("counted", "corrected"):
                total.opened += 1
                total.valid += int(str(said["valid"]))
                votes = said["votes"]
                total.votes.update(votes if isinstance(votes, dict) else {})
        return total


async def read_oracle(log: EventLog, run: Run) -> Oracle:
    """Read all of a run's tallies."""
    topic = run.topics.tallies.name
    ends = await log.end_offsets(topic)
    values: list[bytes] = []
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        while any(reader.positions[partition] < end for partition, end in ends.items()):
            for batch in await reader.read(max_records=BATCH_RECORDS, wait_ms=WAIT_MS):
                values += [record.value for record in batch.records if record.value is not None]
    return Oracle(values)
