"""The log goes away, or has no room left: everyone waits, and nothing is lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.loops import RetryPolicy, Waiting
from eventlog.port import EventLog
from eventlog.run import Run, create_run, find_run
from producers.publish import Publisher, entry, publish
from sandik.wiring import open_log
from tabulation.view import View
from tests.builders import DISTRICTS, counted, small_election
from tests.gateway.gateways import FAST as GATEWAY_FAST
from tests.gateway.gateways import Viewer, running, viewer
from tests.kafka.broker import Broker
from tests.patience import LIMIT_S

BOXES = 400
FAST = AggregateSettings(tick_ms=20, checkpoint_ms=100, retry=RetryPolicy(0.1, 0.1))
GATEWAY = replace(GATEWAY_FAST, heartbeat_s=0.5, read_wait_ms=100, retry=FAST.retry)
"""Looks at the log's end twice a second, so that an outage is noticed, and tries ten times a second to read on."""

EVENTS = [counted(district=district, box=1000 + box) for box in range(1, BOXES + 1) for district in DISTRICTS]


async def follow(log: EventLog, run: Run, view: View, opened: int) -> None:
    """Return once the view has so many boxes of the country open."""
    async with log.reader(run.topics.totals.name, {0: view.seq}) as reader:
        while sum(row.boxes_opened for row in view.rows(units=["tr"])) < opened:
            for batch in await reader.read(max_records=100, wait_ms=500):
                for record in batch.records:
                    view.fold(record)


@contextlib.asynccontextmanager
async def aggregating(log: EventLog, run: Run) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Aggregator(log, run, Wall(), FAST).run())
        yield
        task.cancel()


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_a_broker_that_goes_away_costs_time_and_nothing_else(kafka_broker: Broker, unique: str) -> None:
    """Killed in the middle of the night, back again: producer and aggregator went on by themselves."""
    waits: list[Waiting] = []
    with kafka_broker as broker:
        async with open_log(f"kafka://{broker.servers}", Wall()) as log:
            run = await create_run(log, unique, small_election(BOXES), mode="test", epoch="e1e1", clock=Wall())
            view = View(run.definition)
            publisher = Publisher(log, run.topics.tallies.name, Wall(), on_waiting=waits.append)
            async with aggregating(log, run), asyncio.timeout(8 * LIMIT_S):
                await publish(publisher, map(entry, EVENTS[:800]))
                await follow(log, run, view, 800)
                await asyncio.to_thread(broker.kill)
                async with asyncio.TaskGroup() as group:
                    group.create_task(publish(publisher, map(entry, EVENTS[800:])))
                    await asyncio.to_thread(broker.start)
                await follow(log, run, view, len(EVENTS))

    assert len(EVENTS) == sum(row.boxes_opened for row in view.rows(units=["tr"]))


@pytest.mark.kafka
@pytest.mark.timeout(900)
async def test_gateways_move_on_after_an_outage_that_they_noticed(kafka_broker: Broker, unique: str) -> None:
    """A reader is let go of while its failed request sleeps; that ended the reading of both for the whole night."""
    with kafka_broker as broker:
        async with AsyncExitStack() as stack:
            aggregators_log, *gateways_logs = [
                await stack.enter_async_context(open_log(f"kafka://{broker.servers}", Wall())) for _ in range(3)
            ]
            definition = small_election(BOXES)
            run = await create_run(aggregators_log, unique, definition, mode="test", epoch="e1e1", clock=Wall())
            await stack.enter_async_context(aggregating(aggregators_log, run))
            clients = []
            for log in gateways_logs:
                gateway = await stack.enter_async_context(running(log, run=unique, settings=GATEWAY))
                clients.append(await stack.enter_async_context(viewer(gateway)))
                await clients[-1].subscribe("tr")
            publisher = Publisher(aggregators_log, run.topics.tallies.name, Wall())
            await publish(publisher, map(entry, EVENTS[:800]))
            for client in clients:
                await client.until(lambda client=client: opened(client) == 800)  # type: ignore[misc]  # bound each time
            await asyncio.to_thread(broker.kill)
            for client in clients:
                while '"down"' not in str(await client.next("state")).replace("'", '"'):
                    pass
            await asyncio.to_thread(broker.start)
            await publish(publisher, map(entry, EVENTS[800:]))
            for client in clients:
                await client.until(lambda client=client: opened(client) == len(EVENTS))  # type: ignore[misc]  # as above


def opened(client: Viewer) -> object:
    """How many boxes of the country the client shows as opened."""
    return client.shown["tr"].get("boxes_opened") if "tr" in client.shown else None


async def test_a_full_disk_holds_the_night_up_and_loses_nothing(tmp_path: Path) -> None:
    """The embedded log has no room: the producer says so and waits; once there is room, every tally arrives."""
    waits: list[Waiting] = []
    full = asyncio.Event()

    def hear(waiting: Waiting) -> None:
        waits.append(waiting)
        full.set()

    path = tmp_path / "night.db"
    async with open_log(f"sqlite:{path}?max_mb=1", Wall()) as small:
        run = await create_run(small, "night", small_election(BOXES), mode="test", epoch="e1e1", clock=Wall())
        publisher = Publisher(small, run.topics.tallies.name, Wall(), on_waiting=hear)
        publishing = asyncio.create_task(publish(publisher, map(entry, EVENTS * 4)))
        async with asyncio.timeout(LIMIT_S):
            await full.wait()
        publishing.cancel()  # the operator makes room, and starts the producer again
        with contextlib.suppress(asyncio.CancelledError):
            await publishing
    async with open_log(f"sqlite:{path}", Wall()) as roomy:
        run = await find_run(roomy, "night")
        await publish(Publisher(roomy, run.topics.tallies.name, Wall()), map(entry, EVENTS))
        await Aggregator(roomy, run, Wall(), FAST).run_until_end()
        view = View(run.definition)
        async with asyncio.timeout(LIMIT_S):
            await follow(roomy, run, view, len(EVENTS))

    assert "full" in str(waits[0].error)
