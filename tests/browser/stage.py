"""The real system for a page to look at: the embedded log, the aggregator, the gateway."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Clock, Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog
from eventlog.run import Run, RunTopics, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.server import serve
from gateway.settings import GatewaySettings
from schemas.control import Mode
from schemas.definition import Election
from schemas.tally import Counted, encode
from schemas.totals import Totals
from tabulation.derived.feeds import FeedLimits
from tests.browser.city import POLLS_CLOSE
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, written

RUN: Final = "gece"
NEVER_S: Final = 1e9
FAST: Final = GatewaySettings(
    tick_ms=10,
    watch_s=0.05,
    retry=RetryPolicy(0.01, 0.05, refused_s=0.05),
    open_timeout_s=LIMIT_S,
    drain_s=1,
    stalled_s=10 * LIMIT_S,
    missed_pings=1_000,
    feeds=FeedLimits(NEVER_S, NEVER_S, NEVER_S),
)
"""Settings under which a page waits for nothing but itself, and is not given up because the machine is busy."""
AT_ONCE: Final = AggregateSettings(tick_ms=20, checkpoint_ms=1_000, retry=RetryPolicy(0.05, 0.05), compare_ms=100)


@asynccontextmanager
async def log_at(folder: Path) -> AsyncIterator[EventLog]:
    """An embedded log, empty."""
    async with SqliteLog(folder / "night.db", Wall()) as log:
        yield log


async def begin(log: EventLog, election: Election, *, mode: Mode = "live", epoch: str = "9f2c") -> Run:
    """Create the run."""
    return await create_run(log, RUN, election, mode=mode, epoch=epoch, clock=Wall(), partitions=4)


async def say(log: EventLog, tallies: Sequence[Counted]) -> None:
    """Append tallies as a feed would."""
    entries = [Entry(one.district.encode(), encode(one)) for one in tallies]
    await log.append(RunTopics(RUN).tallies.name, entries)


async def publish(log: EventLog, *records: Totals) -> None:
    """Append totals as the aggregator would."""
    entries = [Entry(one.cell.key(), one.encode()) for one in records]
    await log.append(RunTopics(RUN).totals.name, entries)


async def give(log: EventLog, kind: Kind, **fields: Any) -> None:
    """Give an order, as the control room does."""
    value = written(kind, run=RUN, epoch="9f2c", **fields)
    await log.append(RunTopics(RUN).control.name, [Entry(b"order", value)])


def totals(
    district: str,
    votes: dict[str, int],
    *,
    boxes: int,
    version: int = 0,
    source: str = "aa",
    contest: str = "metropolitan_mayor",
    at: datetime = POLLS_CLOSE,
) -> Totals:
    """A district's totals that follow from its votes."""
    valid = sum(votes.values())
    return Totals(
        contest=contest,
        source=source,
        district=district,
        version=version,
        as_of=at,
        boxes_opened=boxes,
        annulled=0,
        registered=340 * boxes,
        cast=valid,
        valid=valid,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


@asynccontextmanager
async def counting(log: EventLog, run: Run, settings: AggregateSettings = AT_ONCE) -> AsyncIterator[None]:
    """An aggregator at work."""
    working = asyncio.create_task(Aggregator(log, run, Wall(), settings).run())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait({working}, timeout=LIMIT_S)


@asynccontextmanager
async def showing(
    log: EventLog, *, port: int = 0, settings: GatewaySettings = FAST, clock: Clock | None = None
) -> AsyncIterator[str]:
    """A gateway that serves the run; its address."""
    ports: asyncio.Queue[int] = asyncio.Queue()
    started = ports.put_nowait
    server = asyncio.create_task(
        serve(log, RUN, host="127.0.0.1", port=port, clock=clock or Wall(), settings=settings, started=started)
    )
    try:
        actual = await asyncio.wait_for(ports.get(), LIMIT_S)
        yield f"http://127.0.0.1:{actual}"
    finally:
        server.cancel()
        await asyncio.wait({server}, timeout=LIMIT_S)
