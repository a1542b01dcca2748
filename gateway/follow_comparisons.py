"""The loop that follows a run's comparisons, beside the one that follows its totals and on no account before it."""

from typing import NoReturn

from eventlog.clock import Clock
from eventlog.port import EventLog
from gateway.settings import GatewaySettings
from gateway.world import World
from schemas.errors import PositionLost


async def follow_comparisons(log: EventLog, world: World, settings: GatewaySettings, clock: Clock) -> NoReturn:
    """Fold what is in the topic and what comes; a run that is older than comparisons may never have one.

    Raises `LogUnavailable` where the log cannot be reached, `PositionLost` where it was made anew.
    """
    topic, comparisons = world.run.topics.comparisons.name, world.comparisons
    while not await log.exists(topic):
        await clock.sleep(settings.heartbeat_s)
    if (await log.end_offsets(topic))[0] < comparisons.seq:
        raise PositionLost(topic, 0, comparisons.seq)
    async with log.reader(topic, {0: comparisons.seq}) as reader:
        while True:
            for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
                for record in batch.records:
                    comparisons.fold(record)
