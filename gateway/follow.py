"""The loops of a gateway: following the log's topics, sending what is owed, watching the time."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NoReturn, Protocol

from eventlog.clock import Clock
from eventlog.loops import Tries, forever, is_asked_to_end
from eventlog.port import EventLog, Reader, Standstill
from eventlog.run import find_run, open_run
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.errors import LogRefused, LogUnavailable, LoopEnded, PositionLost, SandikError, UnknownRun, UnknownTopic
from schemas.fields import Record

_MS_PER_S: Final = 1_000


class _RunMoved(Exception):
    """The run goes on in another take, or with another version of its definition."""


async def follow(log: EventLog, gateway: Gateway, clock: Clock) -> NoReturn:
    """Follow the run's totals, in whichever take and version of its definition, and however often the log goes away.

    A run that is not there yet is waited for. While the log cannot be reached, clients keep what they have; so they do
    where it refuses us in the middle of the night. At the start, when there is nothing to keep, `LogRefused` is raised.
    Ends by cancellation, also where the log fails at that moment: of the two only the failure arrives here.
    """
    tries = Tries(clock, gateway.settings.retry, retriable=lambda _: True)
    while not is_asked_to_end():
        error: SandikError
        try:
            await forever(_follow_run(log, gateway, clock, tries), "Following the run")
        except _RunMoved:
            continue
        except (UnknownRun, UnknownTopic) as unknown:
            gateway.log_reached()
            gateway.reason = str(unknown)
            error = unknown
        except LogRefused as refused:
            if gateway.run_state is None:
                raise
            gateway.metrics.log_failed(refused)
            gateway.log_refused(str(refused))
            error = refused
        except (LogUnavailable, LoopEnded) as failed:
            gateway.metrics.log_failed(failed)
            gateway.log_lost(str(failed))
            error = failed
        except PositionLost as lost:
            gateway.metrics.log_failed(lost)
            gateway.begin_again()
            error = lost
        if not is_asked_to_end():
            await clock.sleep(tries.failed(error).pause_s)
    raise asyncio.CancelledError


async def pulse(gateway: Gateway, clock: Clock) -> NoReturn:
    """Send at once what there is to send, but not again within a tick: what comes meanwhile goes together."""
    tick_s = gateway.settings.tick_ms / _MS_PER_S
    due = clock.monotonic()
    while True:
        await gateway.broadcaster.work.wait()
        early_s = due - clock.monotonic()
        if early_s > 0:  # else nothing is waited for: a timer after every turn would wake an idle gateway once more
            await clock.sleep(early_s)
        due = clock.monotonic() + tick_s
        gateway.turn()


async def watch(gateway: Gateway, clock: Clock) -> NoReturn:
    """Look at the feeds and at the connections, for ever. One timer for all of them."""
    while True:
        await clock.sleep(gateway.settings.watch_s)
        gateway.watch()


async def _follow_run(log: EventLog, gateway: Gateway, clock: Clock, tries: Tries) -> NoReturn:
    """Follow control and totals of a run. Nobody is let in before both have been read to their end."""
    look_up = open_run if gateway.run_state is None else find_run  # who is on air stays there
    run = await look_up(log, gateway.run_name, gateway.settings.operators)
    run_state = gateway.begin(run)
    topics = run.topics
    control, totals = topics.control.name, topics.totals.name
    ordered = await _end(log, control, run_state.control.position)
    end = await _end(log, totals, run_state.view.seq)
    gateway.log_reached(end)
    async with (
        log.reader(control, {0: run_state.control.position}) as orders,
        log.reader(totals, {0: run_state.view.seq}) as reader,
    ):
        try:
            async with asyncio.TaskGroup() as group:
                begin = partial(_begin, group)
                begin(_look_at_end(log, totals, reader, gateway, clock, gateway.log_reached))
                begin(_look_at_end(log, control, orders, gateway, clock, lambda _: gateway.log_reached()))
                while orders.positions[0] < ordered:
                    await _read_orders(orders, gateway)
                begin(_follow_orders(orders, gateway))
                begin(follow_topic(log, topics.comparisons.name, run_state.comparisons, gateway.settings, clock))
                begin(follow_topic(log, topics.quarantine.name, run_state.quarantine, gateway.settings, clock))
                await _follow_totals(reader, end, gateway, tries)
        except ExceptionGroup as failed:  # what the log said to the one, it says to the other
            raise failed.exceptions[0] from failed


def _begin(group: asyncio.TaskGroup, loop: Coroutine[Any, Any, NoReturn]) -> None:
    group.create_task(forever(loop, "A loop beside the totals"))


async def _end(log: EventLog, topic: str, position: int) -> int:
    """The topic's end. Raises `PositionLost` where that is before what was read already."""
    end = (await log.end_offsets(topic))[0]
    if end < position:
        raise PositionLost(topic, 0, position)
    return end


async def _follow_totals(reader: Reader, end: int, gateway: Gateway, tries: Tries) -> NoReturn:
    settings = gateway.settings
    tries.succeeded()
    while True:
        if reader.positions[0] >= end:
            gateway.caught_up()
        for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
            gateway.log_reached()
            gateway.fold(batch.records)


async def _look_at_end(
    log: EventLog, topic: str, reader: Reader, gateway: Gateway, clock: Clock, on_end: Callable[[int], None]
) -> NoReturn:
    """Ask now and then how far the topic goes, and call `on_end` with that, which shows a gateway that falls behind.

    A read that brings nothing is no answer of the log's: a reader whose connections are gone brings nothing, too.
    Raises `LogSilent` where the reader has brought nothing for long although the topic has more.
    """
    standstill = Standstill(gateway.settings.log_stuck_s)
    while True:
        end = await _end(log, topic, 0)
        on_end(end)
        standstill.behind(reader.positions, {0: end}, clock.monotonic())
        await clock.sleep(gateway.settings.heartbeat_s)


async def _follow_orders(reader: Reader, gateway: Gateway) -> NoReturn:
    while True:
        await _read_orders(reader, gateway)


async def _read_orders(reader: Reader, gateway: Gateway) -> None:
    settings = gateway.settings
    for batch in await reader.read(max_records=settings.read_records, wait_ms=settings.read_wait_ms):
        gateway.fold_control(batch.records)
    if gateway.run_moved:
        raise _RunMoved


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
