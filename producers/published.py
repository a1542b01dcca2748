"""What a source has published already, read from its run's log: a producer that starts again goes on from there."""

from collections.abc import AsyncIterator

from eventlog.port import EventLog
from eventlog.reading import read_until
from schemas.tally import MAX_TALLY_BYTES, Counted, Reported, Tally, Withdrawn, parse_tallies


async def reports_of(log: EventLog, topic: str, source: str) -> AsyncIterator[Reported]:
    """Every report of a source in the tallies topic by now; those of a district in the order of the log.

    Raises `UnknownTopic`.
    """
    async for tally in _tallies_of(log, topic, source, b'"report'):
        if isinstance(tally, Reported):
            yield tally


async def boxes_of(log: EventLog, topic: str, source: str, contest: str) -> AsyncIterator[Counted | Withdrawn]:
    """Every statement of a source about a contest's boxes in the tallies topic by now, as `reports_of` does."""
    async for tally in _tallies_of(log, topic, source, b'"box"'):
        if not isinstance(tally, Reported) and tally.contest == contest:
            yield tally


async def _tallies_of(log: EventLog, topic: str, source: str, mark: bytes) -> AsyncIterator[Tally]:
    """A source's events whose records have these bytes in them, so that not every record has to be parsed."""
    ends = await log.end_offsets(topic)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            values = [record.value or b"" for record in batch.records]
            marked = [value for value in values if mark in value and len(value) <= MAX_TALLY_BYTES]
            for tally in parse_tallies(marked):
                if isinstance(tally, Counted | Withdrawn | Reported) and tally.source == source:
                    yield tally
