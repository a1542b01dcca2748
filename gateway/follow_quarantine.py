"""The loop that follows a run's quarantine, for the control room's queue."""

from typing import NoReturn

from eventlog.port import EventLog
from gateway.settings import GatewaySettings
from gateway.world import World
from schemas.errors import PositionLost


async def follow_quarantine(log: EventLog, world: World, settings: GatewaySettings) -> NoReturn:
    """Fold what is in the topic and what comes.

    Raises `LogUnavailable` where the log cannot be reached, `PositionLost` where it was made anew.
    """
    topic, quarantine = world.run.topics.quarantine.name, world.quarantine
    if (await log.end_offsets(topic))[0] < quarantine.seq:
        raise PositionLost(topic, 0, quarantine.seq)
    async with log.reader(topic, {0: quarantine.seq}) as reader:
        while True:
            for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
                for record in batch.records:
                    quarantine.fold(record)
