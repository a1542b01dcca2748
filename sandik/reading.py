"""Reading what a topic of one partition holds by now."""

from collections.abc import AsyncIterator
from typing import Final

from eventlog.port import EventLog, Record

MAX_RECORDS: Final = 5_000
"""Records in one read: a few megabytes of totals."""

_WAIT_MS: Final = 1_000
"""How long one read of what is known to be in the log may wait."""


async def read_to_end(log: EventLog, topic: str) -> AsyncIterator[Record]:
    """Every record from the beginning to the end as it is now, a read at a time. Raises `UnknownTopic`."""
    end = (await log.end_offsets(topic))[0]
    async with log.reader(topic, {0: 0}) as reader:
        while reader.positions[0] < end:
            for batch in await reader.read(max_records=MAX_RECORDS, wait_ms=_WAIT_MS):
                for record in batch.records:
                    yield record
