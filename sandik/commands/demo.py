"""`sandik demo`: a whole night in one process."""

import tempfile
from pathlib import Path

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.brands.folder import STANDARD_BRAND, BrandFolder, open_brand
from producers.scenarios.library import DEFAULT_SCENARIO, read_scenario
from producers.scenarios.scenario import Scenario
from producers.simulating.staging import stage
from sandik import screen
from sandik.commands.gateway import Host, Port
from sandik.commands.simulate import ScenarioName, Seed, Speed, send
from sandik.one_process import count_and_serve
from sandik.options import BrandName, command_app
from sandik.process import in_thread, run_until_stopped
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
    brand: BrandName = STANDARD_BRAND,
) -> None:
    """Run a simulated night end to end: simulator, embedded log, aggregator, gateway, board. Ctrl-C ends it.

    The log is a temporary file that goes when the demo ends.
    """
    chosen = read_scenario(scenario)
    screen.say(f"{chosen.story} Simulated. Ctrl-C ends it.")
    run_until_stopped(_demo(chosen, seed, chosen.speed if speed is None else speed, host, port, open_brand(brand)))


async def _demo(scenario: Scenario, seed: int | None, speed: float, host: str, port: int, brand: BrandFolder) -> None:
    clock = Wall()
    with tempfile.TemporaryDirectory(prefix="sandik-demo-") as folder:
        async with SqliteLog(Path(folder) / "demo.db", clock) as log:
            run = await create_run(log, RUN, scenario.definition(), mode="test", epoch=new_epoch(), clock=clock)
            publishing = _publish(log, run, clock, scenario, seed, speed)
            await count_and_serve(log, run, clock, host, port, publishing, brand=brand)


async def _publish(log: EventLog, run: Run, clock: Clock, scenario: Scenario, seed: int | None, speed: float) -> None:
    staged = await in_thread(lambda: stage(scenario, seed))
    published = await send(log, run, staged, speed, clock)
    screen.say(f"The night is over: {grouped(published.records)} tallies. The board stays until Ctrl-C.")
