from pathlib import Path

from eventlog.clock import Wall
from eventlog.port import Entry, read_to_end
from eventlog.run import begin_replay_epoch, create_run
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
