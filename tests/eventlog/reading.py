"""Reading whole topics in tests, with a limit on the wait."""

import asyncio

from eventlog.port import EventLog
from schemas.fields import Record
from tests.patience import LIMIT_S


async def read_to_end(log: EventLog, topic: str) -> dict[int, list[Record]]:
    """All records that the topic holds now, by partition."""
    ends = await log.end_offsets(topic)
    records: dict[int, list[Record]] = {partition: [] for partition in ends}
    async with asyncio.timeout(LIMIT_S), log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        while any(reader.positions[partition] < end for partition, end in ends.items()):
            for batch in await reader.read(max_records=1000, wait_ms=1000):
                records[batch.partition].extend(batch.records)
    return records


async def values(log: EventLog, topic: str) -> list[bytes | None]:
    """All values that the topic holds now, partition by partition."""
    return [record.value for records in (await read_to_end(log, topic)).values() for record in records]
