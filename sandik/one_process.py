"""A whole night in one process: the aggregator and the gateway, beside whatever publishes."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from consumers.aggregate import AggregateSettings, fold_run
from eventlog.clock import Clock
from eventlog.loops import forever
from eventlog.port import EventLog
from eventlog.run import Run
from gateway.brand import BrandFolder, standard_brand
from gateway.recall import Moments
from gateway.server import serve
from gateway.settings import GatewaySettings
from sandik.commands.gateway import announce, within_files
from sandik.process import member_name

TICK_MS = 50
"""How often totals and clients are told what is new: both wait for nobody else, and a hundredth of it is work."""


async def count_and_serve(
    log: EventLog,
    run: Run,
    clock: Clock,
    host: str,
    port: int,
    publishing: Coroutine[Any, Any, None],
    moments: Moments | None = None,
    brand: BrandFolder | None = None,
    settings: GatewaySettings | None = None,
    started: Callable[[int], None] | None = None,
) -> None:
    """Count a run and serve its board until cancelled, while `publishing` publishes to it.

    `settings` are the gateway's; whose orders count there counts for the aggregator, too. `started` is told the port;
    without it the port is printed.

    What ends `publishing` with an error, or the count, or the board, ends all of it. Raises their error.
    """
    with member_name(run.name) as member:
        chosen = replace(settings or GatewaySettings(), brand=brand or standard_brand())
        counting = AggregateSettings(tick_ms=TICK_MS, member=member, operators=chosen.operators)
        board = serve(
            log,
            run.name,
            host=host,
            port=port,
            clock=clock,
            moments=moments,
            settings=within_files(chosen),
            started=started or (lambda actual: announce(host, actual)),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(board, "The gateway"))
            group.create_task(forever(fold_run(log, run, clock, counting), "The aggregator"))
            await publishing
