"""The loop that follows a topic beside a run's totals: its comparisons, its quarantine. Never before the totals."""

from typing import NoReturn, Protocol

from eventlog.clock import Clock
from eventlog.port import EventLog
from gateway.settings import GatewaySettings
from schemas.errors import PositionLost
from schemas.record import Record


class Fold(Protocol):
    """What a topic of one partition is folded into."""

    @property
    def seq(self) -> int:
        """The next position to be read."""
        ...

    def fold(self, record: Record) -> None:
        """Fold one record; one that cannot be used changes nothing."""
        ...


async def follow_topic(log: EventLog, topic: str, fold: Fold, settings: GatewaySettings, clock: Clock) -> NoReturn:
    """Fold what is in the topic and what comes; a run that is older than such topics may never have one.

    Raises `LogUnavailable` where the log cannot be reached, `PositionLost` where it was made anew.
    """
    while not await log.exists(topic):
        await clock.sleep(settings.heartbeat_s)
    if (await log.end_offsets(topic))[0] < fold.seq:
        raise PositionLost(topic, 0, fold.seq)
    async with log.reader(topic, {0: fold.seq}) as reader:
        while True:
            for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
                for record in batch.records:
                    fold.fold(record)
