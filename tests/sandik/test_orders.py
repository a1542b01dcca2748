from dataclasses import replace
from pathlib import Path

import orjson

from consumers.order_relay import OrderRelay
from eventlog.clock import Wall
from eventlog.port import Entry, read_to_end
from eventlog.run import begin_replay_epoch, create_run, find_run
from eventlog.sqlite.log import SqliteLog
from sandik.orders import read_verdicts
from schemas.control import EpochBegun, Held
from tabulation.orders.control import Control
from tests.builders import NIGHT, small_election
from tests.schemas.orders import written


async def test_orders_of_a_take_count_also_where_another_replay_would_have_begun_it(tmp_path: Path) -> None:
    """Of two who begin a take at once the first does: by the audit all orders of that take had no effect."""
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        run = await create_run(log, "night", small_election(), mode="replay", epoch="e1e1", clock=Wall(), partitions=1)
        records = [written(Held, contest="mayor", epoch="e1e1")]
        await log.append(run.topics.control.name, [Entry(b"order", record) for record in records])
        run = await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall())
        second = [EpochBegun(run="night", epoch="e3e3", take=1, at=NIGHT)]
        second.append(EpochBegun(run="other", epoch="e4e4", take=2, at=NIGHT))
        records = [*(begun.encode() for begun in second), written(Held, contest="mayor", epoch="e2e2")]
        await log.append(run.topics.control.name, [Entry(b"order", record) for record in records])

        control = Control(run)
        folded = [control.fold(record) async for record in read_to_end(log, run.topics.control.name)]
        audited = await read_verdicts(log, run, ())

    assert [False, True] == [verdict.counts for verdict in folded if verdict is not None]
    assert [True, True] == [verdict.counts for verdict in audited]


async def test_where_a_run_goes_on_is_the_same_for_who_looks_it_up_and_who_follows_it(tmp_path: Path) -> None:
    """Who follows took a take for begun that lies before its turn, looked the run up, and began anew for ever."""
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        run = await create_run(log, "night", small_election(), mode="replay", epoch="e1e1", clock=Wall(), partitions=1)
        await log.create(replace(run.topics, take=1).all())
        control = run.topics.control.name

        async def begin(take: int, **more: str) -> None:
            fields = orjson.loads(EpochBegun(run="night", epoch=f"e2e{take}", take=take, at=NIGHT).encode())
            await log.append(control, [Entry(b"epoch", orjson.dumps(fields | more))])

        await begin(2)
        await begin(1, note="definition_amended")
        run = await find_run(log, "night")
        follower = Control(run)
        async with OrderRelay(log, run, Wall()) as relay:
            await relay.settle()
            async for record in read_to_end(log, control):
                follower.fold(record)
            assert (1, "e2e1", False, False) == (run.take, run.epoch, follower.take_ended, relay.take_ended)
            await begin(2)
            await relay.settle()
            async for record in read_to_end(log, control):
                follower.fold(record)
            assert (True, True) == (follower.take_ended, relay.take_ended)
