"""What a log promises into which records can be written back, on both logs."""

from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, Topic
from sandik.wiring import open_restorable_log
from schemas.moments import epoch_ms
from tests.eventlog.reading import read_to_end

BEGAN_MS = 1_711_900_000_000


async def test_restored_records_keep_their_append_times_and_later_ones_get_the_logs(
    log_url: str, unique: str, log: EventLog
) -> None:
    """Whether the topic was there before or not, and however many entries share an append."""
    new, there = Topic(unique, partitions=2), Topic(f"{unique}-there", partitions=2)
    await log.create([there])
    async with open_restorable_log(log_url, Wall()) as restoring:
        await restoring.open_for_restore([new, there])
        for topic in (new, there):
            dated = [Entry(b"k", b"%d" % n, n % 2, BEGAN_MS + n) for n in range(40)]
            await restoring.append(topic.name, dated[:3])
            await restoring.append(topic.name, dated[3:])
        await restoring.close_restore([new, there])
    began = epoch_ms(Wall().now())
    for topic in (new, there):
        await log.append(topic.name, [Entry(b"k", b"now", 0, BEGAN_MS if "kafka" in log_url else None)])
        first, second = [(await read_to_end(log, topic.name))[partition] for partition in (0, 1)]
        assert [BEGAN_MS + n for n in range(0, 40, 2)] == [record.timestamp for record in first[:-1]]
        assert [BEGAN_MS + n for n in range(1, 40, 2)] == [record.timestamp for record in second]
        assert first[-1].timestamp >= began - 1_000
