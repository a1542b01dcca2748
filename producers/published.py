"""What a source has published already, read from its run's log: a producer that starts again goes on from there."""

from collections.abc import AsyncIterator
from typing import Final

from eventlog.port import EventLog, Record
from eventlog.reading import read_until
from schemas.tally import MAX_TALLY_BYTES, Reported, parse_tallies

_REPORT: Final = b'"report'
"""What the record of a report has in it, as the value of its type; most records are boxes and need no parsing."""


async def reports_of(log: EventLog, topic: str, source: str) -> AsyncIterator[Reported]:
    """Every report of a source in the tallies topic by now; those of a district in the order of the log.

    Raises `UnknownTopic`.
    """
    ends = await log.end_offsets(topic)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            for tally in parse_tallies([value for record in batch.records if (value := _report(record))]):
                if isinstance(tally, Reported) and tally.source == source:
                    yield tally


def _report(record: Record) -> bytes:
    """The record's value, if it may be a report's."""
    value = record.value or b""
    return value if _REPORT in value and len(value) <= MAX_TALLY_BYTES else b""
