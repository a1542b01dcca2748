"""`sandik demo`: a whole night in one process."""

import asyncio
import tempfile
from pathlib import Path

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.loops import forever
from eventlog.run import create_run
from eventlog.sqlite.log import SqliteLog
from gateway.server import serve
from producers.scenarios.library import DEFAULT_SCENARIO, read_scenario
from producers.scenarios.scenario import Scenario
from producers.simulating.staging import stage
from sandik import screen
from sandik.commands.gateway import Host, Port, announce
from sandik.commands.simulate import ScenarioName, Seed, Speed, send
from sandik.options import command_app
from sandik.process import run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import new_epoch

EXAMPLE = "Example: sandik demo --speed 600"

app = command_app()

RUN = "demo"


DEFAULT_SPEED = 240.0
"""İstanbul's night in five minutes or so."""


@app.command(epilog=EXAMPLE)
def demo(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    seed: Seed = None,
    speed: Speed = DEFAULT_SPEED,
    host: Host = "127.0.0.1",
    port: Port = 8765,
) -> None:
    """Run a simulated night end to end: simulator, embedded log, aggregator, gateway, board. Ctrl-C ends it.

    The log is a temporary file that goes when the demo ends.
    """
    chosen = read_scenario(scenario)
    screen.say(f"{chosen.story} Simulated. Ctrl-C ends it.")
    run_until_stopped(_demo(chosen, seed, chosen.speed if speed is None else speed, host, port))


async def _demo(scenario: Scenario, seed: int | None, speed: float, host: str, port: int) -> None:
    clock = Wall()
    with tempfile.TemporaryDirectory(prefix="sandik-demo-") as folder:
        async with SqliteLog(Path(folder) / "demo.db", clock) as log, asyncio.TaskGroup() as group:
            run = await create_run(log, RUN, scenario.definition(), mode="test", epoch=new_epoch(), clock=clock)
            gateway = serve(log, RUN, host=host, port=port, clock=clock, started=lambda actual: announce(host, actual))
            group.create_task(forever(gateway, "The gateway"))
            aggregator = Aggregator(log, run, clock, AggregateSettings(tick_ms=50))
            group.create_task(forever(aggregator.run(), "The aggregator"))
            staged = await asyncio.to_thread(stage, scenario, seed)
            published = await send(log, run, staged, speed, clock)
            screen.say(f"The night is over: {grouped(published.records)} tallies. The board stays until Ctrl-C.")
