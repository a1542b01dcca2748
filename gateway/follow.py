"""The loops of a gateway: one follows the log into the view, one sends what is owed, one watches the time."""

from typing import Final, NoReturn

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.run import find_run
from gateway.gateway import Gateway
from schemas.errors import LogUnavailable, PositionLost, UnknownRun, UnknownTopic

_MS_PER_S: Final = 1_000


async def follow(log: EventLog, gateway: Gateway, clock: Clock) -> NoReturn:
    """Follow the run's totals, wherever they begin and however often the log goes away.

    A run that is not there yet is waited for. While the log cannot be reached, clients keep what they have.
    """
    pauses = _Pauses(gateway, clock)
    while True:
        try:
            await _follow_run(log, gateway, pauses)
        except (UnknownRun, UnknownTopic) as error:
            gateway.log_reached()
            gateway.reason = str(error)
        except LogUnavailable as error:
            gateway.log_lost(str(error))
        except PositionLost:
            gateway.begin_again()
        await pauses.wait()


async def pulse(gateway: Gateway, clock: Clock) -> NoReturn:
    """Send at once what there is to send, but not again within a tick: what comes meanwhile goes together."""
    while True:
        await gateway.work.wait()
        gateway.turn()
        await clock.sleep(gateway.settings.tick_ms / _MS_PER_S)


async def watch(gateway: Gateway, clock: Clock) -> NoReturn:
    """Look at the feeds and at the connections, for ever. One timer for all of them."""
    while True:
        await clock.sleep(gateway.settings.watch_s)
        gateway.watch()


class _Pauses:
    """Waits between tries: each twice as long as the one before, until something works."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._settings = gateway.settings
        self._clock = clock
        self._next_s = gateway.settings.retry_first_s

    def reset(self) -> None:
        self._next_s = self._settings.retry_first_s

    async def wait(self) -> None:
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, self._settings.retry_max_s)
        await self._clock.sleep(pause_s)


async def _follow_run(log: EventLog, gateway: Gateway, pauses: _Pauses) -> NoReturn:
    run = await find_run(log, gateway.run_name)
    view = gateway.begin(run).view
    topic = run.topics.totals.name
    end = (await log.end_offsets(topic))[0]
    if end < view.seq:
        raise PositionLost(topic, 0, view.seq)
    settings = gateway.settings
    async with log.reader(topic, {0: view.seq}) as reader:
        while True:
            gateway.log_reached()
            pauses.reset()
            if reader.positions[0] >= end:
                gateway.caught_up()
            for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
                gateway.fold(batch.records)
