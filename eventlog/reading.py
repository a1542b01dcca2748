"""Reading what is in a topic by now: to where its partitions end at this moment, and no further."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from eventlog.port import Batch, EventLog, Reader
from schemas.record import Record

MAX_RECORDS: Final = 5_000
"""Records in one read: a few megabytes of totals."""

_WAIT_MS: Final = 1_000
"""How long one read of what is known to be in the log may wait."""


async def read_until(
    reader: Reader, ends: Mapping[int, int], *, max_records: int = MAX_RECORDS
) -> AsyncIterator[Batch]:
    """What the reader has yet to read of these partitions before these offsets; the last read may go past them."""
    while any(reader.positions[partition] < end for partition, end in ends.items()):
        for batch in await reader.read(max_records=max_records, wait_ms=_WAIT_MS):
            yield batch


async def read_to_end(log: EventLog, topic: str) -> AsyncIterator[Record]:
    """Every record of a topic of one partition, from the beginning to the end as it is now. Raises `UnknownTopic`."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, {0: 0}) as reader:
        async for batch in read_until(reader, ends):
            for record in batch.records:
                yield record
